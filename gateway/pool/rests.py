"""Who rests until when: the rests that end first, of keys and of buckets. Read-only; called by `questions`.

The heaps of wakes hold them all, a hundred thousand perhaps: only their tops are looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush, merge
from itertools import islice
from typing import TypeVar

from gateway.pool.bucket import RESTING_STATES, Bucket, BucketState
from gateway.pool.key import Key
from gateway.pool.roster import Roster
from gateway.pool.selection import Ring
from gateway.protocols.failures import FailureKind

T = TypeVar("T")
_STALE_SHARE = 4
"""Entries of a heap that are looked at for each one that is wanted: some of them no longer hold."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A key that rests, as a whole or for one model.

    model     None for the whole key
    keys      how many usable keys rest with it, being of its project; 1 for the key alone
    learned   a learned limit is used up; the provider did not refuse a call
    """

    key_id: int
    alias: str
    model: str | None
    state: BucketState
    kind: FailureKind
    until_s: float
    keys: int = 1
    learned: bool = False


def next_rests(roster: Roster, most: int) -> list[Rest]:
    """Give the rests that end first, in order. `settle` the roster before."""
    looked_at = most * _STALE_SHARE
    streams: list[Iterator[Rest]] = [_of_keys(roster, looked_at)]
    streams += [_of_buckets(roster, model, ring, looked_at) for model, ring in roster.rings.items()]
    return list(islice(merge(*streams, key=lambda rest: rest.until_s), most))


def _of_keys(roster: Roster, most: int) -> Iterator[Rest]:
    seen: set[int] = set()
    for until_s, _, key in islice(in_order(roster.wakes), most):
        fault = key.fault
        if fault is None or not roster.rests(key, until_s) or key.spec.id in seen:
            continue
        seen.add(key.spec.id)
        yield Rest(key.spec.id, key.spec.alias, None, BucketState.COOLING, fault.kind, until_s)


def _of_buckets(roster: Roster, model: str, ring: Ring, most: int) -> Iterator[Rest]:
    seen: set[int] = set()
    for until_s, _, bucket in islice(in_order(ring.wakes), most):
        if id(bucket) in seen or not ring.holds(bucket, until_s):
            continue
        seen.add(id(bucket))
        keys = roster.active_of(bucket.owner)
        if keys:
            yield _bucket(bucket, model, keys)


def _bucket(bucket: Bucket, model: str, keys: Sequence[Key]) -> Rest:
    return Rest(
        key_id=keys[0].spec.id,
        alias=keys[0].spec.alias,
        model=model,
        state=RESTING_STATES[bucket.kind],
        kind=bucket.kind,
        until_s=bucket.until_s,
        keys=len(keys),
        learned=bucket.learned,
    )


def in_order(heap: Sequence[tuple[float, int, T]]) -> Iterator[tuple[float, int, T]]:
    """Give a heap's entries from the least on, and leave the heap as it is; each costs a logarithm."""
    front = [(heap[0][:2], 0)] if heap else []
    while front:
        _, place = heappop(front)
        yield heap[place]
        for child in (2 * place + 1, 2 * place + 2):
            if child < len(heap):
                heappush(front, (heap[child][:2], child))
