"""The fake upstream keeps its promises, so that a test built on it can be believed."""

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from gateway.streaming.json_array import JsonArraySplitter
from gateway.streaming.sse import SseDecoder
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.clock import FakeClock
from tests.fakes.upstream import FakeUpstream

GENERATE = "/v1beta/models/gemini-3.5-flash:generateContent"
STREAM = "/v1beta/models/gemini-3.5-flash:streamGenerateContent"


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


class Caller:
    """A client with one connection."""

    def __init__(self, fake: FakeUpstream) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=5)

    def send(
        self, target: str = GENERATE, *, key: str = "key-1", method: str = "POST"
    ) -> http.client.HTTPResponse:
        body = b'{"contents":[]}' if method == "POST" else None
        self.connection.request(
            method, target, body, {"x-goog-api-key": key, "Content-Type": "application/json"}
        )
        return self.connection.getresponse()

    def call(self, target: str = GENERATE, **how: Any) -> tuple[int, Any]:
        response = self.send(target, **how)
        return response.status, orjson.loads(response.read())

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def caller(fake: FakeUpstream) -> Iterator[Caller]:
    client = Caller(fake)
    yield client
    client.close()


def sse_events(body: bytes) -> list[Any]:
    decoder = SseDecoder()
    return [orjson.loads(payload) for payload in decoder.feed(body) + decoder.end()]


def test_without_a_rule_every_verb_has_a_friendly_answer(caller: Caller) -> None:
    assert caller.call(GENERATE)[1]["candidates"][0]["finishReason"] == "STOP"
    assert caller.call(GENERATE.replace("generateContent", "countTokens"))[1]["totalTokens"] == 8
    assert "embedding" in caller.call(GENERATE.replace("generateContent", "embedContent"))[1]
    assert len(caller.call("/v1beta/models", method="GET")[1]["models"]) == 2
    assert caller.call("/v1beta/models/gemini-x", method="GET")[1]["name"] == "models/gemini-x"
    events = sse_events(caller.send(STREAM + "?alt=sse").read())
    assert [event["candidates"][0].get("finishReason") for event in events] == [None, None, "STOP"]
    assert len(caller.call(STREAM)[1]) == 3


def test_a_request_is_seen_as_it_was_sent(fake: FakeUpstream, caller: Caller) -> None:
    caller.call("/v1beta/models/tuned%2Fx:generateContent?key=k2&a=b", key="k1")
    (seen,) = fake.requests
    assert (seen.method, seen.path, seen.query) == (
        "POST",
        "/v1beta/models/tuned%2Fx:generateContent",
        "key=k2&a=b",
    )
    assert (seen.key, seen.model, seen.verb, seen.json) == (
        "k1",
        "tuned/x",
        "generateContent",
        {"contents": []},
    )
    assert seen.headers["content-type"] == "application/json"
    assert seen.at <= time.monotonic()


def test_the_first_rule_that_fits_and_has_uses_left_answers(fake: FakeUpstream, caller: Caller) -> None:
    fake.error(gemini_errors.rate_day(), key="poor")
    once = fake.reply({"n": 1}, times=1)
    fake.reply({"n": 2}, model="gemini-3.5-flash", verb="generateContent")
    fake.reply({"n": 3}, when=lambda seen: seen.query == "x=1")
    assert caller.call(key="poor")[0] == 429
    assert [caller.call()[1], caller.call()[1]] == [{"n": 1}, {"n": 2}]
    assert caller.call("/v1beta/models/other:generateContent?x=1")[1] == {"n": 3}
    assert once.used == 1
    assert [seen.key for seen in fake.requests] == ["poor", "key-1", "key-1", "key-1"]


def test_connections_are_kept_and_counted(fake: FakeUpstream, caller: Caller) -> None:
    caller.call()
    caller.call()
    assert fake.connections_accepted == 1
    assert fake.connections_open == 1
    assert [seen.connection for seen in fake.requests] == [1, 1]


@pytest.mark.parametrize("query", ["", "?alt=sse"])
def test_an_error_is_wrapped_only_in_the_array_form(fake: FakeUpstream, caller: Caller, query: str) -> None:
    fake.error(gemini_errors.overloaded())
    status, body = caller.call(STREAM + query)
    assert status == 503
    assert (body if query else body[0])["error"]["status"] == "UNAVAILABLE"


def test_a_gate_holds_a_stream_until_the_test_lets_it_go(fake: FakeUpstream, caller: Caller) -> None:
    gate = fake.gate()
    first, *rest = gemini_replies.text_events("a", "b")
    fake.stream([first, gate, *rest])
    response = caller.send(STREAM + "?alt=sse")
    assert sse_events(response.read1()) == [first]
    gate.wait_reached()
    gate.release()
    assert sse_events(response.read()) == rest


