"""One transfer: the order of its sink's calls, back-pressure, and what a failing sink does."""

import asyncio
import gzip
import hashlib
import logging
import random

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_transfer import CurlTransfer
from gateway.upstream.transport import FailureCause, UpstreamRequest
from tests.upstream.calls import call
from tests.upstream.measures import ResidentMemory
from tests.upstream.peers import CHUNKED, OK, Connection, Peer, Script, answers, chunk
from tests.upstream.sinks import RecordingSink, a_few_turns, stands_still, until

_BLOCK = random.Random(1).randbytes(1_000_000)


def sends(total_bytes: int) -> Script:
    """A script that sends a body of so many bytes as fast as it is taken."""

    async def script(connection: Connection) -> None:
        await connection.request()
        connection.writer.transport.set_write_buffer_limits(high=65_536)
        connection.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total_bytes)
        for _ in range(total_bytes // len(_BLOCK)):
            for start in range(0, len(_BLOCK), 50_000):
                await connection.send(_BLOCK[start : start + 50_000])

    return script


async def test_events_arrive_as_they_are_sent_each_in_one_piece(transport: CurlTransport) -> None:
    got = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(CHUNKED)
        for number in range(3):
            await connection.send(chunk(b"%d" % number))
            await got.wait()
            got.clear()
        await connection.send(b"0\r\n\r\n")
        await connection.gone()

    async with Peer(script) as peer:
        sink = RecordingSink()
        sink.on_data = lambda _: got.set()
        transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink)
        await sink.ended()
    assert bytes(sink.body) == b"012"
    assert sink.calls == ["head", "data", "data", "data", "end"]


async def test_a_burst_of_events_is_handed_over_with_few_calls(transport: CurlTransport) -> None:
    burst = CHUNKED + b"".join(chunk(b"data: %03d\n\n" % number) for number in range(100)) + b"0\r\n\r\n"
    async with Peer(answers(burst)) as peer:
        sink = await call(transport, UpstreamRequest("GET", peer.url, stream=True))
    assert len(sink.body) == 1100
    assert sink.calls == ["head", "data", "end"]


async def test_a_burst_that_breaks_off_is_handed_over_before_the_failure(transport: CurlTransport) -> None:
    burst = b"".join(chunk(b"data: %03d\n\n" % number) for number in range(100))
    async with Peer(answers(CHUNKED + burst)) as peer:
        sink = RecordingSink()
        transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink)
        failure = await sink.failed()
    assert len(sink.body) == 1100
    assert (sink.calls[-1], failure.cause) == ("fail", FailureCause.TRUNCATED)


async def test_a_burst_ends_with_the_connection(transport: CurlTransport) -> None:
    """Without a length there is but one piece a read, and the end of the body is the connection's."""
    async with Peer(answers(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"data: 1\n\n" * 5000)) as peer:
        sink = await call(transport, UpstreamRequest("GET", peer.url, stream=True))
    assert bytes(sink.body) == b"data: 1\n\n" * 5000


async def test_transfers_of_one_wake_up_may_cancel_each_other_in_their_bursts(
    transport: CurlTransport,
) -> None:
    burst = CHUNKED + b"".join(chunk(b"%04d" % number) for number in range(2000)) + b"0\r\n\r\n"
    async with Peer(answers(burst)) as peer:
        for _ in range(20):
            sinks = [RecordingSink() for _ in range(4)]
            transfers: list[CurlTransfer] = []

            def cancel_others(data: bytes, transfers: list[CurlTransfer] = transfers) -> None:
                for transfer in transfers[1:]:
                    transfer.cancel()

            sinks[0].on_data = cancel_others
            transfers += [
                transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink) for sink in sinks
            ]
            await sinks[0].ended()
            assert bytes(sinks[0].body) == b"".join(b"%04d" % number for number in range(2000))
            assert all("fail" not in sink.calls for sink in sinks)
    assert transport.running == 0


