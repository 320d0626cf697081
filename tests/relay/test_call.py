"""One call against a transport in memory: what no real socket can be made to do."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from gateway.pool.changes import Change
from gateway.pool.key import KeySpec, KeyState
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.protocols.failures import FailureKind
from gateway.protocols.shapes import JsonObject
from gateway.relay.call import Call, Ticket
from gateway.relay.engine import CallPolicy, Engine
from gateway.relay.plan import Framing, Plan
from gateway.store.records import CallRecord
from gateway.upstream.providers import read_provider
from gateway.upstream.transport import FailureCause, ResponseHead, Sink, TransportFailure, UpstreamRequest
from tests.fakes import gemini_replies
from tests.relay.clients import Client, chat_translation, plan


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


@dataclass(slots=True)
class Observer:
    records: list[CallRecord] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    streams: int = 0

    def attempt_over(self, model: str, kind: FailureKind | None) -> None:
        """Not looked at here."""

    def call_over(self, record: CallRecord) -> None:
        self.records.append(record)

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
                provider=read_provider("https://upstream.example/v1beta"),
                **{"max_retries": 3, "deadline_s": 30.0, "connect_s": 5.0, "idle_s": 20.0, **policy},
            ),
            wall_s=lambda: 1_793_000_000.0,
            random=lambda: 0.0,
        )

    def begin(self, the_plan: Plan) -> tuple[Call, Client]:
        client = Client()
        ticket = Ticket("request-1", None, (), 2, self.engine.loop.time())
        call = Call(self.engine, the_plan, client, ticket)
        call.begin()
        return call, client

    def answer(self, *chunks: bytes, status: int = 200, end: bool = True) -> None:
        """Play the upstream of the latest attempt."""
        sink = self.transport.sent[-1].sink
        head: ResponseHead = Head(status)
        sink.head(head)
        for chunk in chunks:
            sink.data(chunk)
            sink.flush()
        if end:
            sink.end()

    @property
    def record(self) -> CallRecord:
        (record,) = self.observer.records
        return record


class Failing:
    """A translation with a fault in it."""

    def whole(self, reply: JsonObject) -> bytes:
        raise RuntimeError("a fault of ours")

    def event(self, reply: JsonObject) -> bytes:
        raise RuntimeError("a fault of ours")

    def end(self) -> bytes:
        raise RuntimeError("a fault of ours")


class FailingLater(Failing):
    """The same, after content has been sent."""

    def event(self, reply: JsonObject) -> bytes:
        return b"data: {}\n\n"


WHOLE, EVENTS = plan(Framing.WHOLE), plan(Framing.EVENTS)
REPLY = orjson.dumps(gemini_replies.text())


def sse(event: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\r\n\r\n"


@pytest.mark.logs_errors("the fault is meant")
@pytest.mark.parametrize("framing", [Framing.WHOLE, Framing.EVENTS])
async def test_a_fault_in_a_translation_is_a_500_and_nobody_waits(framing: Framing) -> None:
    bench = Bench()
    _, client = bench.begin(plan(framing, translation=Failing))

    bench.answer(REPLY if framing is Framing.WHOLE else sse(gemini_replies.text()))

    assert (client.status, client.finished) == (500, True)
    assert "error" in orjson.loads(client.body)
    assert bench.record.failure_kind == "gateway_fault"
    assert bench.observer.streams == 0
    assert bench.pool.counts(0).keys[KeyState.ACTIVE] == 2


@pytest.mark.logs_errors("the fault is meant")
async def test_a_fault_after_content_breaks_the_stream_off() -> None:
    bench = Bench()
    _, client = bench.begin(plan(Framing.EVENTS, translation=FailingLater))

    bench.answer(sse(gemini_replies.text()))

    assert client.finished
    assert b'"error"' in client.body
    assert (bench.record.outcome, bench.record.failure_kind) == ("broken", "gateway_fault")
    assert len(bench.transport.sent) == 1


@pytest.mark.logs_errors("the fault is meant")
async def test_a_client_side_that_fails_ends_the_call_once() -> None:
    bench = Bench()
    call, client = bench.begin(EVENTS)
    bench.answer(sse(gemini_replies.response([{"text": "a"}], finish=None)), end=False)
    client.finished = True  # so that the next write fails

    sink = bench.transport.sent[-1].sink
    sink.data(sse(gemini_replies.text()))
    sink.flush()
    sink.end()
    call.gone()

    assert bench.record.failure_kind == "gateway_fault"
    assert client.aborted
    assert bench.transport.sent[-1].cancelled
    assert bench.observer.streams == 0


async def test_a_key_no_header_can_carry_is_dead_and_the_next_one_serves() -> None:
    bench = Bench("key\nwith a line end", "key-2")
    _, client = bench.begin(WHOLE)

    bench.answer(REPLY)

    assert client.status == 200
    assert [attempt.failure_kind for attempt in bench.record.attempts] == ["key_invalid", None]
    assert bench.pool.counts(0).keys[KeyState.DEAD] == 1


@pytest.mark.logs_errors("the fault is meant")
async def test_a_request_that_cannot_be_sent_is_a_500_and_the_keys_live() -> None:
    bench = Bench()
    bench.transport.refuse = True

    _, client = bench.begin(EVENTS)

    assert (client.status, client.finished) == (500, True)
    assert bench.pool.counts(0).keys[KeyState.ACTIVE] == 2
    assert bench.observer.streams == 0


async def test_a_slow_client_holds_the_upstream_and_lets_go_again() -> None:
    bench = Bench()
    call, client = bench.begin(EVENTS)
    client.keeps_up = False
    bench.answer(sse(gemini_replies.response([{"text": "a"}], finish=None)), end=False)

    assert bench.transport.sent[0].paused
    client.keeps_up = True
    call.drained()

    assert not bench.transport.sent[0].paused


async def test_the_limits_of_an_attempt_are_what_is_left_of_the_call() -> None:
    bench = Bench(deadline_s=3.0)
    bench.begin(WHOLE)

    limits = bench.transport.sent[0].request.timeouts

    assert limits.total_s <= 3.0
    assert limits.first_byte_s <= 3.0
    assert limits.connect_s <= 3.0
    assert limits.idle_s == 20.0


@pytest.mark.parametrize(
    ("cause", "is_marked"),
    [
        (FailureCause.PROXY, True),
        (FailureCause.CONNECT, True),
        (FailureCause.TIMEOUT_CONNECT, True),
        (FailureCause.TIMEOUT_FIRST_BYTE, False),
        (FailureCause.TIMEOUT_IDLE, False),
    ],
)
async def test_a_proxy_is_marked_for_what_is_its_own_fault(cause: FailureCause, is_marked: bool) -> None:
    bench = Bench()
    bench.egress.proxies = ["http://a", "http://b"]
    _, client = bench.begin(WHOLE)

    bench.transport.sent[-1].sink.fail(TransportFailure(cause, "no"))
    bench.answer(REPLY)

    assert client.status == 200
    assert [sent.request.proxy for sent in bench.transport.sent] == ["http://a", "http://b"]
    assert bench.egress.marked == (["http://a"] if is_marked else [])


async def test_the_key_is_taken_out_of_the_upstreams_words() -> None:
    bench = Bench("a-key-of-no-known-shape")
    _, client = bench.begin(plan(Framing.WHOLE, translation=chat_translation))
    words = {
        "error": {"code": 400, "message": "Not with a-key-of-no-known-shape.", "status": "INVALID_ARGUMENT"}
    }

    bench.answer(orjson.dumps(words), status=400)

    assert client.status == 400
    assert b"a-key-of" not in client.body
    assert b"Not with" in client.body
    assert b"a-key-of" not in (bench.record.error_body or b"")


async def test_an_error_is_no_first_token() -> None:
    bench = Bench()
    bench.begin(WHOLE)

    bench.answer(b"{}", status=400)

    assert bench.record.first_token_ms is None


async def test_a_client_that_left_is_recorded_once_and_its_key_returned() -> None:
    bench = Bench()
    call, client = bench.begin(EVENTS)

    call.gone()
    call.gone()
    call.drained()

    assert bench.transport.sent[0].cancelled
    assert (bench.record.outcome, bench.record.status) == ("client_closed", 499)
    assert client.status == 0
    explained = bench.pool.explain(1, 0), bench.pool.explain(2, 0)
    assert [each.in_flight for each in explained if each] == [0, 0]


async def test_an_endless_error_body_is_read_only_so_far() -> None:
    bench = Bench()
    _, client = bench.begin(WHOLE)

    bench.answer(*[b"x" * 65536] * 50, status=400)

    assert client.status == 400
    assert len(client.body) <= 256 * 1024
