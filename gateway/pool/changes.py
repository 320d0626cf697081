"""What the pool tells the world: changes as they happen, and its state when asked.

Frozen values without secrets, for logs, metrics, the store, the change bus and the admin pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.pool.bucket import Bucket, BucketState, Owner
from gateway.pool.key import Key, KeyState
from gateway.protocols.failures import FailureKind


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key's state or project is not what it was.

    kind      why it is dead or rests; None when it is active
    until_s   epoch seconds when a resting key comes back; None for the other states
    project   the project now known, None when unknown
    """

    key_id: int
    alias: str
    provider: str
    state: KeyState
    kind: FailureKind | None
    message: str
    since_s: float
    until_s: float | None
    project: str | None
    activation_url: str | None = None


@dataclass(frozen=True, slots=True)
class BucketChange:
    """A bucket began to rest, rests longer, or was found open.

    owner   a project's name or a key's id
    alias   the key whose call showed it
    """

    provider: str
    owner: Owner
    model: str
    alias: str
    state: BucketState
    kind: FailureKind
    message: str
    since_s: float
    until_s: float | None
    streak: int


Change = KeyChange | BucketChange


@dataclass(frozen=True, slots=True)
class LimitCount:
    """One learned limit and what was used of it.

    window    "minute" or "day"
    tokens    it counts input tokens, not requests
    value     what the provider said · allowed: what is believed now, more once calls succeeded beyond it
    heard_s   when it was last said, confirmed or raised
    used      in the window, at the time of the state
    """

    quota_id: str
    window: str
    tokens: bool
    value: int
    allowed: int
    heard_s: float
    used: int


@dataclass(frozen=True, slots=True)
class LimitState:
    """Every learned limit of one bucket; none when they are forgotten.

    as_of_s          when it was taken
    typical_tokens   input tokens of a call
    fresh_requests   counted by the process that tells it since it told last, for others to add;
                     fresh_tokens likewise
    """

    provider: str
    owner: Owner
    model: str
    as_of_s: float
    limits: tuple[LimitCount, ...]
    typical_tokens: int = 0
    fresh_requests: int = 0
    fresh_tokens: int = 0


State = KeyChange | BucketChange | LimitState
"""What is remembered of the pool: one value for every thing that is not as if nothing had happened."""


@dataclass(frozen=True, slots=True)
class LimitExplanation:
    """One learned limit of a key's bucket for one model.

    limit     what is believed to be allowed · value: what the provider said
    resets_s  epoch seconds when (all of) what is used now is free again
    """

    model: str
    quota_id: str
    window: str
    tokens: bool
    used: int
    limit: int
    value: int
    heard_s: float
    resets_s: float


@dataclass(frozen=True, slots=True)
class BucketExplanation:
    """One model a key does not serve now, or is remembered to have failed at lately (state OPEN).

    learned   it rests because a learned limit is used up; the provider did not refuse a call
    sentence  all of it in plain words
    """

    model: str
    owner: Owner
    state: BucketState
    kind: FailureKind
    message: str
    since_s: float
    until_s: float
    streak: int
    learned: bool = False
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class KeyExplanation:
    """Why a key is or is not used.

    kind, message, since_s, until_s   the fault of the whole key; None, "", 0, None when it has none
    doubts                            failures of unknown kind in a row
    sentence                          how the key as a whole stands, in plain words
    """

    key_id: int
    alias: str
    provider: str
    state: KeyState
    project: str | None
    kind: FailureKind | None
    message: str
    since_s: float
    until_s: float | None
    doubts: int
    in_flight: int
    buckets: tuple[BucketExplanation, ...]
    limits: tuple[LimitExplanation, ...] = ()
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """Keys by state, and for each model lately asked for the ACTIVE keys by state of their bucket."""

    keys: Mapping[KeyState, int]
    models: Mapping[str, Mapping[BucketState, int]]


def key_change(key: Key, now_s: float, url: str | None = None) -> KeyChange:
    """Say how a key stands now; `url` is where the operator can mend it."""
    fault = key.fault
    return KeyChange(
        key_id=key.spec.id,
        alias=key.spec.alias,
        provider=key.spec.provider,
        state=key.state,
        kind=fault.kind if fault else None,
        message=fault.message if fault else "",
        since_s=fault.since_s if fault else now_s,
        until_s=fault.until_s if fault else None,
        project=key.project,
        activation_url=url,
    )


def rested(bucket: Bucket, key: Key, model: str) -> BucketChange:
    """Say how a bucket rests, as a call with `key` showed."""
    return BucketChange(
        provider=key.spec.provider,
        owner=bucket.owner,
        model=model,
        alias=key.spec.alias,
        state=bucket.state,
        kind=bucket.kind,
        message=bucket.message,
        since_s=bucket.since_s,
        until_s=bucket.until_s,
        streak=bucket.streak,
    )


def opened(bucket: Bucket, key: Key, model: str, now_s: float) -> BucketChange:
    """Say that a bucket rests no more."""
    return BucketChange(
        provider=key.spec.provider,
        owner=bucket.owner,
        model=model,
        alias=key.spec.alias,
        state=BucketState.OPEN,
        kind=bucket.kind,
        message="",
        since_s=now_s,
        until_s=None,
        streak=0,
    )
