"""Bodies that arrive while they are sent: whole, at the pace of the slower side, little of them in memory."""

import asyncio
import hashlib

import pytest

from gateway.upstream.body_pipe import HIGH_BYTES, BodyPipe
from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_options import TransportOptions
from gateway.upstream.transport import FailureCause, Timeouts, UpstreamRequest
from tests.upstream.calls import call
from tests.upstream.certificates import Authority
from tests.upstream.h2_peer import H2Peer, Stream
from tests.upstream.measures import ResidentMemory
from tests.upstream.peers import OK, Connection, Peer
from tests.upstream.sinks import RecordingSink, a_few_turns, stands_still, until

PIECE = bytes(range(256)) * 256  # 64 KiB


class Writer:
    """Writes pieces as the pipe lets it."""

    def __init__(self, size_bytes: int | None) -> None:
        self._room = asyncio.Event()
        self.pipe = BodyPipe(size_bytes, self._room.set)
        self.written_bytes = 0

    async def write(self, *pieces: bytes, end: bool = True) -> None:
        for piece in pieces:
            self._room.clear()
            self.written_bytes += len(piece)
            if not self.pipe.write(piece):
                await self._room.wait()
        if end:
            self.pipe.finish()


async def a_chunked_body(connection: Connection) -> bytes:
    body = bytearray()
    while True:
        size = int(await connection.reader.readline(), 16)
        body += await connection.reader.readexactly(size)
        await connection.reader.readline()
        if not size:
            return bytes(body)


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_body_of_known_size_arrives_whole_with_its_length(
    transport: CurlTransport, method: str
) -> None:
    async with Peer() as peer:
        writer, sink = Writer(3 * len(PIECE)), RecordingSink()
        transport.submit(UpstreamRequest(method, peer.url, body=writer.pipe), sink)
        await writer.write(PIECE, PIECE, PIECE)
        await sink.ended()
        (seen,) = peer.requests
    assert (seen.method, seen.body, seen.header("Content-Length")) == (method, PIECE * 3, str(3 * len(PIECE)))
    assert "expect" not in seen.names


async def test_a_body_of_unknown_size_is_sent_in_chunks(transport: CurlTransport) -> None:
    bodies = []

    async def script(connection: Connection) -> None:
        await connection.head()
        bodies.append(await a_chunked_body(connection))
        await connection.send(OK)

    async with Peer(script) as peer:
        writer, sink = Writer(None), RecordingSink()
        transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe), sink)
        await a_few_turns()
        await writer.write(b"one,", b"two,", b"three")
        await sink.ended()
        assert peer.requests[0].header("Transfer-Encoding") == "chunked"
    assert bodies == [b"one,two,three"]


@pytest.mark.parametrize("size_bytes", [0, None])
async def test_an_empty_body_is_a_body(transport: CurlTransport, size_bytes: int | None) -> None:
    async def script(connection: Connection) -> None:
        seen = await connection.head()
        assert seen is not None
        if seen.header("Transfer-Encoding"):
            assert await a_chunked_body(connection) == b""
        await connection.send(OK)

    async with Peer(script) as peer:
        writer, sink = Writer(size_bytes), RecordingSink()
        transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe), sink)
        await writer.write()
        await sink.ended()


