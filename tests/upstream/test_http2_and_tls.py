"""HTTP/2 by ALPN, many calls on one connection, and whom the driver trusts."""

import asyncio
from pathlib import Path

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_options import TransportOptions
from gateway.upstream.transport import FailureCause, UpstreamRequest
from tests.upstream.calls import call, failing_call
from tests.upstream.certificates import Authority, make_authority
from tests.upstream.h2_peer import H2Peer, Stream
from tests.upstream.peers import Connection, Peer
from tests.upstream.sinks import RecordingSink, stands_still, until

_PIECE = bytes(range(256)) * 64


@pytest.fixture
def options(authority: Authority) -> TransportOptions:
    return TransportOptions(sweep_interval_s=0.02, ca_bundle=str(authority.ca_path))


async def test_https_with_alpn_speaks_http2_over_one_shared_connection(
    transport: CurlTransport, authority: Authority
) -> None:
    together = asyncio.Event()

    async def all_wait_for_all(stream: Stream) -> None:
        if len(peer.streams) == 21:
            together.set()
        if stream.header(":path") != "/first":
            await together.wait()
        stream.head(200, ("content-type", "text/plain"))
        await stream.send(b"ok")
        stream.end()

    async with H2Peer(authority.server_context("h2", "http/1.1"), all_wait_for_all) as peer:
        await call(transport, f"{peer.url}/first")
        sinks = await asyncio.gather(*(call(transport, f"{peer.url}/{n}") for n in range(20)))
        assert {bytes(sink.body) for sink in sinks} == {b"ok"}
        assert {sink.heads[0].get("Content-Type") for sink in sinks} == {"text/plain"}
        assert peer.accepted == 1
        assert (await call(transport, peer.url)).status == 200
        assert peer.accepted == 1
    assert transport.connections_opened == 1


async def test_a_burst_after_a_rest_makes_one_http2_connection_not_many(
    transport: CurlTransport, authority: Authority
) -> None:
    async with H2Peer(authority.server_context("h2")) as peer:
        await call(transport, peer.url)
        await call(transport, f"{peer.url}/other")  # learned for the upstream, not for one address of it
        peer.streams[-1].abort_connection()
        await until(lambda: not peer.connections)
        await asyncio.gather(*(call(transport, f"{peer.url}/{n}") for n in range(20)))
        assert peer.accepted == 2


async def test_an_upstream_that_gave_up_http2_is_not_waited_for_again(
    transport: CurlTransport, authority: Authority
) -> None:
    async with H2Peer(authority.server_context("h2")) as peer:
        await call(transport, peer.url)
        origin = peer.url
    assert transport.http2_origins == {origin}
    transport.note_origin(origin, http2=False)
    assert transport.http2_origins == set()


async def test_a_body_goes_up_and_trailers_are_ignored_over_http2(
    transport: CurlTransport, authority: Authority
) -> None:
    async def echo(stream: Stream) -> None:
        stream.head()
        await stream.send(bytes(stream.body))
        stream.end(("x-later", "1"))

    body = _PIECE * 100
    async with H2Peer(authority.server_context("h2"), echo) as peer:
        request = UpstreamRequest("POST", peer.url, headers=[("X-Goog-Api-Key", "k1")], body=body)
        sink = await call(transport, request)
        assert sink.body == body
        assert sink.heads[0].get("x-later") is None
        assert sink.calls.count("head") == 1
        sent = dict(peer.streams[0].headers)
    assert sent["x-goog-api-key"] == "k1"
    assert sent[":method"] == "POST"
    assert set(sent) <= {
        ":method", ":path", ":scheme", ":authority", "x-goog-api-key", "content-length", "accept-encoding"
    }  # fmt: skip


