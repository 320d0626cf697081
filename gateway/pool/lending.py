"""Calls that cannot be given just any key, and what is said when there is none to give.

The slow ways through `Pool.lease`; each gives the key to lend or the reason why not.
"""

from collections.abc import Container

from gateway.pool.key import Key, KeyState
from gateway.pool.lease import AllResting, AllTried, NoKeys, NoKeysReason
from gateway.pool.roster import Roster
from gateway.pool.selection import Ring


def pinned_key(
    roster: Roster, ring: Ring, model: str, key_id: int, *, now_s: float
) -> Key | AllResting | NoKeys:
    """Give the only key that can serve the call."""
    key = roster.by_id.get(key_id)
    if key is None:
        return NoKeys(NoKeysReason.PINNED_GONE)
    if ring.is_open(key):
        return key
    roster.settle(now_s)
    if key.state is KeyState.RESTING and key.fault is not None and key.fault.until_s is not None:
        return AllResting(model, key.fault.until_s, {key.fault.kind: 1})
    if key.state is not KeyState.ACTIVE:
        return NoKeys(NoKeysReason.PINNED_UNUSABLE)
    bucket = ring.buckets.get(key.owner)
    if bucket is not None and bucket.resting:
        return AllResting(model, bucket.until_s, {bucket.kind: 1})
    return key


def preferred_key(roster: Roster, ring: Ring, key_id: int, tried: Container[int]) -> Key | None:
    """Give the key that a call prefers, if it can serve now; that is its next turn."""
    key = roster.by_id.get(key_id)
    if key is None or key_id in tried or not ring.is_open(key):
        return None
    ring.turns.charge(key)
    return key


def key_of_project(
    roster: Roster, ring: Ring, model: str, project: str, *, now_s: float, tried: Container[int]
) -> Key | AllResting | AllTried | NoKeys:
    """Give the least busy key of the only project that can serve the call, never one that was tried."""
    mates = sorted(roster.mates(project), key=_calls_under_way)
    if not mates:
        return NoKeys(NoKeysReason.PINNED_GONE)
    earliest: AllResting | None = None
    was_tried = False
    for mate in mates:
        got = pinned_key(roster, ring, model, mate.spec.id, now_s=now_s)
        if isinstance(got, Key):
            if got.spec.id not in tried:
                return got
            was_tried = True
        elif isinstance(got, AllResting) and (earliest is None or got.until_s < earliest.until_s):
            earliest = got
    if was_tried:
        return AllTried(model)
    return earliest or NoKeys(NoKeysReason.PINNED_UNUSABLE)


def last_resort(
    roster: Roster, ring: Ring, model: str, *, now_s: float, tried: Container[int]
) -> Key | AllResting | AllTried | NoKeys:
    """Look once more when no key seems open, and say why there is none."""
    # A lease wakes only a few keys at a time; before saying no, all whose time has come.
    roster.wake(now_s, -1)
    roster.wake_ring(ring, now_s, -1)
    key = ring.turns.take(roster.slots, tried)
    if key is not None:
        return key
    if len(ring.turns):
        return AllTried(model)
    until_s = roster.next_usable_s(ring)
    if until_s is not None:
        reasons = dict(roster.resting)
        for kind, count in ring.blocked.items():
            reasons[kind] = reasons.get(kind, 0) + count
        return AllResting(model, until_s, {kind: count for kind, count in reasons.items() if count})
    if roster.tally[KeyState.DEAD]:
        return NoKeys(NoKeysReason.ALL_DEAD)
    return NoKeys(NoKeysReason.ALL_DISABLED)


def _calls_under_way(key: Key) -> int:
    return key.in_flight
