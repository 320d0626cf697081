"""Connections of the driver: reuse, stale ones, bodies, counters, closing."""

import asyncio
import gc

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_options import TransportOptions
from gateway.upstream.transport import FailureCause, UpstreamRequest
from tests.upstream.calls import call, failing_call
from tests.upstream.measures import ResidentMemory, open_descriptors
from tests.upstream.peers import OK, Connection, Peer, answer, answers, unused_port
from tests.upstream.sinks import RecordingSink, a_few_turns, until


async def test_calls_one_after_another_share_one_connection(transport: CurlTransport) -> None:
    async with Peer() as peer:
        for _ in range(20):
            assert (await call(transport, peer.url)).body == b"ok"
        assert (peer.accepted, len(peer.requests)) == (1, 20)
    assert transport.requests_sent == 20
    assert transport.connections_opened == 1
    assert transport.connections_reused == 19


async def test_calls_at_the_same_time_get_connections_of_their_own_and_keep_them(
    transport: CurlTransport,
) -> None:
    async with Peer() as peer:
        for _ in range(3):
            await asyncio.gather(*(call(transport, peer.url) for _ in range(10)))
        assert (peer.accepted, len(peer.requests)) == (10, 30)
    assert transport.running == 0


async def test_a_handle_is_used_again(transport: CurlTransport) -> None:
    async with Peer() as peer:
        sinks = [RecordingSink(), RecordingSink()]
        first = transport.submit(UpstreamRequest("GET", peer.url), sinks[0]).handle
        await sinks[0].ended()
        second = transport.submit(UpstreamRequest("POST", peer.url, body=b"x"), sinks[1]).handle
        await sinks[1].ended()
    assert first is second


async def test_few_handles_that_hold_a_large_buffer_are_kept_and_small_requests_leave_them() -> None:
    """libcurl frees that buffer with the handle only: hundreds of them would hold a megabyte each."""
    transport = CurlTransport(asyncio.get_running_loop(), TransportOptions(max_idle_roomy_handles=1))

    async def handles(url: str, *bodies: bytes) -> set[object]:
        sinks = [RecordingSink() for _ in bodies]
        used: set[object] = {
            transport.submit(UpstreamRequest("POST", url, body=body), sink).handle
            for body, sink in zip(bodies, sinks, strict=True)
        }
        for sink in sinks:
            await sink.ended()
        return used

    large = b"x" * 1_000_000
    try:
        async with Peer() as peer:
            first = await handles(peer.url, large, large, large)
            small = await handles(peer.url, b"x", b"x", b"x")
            again = await handles(peer.url, large, large)
    finally:
        await transport.close()

    assert not first & small
    assert len(first & again) == 1
    assert len(again & small) == 1


async def test_no_more_connections_to_a_host_than_allowed() -> None:
    transport = CurlTransport(asyncio.get_running_loop(), TransportOptions(max_connections_per_host=2))
    try:
        async with Peer() as peer:
            await asyncio.gather(*(call(transport, peer.url) for _ in range(12)))
            assert (peer.accepted, len(peer.requests)) == (2, 12)
    finally:
        await transport.close()


async def test_plain_http_is_spoken_as_http_1_1_without_an_upgrade(transport: CurlTransport) -> None:
    lines: list[bytes] = []

    async def script(connection: Connection) -> None:
        lines.append(await connection.reader.readline())
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(OK)

    async with Peer(script) as peer:
        await call(transport, f"{peer.url}/a/../b?c=d%2F")
    assert lines == [b"GET /a/../b?c=d%2F HTTP/1.1\r\n"]


async def test_a_kept_connection_that_the_peer_closed_meanwhile_goes_unnoticed(
    transport: CurlTransport,
) -> None:
    async with Peer(answers(OK)) as peer:
        for number in range(5):
            assert (await call(transport, UpstreamRequest("POST", peer.url, body=b"1"))).body == b"ok"
            await until(lambda: peer.open == 0)
            assert peer.accepted == number + 1
    assert len(peer.requests) == 5


async def test_a_connection_closed_while_the_request_is_on_its_way_is_replaced(
    transport: CurlTransport,
) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        if connection.number == 1:
            await connection.request()  # the second request crosses the close: it was never answered
            return
        await connection.gone()

    async with Peer(script) as peer:
        await call(transport, peer.url)
        assert (await call(transport, UpstreamRequest("POST", peer.url, body=b"1"))).body == b"ok"
        assert (peer.accepted, len(peer.requests)) == (2, 3)


