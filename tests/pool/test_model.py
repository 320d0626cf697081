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
from gateway.pool.pool import Pool
from gateway.protocols.failures import FailureKind
from tests.pool.builders import NOON_S, failure, key

IDS = st.integers(1, 7)
MODELS = st.sampled_from(["a", "b", "c"])
PROJECTS = st.sampled_from([None, None, "projects/1", "projects/2"])
LIMITS = PoolLimits(max_failures=2, day_grace_s=0)
K = FailureKind
UNTOUCHING = (K.CLIENT_ERROR, K.OVERLOADED, K.NETWORK)
KINDS = [
    *UNTOUCHING, K.UNKNOWN, K.UNKNOWN, K.KEY_INVALID, K.PROJECT_SUSPENDED, K.SERVICE_DISABLED,
    K.RATE_MINUTE, K.RATE_MINUTE, K.RATE_DAY, K.NO_ALLOWANCE,
]  # fmt: skip


@dataclass
class Rest:
    until_s: float
    serial: int
    doubt: bool = False


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
        self.abandon(left)

    def abandon(self, project: str | None) -> None:
        """A project without keys is forgotten."""
        if project is not None and all(known.project != project for known in self.known.values()):
            for bucket in [bucket for bucket in self.buckets if bucket[0] == project]:
                del self.buckets[bucket]

    # Keys in and out

    @initialize(ids=st.sets(IDS, min_size=1), project=PROJECTS)
    def start(self, ids: set[int], project: str | None) -> None:
        for key_id in ids:
            self.put(key_id, enabled=True, project=project if key_id % 2 else None, version=0)

    @rule(key_id=IDS, enabled=st.booleans(), project=PROJECTS, version=st.sampled_from([0, 0, 0, 1]))
    def put(self, key_id: int, *, enabled: bool, project: str | None, version: int) -> None:
        spec = key(key_id, enabled=enabled, project=project, secret=f"secret-{key_id}-{version}")
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
            self.note(got)
            if tried:
                self.order_disturbed = True
                self.shares.pop(model, None)  # a window is only even while nobody steps in
            else:
                shares = self.shares.setdefault(model, dict.fromkeys(usable, 0))
                shares[got.key_id] += 1
                # A key that stepped in for a tried one skips a turn, perhaps only after a change.
                assert max(shares.values()) - min(shares.values()) <= (2 if self.order_disturbed else 1)
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
        self.lent_of[self.serial] = self.known[lease.key_id]
        self.out.append(lease)

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

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.pool.release(self.draw(data))

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        lease = self.draw(data)
        self.pool.report_success(lease, self.now_s)
        known = self.knows(lease)
        if known is None:
            return
        known.doubts = 0
        if known.rest and (known.rest.doubt or lease.serial > known.rest.serial):
            known.rest = None
            self.changed()
        bucket = self.buckets.get((known.owner, lease.model))
        if bucket is not None and lease.serial > bucket.serial:
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
        lease = self.draw(data)
        self.pool.report_failure(lease, failure(kind, retry_after_s=asked_s, project=project), self.now_s)
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
        named = {known.project, project} - {None}
        mates = [other for other in self.known.values() if other is known or other.project in named]
        if kind is K.KEY_INVALID:
            known.dead = True
        elif kind is K.PROJECT_SUSPENDED:
            for mate in mates:
                mate.dead = True
        elif kind is K.SERVICE_DISABLED:
            for mate in mates:
                if not mate.dead and (mate.rest is None or mate.rest.until_s < self.now_s + 7200):
                    mate.rest = Rest(self.now_s + 7200, self.serial)
        else:
            self.rest_bucket(known, lease.model, kind, asked_s)

    def rest_bucket(self, known: Known, model: str, kind: FailureKind, asked_s: float | None) -> None:
        if kind is K.RATE_DAY:
            until_s = next_pacific_midnight(self.now_s)
        elif kind is K.NO_ALLOWANCE:
            until_s = self.now_s + 2 * 86_400
        else:
            until_s = self.now_s + min(60 - self.now_s % 60 if asked_s is None else asked_s, 300)
            until_s = max(until_s, self.now_s + 1)
        held = self.buckets.get((known.owner, model))
        if held is not None and held.until_s > self.now_s and held.until_s >= until_s:
            held.serial = self.serial
        else:
            self.buckets[known.owner, model] = Rest(until_s, self.serial)

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
            assert told.in_flight == sum(
                lease.key_id == key_id and self.knows(lease) is known for lease in self.out
            )


PoolMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestPoolAgainstTheReference = PoolMachine.TestCase