async def test_bursts_between_single_events_lose_and_repeat_nothing(transport: CurlTransport) -> None:
    """From the second piece of a wake-up on libcurl heaps them up, whatever pauses in between."""
    expected = bytearray()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(CHUNKED)
        for count in (1, 2, 50, 1, 5000, 1, 3):
            pieces = [b"%d of %d\n" % (number, count) for number in range(count)]
            expected.extend(b"".join(pieces))
            await connection.send(b"".join(map(chunk, pieces)))
            await until(lambda: sink.body_bytes == len(expected))
        await connection.send(b"".join(map(chunk, [b"last"] * 9)) + b"0\r\n\r\n")

    loop = asyncio.get_running_loop()
    async with Peer(script) as peer:
        for _ in range(2):  # the second one on the same handle
            expected.clear()
            sink = RecordingSink()
            transfer = transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink)

            def pause(_: bytes, transfer: CurlTransfer = transfer) -> None:
                transfer.pause()
                loop.call_later(0.001, transfer.resume)

            sink.on_data = pause
            await sink.ended()
            assert bytes(sink.body) == bytes(expected) + b"last" * 9


async def test_an_answer_without_a_body_is_a_head_and_an_end(transport: CurlTransport) -> None:
    async with Peer(answers(b"HTTP/1.1 204 No Content\r\n\r\n")) as peer:
        sink = await call(transport, peer.url)
    assert (sink.status, sink.calls) == (204, ["head", "end"])


async def test_interim_heads_and_trailers_are_not_the_head(transport: CurlTransport) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    whole = interim + interim + CHUNKED + chunk(b"body") + b"0\r\nX-Trailer: late\r\n\r\n"
    async with Peer(answers(whole)) as peer:
        sink = await call(transport, UpstreamRequest("GET", peer.url, stream=True))
    assert (sink.status, bytes(sink.body)) == (200, b"body")
    assert not {"Link", "X-Trailer"} & {name for name, _ in sink.heads[0].items()}