async def test_a_large_post_on_a_kept_connection_that_died_goes_out_again(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        if connection.number == 1:
            await connection.reader.read(1)
            connection.reset()
            return
        await connection.request()
        await connection.send(answer(b"second"))

    async with Peer(script) as peer:
        await call(transport, peer.url)
        sink = await call(transport, UpstreamRequest("POST", peer.url, body=bytes(20_000_000)))
        assert bytes(sink.body) in (b"ok", b"second")
        assert peer.accepted == 2


@pytest.mark.parametrize("part", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"])
async def test_a_post_that_may_have_been_answered_is_not_sent_again(
    transport: CurlTransport, part: bytes
) -> None:
    # libcurl counts whole lines: after less than a status line it would send the request again.
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.request()
        await connection.send(part)

    async with Peer(script) as peer:
        await call(transport, peer.url)
        failure = await failing_call(transport, UpstreamRequest("POST", peer.url, body=b"1"))
        await a_few_turns()
        assert (peer.accepted, len(peer.requests)) == (1, 2)
    assert failure.cause in (FailureCause.RESET, FailureCause.TRUNCATED, FailureCause.PROTOCOL)


async def test_a_post_on_a_fresh_connection_that_dies_is_not_sent_again(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()

    async with Peer(script) as peer:
        failure = await failing_call(transport, UpstreamRequest("POST", peer.url, body=b"1"))
        await a_few_turns()
        assert len(peer.requests) == 1
    assert failure.cause is FailureCause.RESET


async def test_an_answer_that_comes_before_the_body_was_sent_is_taken(transport: CurlTransport) -> None:
    refusal = answer(b"no", status="413 Content Too Large")

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(refusal)
        await connection.gone()

    async with Peer(script) as peer:
        sink = await call(transport, UpstreamRequest("POST", peer.url, body=bytes(20_000_000)))
        assert (sink.status, bytes(sink.body)) == (413, b"no")
        await until(lambda: peer.open == 0)  # half a request was sent: nothing else may follow on it


async def test_a_large_body_is_sent_whole_without_being_copied(transport: CurlTransport) -> None:
    size = 100_000_000
    received = 0

    async def script(connection: Connection) -> None:
        nonlocal received
        seen = await connection.head()
        assert seen is not None
        while received < seen.body_bytes:
            received += len(await connection.reader.read(1_000_000))
        await connection.send(OK)

    body = bytes(size)
    async with Peer(script) as peer:
        await call(transport, UpstreamRequest("POST", peer.url, body=b"warm up"))
        received = 0
        memory = ResidentMemory()
        await call(transport, UpstreamRequest("POST", peer.url, body=body))
        assert received == size
        assert memory.peak_growth_bytes() < size // 4


async def test_nothing_is_called_before_submit_has_returned(transport: CurlTransport) -> None:
    sink = RecordingSink()
    transport.submit(UpstreamRequest("GET", f"http://127.0.0.1:{unused_port()}"), sink)
    assert sink.calls == []
    await sink.failed()


async def test_closing_cancels_what_runs_and_leaves_no_descriptor() -> None:
    async def half(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab")
        await connection.gone()

    async with Peer() as idle, Peer(half) as busy:
        before = open_descriptors()
        transport = CurlTransport(asyncio.get_running_loop())
        await asyncio.gather(*(call(transport, idle.url) for _ in range(5)))
        sinks = [RecordingSink() for _ in range(5)]
        for sink in sinks:
            transport.submit(UpstreamRequest("GET", busy.url), sink)
        for sink in sinks:
            await sink.received(2)
        waiting = RecordingSink()
        transport.submit(UpstreamRequest("GET", busy.url), waiting)
        await transport.close()
        await transport.close()
        await until(lambda: idle.open == 0 and busy.open == 0)
        assert open_descriptors() == before
        assert {call for sink in sinks for call in sink.calls} == {"head", "data"}
        assert waiting.calls == []
        assert transport.running == 0
        with pytest.raises(RuntimeError, match="closed"):
            transport.submit(UpstreamRequest("GET", idle.url), RecordingSink())
    del transport
    gc.collect()


async def test_a_transport_that_never_sent_anything_closes() -> None:
    before = open_descriptors()
    await CurlTransport(asyncio.get_running_loop()).close()
    assert open_descriptors() == before