async def test_https_without_http2_speaks_http_1_1_and_a_burst_does_not_queue_behind_the_first(
    transport: CurlTransport, authority: Authority
) -> None:
    async def begin_and_wait(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await release.wait()
        await connection.send(b"cd")

    release = asyncio.Event()
    async with Peer(begin_and_wait, tls=authority.server_context("http/1.1")) as peer:
        sinks = [RecordingSink() for _ in range(5)]
        for sink in sinks:
            transport.submit(UpstreamRequest("GET", peer.url), sink)
        for sink in sinks:
            await sink.received(2)
        release.set()
        for sink in sinks:
            await sink.ended()
        assert peer.accepted == 5


async def test_a_burst_of_first_calls_over_plain_http_does_not_queue_behind_the_first(
    transport: CurlTransport,
) -> None:
    async def begin_and_wait(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await connection.gone()

    async with Peer(begin_and_wait) as peer:
        sinks = [RecordingSink() for _ in range(5)]
        for sink in sinks:
            transport.submit(UpstreamRequest("GET", peer.url), sink)
        for sink in sinks:
            await sink.received(2)


async def test_cancelling_one_stream_resets_it_and_leaves_its_neighbours(
    transport: CurlTransport, authority: Authority
) -> None:
    async def on_and_on(stream: Stream) -> None:
        stream.head()
        for _ in range(10):
            await stream.send(b"x" * 10)
        if stream.header(":path") == "/keep":
            await go_on.wait()
            stream.end()
        else:
            await stream.reset.wait()

    go_on = asyncio.Event()
    async with H2Peer(authority.server_context("h2"), on_and_on) as peer:
        kept, dropped = RecordingSink(), RecordingSink()
        transport.submit(UpstreamRequest("GET", f"{peer.url}/keep"), kept)
        await kept.received(100)
        transfer = transport.submit(UpstreamRequest("GET", f"{peer.url}/drop"), dropped)
        await dropped.received(100)
        transfer.cancel()
        before = list(dropped.calls)
        stream = next(stream for stream in peer.streams if stream.header(":path") == "/drop")
        await asyncio.wait_for(stream.reset.wait(), 0.1)
        go_on.set()
        await kept.ended()
        assert peer.accepted == 1
        assert dropped.calls == before


async def test_cancelling_the_last_stream_of_a_connection_resets_it_at_once(
    transport: CurlTransport, authority: Authority
) -> None:
    async def silent(stream: Stream) -> None:
        await stream.reset.wait()

    async with H2Peer(authority.server_context("h2"), silent) as peer:
        transfer = transport.submit(UpstreamRequest("GET", peer.url), RecordingSink())
        await until(lambda: len(peer.streams) == 1)
        transfer.cancel()
        await asyncio.wait_for(peer.streams[0].reset.wait(), 0.1)


async def test_a_paused_http2_stream_holds_its_upstream_back_but_not_its_neighbours(
    transport: CurlTransport, authority: Authority
) -> None:
    total = 60_000_000

    async def flood(stream: Stream) -> None:
        stream.head()
        if stream.header(":path") == "/small":
            await stream.send(b"ok")
        else:
            for _ in range(total // 100_000):
                await stream.send(_PIECE[:10_000] * 10)
        stream.end()

    async with H2Peer(authority.server_context("h2"), flood) as peer:
        sink = RecordingSink(keep=False)
        transfer = transport.submit(UpstreamRequest("GET", f"{peer.url}/flood", stream=True), sink)
        sink.on_head = transfer.pause
        await sink.has_head()
        await stands_still(lambda: peer.streams[0].sent_bytes)
        assert peer.streams[0].sent_bytes < 16_000_000
        assert sink.body_bytes == 0
        assert (await call(transport, f"{peer.url}/small")).body == b"ok"
        for _ in range(3):
            transfer.resume()
            await sink.received(sink.body_bytes + 1)
            transfer.pause()
        transfer.resume()
        await sink.ended()
        assert sink.body_bytes == total


async def test_a_stream_the_server_resets_fails_and_its_neighbours_do_not(
    transport: CurlTransport, authority: Authority
) -> None:
    async def script(stream: Stream) -> None:
        stream.head()
        await stream.send(b"ab")
        if stream.header(":path") == "/bad":
            stream.refuse(2)  # INTERNAL_ERROR
        else:
            stream.end()

    async with H2Peer(authority.server_context("h2"), script) as peer:
        failure, good = await asyncio.gather(
            failing_call(transport, f"{peer.url}/bad"), call(transport, f"{peer.url}/good")
        )
        assert failure.cause is FailureCause.RESET
        assert good.body == b"ab"


async def test_an_http2_connection_that_goes_in_the_middle_is_a_reset(
    transport: CurlTransport, authority: Authority
) -> None:
    async def script(stream: Stream) -> None:
        stream.head()
        await stream.send(b"ab")
        await got.wait()
        stream.abort_connection()

    got = asyncio.Event()
    async with H2Peer(authority.server_context("h2"), script) as peer:
        sink = RecordingSink()
        transport.submit(UpstreamRequest("GET", peer.url), sink)
        await sink.received(2)
        got.set()
        assert (await sink.failed()).cause is FailureCause.RESET


async def test_a_kept_http2_connection_that_went_meanwhile_goes_unnoticed(
    transport: CurlTransport, authority: Authority
) -> None:
    async with H2Peer(authority.server_context("h2")) as peer:
        for number in range(1, 4):
            request = UpstreamRequest("POST", peer.url, body=b"x")
            assert (await call(transport, request)).body == b"ok"
            assert (peer.accepted, len(peer.streams)) == (number, number)
            peer.streams[-1].abort_connection()
            await until(lambda: not peer.connections)


async def test_http2_can_be_turned_off(authority: Authority) -> None:
    options = TransportOptions(http2=False, ca_bundle=str(authority.ca_path))
    transport = CurlTransport(asyncio.get_running_loop(), options)
    try:
        async with Peer(tls=authority.server_context("h2", "http/1.1")) as peer:
            assert (await call(transport, peer.url)).body == b"ok"
    finally:
        await transport.close()


async def test_a_certificate_nobody_vouches_for_is_refused_in_clear_words(
    transport: CurlTransport, tmp_path: Path
) -> None:
    stranger = make_authority(tmp_path)
    async with Peer(tls=stranger.server_context()) as peer:
        failure = await failing_call(transport, peer.url)
        assert peer.requests == []
    assert failure.cause is FailureCause.TLS
    assert "certificate" in failure.message
    assert failure.message.startswith(f"no trusted TLS connection to 127.0.0.1:{peer.port}")


async def test_a_certificate_for_another_host_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = make_authority(tmp_path, host="elsewhere.test", address="127.0.0.2")
    options = TransportOptions(ca_bundle=str(other.ca_path))
    transport = CurlTransport(asyncio.get_running_loop(), options)
    try:
        async with Peer(tls=other.server_context()) as peer:
            assert (await failing_call(transport, peer.url)).cause is FailureCause.TLS
    finally:
        await transport.close()


async def test_without_verification_any_certificate_will_do(tmp_path: Path) -> None:
    transport = CurlTransport(asyncio.get_running_loop(), TransportOptions(verify_tls=False))
    try:
        async with Peer(tls=make_authority(tmp_path).server_context()) as peer:
            assert (await call(transport, peer.url)).body == b"ok"
    finally:
        await transport.close()


async def test_tls_spoken_to_a_plain_port_is_a_tls_failure(transport: CurlTransport) -> None:
    async def plain(connection: Connection) -> None:
        await connection.reader.read(100)
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with Peer(plain) as peer:
        failure = await failing_call(transport, f"https://127.0.0.1:{peer.port}")
    assert failure.cause is FailureCause.TLS
