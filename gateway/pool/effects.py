"""What a failure does to the key and its bucket: the middle column of the failure table.

Pure: which thing is touched, and until when it rests. The call's side is in `policy`.
"""

import enum
from types import MappingProxyType

from gateway.pool.bucket import Bucket
from gateway.pool.calendar import last_pacific_midnight, next_pacific_midnight
from gateway.pool.limits import PoolLimits
from gateway.protocols.failures import Failure, FailureKind

_MAX_STREAK = 16


class Effect(enum.Enum):
    """What is touched."""

    NONE = "none"
    BUSY_MODEL = "busy_model"  # the model is marked, no key
    DOUBT = "doubt"  # counted; rests after max_failures in a row
    REST_BUCKET = "rest_bucket"
    REST_PROJECT = "rest_project"  # the key, and its project's keys as far as known
    KILL_KEY = "kill_key"
    KILL_PROJECT = "kill_project"


EFFECTS = MappingProxyType(
    {
        FailureKind.CLIENT_ERROR: Effect.NONE,
        FailureKind.NOT_FOUND: Effect.NONE,
        FailureKind.OBJECT_DENIED: Effect.NONE,
        FailureKind.GATEWAY_FAULT: Effect.NONE,
        FailureKind.KEY_INVALID: Effect.KILL_KEY,
        FailureKind.KEY_LEAKED: Effect.KILL_KEY,
        FailureKind.KEY_BLOCKED: Effect.KILL_KEY,
        FailureKind.PROJECT_SUSPENDED: Effect.KILL_PROJECT,
        FailureKind.PROJECT_DENIED: Effect.KILL_PROJECT,
        FailureKind.SERVICE_DISABLED: Effect.REST_PROJECT,
        FailureKind.BILLING: Effect.REST_PROJECT,
        FailureKind.ACCOUNT_LIMITED: Effect.REST_PROJECT,
        FailureKind.RATE_MINUTE: Effect.REST_BUCKET,
        FailureKind.TOKENS_MINUTE: Effect.REST_BUCKET,
        FailureKind.RATE_DAY: Effect.REST_BUCKET,
        FailureKind.NO_ALLOWANCE: Effect.REST_BUCKET,
        FailureKind.RATE_UNKNOWN: Effect.REST_BUCKET,
        FailureKind.LOCATION: Effect.NONE,
        FailureKind.OVERLOADED: Effect.BUSY_MODEL,
        FailureKind.INTERNAL: Effect.BUSY_MODEL,
        FailureKind.DEADLINE: Effect.NONE,
        FailureKind.NETWORK: Effect.NONE,
        FailureKind.TIMEOUT: Effect.NONE,
        FailureKind.EMPTY: Effect.NONE,
        FailureKind.MALFORMED: Effect.NONE,
        FailureKind.TRUNCATED: Effect.NONE,
        FailureKind.BLOCKED: Effect.NONE,
        FailureKind.CANCELLED: Effect.NONE,
        FailureKind.UNKNOWN: Effect.DOUBT,
    }
)

# Kinds whose error speaks of the key's own project, so that its name may be learned from it.
_NAMES_THE_PROJECT = frozenset(
    kind for kind, effect in EFFECTS.items() if effect not in (Effect.NONE, Effect.BUSY_MODEL, Effect.DOUBT)
)


def names_the_project(kind: FailureKind) -> bool:
    return kind in _NAMES_THE_PROJECT


def project_rest_s(kind: FailureKind, limits: PoolLimits, *, jitter: float) -> float:
    """Give how long a key rests for a fault of its project, in seconds. `jitter` is in [0, 1)."""
    rest_s = {
        FailureKind.SERVICE_DISABLED: limits.service_disabled_s,
        FailureKind.ACCOUNT_LIMITED: limits.account_limited_s,
    }.get(kind, limits.billing_s)
    return _longer(rest_s, limits, jitter)


def doubt_rest_s(doubts: int, limits: PoolLimits, *, jitter: float) -> float:
    """Give how long a key rests in doubt after `doubts` failures of unknown kind in a row; 0 for not yet."""
    if not limits.max_failures or doubts < limits.max_failures:
        return 0.0
    doublings = min(doubts - limits.max_failures, _MAX_STREAK)
    return _longer(min(limits.doubt_first_s * 2**doublings, limits.doubt_max_s), limits, jitter)


def bucket_streak(failure: Failure, bucket: Bucket | None) -> int:
    """Give the number of unexplained rests in a row with this one; 0 when the failure explains itself."""
    if failure.kind is not FailureKind.RATE_UNKNOWN:
        return 0
    known = bucket.streak if bucket is not None and bucket.kind is FailureKind.RATE_UNKNOWN else 0
    return min(known + 1, _MAX_STREAK)


def bucket_until_s(
    failure: Failure, bucket: Bucket | None, now_s: float, limits: PoolLimits, *, jitter: float
) -> float:
    """Give the epoch second until which the bucket of a failed call rests.

    bucket   what was known of it before, None when nothing

    Source: Gemini API; a daily limit comes with a short retryDelay, so its quotaId decides, not the delay.
    """
    asked_s = failure.retry_after_s
    if failure.kind is FailureKind.RATE_DAY:
        if _clock_is_behind(bucket, now_s, limits):
            return now_s + limits.day_grace_rest_s
        return next_pacific_midnight(now_s)
    if failure.kind is FailureKind.NO_ALLOWANCE:
        return now_s + _longer(limits.no_allowance_s, limits, jitter)
    if failure.kind is FailureKind.RATE_UNKNOWN:
        doublings = bucket_streak(failure, bucket) - 1
        rest_s = min(limits.rate_unknown_first_s * 2**doublings, limits.rate_unknown_max_s)
        if asked_s is not None:
            rest_s = max(rest_s, min(asked_s, limits.minute_max_s))
        return now_s + _longer(rest_s, limits, jitter)
    rest_s = 60.0 - now_s % 60.0 if asked_s is None else asked_s
    return now_s + _longer(min(max(rest_s, 1.0), limits.minute_max_s), limits, jitter)


def _clock_is_behind(bucket: Bucket | None, now_s: float, limits: PoolLimits) -> bool:
    # The bucket rested until this very midnight and has not served since: it cannot have used up a
    # new day, so Google's day has not begun yet. Another whole day's rest would be a day lost.
    if bucket is None or bucket.kind is not FailureKind.RATE_DAY or bucket.resting:
        return False
    midnight_s = last_pacific_midnight(now_s)
    return bucket.until_s >= midnight_s and now_s < midnight_s + limits.day_grace_s


def _longer(rest_s: float, limits: PoolLimits, jitter: float) -> float:
    return rest_s * (1.0 + limits.jitter_share * jitter)
