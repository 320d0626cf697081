"""A simulated Gemini for `make demo`, tests and benchmarks; no part of serving real calls.

Take `run_simulator` from server.py and `demo_world` from world.py.
"""