async def test_a_head_without_its_body_is_told_when_the_answer_breaks(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 9\r\n\r\n")

    async with Peer(script) as peer:
        sink = RecordingSink()
        transport.submit(UpstreamRequest("GET", peer.url), sink)
        failure = await sink.failed()
    assert (sink.status, sink.calls, failure.cause) == (429, ["head", "fail"], FailureCause.TRUNCATED)


@pytest.mark.parametrize("filler", [b"X-A: %s\r\n" % (b"a" * 990), b"B:\r\n"], ids=["long", "many"])
async def test_endless_trailers_end_the_answer(transport: CurlTransport, filler: bytes) -> None:
    """Nobody reads them, but they are kept while they come: libcurl bounds them."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(CHUNKED + chunk(b"body") + b"0\r\n")
        while True:
            await connection.send(filler * 100)

    async with Peer(script) as peer:
        sink = RecordingSink()
        transport.submit(UpstreamRequest("GET", peer.url), sink)
        await sink.failed()
    assert bytes(sink.body) == b"body"


async def test_a_paused_transfer_holds_its_upstream_back_and_then_gives_every_byte(
    transport: CurlTransport,
) -> None:
    total = 200_000_000
    async with Peer(sends(total)) as peer:
        digest = hashlib.sha256()
        sink = RecordingSink(keep=False)
        sink.on_data = digest.update
        transfer = transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink)
        await sink.received(1_000_000)
        memory = ResidentMemory()
        transfer.pause()
        transfer.pause()
        await stands_still(lambda: peer.connections[0].sent_bytes)
        taken_bytes = sink.body_bytes
        # What the peer got rid of beyond that sits in the two kernel buffers.
        assert peer.connections[0].sent_bytes - taken_bytes < 12_000_000
        assert memory.peak_growth_bytes() < 10_000_000
        await a_few_turns()
        assert sink.body_bytes == taken_bytes
        transfer.resume()
        transfer.resume()
        await sink.ended()
        expected = hashlib.sha256()
        for _ in range(total // len(_BLOCK)):
            expected.update(_BLOCK)
        assert digest.digest() == expected.digest()
        assert sink.body_bytes == total
        assert memory.peak_growth_bytes() < 20_000_000


async def test_pausing_in_every_data_call_loses_and_repeats_nothing(transport: CurlTransport) -> None:
    async with Peer(sends(3_000_000)) as peer:
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink)
        pauses = 0
        loop = asyncio.get_running_loop()

        def pause(_: bytes) -> None:
            nonlocal pauses
            pauses += 1
            transfer.pause()
            loop.call_soon(transfer.resume)

        sink.on_data = pause
        await sink.ended()
    assert bytes(sink.body) == _BLOCK * 3
    assert pauses > 5


async def test_pause_and_resume_inside_the_same_call_keep_the_order(transport: CurlTransport) -> None:
    async with Peer(sends(3_000_000)) as peer:
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url, stream=True), sink)

        def both(_: bytes) -> None:
            transfer.pause()
            transfer.resume()

        sink.on_data = both
        sink.on_head = lambda: both(b"")
        await sink.ended()
    assert bytes(sink.body) == _BLOCK * 3


async def test_a_transfer_paused_before_it_began_gives_its_head_and_waits(transport: CurlTransport) -> None:
    async with Peer() as peer:
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url), sink)
        transfer.pause()
        await sink.has_head()
        await a_few_turns()
        assert sink.calls == ["head"]
        transfer.resume()
        await sink.ended()
        assert sink.calls == ["head", "data", "end"]


async def test_the_end_waits_until_a_paused_transfer_is_resumed(transport: CurlTransport) -> None:
    async with Peer(sends(1_000_000)) as peer:  # more than is put together for the end
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url), sink)
        sink.on_data = lambda _: transfer.pause()
        await sink.received()
        await a_few_turns()
        assert sink.calls == ["head", "data"]
        sink.on_data = None
        transfer.resume()
        await sink.ended()
        assert bytes(sink.body) == _BLOCK


async def test_a_decoded_answer_can_be_paused_too(transport: CurlTransport) -> None:
    packed = gzip.compress(_BLOCK * 5)

    async def script(connection: Connection) -> None:
        await connection.request()
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
        await connection.send(head + packed)
        await connection.gone()

    async with Peer(script) as peer:
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url), sink)
        loop = asyncio.get_running_loop()

        def pause(_: bytes) -> None:
            transfer.pause()
            loop.call_soon(transfer.resume)

        sink.on_data = pause
        await sink.ended()
    assert bytes(sink.body) == _BLOCK * 5


@pytest.mark.logs_errors("the sink raises on purpose")
@pytest.mark.parametrize("where", ["on_head", "on_data"])
async def test_a_sink_that_raises_ends_its_own_transfer_only(
    transport: CurlTransport, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def begin(connection: Connection) -> None:
        seen = await connection.request()
        assert seen is not None
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        if seen.target == "/bad":
            await connection.gone()
            return
        await release.wait()
        await connection.send(b"cd")

    def fails(*_: object) -> None:
        raise RuntimeError("the sink's fault")

    release = asyncio.Event()
    async with Peer(begin) as peer:
        good, bad = RecordingSink(), RecordingSink()
        setattr(bad, where, fails)
        transport.submit(UpstreamRequest("GET", f"{peer.url}/bad"), bad)
        transport.submit(UpstreamRequest("GET", f"{peer.url}/good"), good)
        failure = await bad.failed()
        assert failure.cause is FailureCause.OTHER
        assert bad.calls.count("fail") == 1
        await until(lambda: peer.open == 1)
        release.set()
        await good.ended()
        assert bytes(good.body) == b"abcd"
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(record.name, record.message) for record in errors] == [("gateway.upstream", "sink_failed")]


@pytest.mark.logs_errors("the sink raises on purpose")
async def test_a_sink_that_raises_in_end_and_fail_hurts_nobody(
    transport: CurlTransport, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(RecordingSink):
        def head(self, head: object) -> None:
            raise RuntimeError("the sink's fault")

        def fail(self, failure: object) -> None:
            self.over.set()
            raise RuntimeError("and again")

    def fails() -> None:
        raise RuntimeError("the sink's fault")

    async with Peer(answers(OK)) as peer:
        broken, broken_late = Broken(), RecordingSink()
        broken_late.on_end = fails
        transport.submit(UpstreamRequest("GET", peer.url), broken)
        transport.submit(UpstreamRequest("GET", peer.url), broken_late)
        await asyncio.gather(broken.over.wait(), broken_late.over.wait(), call(transport, peer.url))
    assert transport.running == 0
    assert broken_late.failure is None


async def test_a_sink_may_submit_the_next_call_from_inside_its_last(transport: CurlTransport) -> None:
    async with Peer() as peer:
        first, second = RecordingSink(), RecordingSink()

        def again() -> None:
            transport.submit(UpstreamRequest("GET", peer.url), second)

        first.on_end = again
        transport.submit(UpstreamRequest("GET", peer.url), first)
        await second.ended()
        assert peer.accepted == 1
