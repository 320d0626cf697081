"""A bench for calls: an engine over a transport in memory, and the means to play the upstream."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.pool.changes import Change
from gateway.pool.key import GEMINI, KeySpec
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.protocols.failures import FailureKind
from gateway.relay.call import Call, Ticket
from gateway.relay.engine import CallPolicy, Engine
from gateway.relay.plan import Plan
from gateway.store.records import CallRecord
from gateway.upstream.providers import read_provider
from gateway.upstream.transport import ResponseHead, Sink, UpstreamRequest
from tests.relay.clients import Client


@dataclass(slots=True)
class Transfer:
    """A request that waits for the test to answer it."""

    request: UpstreamRequest
    sink: Sink
    cancelled: bool = False
    paused: bool = False

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def cancel(self) -> None:
        self.cancelled = True

    @property
    def key(self) -> str:
        return dict(self.request.headers)["x-goog-api-key"]


@dataclass(slots=True)
class Transport:
    sent: list[Transfer] = field(default_factory=list)
    refuse: bool = False

    def submit(self, request: UpstreamRequest, sink: Sink) -> Transfer:
        if self.refuse or not dict(request.headers)["x-goog-api-key"].isprintable():
            raise ValueError("a header value contains a character that is not allowed")
        self.sent.append(Transfer(request, sink))
        return self.sent[-1]

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class Egress:
    proxies: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)

    def choose(self, key: str, avoid: Sequence[str]) -> str | None:
        left = [proxy for proxy in self.proxies if proxy not in avoid]
        return left[0] if left else None

    def failed(self, proxy: str) -> None:
        self.marked.append(proxy)


class Work(NamedTuple):
    """What is measured of a call."""

    provider: str
    own_s: float
    telling_s: float | None


@dataclass(slots=True)
class Observer:
    records: list[CallRecord] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    streams: int = 0

    def attempt_failed(self, model: str, kind: FailureKind, key_id: int) -> None:
        """Not looked at here."""

    def call_over(self, record: CallRecord, provider: str, own_s: float, telling_s: float | None) -> None:
        self.records.append(record)
        self.works.append(Work(provider, own_s, telling_s))

    def stream_began(self) -> None:
        self.streams += 1

    def stream_over(self) -> None:
        self.streams -= 1

    def pool_changed(self, changes: Sequence[Change]) -> None:
        self.changes += changes


@dataclass(frozen=True, slots=True)
class Head:
    status: int

    def get(self, name: str) -> str | None:
        return None

    def items(self) -> Sequence[tuple[str, str]]:
        return ()


class Bench:
    """An engine over fakes, and the means to play the upstream."""

    def __init__(self, *secrets: str, **policy: Any) -> None:
        self.transport, self.egress, self.observer = Transport(), Egress(), Observer()
        self._frozen_s: float | None = 1_793_000_000.0
        self._ahead_s = 0.0
        self.pool = Pool(PoolLimits(), lambda: 0.0)
        self.pool.apply(
            KeySpec(id=number, alias=f"k{number}", secret=secret)
            for number, secret in enumerate(secrets or ("key-1", "key-2"), start=1)
        )
        self.engine = Engine(
            loop=asyncio.get_running_loop(),
            pool=self.pool,
            transport=self.transport,
            egress=self.egress,
            observer=self.observer,
            policy=CallPolicy(
                providers={GEMINI: read_provider("https://upstream.example/v1beta")},
                **{"max_retries": 3, "deadline_s": 30.0, "connect_s": 5.0, "idle_s": 20.0, **policy},
            ),
            wall_s=self._wall_s,
            random=lambda: 0.0,
            now_s=asyncio.get_running_loop().time,
        )

    def tick(self) -> None:
        """Let the wall clock run with the loop's from now on."""
        assert self._frozen_s is not None
        self._ahead_s = self._frozen_s - asyncio.get_running_loop().time()
        self._frozen_s = None

    def advance(self, seconds: float) -> None:
        self._ahead_s += seconds

    def _wall_s(self) -> float:
        return self._frozen_s or asyncio.get_running_loop().time() + self._ahead_s

    def begin(self, the_plan: Plan, *, since_s: float | None = None) -> tuple[Call, Client]:
        client = Client()
        ticket = Ticket("request-1", None, (), 2, self.engine.loop.time())
        call = Call(self.engine, the_plan, client, ticket)
        call.begin(since_s)
        return call, client

    def answer(self, *chunks: bytes, status: int = 200, end: bool = True) -> None:
        """Play the upstream of the latest attempt."""
        sink = self.transport.sent[-1].sink
        head: ResponseHead = Head(status)
        sink.head(head)
        for chunk in chunks:
            sink.data(chunk)
        if end:
            sink.end()

    @property
    def record(self) -> CallRecord:
        (record,) = self.observer.records
        return record

    @property
    def work(self) -> Work:
        (work,) = self.observer.works
        return work
