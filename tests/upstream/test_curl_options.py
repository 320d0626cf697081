"""What goes over the wire for a request, and what is refused before anything does."""

import gzip

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_setup import setup_of
from gateway.upstream.transport import UpstreamRequest
from tests.upstream.calls import call
from tests.upstream.peers import OK, Connection, Peer, answers
from tests.upstream.sinks import RecordingSink

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@pytest.mark.parametrize("method", _METHODS)
async def test_a_method_with_a_body(transport: CurlTransport, method: str) -> None:
    async with Peer() as peer:
        await call(transport, UpstreamRequest(method, peer.url, body=b'{"a":1}', stream=True))
    (seen,) = peer.requests
    assert (seen.method, seen.body, seen.header("Content-Length")) == (method, b'{"a":1}', "7")
    assert seen.names == ["accept-encoding", "content-length", "host"]


@pytest.mark.parametrize("method", [*_METHODS, "HEAD"])
async def test_a_method_without_a_body(transport: CurlTransport, method: str) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK[:-2] if method == "HEAD" else OK)

    async with Peer(script) as peer:
        sink = await call(transport, UpstreamRequest(method, peer.url, stream=True))
        assert sink.status == 200
    (seen,) = peer.requests
    length = "0" if method in ("POST", "PUT", "PATCH") else None
    assert (seen.method, seen.header("Content-Length")) == (method, length)


async def test_a_handle_changes_its_method_and_body_without_leftovers(transport: CurlTransport) -> None:
    steps: list[tuple[str, bytes | None]] = [
        ("POST", b"one"), ("GET", None), ("DELETE", None), ("POST", None), ("PUT", b"two"), ("HEAD", None),
        ("GET", b"three"), ("PATCH", b""), ("POST", b"four"), ("POST", b"five"), ("HEAD", b"never sent"),
        ("GET", None),
    ]  # fmt: skip

    async def script(connection: Connection) -> None:
        while (seen := await connection.request()) is not None:
            await connection.send(OK[:-2] if seen.method == "HEAD" else OK)

    async with Peer(script) as peer:
        for method, body in steps:
            await call(transport, UpstreamRequest(method, peer.url, body=body))
        assert peer.accepted == 1
        expected = [(method, b"" if method == "HEAD" else body or b"") for method, body in steps]
        assert [(seen.method, seen.body) for seen in peer.requests] == expected


@pytest.mark.parametrize("size_bytes", [1, 500_000, 600_000, 1_048_577, 3_000_000])
async def test_nothing_is_expected_before_a_body(transport: CurlTransport, size_bytes: int) -> None:
    async with Peer() as peer:
        await call(transport, UpstreamRequest("POST", peer.url, body=bytes(size_bytes)))
        assert peer.requests[0].header("Expect") is None


async def test_headers_go_out_as_given(transport: CurlTransport) -> None:
    headers = [
        ("X-Goog-Api-Key", "AIza-key"),
        ("content-type", "application/json"),
        ("User-Agent", "my client/1.0"),
        ("Accept", "text/event-stream"),
        ("X-Empty", ""),
        ("X-Blank", "  "),
        ("X-Tab", "a\tb"),
        ("X-Word", "价格\u3000"),
    ]
    async with Peer() as peer:
        await call(transport, UpstreamRequest("POST", peer.url, headers=headers, body=b"x", stream=True))
    (seen,) = peer.requests
    assert seen.header("x-goog-api-key") == "AIza-key"
    assert seen.header("content-type") == "application/json"
    assert seen.header("user-agent") == "my client/1.0"
    assert seen.header("accept") == "text/event-stream"
    assert seen.header("x-empty") == ""
    assert seen.header("x-blank") == ""
    assert seen.header("x-tab") == "a\tb"
    word = seen.header("x-word")
    assert word is not None
    assert word.encode("latin-1").decode().rstrip("\u3000") == "价格"


async def test_headers_of_one_request_do_not_stay_for_the_next(transport: CurlTransport) -> None:
    async with Peer() as peer:
        await call(transport, UpstreamRequest("GET", peer.url, headers=[("X-Goog-Api-Key", "first")]))
        await call(transport, UpstreamRequest("GET", peer.url))
    assert peer.requests[1].names == ["accept-encoding", "host"]


