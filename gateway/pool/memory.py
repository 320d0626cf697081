"""What is remembered and shared: the pool's state as values, and values taken in as state.

The same values serve the write-behind, the restart and other processes. Called by `pool` only.
"""

from collections.abc import Iterator

from gateway.pool.bucket import RESTING_STATES, Bucket, BucketState
from gateway.pool.changes import BucketChange, KeyChange, LimitCount, LimitState, State, key_change, rested
from gateway.pool.key import Fault, Key
from gateway.pool.limits import PoolLimits
from gateway.pool.quota import DAY, MINUTE, Meter
from gateway.pool.roster import Roster
from gateway.protocols.failures import FailureKind

# Clocks of two machines may differ by so much.
_FUTURE_S = 60.0


def identity(state: State) -> str:
    """Name the thing a state is of: a later state of the same name replaces the earlier one."""
    if isinstance(state, KeyChange):
        return f"key:{state.key_id}"
    # A project's name may be digits, so owners tell their kind.
    owner = f"key={state.owner}" if isinstance(state.owner, int) else f"project={state.owner}"
    what = "bucket" if isinstance(state, BucketChange) else "limits"
    return f"{what}:{state.provider}:{owner}:{state.model}"


def is_nothing(state: State) -> bool:
    """Say whether a state says no more than that there is nothing to remember: its row can go."""
    if isinstance(state, KeyChange):
        return state.kind is None and state.project is None
    if isinstance(state, BucketChange):
        return state.state is BucketState.OPEN
    return not state.limits


class Journal:
    """The last state of everything that changed since it was last taken; bounded, the oldest goes first."""

    __slots__ = ("_most", "_states")

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._states: dict[str, State] = {}

    def note(self, state: State) -> None:
        name = identity(state)
        self._states.pop(name, None)
        self._states[name] = state
        if len(self._states) > self._most:
            del self._states[next(iter(self._states))]

    def take(self) -> list[State]:
        states, self._states = list(self._states.values()), {}
        return states


# State as values


def snapshot_of(roster: Roster, provider: str, now_s: float) -> Iterator[State]:
    """Give everything that is not as if nothing had happened: keys first, then buckets, then limits."""
    for key in roster.by_id.values():
        if key.fault is not None or key.project != key.spec.project:
            yield key_change(key, now_s)
    for model, ring in roster.rings.items():
        for bucket in ring.buckets.values():
            witness = _witness(roster, bucket)
            if bucket.resting and not bucket.learned and bucket.until_s > now_s and witness is not None:
                yield rested(bucket, witness, model)
        for meter in ring.meters.values():
            yield limit_state(meter, provider, now_s, fresh=False)


def take_touched(roster: Roster, provider: str, now_s: float) -> Iterator[LimitState]:
    """Give the limits that changed since this was last asked, with what was counted here since then."""
    touched, roster.touched = roster.touched, []
    for meter in touched:
        meter.touched = False
        yield limit_state(meter, provider, now_s, fresh=True)
        meter.fresh_requests = meter.fresh_tokens = 0


def limit_state(meter: Meter, provider: str, now_s: float, *, fresh: bool) -> LimitState:
    """Give a meter as a value."""
    counts = []
    for limit in meter.limits:
        limit.count.settle(now_s)
        counts.append(
            LimitCount(
                quota_id=limit.quota_id,
                window=limit.window,
                tokens=limit.tokens,
                value=limit.value,
                allowed=limit.allowed,
                heard_s=limit.heard_s,
                used=limit.count.used,
            )
        )
    return LimitState(
        provider=provider,
        owner=meter.owner,
        model=meter.model,
        as_of_s=now_s,
        limits=tuple(counts),
        typical_tokens=meter.typical_tokens,
        fresh_requests=max(meter.fresh_requests, 0) if fresh else 0,
        fresh_tokens=meter.fresh_tokens if fresh else 0,
    )


def _witness(roster: Roster, bucket: Bucket) -> Key | None:
    if isinstance(bucket.owner, int):
        return roster.by_id.get(bucket.owner)
    return next(iter(roster.mates(bucket.owner)), None)


# Values as state