async def test_a_slow_upstream_holds_the_writer_back_and_then_gets_every_byte(
    transport: CurlTransport,
) -> None:
    total = 100_000_000 // len(PIECE) * len(PIECE)
    may_read, digest = asyncio.Event(), hashlib.sha256()

    async def script(connection: Connection) -> None:
        await connection.head()
        await may_read.wait()
        left = total
        while left:
            piece = await connection.reader.read(min(left, 1_000_000))
            digest.update(piece)
            left -= len(piece)
        await connection.send(OK)

    async with Peer(script) as peer:
        memory = ResidentMemory()
        writer, sink = Writer(total), RecordingSink()
        transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe), sink)
        writing = asyncio.create_task(writer.write(*[PIECE] * (total // len(PIECE))))
        await stands_still(lambda: writer.written_bytes)
        assert writer.written_bytes < 16_000_000  # what the kernel's buffers took, and ours
        may_read.set()
        await writing
        await sink.ended()
        assert memory.peak_growth_bytes() < 16_000_000
    assert digest.digest() == hashlib.sha256(PIECE * (total // len(PIECE))).digest()


async def test_waiting_for_the_body_is_not_the_upstream_s_silence(transport: CurlTransport) -> None:
    async with Peer() as peer:
        writer, sink = Writer(6), RecordingSink()
        limits = Timeouts(connect_s=0.1, first_byte_s=0.1, idle_s=0.1)
        transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe, timeouts=limits), sink)
        await writer.write(b"one", end=False)
        await asyncio.sleep(0.4)  # longer than any limit
        assert not sink.over.is_set()
        await writer.write(b"two")
        await sink.ended()


async def test_silence_after_the_body_is(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.gone()

    async with Peer(script) as peer:
        writer, sink = Writer(3), RecordingSink()
        limits = Timeouts(first_byte_s=0.1)
        transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe, timeouts=limits), sink)
        await writer.write(b"one")
        assert (await sink.failed()).cause is FailureCause.TIMEOUT_FIRST_BYTE


async def test_a_handle_serves_other_requests_after_an_upload(transport: CurlTransport) -> None:
    async with Peer() as peer:
        for _ in range(2):
            writer, sink = Writer(3), RecordingSink()
            transport.submit(UpstreamRequest("PUT", peer.url, body=writer.pipe), sink)
            await writer.write(b"one")
            await sink.ended()
            await call(transport, UpstreamRequest("POST", peer.url, body=b"{}"))
            await call(transport, peer.url)
            await call(transport, UpstreamRequest("PATCH", peer.url, body=b"{}"))
            await call(transport, UpstreamRequest("DELETE", peer.url))
    assert [(seen.method, seen.body) for seen in peer.requests] == 2 * [
        ("PUT", b"one"),
        ("POST", b"{}"),
        ("GET", b""),
        ("PATCH", b"{}"),
        ("DELETE", b""),
    ]
    assert all(seen.header("Transfer-Encoding") is None for seen in peer.requests)


async def test_an_upload_never_goes_over_a_connection_that_may_be_dead(transport: CurlTransport) -> None:
    async with Peer() as peer:
        await call(transport, peer.url)
        writer, sink = Writer(3), RecordingSink()
        transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe), sink)
        await writer.write(b"one")
        await sink.ended()
        assert peer.accepted == 2


async def test_an_early_refusal_ends_the_sending(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await connection.gone()

    async with Peer(script) as peer:
        writer, sink = Writer(50_000_000), RecordingSink()
        transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe), sink)
        await writer.write(PIECE, end=False)
        await sink.ended()
        assert (sink.status, bytes(sink.body)) == (413, b"no")
        for _ in range(100):
            writer.pipe.write(PIECE)  # the client goes on for a while: nothing happens


async def test_cancelling_in_the_middle_closes_the_connection(transport: CurlTransport) -> None:
    closed = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.gone()
        closed.set()

    async with Peer(script) as peer:
        writer, sink = Writer(50_000_000), RecordingSink()
        transfer = transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe), sink)
        await writer.write(PIECE, end=False)
        await until(lambda: peer.accepted == 1)
        transfer.cancel()
        await asyncio.wait_for(closed.wait(), 5)
        writer.pipe.write(PIECE)
    assert sink.calls == []


async def test_a_body_shorter_than_announced_is_a_failure(transport: CurlTransport) -> None:
    async with Peer() as peer:
        writer, sink = Writer(100), RecordingSink()
        transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe), sink)
        await writer.write(b"too short")
        await sink.failed()


def test_a_full_pipe_says_so_and_says_when_there_is_room() -> None:
    calls = []
    pipe = BodyPipe(None, lambda: calls.append("room"))

    assert pipe.write(b"x" * HIGH_BYTES)
    assert not pipe.write(b"x")
    assert len(pipe.read(1000) or b"") == 1000
    assert calls == []
    while pipe.read(65_536):
        pass
    assert calls == ["room"]
    assert pipe.read(1) is None
    pipe.finish()
    assert pipe.read(1) == b""


class TestOverHttp2:
    """The same over HTTP/2."""

    @pytest.fixture
    def options(self, authority: Authority) -> TransportOptions:
        return TransportOptions(sweep_interval_s=0.02, ca_bundle=str(authority.ca_path))

    @pytest.mark.parametrize("is_announced", [True, False])
    async def test_every_byte_arrives(
        self, transport: CurlTransport, authority: Authority, is_announced: bool
    ) -> None:
        digests = []

        async def answer(stream: Stream) -> None:
            digests.append(hashlib.sha256(stream.body).digest())
            stream.head(200, ("content-length", "2"))
            await stream.send(b"ok")
            stream.end()

        total = 100 * len(PIECE)
        async with H2Peer(authority.server_context("h2"), answer) as peer:
            writer, sink = Writer(total if is_announced else None), RecordingSink()
            transport.submit(UpstreamRequest("POST", peer.url, body=writer.pipe), sink)
            await writer.write(*[PIECE] * 100)
            await sink.ended()
        assert digests == [hashlib.sha256(PIECE * 100).digest()]
