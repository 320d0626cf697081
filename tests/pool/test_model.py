"""The pool against a naive reference that scans everything, over any sequence of events."""

import math
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from gateway.pool.bucket import BucketState
from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.key import KeySpec, KeyState
from gateway.pool.lease import AllResting, AllTried, Lease, NoKeys
from gateway.pool.limits import PoolLimits
from gateway.pool.order import Order, OrderKind
from gateway.pool.pool import Pool
from gateway.pool.wire import from_json, to_json
from gateway.protocols.failures import FailureKind, QuotaViolation
from tests.pool.builders import NOON_S, failure, key, per_day, per_minute
from tests.pool.naive_limits import NaiveLimit

IDS = st.integers(1, 7)
MODELS = st.sampled_from(["a", "a", "a", "b", "c"])
PROJECTS = st.sampled_from([None, None, "projects/1", "projects/2"])
LIMITS = PoolLimits(max_failures=2, day_grace_s=0, limit_memory_s=math.inf)
K = FailureKind
UNTOUCHING = (K.CLIENT_ERROR, K.OVERLOADED, K.NETWORK)
KINDS = [
    *UNTOUCHING, K.UNKNOWN, K.UNKNOWN, K.KEY_INVALID, K.PROJECT_SUSPENDED, K.SERVICE_DISABLED,
    K.RATE_MINUTE, K.RATE_MINUTE, K.RATE_DAY, K.NO_ALLOWANCE,
]  # fmt: skip
SAID = {
    K.RATE_MINUTE: [None, None, per_minute(1), per_minute(2), per_minute(4)],
    K.RATE_DAY: [None, per_day(3), per_day(6)],
}
ORDERS = [Order(), Order(OrderKind.LEAST_BUSY), Order(OrderKind.PRIORITY, ("free", "paid"))]


@dataclass
class Rest:
    until_s: float
    serial: int
    doubt: bool = False
    learned: bool = False