def take_in(roster: Roster, state: State, *, now_s: float, serial: int, limits: PoolLimits) -> bool:
    """Take in a state of any kind; True when that changed anything here.

    serial   number of the last lease given here: what earlier leases say does not lift what is taken in
    """
    if isinstance(state, KeyChange):
        return _apply_key(roster, state, now_s=now_s, serial=serial, max_failures=limits.max_failures)
    if isinstance(state, BucketChange):
        return _apply_bucket(roster, state, now_s=now_s, serial=serial)
    return _apply_limits(roster, state, now_s=now_s, memory_s=limits.limit_memory_s)


def _apply_key(roster: Roster, change: KeyChange, *, now_s: float, serial: int, max_failures: int) -> bool:
    """Take in how a key stands elsewhere; True when that changed anything here.

    serial         number of the last lease given here: what earlier leases say does not lift the fault
    max_failures   failures in a row that a key in doubt must have had
    """
    key = roster.by_id.get(change.key_id)
    if key is None:
        return False
    acted = False
    if change.project is not None and key.project is None:
        roster.set_project(key, change.project)
        roster.rest_all_learned(key.owner, now_s)
        acted = True
    held = key.fault
    if change.kind is None:
        if held is not None and change.since_s > held.since_s:
            roster.set_fault(key, None)
            key.doubts = 0
            acted = True
        return acted
    if change.since_s <= key.cleared_s or (change.until_s is not None and change.until_s <= now_s):
        return acted
    if held is not None and not _longer(change.until_s, held.until_s):
        return acted
    roster.set_fault(key, Fault(change.kind, change.message, change.since_s, change.until_s, serial))
    if change.kind is FailureKind.UNKNOWN:
        key.doubts = max(key.doubts, max_failures)
    return True


def _apply_bucket(roster: Roster, change: BucketChange, *, now_s: float, serial: int) -> bool:
    """Take in how a bucket stands elsewhere; True when that changed anything here.

    serial   number of the last lease given here: what earlier leases say does not lift the rest
    """
    owner = change.owner
    if isinstance(owner, int):
        key = roster.by_id.get(owner)
        if key is None or change.since_s <= key.cleared_s:
            return False
        owner = key.owner  # its project may be known here and not there
    elif not roster.mates(owner):
        return False
    if change.state is BucketState.OPEN:
        ring = roster.rings.get(change.model)
        held = ring.buckets.get(owner) if ring is not None else None
        if ring is None or held is None or held.learned or change.since_s <= held.since_s:
            return False
        roster.lift(ring, held)
        return True
    if change.until_s is None or change.until_s <= now_s or change.kind not in RESTING_STATES:
        return False
    ring = roster.ring(change.model)
    bucket = ring.buckets.get(owner)
    if bucket is not None and bucket.resting and not bucket.learned and change.until_s <= bucket.until_s:
        return False
    if bucket is None:
        bucket = Bucket(owner)
    bucket.serial, bucket.since_s = serial, change.since_s
    bucket.message, bucket.streak = change.message, change.streak
    ring.rest(bucket, roster.active_of(owner), kind=change.kind, until_s=change.until_s)
    return True


def _apply_limits(roster: Roster, state: LimitState, *, now_s: float, memory_s: float) -> bool:
    """Take in learned limits from elsewhere, and add what was used there; True when that changed anything.

    memory_s   limits not heard for so long are not worth knowing

    What is not known here is taken over with its count; of what is known, whoever heard last is believed.
    """
    owner = state.owner
    if isinstance(owner, int):
        key = roster.by_id.get(owner)
        if key is None:
            return False
        owner = key.owner
    elif not roster.mates(owner):
        return False
    told = [
        limit
        for limit in state.limits
        if limit.value > 0 and limit.window in (MINUTE, DAY) and now_s - limit.heard_s < memory_s
    ]
    if not told or state.as_of_s > now_s + _FUTURE_S:
        return False
    ring = roster.ring(state.model)
    meter = ring.meters.get(owner)
    if meter is not None:
        meter.add(state.fresh_requests, state.fresh_tokens, now_s)
    for limit in told:
        meter = roster.meter(ring, owner, state.model, now_s)
        meter.take_over(limit, state.as_of_s)
    if meter is None:
        return False
    meter.typical_tokens = meter.typical_tokens or state.typical_tokens
    roster.rest_learned(ring, meter, now_s)
    return True


def _longer(until_s: float | None, held_s: float | None) -> bool:
    """Compare two rests; None is for ever."""
    if held_s is None:
        return False
    return until_s is None or until_s > held_s
