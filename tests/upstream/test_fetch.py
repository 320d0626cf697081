"""A whole answer by one await, with its limits."""

import asyncio

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.fetch import UpstreamCallFailed, fetch
from gateway.upstream.transport import FailureCause, UpstreamRequest
from tests.fakes.upstream import FakeUpstream
from tests.upstream.peers import Connection, Peer, answer, answers, unused_port
from tests.upstream.sinks import until


async def test_an_answer_of_any_status_is_an_answer(
    transport: CurlTransport, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply('{"error": 404}', status=404)
    response = await fetch(transport, UpstreamRequest("GET", f"{fake_upstream.url}/models/x"), 1_000)
    assert (response.status, response.body) == (404, b'{"error": 404}')
    assert response.head.get("Content-Length") == "14"


async def test_a_body_of_just_the_limit_is_taken_and_one_byte_more_is_not(transport: CurlTransport) -> None:
    async with Peer(answers(answer(b"x" * 1_000), answer(b"x" * 1_001))) as peer:
        request = UpstreamRequest("GET", peer.url)
        assert len((await fetch(transport, request, 1_000)).body) == 1_000
        with pytest.raises(UpstreamCallFailed) as caught:
            await fetch(transport, request, 1_000)
        assert caught.value.failure.cause is FailureCause.TOO_LARGE
        await until(lambda: peer.open == 0)
    assert transport.running == 0


async def test_a_failure_says_why(transport: CurlTransport) -> None:
    with pytest.raises(UpstreamCallFailed, match=r"no connection to 127\.0\.0\.1") as caught:
        await fetch(transport, UpstreamRequest("GET", f"http://127.0.0.1:{unused_port()}"), 1_000)
    assert caught.value.failure.cause is FailureCause.CONNECT


async def test_cancelling_the_task_cancels_the_transfer(transport: CurlTransport) -> None:
    async def silent(connection: Connection) -> None:
        await connection.request()
        await connection.gone()

    async with Peer(silent) as peer:
        task = asyncio.create_task(fetch(transport, UpstreamRequest("GET", peer.url), 1_000))
        await until(lambda: len(peer.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: peer.open == 0, within_s=0.2)
    assert transport.running == 0
