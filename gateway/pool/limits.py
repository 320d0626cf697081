"""The numbers the pool works by, in one place, all in seconds or counts.

Values only; the settings that may change them are read elsewhere and handed in.
"""

from dataclasses import dataclass

_HOUR_S = 3600.0
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How long things rest and how much is remembered.

    max_failures          failures of unknown kind in a row before a key rests in doubt; 0 never doubts
    doubt_first_s         the first rest in doubt, doubled each time it comes back failing
    minute_max_s          the longest a per-minute limit is believed to last, whatever delay is asked
    rate_unknown_first_s  rest after a 429 that explains nothing, doubled up to rate_unknown_max_s
    day_grace_s           a daily limit still hit this soon after midnight means Google's clock is behind
    day_grace_rest_s      ours: rest this long then, not another day
    limit_memory_s        a learned limit that was neither heard nor confirmed for so long is forgotten
    jitter_share          rests are made longer by up to this share so that keys do not return as one
    max_models            models remembered per provider; beyond it the least used one is forgotten
    wakes_per_lease       resting keys brought back at most by one lease, which bounds what one call pays
    """

    max_failures: int = 3
    doubt_first_s: float = 300.0
    doubt_max_s: float = _HOUR_S
    service_disabled_s: float = 2 * _HOUR_S
    billing_s: float = 6 * _HOUR_S
    account_limited_s: float = 6 * _HOUR_S
    no_allowance_s: float = 2 * _DAY_S
    minute_max_s: float = 300.0
    rate_unknown_first_s: float = 5.0
    rate_unknown_max_s: float = 60.0
    rate_unknown_memory_s: float = 300.0
    day_grace_s: float = 900.0
    day_grace_rest_s: float = 300.0
    limit_memory_s: float = 14 * _DAY_S
    jitter_share: float = 0.1
    max_models: int = 256
    wakes_per_lease: int = 64


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """What one call may spend.

    max_retries   MAX_RETRIES: further keys after the first; 0 means one try and nothing else
    remaining_s   seconds left of the call's deadline; infinity when it has none
    pinned        the call is bound to its key and cannot move to another
    committed     content has been flushed to the client: nothing may be retried
    crowded       the model is overloaded and its retries are spent (see `busy`)
    """

    max_retries: int
    remaining_s: float = float("inf")
    pinned: bool = False
    committed: bool = False
    crowded: bool = False
