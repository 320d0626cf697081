"""One call against a transport in memory: what no real socket can be made to do."""

from typing import Any

import orjson
import pytest

from gateway.pool.key import KeyState
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Framing
from gateway.upstream.transport import FailureCause, TransportFailure
from tests.fakes import gemini_replies
from tests.relay.bench import Bench
from tests.relay.clients import chat_translation, plan


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