@pytest.mark.parametrize(
    "request_",
    [
        UpstreamRequest("GET", "http://127.0.0.1:1/", headers=[("x-secret\r\nX-Evil", "1")]),
        UpstreamRequest("GET", "http://127.0.0.1:1/", headers=[("x-secret name", "1")]),
        UpstreamRequest("GET", "http://127.0.0.1:1/", headers=[("", "1")]),
        UpstreamRequest("GET", "http://127.0.0.1:1/", headers=[("x-secrét", "1")]),
        *(
            UpstreamRequest("GET", "http://127.0.0.1:1/", headers=[("X-A", f"secret{bad}X-Evil: 1")])
            for bad in ("\r\n", "\n", "\r", "\0", "\x1b", "\x7f", "\udc80")
        ),
        *(
            UpstreamRequest("POST", "http://127.0.0.1:1/", headers=[(name, "3")])
            for name in ("Content-Length", "host", "Transfer-Encoding", "connection", "Expect", "Upgrade")
        ),
        UpstreamRequest("GET\r\nX-Evil: secret", "http://127.0.0.1:1/"),
        UpstreamRequest("", "http://127.0.0.1:1/"),
        UpstreamRequest("GET", "ftp://secret@127.0.0.1:1/"),
        UpstreamRequest("GET", "file:///etc/secret"),
        UpstreamRequest("GET", "HTTP://127.0.0.1:1/secret"),
        UpstreamRequest("GET", "http://127.0.0.1:1/?key=secret\r\nX-Evil: 1"),
        UpstreamRequest("GET", "http://127.0.0.1:1/secret path"),
        UpstreamRequest("GET", "http://127.0.0.1:1/\0secret"),
        UpstreamRequest("GET", "http://127.0.0.1:1/sécret"),
    ],
)
async def test_what_cannot_be_sent_is_refused_before_anything_is(
    transport: CurlTransport, request_: UpstreamRequest
) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match=r"not allowed|only http|set by the transport") as caught:
            transport.submit(request_, RecordingSink())
        assert "secret" not in str(caught.value)
    assert (transport.running, transport.requests_sent) == (0, 0)
    async with Peer() as peer:
        await call(transport, peer.url)  # the refused one left nothing behind
        assert peer.requests[0].names == ["accept-encoding", "host"]


async def test_a_redirect_to_a_file_or_another_scheme_is_never_followed(transport: CurlTransport) -> None:
    away = b"HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"
    async with Peer(answers(away)) as peer:
        sink = await call(transport, peer.url)
    assert (sink.status, sink.body_bytes) == (301, 0)


def packed(body: bytes, encoding: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_a_stream_asks_for_identity_and_is_not_decoded(transport: CurlTransport) -> None:
    squeezed = gzip.compress(b"hello", mtime=0)
    async with Peer(answers(packed(squeezed, "gzip"))) as peer:
        sink = await call(transport, UpstreamRequest("GET", peer.url, stream=True))
        assert peer.requests[0].header("Accept-Encoding") == "identity"
    assert bytes(sink.body) == squeezed
    assert sink.heads[0].get("content-encoding") == "gzip"


_HELLO_BR = bytes.fromhex("0b028068656c6c6f03")  # `hello`, packed by brotli 1.1


@pytest.mark.parametrize(
    ("squeezed", "encoding"), [(gzip.compress(b"hello", mtime=0), "gzip"), (_HELLO_BR, "br")]
)
async def test_another_answer_is_asked_for_packed_and_unpacked(
    transport: CurlTransport, squeezed: bytes, encoding: str
) -> None:
    async with Peer(answers(packed(squeezed, encoding), OK, packed(squeezed, encoding))) as peer:
        sink = await call(transport, peer.url)
        offered = peer.requests[0].header("Accept-Encoding")
        assert offered is not None
        assert {"gzip", "br"} <= {word.strip() for word in offered.split(",")}
        assert bytes(sink.body) == b"hello"
        assert sink.heads[0].items() == []  # neither the encoding nor the packed length holds any more
        # and the handle can go back and forth
        await call(transport, UpstreamRequest("GET", peer.url, stream=True))
        assert bytes((await call(transport, peer.url)).body) == b"hello"
        assert [seen.header("Accept-Encoding") for seen in peer.requests] == [offered, "identity", offered]


def through(body: bytes | None, *, stream: bool = False) -> int:
    request = UpstreamRequest("POST", "http://upstream.test/", body=body, stream=stream)
    return setup_of(request).manner.at_once_bytes


@pytest.mark.parametrize("size_bytes", [0, 1_000, 16_000, 16_384, 500_000, 520_000, 524_288, 1_000_000])
def test_a_body_of_up_to_a_megabyte_is_sent_at_once_with_its_head(size_bytes: int) -> None:
    assert through(b"x" * size_bytes) >= size_bytes + 300


def test_what_a_request_is_sent_through_is_bounded() -> None:
    sizes = [through(b"x" * size) for size in (100, 100_000, 1_000_000, 20_000_000)]

    assert sizes == [16 * 1024, 512 * 1024, 1088 * 1024, 1088 * 1024]
    assert through(None) == 16 * 1024
    assert through(b"x" * 1_000_000, stream=True) == 512 * 1024  # it holds that as long as it lasts