@dataclass
class Known:
    """What the reference believes of a key."""

    spec: KeySpec
    project: str | None
    dead: bool = False
    rest: Rest | None = None
    doubts: int = 0

    @property
    def owner(self) -> int | str:
        return self.project or self.spec.id


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(LIMITS, lambda: 0.0)
        self.now_s = NOON_S
        self.known: dict[int, Known] = {}
        self.buckets: dict[tuple[int | str, str], Rest] = {}
        self.limits: dict[tuple[int | str, str], dict[str, NaiveLimit]] = {}
        self.beyond: dict[int, NaiveLimit] = {}
        self.counted: set[int] = set()
        self.order = Order()
        self.out: list[Lease] = []
        self.lent_of: dict[int, Known] = {}
        self.serial = 0
        self.shares: dict[str, dict[int, int]] = {}  # leases since the last change, by model and key
        self.order_disturbed = False

    # The reference

    def resting(self, known: Known) -> bool:
        return known.rest is not None and known.rest.until_s > self.now_s

    def state(self, known: Known) -> KeyState:
        if not known.spec.enabled:
            return KeyState.DISABLED
        if known.dead:
            return KeyState.DEAD
        return KeyState.RESTING if self.resting(known) else KeyState.ACTIVE

    def usable_at(self, known: Known, model: str) -> float | None:
        if self.state(known) in (KeyState.DEAD, KeyState.DISABLED):
            return None
        bucket = self.buckets.get((known.owner, model))
        rest = known.rest.until_s if known.rest else -math.inf
        return max(self.now_s, rest, bucket.until_s if bucket else -math.inf)

    def usable(self, model: str) -> set[int]:
        return {i for i, known in self.known.items() if self.usable_at(known, model) == self.now_s}

    def changed(self) -> None:
        self.shares.clear()

    def knows(self, lease: Lease) -> Known | None:
        """The key as it was when lent; None when it has left since, even if it came back."""
        known = self.lent_of[lease.serial]
        return known if self.known.get(lease.key_id) is known else None

    def join(self, known: Known, project: str | None) -> None:
        """The key's buckets become its project's; the longer rest wins."""
        old = known.owner
        left = known.project
        known.project = project
        if isinstance(old, int) and project is not None:
            for owner, model in [bucket for bucket in self.buckets if bucket[0] == old]:
                mine = self.buckets.pop((owner, model))
                held = self.buckets.get((project, model))
                if held is None or held.until_s <= self.now_s or held.until_s < mine.until_s:
                    self.buckets[project, model] = mine
            for owner, model in [owned for owned in self.limits if owned[0] == old]:
                shared = self.limits.setdefault((project, model), {})
                for name, limit in self.limits.pop((owner, model)).items():
                    if name in shared:
                        shared[name].join(limit)
                    else:
                        shared[name] = limit
        self.abandon(left)

    def learned_rest(self, owner: int | str, model: str) -> tuple[float, str] | None:
        limits = self.limits.get((owner, model), {}).values()
        return max((end for limit in limits if (end := limit.full_until_s(self.now_s))), default=None)

    def rest_learned(self, owner: int | str, model: str) -> None:
        """A used up limit makes a bucket rest; what the provider said itself goes first."""
        held = self.buckets.get((owner, model))
        if held is not None and held.until_s > self.now_s and not held.learned:
            return
        rest = self.learned_rest(owner, model)
        if rest is not None:
            self.buckets[owner, model] = Rest(rest[0], 0, learned=True)
        elif held is not None:
            del self.buckets[owner, model]
        self.changed()

    def abandon(self, project: str | None) -> None:
        """A project without keys is forgotten."""
        if project is not None and all(known.project != project for known in self.known.values()):
            for bucket in [bucket for bucket in self.buckets if bucket[0] == project]:
                del self.buckets[bucket]
            self.drop_limits(project)

    def drop_limits(self, owner: int | str) -> None:
        for owned in [owned for owned in self.limits if owned[0] == owner]:
            del self.limits[owned]

    # Keys in and out

    @initialize(ids=st.sets(IDS, min_size=1), project=PROJECTS)
    def start(self, ids: set[int], project: str | None) -> None:
        for key_id in ids:
            self.put(key_id, enabled=True, project=project if key_id % 2 else None, version=0)

    @rule(said=st.sampled_from([per_minute(1), per_minute(3), per_day(4)]))
    def the_provider_names_its_limits(self, said: QuotaViolation) -> None:
        """Every key that is open for the first model is refused once, and it is late when that is over."""
        for _ in self.usable("a"):
            got = self.pool.lease("a", self.now_s)
            if not isinstance(got, Lease):
                break
            self.note(got)
            kind = K.RATE_DAY if said.window == "day" else K.RATE_MINUTE
            self.refuse(self.out.pop(), kind, asked_s=3.0, project=None, said=said)
        self.now_s = next_pacific_midnight(self.now_s) + 7200.0
        self.changed()

    @rule(model=MODELS, count=st.integers(1, 8), gap_s=st.sampled_from([0.0, 1.0, 9.0]))
    def calls_come_and_succeed(self, model: str, count: int, gap_s: float) -> None:
        for _ in range(count):
            self.lease(model, frozenset())
            if self.out:
                self.answer(self.out.pop())
            if gap_s:
                self.pass_time(gap_s)

    @rule(key_id=IDS, enabled=st.booleans(), project=PROJECTS, version=st.sampled_from([0, 0, 0, 1]))
    def put(self, key_id: int, *, enabled: bool, project: str | None, version: int) -> None:
        tags = ((), ("paid",), ("free", "x"))[key_id % 3]
        secret = f"secret-{key_id}-{version}"
        spec = key(key_id, enabled=enabled, project=project, secret=secret, tags=tags)
        known = self.known.get(key_id)
        if known is not None and known.spec.secret == spec.secret:
            old, known.spec = known.spec, spec
            if old.project != spec.project and spec.project != known.project:
                self.join(known, spec.project)
        else:
            self.forget(key_id)
            self.known[key_id] = Known(spec, project)
        self.pool.put(spec)
        self.changed()

    @rule(key_id=IDS)
    def remove(self, key_id: int) -> None:
        self.forget(key_id)
        self.pool.remove(key_id)
        self.changed()

    def forget(self, key_id: int) -> None:
        known = self.known.pop(key_id, None)
        if known is not None:
            for bucket in [bucket for bucket in self.buckets if bucket[0] == key_id]:
                del self.buckets[bucket]
            self.drop_limits(key_id)
            self.abandon(known.project)

    @rule(keep=st.sets(IDS))
    def apply(self, keep: set[int]) -> None:
        for key_id in set(self.known) - keep:
            self.forget(key_id)
        self.pool.apply([known.spec for known in self.known.values()])
        self.changed()

    @rule(key_id=IDS)
    def revive(self, key_id: int) -> None:
        self.pool.revive(key_id, self.now_s)
        if (known := self.known.get(key_id)) is not None:
            known.dead, known.rest, known.doubts = False, None, 0
        self.changed()

    @rule(key_id=IDS)
    def reopen(self, key_id: int) -> None:
        self.pool.reopen(key_id, self.now_s)
        if (known := self.known.get(key_id)) is not None:
            for bucket in [bucket for bucket in self.buckets if bucket[0] == known.owner]:
                del self.buckets[bucket]
            self.drop_limits(known.owner)
        self.changed()

    @rule(order=st.sampled_from(ORDERS))
    def use_another_order(self, order: Order) -> None:
        self.pool.set_order(order)
        self.order = order
        self.changed()

    @rule()
    def restart(self) -> None:
        """Only what is remembered survives; calls under way are lost."""
        states = [from_json(to_json(state)) for state in self.pool.snapshot(self.now_s)]
        self.pool = Pool(LIMITS, lambda: 0.0, order=self.order)
        self.pool.apply([known.spec for known in self.known.values()])
        self.pool.restore([state for state in states if state is not None], self.now_s)
        self.out, self.serial = [], 0
        self.lent_of, self.beyond, self.counted = {}, {}, set()
        for known in self.known.values():
            if known.rest is not None and not self.resting(known):
                known.rest = None
            known.doubts = 2 if known.rest is not None and known.rest.doubt and not known.dead else 0
            if known.rest is not None:
                known.rest.serial = 0
        for bucket, rest in list(self.buckets.items()):
            rest.serial = 0
            if rest.learned or rest.until_s <= self.now_s:
                del self.buckets[bucket]
        for (owner, model), limits in self.limits.items():
            for limit in limits.values():
                limit.restart(self.now_s)
            self.rest_learned(owner, model)
        self.changed()

    @rule()
    def another_process_says_what_is_known_already(self) -> None:
        for state in list(self.pool.snapshot(self.now_s)):
            self.pool.apply_change(state, self.now_s)

    @rule(seconds=st.sampled_from([0.5, 5, 60, 400, 7200, 86_400, 260_000]))
    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        self.changed()

    # Calls

    @rule(model=MODELS, tried=st.sampled_from([frozenset(), frozenset(), frozenset({1, 2}), frozenset({3})]))
    def lease(self, model: str, tried: frozenset[int]) -> None:
        usable = self.usable(model)
        got = self.pool.lease(model, self.now_s, tried=tried)
        if usable - tried:
            assert isinstance(got, Lease)
            assert got.key_id in usable - tried
            self.is_well_chosen(got.key_id, usable - tried)
            if tried or self.order.kind is not OrderKind.ROUND_ROBIN:
                self.order_disturbed = True
                self.shares.pop(model, None)  # a window is only even while nobody steps in
            else:
                shares = self.shares.setdefault(model, dict.fromkeys(usable, 0))
                shares[got.key_id] += 1
                # A key that stepped in for a tried one skips a turn, perhaps only after a change.
                assert max(shares.values()) - min(shares.values()) <= (2 if self.order_disturbed else 1)
            self.note(got)
        elif usable:
            assert got == AllTried(model)
        else:
            times = [t for known in self.known.values() if (t := self.usable_at(known, model)) is not None]
            if times:
                assert isinstance(got, AllResting)
                assert got.until_s == min(times)
                assert sum(got.reasons.values()) == len(times)
            else:
                assert isinstance(got, NoKeys)

    def note(self, lease: Lease) -> None:
        self.serial += 1
        assert lease.serial == self.serial
        known = self.lent_of[self.serial] = self.known[lease.key_id]
        self.out.append(lease)
        used_up = False
        for limit in self.limits.get((known.owner, lease.model), {}).values():
            self.counted.add(lease.serial)
            beyond, full = limit.spend(self.now_s)
            used_up = used_up or full
            if beyond:
                self.beyond[lease.serial] = limit
        if used_up:
            self.rest_learned(known.owner, lease.model)

    def in_flight(self, key_id: int) -> int:
        known = self.known[key_id]
        return sum(lease.key_id == key_id and self.knows(lease) is known for lease in self.out)

    def is_well_chosen(self, key_id: int, choices: set[int]) -> None:
        if self.order.kind is OrderKind.LEAST_BUSY:
            assert self.in_flight(key_id) == min(self.in_flight(choice) for choice in choices)
        elif self.order.kind is OrderKind.PRIORITY:
            groups = {choice: {2: 0, 1: 1, 0: 2}[choice % 3] for choice in choices}
            assert groups[key_id] == min(groups.values())

    @rule(model=MODELS, key_id=IDS)
    def lease_pinned(self, model: str, key_id: int) -> None:
        got = self.pool.lease(model, self.now_s, pinned=key_id)
        known = self.known.get(key_id)
        until_s = None if known is None else self.usable_at(known, model)
        if until_s is None:
            assert isinstance(got, NoKeys)
        elif until_s > self.now_s:
            assert isinstance(got, AllResting)
        else:
            assert isinstance(got, Lease)
            assert got.key_id == key_id
            self.note(got)

    @rule(model=MODELS, key_id=IDS)
    def lease_preferring(self, model: str, key_id: int) -> None:
        usable = self.usable(model)
        got = self.pool.lease(model, self.now_s, prefer=key_id)
        assert isinstance(got, Lease) == bool(usable)
        if isinstance(got, Lease):
            assert got.key_id == key_id or key_id not in usable
            self.order_disturbed = True
            self.shares.pop(model, None)
            self.note(got)

    @rule(model=MODELS, project=st.sampled_from(["projects/1", "projects/2"]))
    def lease_of_project(self, model: str, project: str) -> None:
        mates = {key_id for key_id, known in self.known.items() if known.project == project}
        times = [t for key_id in mates if (t := self.usable_at(self.known[key_id], model)) is not None]
        got = self.pool.lease(model, self.now_s, pinned_project=project)
        if not times:
            assert isinstance(got, NoKeys)
        elif min(times) > self.now_s:
            assert isinstance(got, AllResting)
            assert got.until_s == min(times)
        else:
            assert isinstance(got, Lease)
            assert got.key_id in mates & self.usable(model)
            self.note(got)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.pool.release(self.draw(data))

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        self.answer(self.draw(data))

    def answer(self, lease: Lease) -> None:
        self.pool.report_success(lease, self.now_s)
        known = self.knows(lease)
        if known is None:
            return
        known.doubts = 0
        if known.rest and (known.rest.doubt or lease.serial > known.rest.serial):
            known.rest = None
            self.changed()
        beyond = self.beyond.get(lease.serial)
        limits = self.limits.get((known.owner, lease.model), {})
        if beyond is not None and limits:
            if beyond in limits.values():
                beyond.rise(self.now_s)
            self.rest_learned(known.owner, lease.model)
        bucket = self.buckets.get((known.owner, lease.model))
        if bucket is not None and lease.serial > bucket.serial and not bucket.learned:
            del self.buckets[known.owner, lease.model]
            self.changed()

    @precondition(lambda self: self.out)
    @rule(
        data=st.data(),
        kind=st.sampled_from(KINDS),
        asked_s=st.sampled_from([None, 3.0, 45.5, 1e6]),
        project=PROJECTS,
    )
    def break_down(
        self, data: st.DataObject, kind: FailureKind, asked_s: float | None, project: str | None
    ) -> None:
        said: QuotaViolation | None = data.draw(st.sampled_from(SAID.get(kind, [None])))
        self.refuse(self.draw(data), kind, asked_s=asked_s, project=project, said=said)

    def refuse(
        self,
        lease: Lease,
        kind: FailureKind,
        *,
        asked_s: float | None,
        project: str | None,
        said: QuotaViolation | None,
    ) -> None:
        violations = () if said is None else (said,)
        told = failure(kind, retry_after_s=asked_s, project=project, violations=violations)
        self.pool.report_failure(lease, told, self.now_s)
        known = self.knows(lease)
        if known is None or kind in UNTOUCHING:
            return
        self.changed()
        if kind is K.UNKNOWN:
            if self.state(known) is KeyState.ACTIVE:
                known.doubts += 1
                if known.doubts >= 2:
                    rest_s = min(300 * 2 ** (known.doubts - 2), 3600)
                    known.rest = Rest(self.now_s + rest_s, self.serial, doubt=True)
            return
        if project is not None and known.project is None:
            self.join(known, project)
            for owner, model in [owned for owned in self.limits if owned[0] == project]:
                self.rest_learned(owner, model)
        if kind in SAID or kind is K.NO_ALLOWANCE:
            self.rest_bucket(known, lease, kind, asked_s=asked_s, said=said)
        else:
            self.fault(known, kind, project)

    def fault(self, known: Known, kind: FailureKind, project: str | None) -> None:
        named = {known.project, project} - {None}
        mates = [other for other in self.known.values() if other is known or other.project in named]
        if kind is K.KEY_INVALID:
            known.dead = True
        for mate in mates:
            if kind is K.PROJECT_SUSPENDED:
                mate.dead = True
            longer = mate.rest is None or mate.rest.until_s < self.now_s + 7200
            if kind is K.SERVICE_DISABLED and not mate.dead and longer:
                mate.rest = Rest(self.now_s + 7200, self.serial)

    def rest_bucket(
        self,
        known: Known,
        lease: Lease,
        kind: FailureKind,
        *,
        asked_s: float | None,
        said: QuotaViolation | None,
    ) -> None:
        model = lease.model
        if kind is K.RATE_DAY:
            until_s = next_pacific_midnight(self.now_s)
        elif kind is K.NO_ALLOWANCE:
            until_s = self.now_s + 2 * 86_400
        else:
            until_s = self.now_s + min(60 - self.now_s % 60 if asked_s is None else asked_s, 300)
            until_s = max(until_s, self.now_s + 1)
        if kind in SAID:
            self.learn(known.owner, lease, said, until_s)
            learned = self.learned_rest(known.owner, model)
            if learned is not None and (learned[1] == "day") == (kind is K.RATE_DAY):
                until_s = max(until_s, learned[0])
        held = self.buckets.get((known.owner, model))
        resting = held is not None and held.until_s > self.now_s and not held.learned
        if held is not None and resting and held.until_s >= until_s:
            held.serial = self.serial
        else:
            self.buckets[known.owner, model] = Rest(until_s, self.serial)

    def learn(self, owner: int | str, lease: Lease, said: QuotaViolation | None, until_s: float) -> None:
        limits = self.limits.get((owner, lease.model), {})
        if lease.serial in self.counted:
            for limit in limits.values():
                limit.refund(self.now_s)
        if said is None or said.value is None:
            return
        held = limits.get(said.quota_id)
        if held is None:
            limits[said.quota_id] = held = NaiveLimit(said.value, said.window, self.now_s)
        held.hear(said.value, self.now_s)
        held.fill(said.value, self.now_s, until_s)
        self.limits[owner, lease.model] = limits

    def teardown(self) -> None:
        self.the_counts_agree()
        self.every_key_is_explained()

    def draw(self, data: st.DataObject) -> Lease:
        return self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))

    # Looking wakes what is due, so it is an event of its own: else laziness would never be tested.

    @rule()
    def the_counts_agree(self) -> None:
        counts = self.pool.counts(self.now_s)
        states = [self.state(known) for known in self.known.values()]
        assert dict(counts.keys) == {state: states.count(state) for state in KeyState}
        active = states.count(KeyState.ACTIVE)
        for model, buckets in counts.models.items():
            assert buckets[BucketState.OPEN] == len(self.usable(model))
            assert sum(buckets.values()) == active

    @rule()
    def every_key_is_explained(self) -> None:
        for key_id, known in self.known.items():
            told = self.pool.explain(key_id, self.now_s)
            assert told is not None
            assert told.state is self.state(known)
            assert told.project == known.project
            assert told.in_flight == self.in_flight(key_id)
            used = {(limit.model, limit.quota_id): (limit.used, limit.limit) for limit in told.limits}
            assert used == {
                (model, name): (limit.used(self.now_s), limit.allowed)
                for (owner, model), limits in self.limits.items()
                if owner == known.owner
                for name, limit in limits.items()
            }


PoolMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestPoolAgainstTheReference = PoolMachine.TestCase
