"""Cancelled transfers: how soon the upstream hears of it, and what is left behind."""

import asyncio
import gc
import time

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.transport import UpstreamRequest
from tests.upstream.calls import call
from tests.upstream.measures import open_descriptors
from tests.upstream.peers import CHUNKED, Connection, Peer, chunk
from tests.upstream.sinks import RecordingSink, a_few_turns, until


async def streams_until_left(connection: Connection) -> None:
    """Send a head and one event, then wait for the other side to go."""
    if await connection.request() is not None:
        await connection.send(CHUNKED + chunk(b"data: 1\n\n"))
        await connection.gone()


async def test_a_cancelled_stream_closes_its_connection_within_100_ms(transport: CurlTransport) -> None:
    async with Peer(streams_until_left) as peer:
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink)
        await sink.received()
        calls = list(sink.calls)
        began = time.monotonic()
        transfer.cancel()
        transfer.cancel()
        await until(lambda: peer.open == 0)
        assert time.monotonic() - began < 0.1
        await a_few_turns()
        assert sink.calls == calls
        assert transport.running == 0


async def test_a_paused_stream_can_be_cancelled(transport: CurlTransport) -> None:
    async with Peer(streams_until_left) as peer:
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink)
        await sink.received()
        transfer.pause()
        transfer.cancel()
        transfer.resume()
        transfer.pause()
        await until(lambda: peer.open == 0, within_s=0.1)


async def test_a_call_cancelled_in_the_turn_it_was_submitted_is_never_sent(transport: CurlTransport) -> None:
    async with Peer() as peer:
        sink = RecordingSink()
        transport.submit(UpstreamRequest("GET", peer.url), sink).cancel()
        assert transport.running == 0
        await a_few_turns()
        assert (peer.accepted, sink.calls) == (0, [])


async def test_a_call_that_is_still_sending_its_body_can_be_cancelled(transport: CurlTransport) -> None:
    async def reads_little(connection: Connection) -> None:
        await connection.head()
        await cancelled.wait()
        await connection.gone()

    cancelled = asyncio.Event()
    async with Peer(reads_little) as peer:
        request = UpstreamRequest("POST", peer.url, body=bytes(20_000_000))
        transfer = transport.submit(request, RecordingSink())
        await until(lambda: len(peer.requests) == 1)
        transfer.cancel()
        cancelled.set()
        await until(lambda: peer.open == 0)


@pytest.mark.parametrize("where", ["on_head", "on_data"])
async def test_cancelling_from_inside_the_sink_stops_everything_at_once(
    transport: CurlTransport, where: str
) -> None:
    async with Peer(streams_until_left) as peer:
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink)
        setattr(sink, where, lambda *_: transfer.cancel())
        await until(lambda: peer.accepted == 1 and peer.open == 0)
        await a_few_turns()
    last = where.removeprefix("on_")
    assert sink.calls.count(last) == 1
    assert sink.calls[-1] == last


async def test_cancelling_after_the_end_keeps_the_connection(transport: CurlTransport) -> None:
    async with Peer() as peer:
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url), sink)
        await sink.ended()
        transfer.cancel()
        transfer.pause()
        transfer.resume()
        await call(transport, peer.url)
        assert peer.accepted == 1


async def test_one_sink_may_cancel_another_that_waits_for_its_turn(transport: CurlTransport) -> None:
    async with Peer(streams_until_left) as peer:
        sinks = [RecordingSink() for _ in range(4)]
        transfers = [transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink) for sink in sinks]

        def cancel_all(_: bytes) -> None:
            for transfer in transfers:
                transfer.cancel()

        for sink in sinks:
            sink.on_data = cancel_all
        await until(lambda: transport.running == 0)
        await until(lambda: peer.open == 0)
        assert sum(sink.calls.count("data") for sink in sinks) == 1


async def test_hundreds_of_cancelled_streams_leave_no_descriptor_and_no_spin_while_clients_come_and_go(
    transport: CurlTransport,
) -> None:
    loop = asyncio.get_running_loop()

    async def echo(connection: Connection) -> None:
        while data := await connection.reader.read(100):
            await connection.send(data)

    async def talk(front: Peer) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        for _ in range(3):
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
        writer.close()
        await writer.wait_closed()

    async with Peer(streams_until_left) as upstream, Peer(echo) as front, Peer() as other:
        await call(transport, other.url)
        await until(lambda: front.open == 0)
        before = open_descriptors()
        for _ in range(3):
            sinks = [RecordingSink() for _ in range(100)]
            transfers = [
                transport.submit(UpstreamRequest("GET", upstream.url, stream=True), sink) for sink in sinks
            ]
            for sink in sinks:
                await sink.received()
            # Half of the descriptors go to clients of ours while the other half is still libcurl's.
            for transfer in transfers[::2]:
                transfer.cancel()
            await asyncio.gather(*(talk(front) for _ in range(60)))
            for transfer in transfers[1::2]:
                transfer.cancel()
            await asyncio.gather(*(talk(front) for _ in range(60)), call(transport, other.url))
            await until(lambda: upstream.open == 0 and front.open == 0)
        gc.collect()
        assert open_descriptors() == before
        assert other.accepted == 1
        # An idle driver's loop sleeps; a stale registration would turn it round and round.
        cpu_before_s = time.process_time()
        await asyncio.sleep(0.3)
        assert time.process_time() - cpu_before_s < 0.1
    assert loop.is_running()
