"""The time limits, each with its own name; noticed by a sweep, so up to two sweep intervals late."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_options import TransportOptions
from gateway.upstream.transport import FailureCause, Timeouts, TransportFailure, UpstreamRequest
from tests.upstream.calls import call
from tests.upstream.peers import CHUNKED, OK, Connection, Peer, chunk
from tests.upstream.sinks import RecordingSink, until

_SWEEP_S = 0.02
_SLACK_S = 1.0
"""How late a limit may be noticed on a machine with other things to do."""


async def fails_after(
    transport: CurlTransport, request: UpstreamRequest, *, at_least_s: float
) -> TransportFailure:
    """The failure of a call that must take this long, and not much longer."""
    sink = RecordingSink()
    began = time.monotonic()
    transport.submit(request, sink)
    failure = await sink.failed()
    took_s = time.monotonic() - began
    assert at_least_s * 0.95 <= took_s < at_least_s + _SLACK_S
    return failure


@contextlib.contextmanager
def deaf_listener() -> Iterator[int]:
    """A port whose backlog is full: a further connection attempt gets no answer at all."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(address)
        yield address[1]


async def silent(connection: Connection) -> None:
    await connection.request()
    await connection.gone()


async def test_a_host_that_does_not_take_connections(transport: CurlTransport) -> None:
    with deaf_listener() as port:
        request = UpstreamRequest(
            "GET", f"http://127.0.0.1:{port}", timeouts=Timeouts(connect_s=0.2, first_byte_s=0.1)
        )
        failure = await fails_after(transport, request, at_least_s=0.2)
    assert failure.cause is FailureCause.TIMEOUT_CONNECT
    assert failure.message.startswith(f"no connection to 127.0.0.1:{port} within 0.2 s")


async def test_a_tls_handshake_that_stalls_is_a_connection_not_made(transport: CurlTransport) -> None:
    async def deaf(connection: Connection) -> None:
        await connection.gone()

    async with Peer(deaf) as peer:
        request = UpstreamRequest(
            "GET", f"https://127.0.0.1:{peer.port}", timeouts=Timeouts(connect_s=0.2, first_byte_s=0.1)
        )
        failure = await fails_after(transport, request, at_least_s=0.2)
    assert failure.cause is FailureCause.TIMEOUT_CONNECT


async def test_a_wait_for_a_free_connection_counts_as_connecting() -> None:
    options = TransportOptions(max_connections_per_host=1, sweep_interval_s=_SWEEP_S)
    transport = CurlTransport(asyncio.get_running_loop(), options)
    try:
        async with Peer(silent) as peer:
            transport.submit(UpstreamRequest("GET", peer.url), RecordingSink())
            await until(lambda: len(peer.requests) == 1)
            request = UpstreamRequest("GET", peer.url, timeouts=Timeouts(connect_s=0.1))
            failure = await fails_after(transport, request, at_least_s=0.1)
    finally:
        await transport.close()
    assert failure.cause is FailureCause.TIMEOUT_CONNECT


@pytest.mark.parametrize("body", [None, b"x" * 100_000])
async def test_an_upstream_that_never_answers(transport: CurlTransport, body: bytes | None) -> None:
    async with Peer(silent) as peer:
        timeouts = Timeouts(connect_s=0.05, first_byte_s=0.2, idle_s=0.05)
        request = UpstreamRequest("POST", peer.url, body=body, timeouts=timeouts)
        failure = await fails_after(transport, request, at_least_s=0.2)
        await until(lambda: peer.open == 0)
    assert failure == TransportFailure(
        FailureCause.TIMEOUT_FIRST_BYTE, f"no answer from 127.0.0.1:{peer.port} within 0.2 s"
    )


async def test_the_wait_for_the_answer_begins_when_a_long_body_is_sent(transport: CurlTransport) -> None:
    async def slow_reader(connection: Connection) -> None:
        seen = await connection.head()
        assert seen is not None
        left = seen.body_bytes
        while left:
            if left > 12_000_000:  # the kernel's buffers take the rest at once
                await asyncio.sleep(0.015)
            left -= len(await connection.reader.read(min(left, 1_000_000)))
        await connection.send(OK)

    async with Peer(slow_reader) as peer:
        request = UpstreamRequest(
            "POST", peer.url, body=bytes(20_000_000), timeouts=Timeouts(first_byte_s=0.3)
        )
        began = time.monotonic()
        assert (await call(transport, request)).status == 200
        assert time.monotonic() - began > 0.35  # longer than the limit, which did not strike


async def test_an_upstream_that_stops_reading_the_body(transport: CurlTransport) -> None:
    async def stops(connection: Connection) -> None:
        await connection.head()
        await asyncio.Event().wait()

    async with Peer(stops) as peer:
        request = UpstreamRequest(
            "POST", peer.url, body=bytes(20_000_000), timeouts=Timeouts(first_byte_s=0.2)
        )
        failure = await fails_after(transport, request, at_least_s=0.2)
    assert failure.cause is FailureCause.TIMEOUT_FIRST_BYTE


