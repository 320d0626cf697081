"""MAX_BODY_MB: a larger body is refused in the caller's dialect before it is taken in."""

import socket
from urllib.parse import urlsplit

import orjson
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import assert_untouched
from tests.integration.conftest import StartGateway
from tests.integration.running import TOKEN, WAIT_S


# Tornado's own server resets such a connection before its answer can be read.
@pytest.mark.parametrize("front", ["llhttp"], indirect=True)
@pytest.mark.parametrize("path", ["/v1beta/models/m:generateContent", "/v1/chat/completions", "/health"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_a_body_over_the_limit_is_a_413_in_the_dialect(
    start_gateway: StartGateway,
    fake_upstream: FakeUpstream,
    caplog: pytest.LogCaptureFixture,
    path: str,
    is_chunked: bool,
) -> None:
    gateway = start_gateway(MAX_BODY_MB="1")
    address = urlsplit(gateway.url)
    framing = b"transfer-encoding: chunked" if is_chunked else b"content-length: 1048577"
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n".encode()

    with socket.create_connection((address.hostname, address.port), WAIT_S) as client:
        client.sendall(head + framing + b"\r\n\r\n")
        if is_chunked:
            client.sendall(b"%x\r\n" % 1048577 + b"x" * 1048577)
        seen = b""
        while piece := client.recv(65536):
            seen += piece

    answer_head, _, body = seen.partition(b"\r\n\r\n")
    assert answer_head.startswith(b"HTTP/1.1 413 ")
    error = orjson.loads(body)["error"]
    assert ("status" in error) == ("v1beta" in path)
    assert b"x-gateway-request-id" in answer_head.lower()
    assert fake_upstream.requests == []
    lines = [record for record in caplog.records if "request_refused" in record.getMessage()]
    assert len(lines) == 1
    assert_untouched(gateway)
