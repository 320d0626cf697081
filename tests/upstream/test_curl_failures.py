"""Everything that can go wrong on the wire, and the name the retry loop gets for it."""

import asyncio

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_failures import describe, failure_from_curl
from gateway.upstream.transport import FailureCause, UpstreamRequest
from tests.upstream.calls import call, failing_call
from tests.upstream.peers import CHUNKED, Connection, Peer, Script, answers, chunk, unused_port
from tests.upstream.sinks import RecordingSink

_HEAD_10 = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


def says(data: bytes, *, then: str = "close") -> Script:
    """A script that answers with these bytes and closes or resets."""

    async def script(connection: Connection) -> None:
        await connection.request()
        if data:
            await connection.send(data)
        if then == "reset":
            # The bytes must have been read: a reset throws away what the other side has not taken yet.
            await asyncio.sleep(0.05)
            connection.reset()

    return script


@pytest.mark.parametrize(
    ("data", "then", "cause"),
    [
        pytest.param(b"", "close", FailureCause.RESET, id="closed without a byte"),
        pytest.param(b"", "reset", FailureCause.RESET, id="reset without a byte"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: 1\r\n", "close", FailureCause.RESET, id="closed in the head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: 1\r\n", "reset", FailureCause.RESET, id="reset inside the head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", "close", FailureCause.RESET, id="only a 100"),
        pytest.param(_HEAD_10 + b"12345", "close", FailureCause.TRUNCATED, id="length promised more"),
        pytest.param(_HEAD_10 + b"12345", "reset", FailureCause.RESET, id="reset inside the body"),
        pytest.param(_HEAD_10, "close", FailureCause.TRUNCATED, id="length promised, nothing came"),
        pytest.param(CHUNKED + chunk(b"abc"), "close", FailureCause.TRUNCATED, id="no last chunk"),
        pytest.param(CHUNKED + b"5\r\nab", "close", FailureCause.TRUNCATED, id="closed inside a chunk"),
        pytest.param(CHUNKED, "close", FailureCause.TRUNCATED, id="chunked, closed before the first"),
        pytest.param(CHUNKED + b"xyz\r\nab", "close", FailureCause.PROTOCOL, id="no chunk size"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", "close", FailureCause.PROTOCOL, id="another protocol"),
        pytest.param(b"\x00\x01\x02" * 20, "close", FailureCause.PROTOCOL, id="garbage"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", "close", FailureCause.PROTOCOL, id="no status number"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "close",
            FailureCause.PROTOCOL,
            id="two lengths",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
            "close",
            FailureCause.PROTOCOL,
            id="not the encoding it says",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
            "close",
            FailureCause.TOO_LARGE,
            id="one long header",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"X-A: aaaaaaaaaaaaaaaaaaaaa\r\n" * 4_000 + b"\r\n",
            "close",
            FailureCause.TOO_LARGE,
            id="many headers",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 500_000, "close", FailureCause.TOO_LARGE, id="endless header"
        ),
    ],
)
async def test_broken_answers(transport: CurlTransport, data: bytes, then: str, cause: FailureCause) -> None:
    async with Peer(says(data, then=then)) as peer:
        failure = await failing_call(transport, peer.url)
    assert failure.cause is cause, failure
    assert f"127.0.0.1:{peer.port}" in failure.message


async def test_what_came_before_the_failure_is_handed_over(transport: CurlTransport) -> None:
    async with Peer(says(_HEAD_10 + b"12345")) as peer:
        sink = RecordingSink()
        transport.submit(UpstreamRequest("GET", peer.url), sink)
        await sink.failed()
    assert bytes(sink.body) == b"12345"
    assert sink.calls == ["head", "data", "fail"]


async def test_nobody_listens(transport: CurlTransport) -> None:
    port = unused_port()
    failure = await failing_call(transport, f"http://127.0.0.1:{port}")
    assert failure.cause is FailureCause.CONNECT
    assert failure.code == 7
    assert failure.message.startswith(f"no connection to 127.0.0.1:{port}: ")


async def test_a_name_that_does_not_exist(transport: CurlTransport) -> None:
    failure = await failing_call(transport, "http://nowhere.invalid/")
    assert failure.cause is FailureCause.RESOLVE
    assert "nowhere.invalid" in failure.message


async def test_a_body_that_ends_with_the_connection_is_whole(transport: CurlTransport) -> None:
    async with Peer(says(b"HTTP/1.1 200 OK\r\n\r\nto the end")) as peer:
        assert (await call(transport, peer.url)).body == b"to the end"


async def test_interim_answers_are_passed_over(transport: CurlTransport) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = b"HTTP/1.1 201 Created\r\nX-Real: 1\r\nContent-Length: 0\r\n\r\n"
    async with Peer(answers(interim + final)) as peer:
        sink = await call(transport, UpstreamRequest("POST", peer.url, body=b"x"))
    assert sink.status == 201
    assert [name for name, _ in sink.heads[0].items()] == ["X-Real", "Content-Length"]


async def test_trailers_are_ignored(transport: CurlTransport) -> None:
    body = CHUNKED + chunk(b"ok") + b"0\r\nX-Later: 1\r\n\r\n"
    async with Peer(answers(body, body)) as peer:
        for _ in range(2):
            sink = await call(transport, peer.url)
            assert bytes(sink.body) == b"ok"
            assert sink.heads[0].get("X-Later") is None
        assert peer.accepted == 1


async def test_a_redirect_is_an_answer_and_is_not_followed(transport: CurlTransport) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with Peer(answers(redirect)) as peer:
        sink = await call(transport, peer.url)
        assert (sink.status, sink.heads[0].get("location")) == (302, "/elsewhere")
        assert len(peer.requests) == 1


async def test_a_407_without_a_proxy_is_an_answer(transport: CurlTransport) -> None:
    async with Peer(answers(b"HTTP/1.1 407 What\r\nContent-Length: 0\r\n\r\n")) as peer:
        assert (await call(transport, peer.url)).status == 407


SECRETS = ("AIzaSyVerySecretKey", "proxy-pass%40word", "proxy-pass@word", "querysecret", "usersecret")


@pytest.mark.parametrize("cause", list(FailureCause))
def test_no_secret_of_the_request_gets_into_a_message(cause: FailureCause) -> None:
    request = UpstreamRequest(
        "POST",
        "https://usersecret:querysecret@api.example:8443/v1beta/models/m:x?key=querysecret&alt=sse",
        headers=[("x-goog-api-key", "AIzaSyVerySecretKey"), ("Authorization", "Bearer AIzaSyVerySecretKey")],
        proxy="http://me-myself:proxy-pass%40word@proxy.example:3128",
    )
    detail = " ".join(SECRETS) + " https://a:b@c/ " + request.url + " " + (request.proxy or "")
    message = describe(cause, request, detail=detail).message
    assert not [secret for secret in SECRETS if secret in message]
    assert "proxy.example:3128" in message


def test_an_unknown_number_is_other_and_says_which() -> None:
    request = UpstreamRequest("GET", "http://api.example/")
    failure = failure_from_curl(999, "surprise", request, lambda _: 0)
    assert (failure.cause, failure.code) == (FailureCause.OTHER, 999)
