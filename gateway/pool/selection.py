"""One model's keys: which may serve it now, what rests and until when, what its limits are.

A `Ring` belongs to a `Roster` (the keys of a provider) and is made the first time a model is asked for.
Whose turn it is, is `turns`' business; resting keys cost nothing until their time has come.
"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush

from gateway.pool.bucket import Bucket, Owner
from gateway.pool.key import Key, KeyState
from gateway.pool.quota import Meter
from gateway.pool.turns import LeastBusy, Turns
from gateway.protocols.failures import FailureKind

ActiveKeys = Callable[[Owner], Sequence[Key]]


class Ring:
    """The keys that can serve one model, in turn.

    Only ACTIVE keys are attached; an attached key is either in `turns` or counted in `blocked`.

    turns     the keys that may be lent now, and whose turn it is
    meters    learned limits, only of owners that named one; those that named theirs last at the end
    blocked   attached keys that rest here, by kind of the failure that made them rest
    wakes     heap of (until_s, order, bucket); entries that no longer hold are dropped when met
    forgets   heap of (forget_s, order, bucket) for open buckets that still remember something
    used      number of the last lease, for choosing which ring to forget
    """

    __slots__ = ("_order", "blocked", "buckets", "forgets", "meters", "turns", "used", "wakes")

    def __init__(self, turns: Turns | LeastBusy) -> None:
        self.turns = turns
        self.buckets: dict[Owner, Bucket] = {}
        self.meters: dict[Owner, Meter] = {}
        self.blocked: dict[FailureKind, int] = {}
        self.wakes: list[tuple[float, int, Bucket]] = []
        self.forgets: list[tuple[float, int, Bucket]] = []
        self.used = 0
        self._order = 0

    @property
    def knows_something(self) -> bool:
        return bool(self.buckets or self.meters)

    def reorder(self, turns: Turns | LeastBusy, active_of: ActiveKeys) -> None:
        """Take turns in another order from now on; `turns` holds every active key."""
        for bucket in self.buckets.values():
            if bucket.resting:
                for key in active_of(bucket.owner):
                    turns.discard(key)
        self.turns = turns

    def is_open(self, key: Key) -> bool:
        """Say whether a key may be lent now."""
        bucket = self.buckets.get(key.owner)
        return key.state is KeyState.ACTIVE and (bucket is None or not bucket.resting)

    def attach(self, key: Key) -> None:
        """Take in a key that has become active."""
        bucket = self.buckets.get(key.owner)
        if bucket is None or not bucket.resting:
            self.turns.add(key)
            return
        self.blocked[bucket.kind] = self.blocked.get(bucket.kind, 0) + 1
        if not bucket.queued:
            self._queue(bucket)

    def detach(self, key: Key) -> None:
        """Let go of a key that is active no more, or is about to change."""
        bucket = self.buckets.get(key.owner)
        if bucket is not None and bucket.resting:
            self.blocked[bucket.kind] -= 1
            return
        self.turns.discard(key)

    def rest(
        self,
        bucket: Bucket,
        keys: Sequence[Key],
        *,
        kind: FailureKind,
        until_s: float,
        learned: bool = False,
    ) -> None:
        """Put a bucket to rest, or change how long it rests. `keys` are its owner's active keys."""
        for key in keys:
            self.detach(key)
        self.buckets[bucket.owner] = bucket
        bucket.kind = kind
        bucket.until_s = until_s
        bucket.learned = learned
        bucket.resting = True
        self._queue(bucket)
        for key in keys:
            self.attach(key)

    def lift(self, bucket: Bucket, keys: Sequence[Key], *, remember_s: float = 0.0) -> None:
        """Open a bucket; what it remembers (its streak) is kept for `remember_s` after its rest."""
        rested = keys if bucket.resting else ()
        for key in rested:
            self.detach(key)
        bucket.resting = bucket.queued = False
        if remember_s > 0:
            bucket.forget_s = bucket.until_s + remember_s
            self._order += 1
            heappush(self.forgets, (bucket.forget_s, self._order, bucket))
        else:
            self.buckets.pop(bucket.owner, None)
        for key in rested:
            self.attach(key)

    def move(self, bucket: Bucket, owner: Owner, keys: Sequence[Key]) -> None:
        """Hand a key's bucket to its project, whose active keys are `keys`; the longer rest wins."""
        self.buckets.pop(bucket.owner, None)
        held = self.buckets.get(owner)
        if held is not None and held.resting and held.until_s >= bucket.until_s:
            return
        for key in keys:
            self.detach(key)
        bucket.owner = owner
        self.buckets[owner] = bucket
        for key in keys:
            self.attach(key)

    def drop(self, owner: Owner) -> None:
        """Forget the bucket of an owner that has no keys any more."""
        self.buckets.pop(owner, None)
        self.meters.pop(owner, None)

    def due(self, now_s: float) -> bool:
        """Say whether something must wake or be forgotten."""
        wakes, forgets = self.wakes, self.forgets
        return bool(wakes and wakes[0][0] <= now_s) or bool(forgets and forgets[0][0] <= now_s)

    def wake(
        self, now_s: float, active_of: ActiveKeys, remember: Callable[[FailureKind], float], at_most: int
    ) -> None:
        """Open the buckets whose rest is over, `at_most` of them, and forget what has aged."""
        wakes = self.wakes
        while wakes and wakes[0][0] <= now_s and at_most:
            at_most -= 1
            until_s, _, bucket = heappop(wakes)
            if self.holds(bucket, until_s):
                self.lift(bucket, active_of(bucket.owner), remember_s=remember(bucket.kind))
        forgets = self.forgets
        while forgets and forgets[0][0] <= now_s and at_most:
            at_most -= 1
            forget_s, _, bucket = heappop(forgets)
            current = self.buckets.get(bucket.owner) is bucket and not bucket.resting
            if current and bucket.forget_s == forget_s:
                del self.buckets[bucket.owner]

    def next_wake_s(self, active_of: ActiveKeys) -> float | None:
        """Give when the first resting bucket with an active key opens; None when none rests."""
        wakes = self.wakes
        while wakes:
            until_s, _, bucket = wakes[0]
            if self.holds(bucket, until_s):
                if active_of(bucket.owner):
                    return until_s
                bucket.queued = False  # `attach` queues it again when a key comes back
            heappop(wakes)
        return None

    def holds(self, bucket: Bucket, until_s: float) -> bool:
        """Say whether an entry of `wakes` still holds."""
        return bucket.resting and bucket.until_s == until_s and self.buckets.get(bucket.owner) is bucket

    def _queue(self, bucket: Bucket) -> None:
        self._order += 1
        bucket.queued = True
        heappush(self.wakes, (bucket.until_s, self._order, bucket))
