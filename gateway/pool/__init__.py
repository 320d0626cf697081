"""The key pool: a pure state machine that lends keys and learns from what became of the calls.

No I/O, no clock, no dice, no settings. `pool.Pool` is the door; `policy.decide` says what a call does next.
"""