def test_the_array_form_is_one_json_array(fake: FakeUpstream, caller: Caller) -> None:
    events = gemini_replies.text_events("a", "b")
    fake.stream(events)
    body = caller.send(STREAM).read()
    assert orjson.loads(body) == events
    assert [orjson.loads(element) for element in JsonArraySplitter().feed(body)] == events


def test_a_stream_can_be_cut(fake: FakeUpstream, caller: Caller) -> None:
    fake.stream(gemini_replies.text_events("a", "b"), then="cut")
    with pytest.raises(http.client.IncompleteRead):
        caller.send(STREAM + "?alt=sse").read()


def test_a_stream_can_be_reset(fake: FakeUpstream, caller: Caller) -> None:
    gate = fake.gate()
    fake.stream([gemini_replies.text(), gate], then="reset")
    response = caller.send(STREAM + "?alt=sse")
    assert response.read1()
    gate.release()
    with pytest.raises(ConnectionResetError):
        response.read()


def test_a_stream_can_fall_silent(fake: FakeUpstream, caller: Caller) -> None:
    fake.stream([gemini_replies.text()], then="hang")
    response = caller.send(STREAM + "?alt=sse")
    assert response.read1()
    caller.connection.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        response.read1()


def test_a_request_can_hang_be_dropped_or_come_short(fake: FakeUpstream) -> None:
    fake.drop(key="drop")
    fake.drop(key="reset", reset=True)
    fake.truncate({"a": 1}, key="short")
    fake.hang(key="hang")
    fake.raw(b"this is not HTTP\r\n\r\n", key="raw")
    expected: dict[str, type[Exception]] = {
        "drop": http.client.RemoteDisconnected,
        "reset": ConnectionResetError,
        "short": http.client.IncompleteRead,
        "raw": http.client.BadStatusLine,
        "hang": TimeoutError,
    }
    for key, error in expected.items():
        client = Caller(fake)
        client.connection.timeout = 0.05 if key == "hang" else 5
        with pytest.raises(error):
            client.call(key=key)
        client.close()


def test_the_moment_a_connection_closed_can_be_asked(fake: FakeUpstream, caller: Caller) -> None:
    fake.stream([gemini_replies.text()], then="hang")
    response = caller.send(STREAM + "?alt=sse")
    (seen,) = fake.wait_for(1)
    assert fake.connection_closed_after(seen, timeout_s=0.02) is None
    left_at = time.monotonic()
    response.close()
    caller.close()
    closed_after_s = fake.connection_closed_after(seen, since=left_at)
    assert closed_after_s is not None
    assert closed_after_s < 1
    assert fake.connections_open == 0


def test_a_reader_that_stops_stops_the_stream(fake: FakeUpstream) -> None:
    piece = b"x" * 65536
    fake.stream((piece for _ in range(2000)), times=1)
    with socket.create_connection(("127.0.0.1", fake.port)) as client:
        client.sendall(b"POST " + STREAM.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        (seen,) = fake.wait_for(1)
        stalled = -1
        while stalled != (stalled := fake.sent_bytes(seen)) or stalled == 0:
            threading.Event().wait(0.1)  # until the kernel's buffers are full
        assert stalled < 2000 * len(piece)


def test_waiting_from_the_gateways_own_loop_does_not_stop_it(fake: FakeUpstream) -> None:
    async def scenario() -> None:
        gate = fake.gate()
        fake.reply({"a": 1}, gate=gate)
        _, writer = await asyncio.open_connection("127.0.0.1", fake.port)
        writer.write(b"GET /v1beta/models HTTP/1.1\r\nHost: x\r\n\r\n")
        (seen,) = await fake.wait_for_async(1)
        await gate.wait_reached_async()
        writer.close()
        await writer.wait_closed()
        assert await fake.connection_closed_after_async(seen) is not None

    asyncio.run(scenario())


def test_a_body_that_expects_leave_gets_it(fake: FakeUpstream) -> None:
    with socket.create_connection(("127.0.0.1", fake.port)) as client:
        client.sendall(
            b"POST /v1beta/models/m:countTokens HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_fault_in_the_script_fails_the_test() -> None:
    fake = FakeUpstream()
    fake.reply(lambda seen: {"n": 1 // 0})
    with pytest.raises(AssertionError, match="script failed"), fake, pytest.raises(http.client.HTTPException):
        Caller(fake).call()


def test_every_error_has_its_code_in_the_envelope() -> None:
    for errors in gemini_errors.BY_KIND.values():
        for error in errors:
            assert error.body["error"]["code"] == error.status
            assert error.message


def test_the_clock_moves_only_when_told() -> None:
    clock = FakeClock(100.0)
    assert (clock(), clock.advance(2.5), clock()) == (100.0, 102.5, 102.5)
    clock.set(50.0)
    assert clock.now_s == 50.0
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
