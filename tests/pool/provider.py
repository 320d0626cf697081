"""A simulated provider with quotas per project and model, and calls against it on a fake clock.

Requests are counted by the simulator's own ledger; input tokens of the sliding minute are counted here.
"""

import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

import orjson

from gateway.pool.bucket import BucketState
from gateway.pool.changes import BucketChange
from gateway.pool.key import KeySpec
from gateway.pool.lease import AllResting, Lease
from gateway.pool.limits import PoolLimits
from gateway.pool.order import Order
from gateway.pool.pool import Pool
from gateway.pool.waiting import WaitingCalls, WaitingLimits
from gateway.protocols.failures import classify
from gateway.simulator.error_bodies import ErrorAnswer
from gateway.simulator.quota_errors import tokens_minute
from gateway.simulator.quota_ledger import QuotaLedger
from gateway.simulator.world import ANY_MODEL, Project, Quota

MODEL = "gemini-3.5-flash"
WAIT_S = 30.0


@dataclass(frozen=True)
class Allowance:
    """What one project may use of every model."""

    per_minute: int | None = None
    per_day: int | None = None
    tokens_per_minute: int | None = None


class Provider:
    """Refuses what is beyond a project's allowance, with the bodies that Google sends."""

    def __init__(self, allowances: Mapping[str, Allowance]) -> None:
        self.allowances = dict(allowances)
        self._ledger = QuotaLedger()
        self._tokens: dict[tuple[str, str], deque[tuple[float, int]]] = {}

    def charge(self, project: str, model: str, tokens: int, now_s: float) -> ErrorAnswer | None:
        allowed = self.allowances[project]
        recent = self._tokens.setdefault((project, model), deque())
        while recent and recent[0][0] <= now_s - 60:
            recent.popleft()
        if allowed.tokens_per_minute is not None:
            over = sum(amount for _, amount in recent) + tokens - allowed.tokens_per_minute
            if over > 0:
                return tokens_minute(
                    model, allowed.tokens_per_minute, self._token_delay_s(recent, over, now_s)
                )
        quota = Quota(per_minute=allowed.per_minute, per_day=allowed.per_day)
        refused = self._ledger.charge(Project(project, {ANY_MODEL: quota}), model, now_s)
        if refused is None:
            recent.append((now_s, tokens))
        return refused

    @staticmethod
    def _token_delay_s(recent: deque[tuple[float, int]], over: int, now_s: float) -> float:
        for at_s, amount in recent:
            over -= amount
            if over <= 0:
                return at_s + 60 - now_s
        return 60.0


@dataclass
class Call:
    """One client call and what became of it."""

    tokens: int
    model: str
    began_s: float
    tried: set[int] = field(default_factory=set)
    attempts: int = 0


class Traffic:
    """Runs calls through a pool as the relay does: next key on a refusal, waiting when all rest."""

    def __init__(
        self,
        provider: Provider,
        keys: Mapping[int, str],
        *,
        start_s: float,
        known_projects: bool = True,
        order: Order | None = None,
        latency_s: float = 2.0,
        seed: int = 1,
    ) -> None:
        self.provider = provider
        self.random = random.Random(seed)
        self.pool = Pool(PoolLimits(), self.random.random, order=order)
        self.project_of = dict(keys)
        self.pool.apply(
            KeySpec(
                id=key_id,
                alias=f"k{key_id}",
                secret=f"secret-{key_id}",
                project=f"projects/{project}" if known_projects else None,
            )
            for key_id, project in keys.items()
        )
        self.now_s = start_s
        self.latency_s = latency_s
        self.waiting: WaitingCalls[int, str] = WaitingCalls(WaitingLimits())
        self.counts: Counter[str] = Counter()
        self.longest_wait_s = 0.0
        self.said: dict[tuple[str, str], float] = {}  # rests the provider asked for, by project and model
        self._calls: dict[int, Call] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    @property
    def attempts_per_success(self) -> float:
        return self.counts["attempts"] / self.counts["successes"]

    def at(self, when_s: float, what: Callable[[], None]) -> None:
        heappush(self._events, (when_s, next(self._order), what))

    def run(self, until_s: float) -> None:
        """Let everything happen that is due until then."""
        while self._events and self._events[0][0] <= until_s:
            self.now_s, _, what = heappop(self._events)
            what()
        self.now_s = until_s

    def steady(
        self, begin_s: float, end_s: float, calls: float, *, tokens: tuple[int, int] = (100, 100)
    ) -> None:
        """Spread calls evenly over a stretch of time, each a little early or late."""
        gap_s = (end_s - begin_s) / calls
        for number in range(int(calls)):
            at_s = begin_s + gap_s * (number + self.random.random())
            size = self.random.randint(*tokens)
            self.at(at_s, lambda size=size: self.begin(size))  # type: ignore[misc]  # a default binds it

    def begin(self, tokens: int, model: str = MODEL) -> None:
        number = next(self._order)
        self._calls[number] = Call(tokens, model, self.now_s)
        self.counts["calls"] += 1
        if self.waiting.is_awaited(model):
            self._wait(number)
        else:
            self._try(number)

    def _try(self, number: int) -> None:
        call = self._calls[number]
        got = self.pool.lease(call.model, self.now_s, tried=call.tried)
        if isinstance(got, Lease):
            self._attempt(number, got)
        elif isinstance(got, AllResting) and got.until_s <= call.began_s + WAIT_S:
            self._wait(number)
        else:
            self.counts["failures"] += 1

    def _wait(self, number: int) -> None:
        call = self._calls[number]
        if self.waiting.enqueue(number, call.model, call.began_s + WAIT_S) is None:
            self.counts["failures"] += 1
        self._set_timer()

    def _set_timer(self) -> None:
        wake_s = self.waiting.next_wake_s(lambda line: self.pool.next_usable(str(line), self.now_s))
        if wake_s is not None:
            self.at(max(wake_s, self.now_s), self._wake)

    def _wake(self) -> None:
        released = self.waiting.release(self.now_s, lambda line: self.pool.open_keys(str(line), self.now_s))
        self.counts["failures"] += len(released.expired)
        for waiter in released.go:
            call = self._calls[waiter.token]
            self.longest_wait_s = max(self.longest_wait_s, self.now_s - call.began_s)
            self._try(waiter.token)
        if released.go or released.expired:
            self._set_timer()

    def _attempt(self, number: int, lease: Lease) -> None:
        call = self._calls[number]
        call.attempts += 1
        self.counts["attempts"] += 1
        project = self.project_of[lease.key_id]
        if self.said.get((project, call.model), 0.0) > self.now_s:
            self.counts["attempts_on_resting"] += 1
        refused = self.provider.charge(project, call.model, call.tokens, self.now_s)
        if refused is None:
            self.at(self.now_s + self.latency_s, lambda: self._answered(number, lease))
        else:
            self.at(self.now_s + 0.1, lambda: self._refused(number, lease, refused))

    def _answered(self, number: int, lease: Lease) -> None:
        self.pool.report_success(lease, self.now_s, tokens=self._calls.pop(number).tokens)
        self.counts["successes"] += 1

    def _refused(self, number: int, lease: Lease, refused: ErrorAnswer) -> None:
        call = self._calls[number]
        failure = classify(refused.status, orjson.dumps(refused.body))
        self.counts[failure.kind.value] += 1
        for change in self.pool.report_failure(lease, failure, self.now_s):
            if isinstance(change, BucketChange) and change.state is not BucketState.OPEN:
                self.said[self.project_of[lease.key_id], call.model] = change.until_s or 0.0
        call.tried.add(lease.key_id)
        self._try(number)
