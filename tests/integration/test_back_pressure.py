"""A client that does not read holds its upstream back, and gets every byte when it reads on."""

import hashlib
import http.client
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import orjson
import pytest

from tests.fakes import gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import BEARER, GEMINI_BODY, MODEL, chat_body, eventually
from tests.integration.running import WAIT_S, RunningGateway

MIB = 1024 * 1024
EVENT = (
    b"data: "
    + orjson.dumps(gemini_replies.response([{"text": "Q" * (MIB - 400)}], finish=None))
    + b"\r\n\r\n"
)
LAST = b"data: " + orjson.dumps(gemini_replies.text("the end")) + b"\r\n\r\n"
EVENTS = 100
# What the sockets on the way may hold: two kernels' buffers on loopback, libcurl's and our own.
BOUND = 24 * MIB


def body_pieces() -> Iterator[bytes]:
    for _ in range(EVENTS):
        yield EVENT
    yield LAST


def settled_bytes(fake: FakeUpstream) -> int:
    """The bytes the upstream could send, once no more can leave."""
    request = fake.requests[0]
    last, since = -1, time.monotonic()

    def at_rest() -> int | None:
        nonlocal last, since
        sent = fake.sent_bytes(request)
        if sent != last:
            last, since = sent, time.monotonic()
        return sent if time.monotonic() - since > 0.4 else None

    return eventually(at_rest, timeout_s=WAIT_S)


@pytest.mark.parametrize("dialect", ["sse", "chat"])
def test_an_upstream_waits_for_a_client_that_does_not_read(
    gateway: RunningGateway, fake_upstream: FakeUpstream, dialect: str
) -> None:
    fake_upstream.stream(body_pieces())
    address = urlsplit(gateway.url)
    connection = http.client.HTTPConnection(address.netloc, timeout=WAIT_S)
    connection.sock = socket.socket()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.sock.connect((address.hostname, address.port))
    connection.sock.settimeout(WAIT_S)
    path, body = (
        (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", GEMINI_BODY)
        if dialect == "sse"
        else ("/v1/chat/completions", chat_body(stream=True))
    )
    connection.request("POST", path, body, BEARER)
    fake_upstream.wait_for(1)

    held = settled_bytes(fake_upstream)

    assert 0 < held < BOUND
    response = connection.getresponse()
    got, letters, tail = hashlib.sha256(), 0, b""
    while piece := response.read(256 * 1024):
        got.update(piece)
        letters += piece.count(b"Q")
        tail = (tail + piece)[-200:]
    connection.close()
    if dialect == "sse":
        assert got.hexdigest() == hashlib.sha256(b"".join(body_pieces())).hexdigest()
    else:
        assert tail.endswith(b"data: [DONE]\n\n")
        assert letters == EVENTS * (MIB - 400)