async def test_a_stream_that_falls_silent(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(CHUNKED + chunk(b"data: 1\n\n"))
        await connection.gone()

    async with Peer(script) as peer:
        request = UpstreamRequest(
            "GET", peer.url, stream=True, timeouts=Timeouts(first_byte_s=0.1, idle_s=0.2)
        )
        failure = await fails_after(transport, request, at_least_s=0.2)
    assert failure.cause is FailureCause.TIMEOUT_IDLE
    assert failure.message == f"127.0.0.1:{peer.port} sent nothing more for 0.2 s"


async def test_a_head_that_stops_in_the_middle_is_silence_too(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nX-A: 1\r\n")
        await connection.gone()

    async with Peer(script) as peer:
        request = UpstreamRequest("GET", peer.url, timeouts=Timeouts(first_byte_s=0.1, idle_s=0.2))
        failure = await fails_after(transport, request, at_least_s=0.2)
    assert failure.cause is FailureCause.TIMEOUT_IDLE


async def test_a_head_that_comes_slowly_is_not_silence(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n")
        for number in range(12):
            await asyncio.sleep(0.04)
            await connection.send(b"X-A: %d\r\n" % number)
        await connection.send(b"Content-Length: 0\r\n\r\n")

    async with Peer(script) as peer:
        timeouts = Timeouts(connect_s=0.2, first_byte_s=0.2, idle_s=0.2)
        await call(transport, UpstreamRequest("GET", peer.url, timeouts=timeouts))


async def test_an_interim_head_is_no_beginning_of_the_answer(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await connection.gone()

    async with Peer(script) as peer:
        request = UpstreamRequest("GET", peer.url, timeouts=Timeouts(first_byte_s=0.2, idle_s=0.05))
        failure = await fails_after(transport, request, at_least_s=0.2)
    assert failure.cause is FailureCause.TIMEOUT_FIRST_BYTE


async def test_a_slow_stream_that_keeps_moving_is_not_idle(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(CHUNKED)
        for _ in range(12):
            await asyncio.sleep(0.04)
            await connection.send(chunk(b": keep-alive\n\n"))
        await connection.send(b"0\r\n\r\n")

    async with Peer(script) as peer:
        timeouts = Timeouts(connect_s=0.2, first_byte_s=0.2, idle_s=0.2)
        await call(transport, UpstreamRequest("GET", peer.url, stream=True, timeouts=timeouts))


async def test_a_paused_transfer_is_not_idle_and_its_limit_starts_anew(transport: CurlTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(CHUNKED + chunk(b"data: 1\n\n"))
        await connection.gone()

    async with Peer(script) as peer:
        sink = RecordingSink()
        request = UpstreamRequest("GET", peer.url, stream=True, timeouts=Timeouts(idle_s=0.15))
        transfer = transport.submit(request, sink)
        await sink.received()
        transfer.pause()
        await asyncio.sleep(0.4)  # the passing of real time is what this is about
        assert sink.failure is None
        resumed_at = time.monotonic()
        transfer.resume()
        assert (await sink.failed()).cause is FailureCause.TIMEOUT_IDLE
        assert time.monotonic() - resumed_at >= 0.14


async def test_the_deadline_of_the_whole_call_strikes_in_every_phase(transport: CurlTransport) -> None:
    async def drips(connection: Connection) -> None:
        if (await connection.request()) is not None and connection.peer.requests[-1].target == "/stream":
            await connection.send(CHUNKED)
            while True:
                await connection.send(chunk(b": still here\n\n"))
                await asyncio.sleep(0.015)
        await connection.gone()

    timeouts = Timeouts(total_s=0.2)
    with deaf_listener() as port:
        async with Peer(drips) as peer:
            for url in (f"http://127.0.0.1:{port}", f"{peer.url}/silent", f"{peer.url}/stream"):
                request = UpstreamRequest("GET", url, timeouts=timeouts)
                failure = await fails_after(transport, request, at_least_s=0.2)
                assert failure.cause is FailureCause.TIMEOUT_TOTAL
                assert failure.message.endswith("was not finished within 0.2 s")
            await until(lambda: peer.open == 0)


async def test_the_deadline_ends_a_paused_transfer_and_hands_over_what_had_come(
    transport: CurlTransport,
) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(CHUNKED + chunk(b"data: 1\n\n"))
        await connection.gone()

    async with Peer(script) as peer:
        sink = RecordingSink()
        transfer = transport.submit(UpstreamRequest("GET", peer.url, timeouts=Timeouts(total_s=0.2)), sink)
        sink.on_head = transfer.pause
        failure = await sink.failed()
    assert failure.cause is FailureCause.TIMEOUT_TOTAL
    assert sink.calls[-1] == "fail"


async def test_limits_of_zero_do_not_exist(transport: CurlTransport) -> None:
    async def late(connection: Connection) -> None:
        await connection.request()
        await asyncio.sleep(0.15)
        await connection.send(OK)

    async with Peer(late) as peer:
        none = Timeouts(connect_s=0, first_byte_s=0, idle_s=0, total_s=0)
        await call(transport, UpstreamRequest("GET", peer.url, timeouts=none))


@pytest.fixture
async def idle_transport() -> AsyncIterator[CurlTransport]:
    transport = CurlTransport(asyncio.get_running_loop(), TransportOptions(sweep_interval_s=0.01))
    yield transport
    await transport.close()


async def test_no_sweep_runs_when_nothing_does(
    idle_transport: CurlTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    async with Peer() as peer:
        for _ in range(20):
            await call(idle_transport, peer.url)
        await asyncio.sleep(0.05)  # the last sweep runs out
        timers: list[float] = []
        call_later = loop.call_later

        def counting(delay: float, *rest: Any, **more: Any) -> asyncio.TimerHandle:
            timers.append(delay)
            return call_later(delay, *rest, **more)

        monkeypatch.setattr(loop, "call_later", counting)
        for _ in range(20):
            await call(idle_transport, peer.url)
        # One sweep timer for twenty calls (the waits of the test itself are of ten seconds).
        assert len([delay for delay in timers if delay < 1]) <= 3
