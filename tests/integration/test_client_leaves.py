"""A client that leaves: the upstream is let go at once, nobody is blamed, and the record says so."""

import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    GEMINI_BODY,
    MODEL,
    assert_untouched,
    chat_body,
    eventually,
    key_state,
    record_of,
)
from tests.integration.running import KEYS, TOKEN, WAIT_S, RunningGateway

FIRST = gemini_replies.response([{"text": "Once upon"}], finish=None)
CALLS = {
    "native": (f"/v1beta/models/{MODEL}:generateContent", GEMINI_BODY),
    "sse": (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", GEMINI_BODY),
    "array": (f"/v1beta/models/{MODEL}:streamGenerateContent", GEMINI_BODY),
    "chat": ("/v1/chat/completions", chat_body()),
    "chat-stream": ("/v1/chat/completions", chat_body(stream=True)),
}
STREAMS = ["sse", "array", "chat-stream"]


def connect(gateway: RunningGateway) -> socket.socket:
    address = urlsplit(gateway.url)
    return socket.create_connection((address.hostname, address.port), WAIT_S)


def request(name: str, request_id: str, *, close: bool = False) -> bytes:
    path, body = CALLS[name]
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\nx-request-id: {request_id}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    )
    return (head + ("connection: close\r\n" if close else "") + "\r\n").encode() + body


def assert_all_returned(gateway: RunningGateway) -> None:
    """No lease is out, no stream counted, nothing runs upstream."""
    for secret in KEYS:
        assert key_state(gateway, secret).in_flight == 0
    assert gateway.on_loop(lambda services: services.ledger.streams_open) == 0


@pytest.mark.parametrize("name", CALLS)
def test_while_the_upstream_thinks(gateway: RunningGateway, fake_upstream: FakeUpstream, name: str) -> None:
    fake_upstream.hang()
    client = connect(gateway)
    client.sendall(request(name, "left-early"))
    seen = fake_upstream.wait_for(1)[0]

    left_at = time.monotonic()
    client.close()

    after_s = fake_upstream.connection_closed_after(seen, since=left_at)
    assert after_s is not None
    assert after_s < 0.1
    record = record_of(gateway, "left-early")
    assert (record.outcome, record.status, record.failure_kind) == ("client_closed", 499, "cancelled")
    assert [attempt.failure_kind for attempt in record.attempts] == ["cancelled"]
    assert_all_returned(gateway)
    assert_untouched(gateway)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_in_the_middle_of_a_stream(
    gateway: RunningGateway, fake_upstream: FakeUpstream, name: str, is_reset: bool
) -> None:
    gate = fake_upstream.gate()
    fake_upstream.stream([FIRST, gate, *gemini_replies.text_events()])
    client = connect(gateway)
    client.sendall(request(name, "left-later"))
    seen = b""
    while b"Once upon" not in seen:
        seen += client.recv(65536)

    left_at = time.monotonic()
    if is_reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()

    after_s = fake_upstream.connection_closed_after(fake_upstream.requests[0], since=left_at)
    assert after_s is not None
    assert after_s < 0.1
    record = record_of(gateway, "left-later")
    assert (record.outcome, len(record.attempts)) == ("client_closed", 1)
    assert record.response_bytes > 0
    assert_all_returned(gateway)
    assert_untouched(gateway)
    gate.release()


def test_during_a_back_off(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.overloaded())
    client = connect(gateway)
    client.sendall(request("chat", "left-waiting"))
    fake_upstream.wait_for(1)
    eventually(lambda: gateway.on_loop(lambda services: len(services.pool.busy)))

    client.close()

    record = record_of(gateway, "left-waiting")
    assert record.outcome == "client_closed"
    assert [attempt.failure_kind for attempt in record.attempts] == ["overloaded"]
    assert_all_returned(gateway)
    assert len(fake_upstream.requests) == 1


@pytest.mark.parametrize("front", ["llhttp"], indirect=True)  # Tornado takes the end of sending for leaving
@pytest.mark.parametrize("name", CALLS)
def test_a_client_that_only_ends_its_sending_still_gets_its_answer(
    gateway: RunningGateway, fake_upstream: FakeUpstream, name: str
) -> None:
    gate = fake_upstream.gate()
    fake_upstream.reply(gemini_replies.text("half closed"), verb="generateContent", gate=gate)
    fake_upstream.stream([FIRST, gate, gemini_replies.text("half closed")], verb="streamGenerateContent")
    with connect(gateway) as client:
        client.sendall(request(name, "half-closed", close=True))
        client.shutdown(socket.SHUT_WR)
        fake_upstream.wait_for(1)
        gate.wait_reached()
        gate.release()
        seen = b""
        while piece := client.recv(65536):
            seen += piece

    # The front may ask with interim answers whether the client is still there.
    assert seen.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"").startswith(b"HTTP/1.1 200 ")
    assert b"half closed" in seen
    assert record_of(gateway, "half-closed").outcome == "success"


def test_many_that_leave_at_once_leave_nothing_behind(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream([FIRST], then="hang")
    clients = [connect(gateway) for _ in range(40)]
    for number, client in enumerate(clients):
        client.sendall(request("chat-stream", f"one-of-many-{number}"))
    fake_upstream.wait_for(40)

    for client in clients:
        client.close()

    eventually(lambda: fake_upstream.connections_open == 0)
    for number in range(40):
        assert record_of(gateway, f"one-of-many-{number}").outcome == "client_closed"
    assert_all_returned(gateway)
