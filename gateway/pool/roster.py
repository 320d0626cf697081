"""The keys of one provider: their states, their projects, and the rings of the models they serve.

Every change of a key is leave, change, enter, so that tallies, rings and heaps cannot disagree.
Called by `pool` only.
"""

from collections.abc import Collection, Iterator, Sequence
from heapq import heappop, heappush

from gateway.pool.bucket import Bucket, Owner
from gateway.pool.key import Fault, Key, KeySpec, KeyState, known_dead
from gateway.pool.lease import Lease
from gateway.pool.limits import PoolLimits
from gateway.pool.lineup import Lineup
from gateway.pool.order import Order
from gateway.pool.quota import Meter
from gateway.pool.selection import Ring
from gateway.protocols.failures import FailureKind

# How many resting keys are looked at one by one to name the earliest return; beyond it the heap's
# order decides, which can name a moment at which that key still rests for the model asked.
_EXACT_UP_TO = 256


class Roster:
    """The keys of a provider.

    lineup   the ACTIVE keys in the order of use: what a new ring starts from
    tally    keys by state · resting: RESTING keys by kind of fault
    touched  meters that changed since they were last written down
    wakes    heap of (until_s, order, key) of RESTING keys; entries that no longer hold are dropped when met
    """

    __slots__ = (
        "_free",
        "_limits",
        "_order",
        "_projects",
        "by_id",
        "last_slot",
        "lineup",
        "resting",
        "rings",
        "slots",
        "tally",
        "touched",
        "wakes",
    )

    def __init__(self, limits: PoolLimits, order: Order) -> None:
        self.by_id: dict[int, Key] = {}
        self.slots: list[Key | None] = []
        self.lineup = Lineup(order)
        self.touched: list[Meter] = []
        self.rings: dict[str, Ring] = {}
        self.tally = dict.fromkeys(KeyState, 0)
        self.resting: dict[FailureKind, int] = {}
        self.wakes: list[tuple[float, int, Key]] = []
        self.last_slot = -1
        self._limits = limits
        self._projects: dict[str, dict[int, Key]] = {}
        self._free: list[int] = []
        self._order = 0

    # Keys in and out

    def add(self, spec: KeySpec) -> Key:
        slot = heappop(self._free) if self._free else len(self.slots)
        key = Key(spec, slot)
        key.roster = self
        self.lineup.place(key)
        key.fault = known_dead(spec)
        if slot == len(self.slots):
            self.slots.append(key)
        else:
            self.slots[slot] = key
        self.by_id[spec.id] = key
        if key.project is not None:
            self._projects.setdefault(key.project, {})[spec.id] = key
        if self.lineup.levels is not None:
            self.lineup.levels.add(slot, 0)
        self._enter(key)
        return key

    def remove(self, key: Key) -> None:
        self._leave(key)
        key.roster = None
        del self.by_id[key.spec.id]
        self.slots[key.slot] = None
        if self.lineup.levels is not None:
            self.lineup.levels.discard(key.slot, key.in_flight)
        heappush(self._free, key.slot)
        self._leave_project(key)
        for ring in self.rings.values():
            ring.drop(key.spec.id)

    def respec(self, key: Key, spec: KeySpec) -> None:
        """Take over what was configured anew; what was learned stays."""
        old = key.spec
        self._leave(key)
        key.spec = spec
        self.lineup.place(key)
        if spec.dead_reason is None and old.dead_reason is not None:
            key.fault, key.doubts = None, 0  # revived in the store
        elif spec.dead_reason is not None and (key.fault is None or key.fault.until_s is not None):
            key.fault = known_dead(spec)
        self._enter(key)
        if spec.project != old.project:
            self.set_project(key, spec.project)

    def set_fault(self, key: Key, fault: Fault | None) -> None:
        self._leave(key)
        key.fault = fault
        self._enter(key)

    def set_project(self, key: Key, project: str | None) -> None:
        """Say whose quota the key shares; rests learned for the key alone become the project's."""
        if project == key.project:
            return
        self._leave(key)
        self._leave_project(key)
        key.project = project
        key.owner = project or key.spec.id
        if project is not None:
            mates = self.active_of(project)
            self._projects.setdefault(project, {})[key.spec.id] = key
            for ring in self.rings.values():
                bucket = ring.buckets.get(key.spec.id)
                if bucket is not None:
                    ring.move(bucket, project, mates)
                if ring.meters:
                    self._move_meter(ring, key.spec.id, project)
        self._enter(key)

    def _move_meter(self, ring: Ring, key_id: int, project: str) -> None:
        """Make what a key learned alone its project's: what both used adds up."""
        meter = ring.meters.pop(key_id, None)
        if meter is None:
            return
        held = ring.meters.get(project)
        if held is None:
            held = ring.meters[project] = Meter(project, meter.model)
        held.merge(meter)
        self.touch(held)
        self.touch(meter)  # it has no limits any more: that is to be remembered too

    def keys_of(self, key: Key, project: str | None = None) -> list[Key]:
        """Give the key and every key of its project, and of `project` when an error named another."""
        found = {key.spec.id: key}
        for name in (key.project, project):
            if name is not None:
                found.update(self._projects.get(name, {}))
        return list(found.values())

    def mates(self, project: str) -> Collection[Key]:
        """Give every key of a project."""
        mates = self._projects.get(project)
        return mates.values() if mates is not None else ()

    def active_of(self, owner: Owner) -> Sequence[Key]:
        """Give the active keys that share an owner's buckets."""
        if isinstance(owner, int):
            key = self.by_id.get(owner)
            return (key,) if key is not None and key.state is KeyState.ACTIVE else ()
        mates = self._projects.get(owner)
        return [key for key in mates.values() if key.state is KeyState.ACTIVE] if mates else ()

    # Models

    def ring(self, model: str) -> Ring:
        """Give the ring of a model, made on first use. Beyond `max_models` the one unused longest goes."""
        ring = self.rings.get(model)
        if ring is None:
            if len(self.rings) >= self._limits.max_models:
                self._forget_a_ring()
            # Starting behind the last lent key spreads models that are asked for once.
            ring = self.rings[model] = Ring(self.lineup.turns(self.last_slot))
        return ring

    def reorder(self, order: Order) -> None:
        """Use the keys in another order from now on; costs a look at every key, once."""
        self.lineup.reorder(order, self.by_id.values(), self.slots)
        for ring in self.rings.values():
            ring.reorder(self.lineup.turns(self.last_slot), self.active_of)

    def _forget_a_ring(self) -> None:
        # Names nobody serves leave no bucket behind: they go before rings that know something.
        model, _ = min(self.rings.items(), key=lambda item: (item[1].knows_something, item[1].used))
        del self.rings[model]

    def wake_ring(self, ring: Ring, now_s: float, at_most: int) -> None:
        ring.wake(now_s, self.active_of, self._memory_s, at_most)

    def lift(self, ring: Ring, bucket: Bucket) -> None:
        """Open a bucket at once and forget it."""
        ring.lift(bucket, self.active_of(bucket.owner))

    # Learned limits

    def meter(self, ring: Ring, owner: Owner, model: str, now_s: float) -> Meter:
        """Give the meter of a bucket whose limit was just named; those that named none for long go."""
        meters = ring.meters
        meter = meters.pop(owner, None) or Meter(owner, model)
        while meters:
            oldest = next(iter(meters.values()))
            if now_s - oldest.heard_s < self._limits.limit_memory_s:
                break
            self.forget_meter(ring, oldest)
        meters[owner] = meter  # at the end: the dict stays ordered by who was heard last
        return meter

    def spend(self, ring: Ring, lease: Lease, now_s: float) -> None:
        """Count a call that is lent against what its bucket is known to be allowed."""
        meter = ring.meters.get(lease.key.owner)
        if meter is not None:
            self.touch(meter)
            if meter.spend(lease, now_s):
                self.rest_learned(ring, meter, now_s)

    def forget_meter(self, ring: Ring, meter: Meter) -> None:
        if ring.meters.get(meter.owner) is meter:
            del ring.meters[meter.owner]
        meter.limits = []
        self.touch(meter)

    def touch(self, meter: Meter) -> None:
        """Note that a meter changed, to be written down in time."""
        if not meter.touched:
            meter.touched = True
            self.touched.append(meter)

    def rest_all_learned(self, owner: Owner, now_s: float) -> None:
        """Look at an owner's learned limits anew: keys that joined it brought what they had used."""
        for ring in self.rings.values():
            meter = ring.meters.get(owner)
            if meter is not None:
                self.rest_learned(ring, meter, now_s)

    def rest_learned(self, ring: Ring, meter: Meter, now_s: float) -> None:
        """Put a bucket to rest whose learned limit is used up, or open it when that is no longer so.

        What the provider said itself is not touched.
        """
        if ring.due(now_s):
            self.wake_ring(ring, now_s, self._limits.wakes_per_lease)
        bucket = ring.buckets.get(meter.owner)
        if bucket is not None and bucket.resting and not bucket.learned:
            return
        rest = meter.rest(now_s)
        if rest is None:
            if bucket is not None and bucket.resting:
                self.lift(ring, bucket)
            return
        if bucket is None:
            bucket = Bucket(meter.owner)
        bucket.message, bucket.streak = "", 0
        if not bucket.resting:
            bucket.since_s = now_s
        ring.rest(bucket, self.active_of(meter.owner), kind=rest.kind, until_s=rest.until_s, learned=True)

    def _memory_s(self, kind: FailureKind) -> float:
        if kind is FailureKind.RATE_UNKNOWN:
            return self._limits.rate_unknown_memory_s
        return self._limits.day_grace_s if kind is FailureKind.RATE_DAY else 0.0

    # Time

    def due(self, now_s: float) -> bool:
        return bool(self.wakes) and self.wakes[0][0] <= now_s

    def wake(self, now_s: float, at_most: int) -> None:
        """Bring back the keys whose rest is over, `at_most` of them."""
        wakes = self.wakes
        while wakes and wakes[0][0] <= now_s and at_most:
            at_most -= 1
            until_s, _, key = heappop(wakes)
            if self.rests(key, until_s):
                self.set_fault(key, None)

    def settle(self, now_s: float) -> None:
        """Bring back everything whose rest is over."""
        self.wake(now_s, -1)
        for ring in self.rings.values():
            self.wake_ring(ring, now_s, -1)

    def next_usable_s(self, ring: Ring | None) -> float | None:
        """Give when the first resting key can serve the ring's model; None when nothing rests.

        ring   None for a model that was never asked for
        """
        earliest = None if ring is None else ring.next_wake_s(self.active_of)
        for until_s, key in self._soonest():
            bucket = None if ring is None else ring.buckets.get(key.owner)
            if bucket is not None and bucket.resting:
                until_s = max(until_s, bucket.until_s)
            if earliest is None or until_s < earliest:
                earliest = until_s
        return earliest

    def _soonest(self) -> Iterator[tuple[float, Key]]:
        wakes = self.wakes
        while wakes and not self.rests(wakes[0][2], wakes[0][0]):
            heappop(wakes)
        for until_s, _, key in wakes[:_EXACT_UP_TO]:
            if self.rests(key, until_s):
                yield until_s, key

    def rests(self, key: Key, until_s: float) -> bool:
        """Say whether an entry of `wakes` still holds."""
        return (
            key.state is KeyState.RESTING
            and key.fault is not None
            and key.fault.until_s == until_s
            and self.by_id.get(key.spec.id) is key
        )

    # Filing

    def _leave(self, key: Key) -> None:
        self.tally[key.state] -= 1
        if key.state is KeyState.ACTIVE:
            self.lineup.discard(key)
            for ring in self.rings.values():
                ring.detach(key)
        elif key.state is KeyState.RESTING and key.fault is not None:
            self.resting[key.fault.kind] -= 1

    def _enter(self, key: Key) -> None:
        key.state = state = key.current_state()
        self.tally[state] += 1
        if state is KeyState.ACTIVE:
            self.lineup.add(key)
            for ring in self.rings.values():
                ring.attach(key)
        elif state is KeyState.RESTING and key.fault is not None and key.fault.until_s is not None:
            self.resting[key.fault.kind] = self.resting.get(key.fault.kind, 0) + 1
            self._order += 1
            heappush(self.wakes, (key.fault.until_s, self._order, key))

    def _leave_project(self, key: Key) -> None:
        if key.project is None:
            return
        mates = self._projects[key.project]
        del mates[key.spec.id]
        if not mates:
            del self._projects[key.project]
            for ring in self.rings.values():
                ring.drop(key.project)
