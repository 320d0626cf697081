"""Calls through HTTP and SOCKS5 proxies: kept connections, credentials, and what a proxy gets to see."""

import asyncio

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_options import TransportOptions
from gateway.upstream.transport import FailureCause, Timeouts, UpstreamRequest
from tests.upstream.calls import call, failing_call
from tests.upstream.certificates import Authority
from tests.upstream.h2_peer import H2Peer
from tests.upstream.peers import Connection, Peer, unused_port
from tests.upstream.proxy_peers import HttpProxy, Socks5Proxy

_KEY = "AIzaSyTheKeyNobodyElseMaySee"


@pytest.fixture
def options(authority: Authority) -> TransportOptions:
    return TransportOptions(sweep_interval_s=0.02, ca_bundle=str(authority.ca_path))


def post(url: str, proxy: str) -> UpstreamRequest:
    return UpstreamRequest("POST", url, headers=[("x-goog-api-key", _KEY)], body=b"{}", proxy=proxy)


def with_user(proxy: Peer, user: str, *, scheme: str = "http") -> str:
    return f"{scheme}://{user}@127.0.0.1:{proxy.port}"


async def test_plain_http_goes_to_the_proxy_on_one_kept_connection(transport: CurlTransport) -> None:
    script = HttpProxy("user:pass")
    async with Peer() as upstream, Peer(script) as proxy:
        for number in range(5):
            sink = await call(transport, post(f"{upstream.url}/{number}", with_user(proxy, "user:pass")))
            assert bytes(sink.body) == b"ok"
        assert proxy.accepted == 1
        assert [seen.target for seen in script.seen][:2] == [f"{upstream.url}/0", f"{upstream.url}/1"]
        assert {seen.header("Proxy-Authorization") for seen in upstream.requests} == {None}


async def test_https_goes_through_one_kept_tunnel_and_the_proxy_never_sees_the_key(
    transport: CurlTransport, authority: Authority
) -> None:
    script = HttpProxy("user:pass")
    async with Peer(tls=authority.server_context()) as upstream, Peer(script) as proxy:
        for number in range(5):
            sink = await call(transport, post(f"{upstream.url}/{number}", with_user(proxy, "user:pass")))
            assert bytes(sink.body) == b"ok"
            # Nor is the proxy's answer to the CONNECT mistaken for the upstream's.
            assert [head.get("x-proxy") for head in sink.heads] == [None]
        assert (proxy.accepted, upstream.accepted) == (1, 1)
        assert upstream.requests[0].header("x-goog-api-key") == _KEY
        assert {seen.header("Proxy-Authorization") for seen in upstream.requests} == {None}
    (connect,) = script.seen
    assert (connect.method, connect.target) == ("CONNECT", f"127.0.0.1:{upstream.port}")
    assert set(connect.names) <= {"host", "proxy-authorization", "proxy-connection"}
    assert _KEY not in str(connect)


async def test_http2_is_spoken_inside_a_tunnel(transport: CurlTransport, authority: Authority) -> None:
    script = HttpProxy()
    async with H2Peer(authority.server_context("h2")) as upstream, Peer(script) as proxy:
        await call(transport, post(upstream.url, proxy.url))
        await asyncio.gather(*(call(transport, post(upstream.url, proxy.url)) for _ in range(10)))
        assert (upstream.accepted, len(upstream.streams), len(script.seen)) == (1, 11, 1)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("tls", [False, True])
async def test_socks5_with_credentials_keeps_its_connection(
    transport: CurlTransport, authority: Authority, scheme: str, tls: bool
) -> None:
    script = Socks5Proxy(("user", "p@ss"))
    async with Peer(tls=authority.server_context() if tls else None) as upstream, Peer(script) as proxy:
        for _ in range(5):
            await call(transport, post(upstream.url, with_user(proxy, "user:p%40ss", scheme=scheme)))
        assert (proxy.accepted, len(upstream.requests)) == (1, 5)
    assert script.tunnels == [("user", "p@ss", "127.0.0.1", upstream.port)]


async def test_socks5h_leaves_the_name_to_the_proxy(transport: CurlTransport) -> None:
    script = Socks5Proxy()
    async with Peer() as upstream, Peer(script) as proxy:
        url = f"http://localhost:{upstream.port}"
        await call(transport, post(url, f"socks5h://127.0.0.1:{proxy.port}"))
        assert script.tunnels == [("", "", "localhost", upstream.port)]


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_connections_of_different_proxies_and_of_none_are_never_shared(
    transport: CurlTransport, authority: Authority, scheme: str
) -> None:
    make = HttpProxy if scheme == "http" else Socks5Proxy
    async with (
        Peer(tls=authority.server_context()) as upstream,
        Peer(make()) as first,
        Peer(make()) as second,
    ):
        for _ in range(2):
            await call(transport, post(upstream.url, f"{scheme}://127.0.0.1:{first.port}"))
            await call(transport, post(upstream.url, f"{scheme}://127.0.0.1:{second.port}"))
            await call(transport, upstream.url)
        assert (first.accepted, second.accepted, upstream.accepted) == (1, 1, 3)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("http2", [False, True])
async def test_connections_of_different_credentials_are_never_shared(
    transport: CurlTransport, authority: Authority, scheme: str, http2: bool
) -> None:
    class AnySocks(Socks5Proxy):
        async def __call__(self, connection: Connection) -> None:
            self.credentials = (f"user{connection.number}", "p")
            await Socks5Proxy.__call__(self, connection)

    http, socks = HttpProxy(), AnySocks()
    tls = authority.server_context("h2" if http2 else "http/1.1")
    async with (
        H2Peer(tls) if http2 else Peer(tls=tls) as upstream,
        Peer(http if scheme == "http" else socks) as proxy,
    ):
        for _ in range(2):
            for user in ("user1:p", "user2:p"):
                await call(transport, post(upstream.url, with_user(proxy, user, scheme=scheme)))
        assert (proxy.accepted, upstream.accepted) == (2, 2)


async def refuses(connection: Connection) -> None:
    await connection.head()
    await connection.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


async def slams(connection: Connection) -> None:
    await connection.head()


@pytest.mark.parametrize("script", [refuses, slams])
async def test_a_proxy_that_makes_no_tunnel(transport: CurlTransport, script: object) -> None:
    assert callable(script)
    async with Peer(script) as proxy:
        failure = await failing_call(transport, post("https://api.example/", with_user(proxy, "u:secretpw")))
    assert failure.cause is FailureCause.PROXY
    assert f"the proxy 127.0.0.1:{proxy.port} did not pass the request on" in failure.message
    assert "secretpw" not in failure.message


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_other_credentials(transport: CurlTransport, scheme: str) -> None:
    script = HttpProxy("user:right")
    async with Peer(script) as proxy:
        url = f"{scheme}://127.0.0.1:{unused_port()}/"
        failure = await failing_call(transport, post(url, with_user(proxy, "user:wrong")))
    assert failure.cause is FailureCause.PROXY
    assert "407" in failure.message
    assert "wrong" not in failure.message


async def test_a_socks_proxy_that_wants_other_credentials(transport: CurlTransport) -> None:
    async with Peer(Socks5Proxy(("user", "right"))) as proxy:
        request = post("http://127.0.0.1:1/", with_user(proxy, "user:wrong", scheme="socks5"))
        failure = await failing_call(transport, request)
    assert failure.cause is FailureCause.PROXY
    assert "wrong" not in failure.message


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
@pytest.mark.parametrize("target", ["http", "https"])
async def test_a_proxy_nobody_listens_at(transport: CurlTransport, scheme: str, target: str) -> None:
    proxy = f"{scheme}://127.0.0.1:{unused_port()}"
    failure = await failing_call(transport, post(f"{target}://127.0.0.1:1/", proxy))
    assert failure.cause is FailureCause.PROXY


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_whose_name_does_not_exist(transport: CurlTransport, scheme: str) -> None:
    failure = await failing_call(transport, post("https://127.0.0.1:1/", f"{scheme}://nowhere.invalid:3128"))
    assert failure.cause is FailureCause.PROXY


async def test_a_proxy_that_never_answers_is_a_connection_not_made(transport: CurlTransport) -> None:
    async def deaf(connection: Connection) -> None:
        await connection.gone()

    async with Peer(deaf) as proxy:
        request = UpstreamRequest(
            "GET", "https://api.example/", proxy=proxy.url, timeouts=Timeouts(connect_s=0.1)
        )
        failure = await failing_call(transport, request)
    assert failure.cause is FailureCause.TIMEOUT_CONNECT
    assert f"through the proxy 127.0.0.1:{proxy.port}" in failure.message


async def test_proxies_and_passwords_of_the_machine_are_not_used(
    transport: CurlTransport, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("machine 127.0.0.1 login someone password something\n")
    monkeypatch.setenv("HOME", str(home))
    async with Peer() as upstream, Peer(refuses) as proxy:
        for name in ("http_proxy", "all_proxy", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "*")
        assert (await call(transport, upstream.url)).status == 200
        assert upstream.requests[0].names == ["accept-encoding", "host"]
        assert proxy.accepted == 0
        # and a proxy that was configured is used whatever NO_PROXY says
        assert (await call(transport, post(upstream.url, proxy.url))).status == 403


async def test_a_handle_used_with_a_proxy_goes_direct_again(transport: CurlTransport) -> None:
    async with Peer() as upstream, Peer(HttpProxy()) as proxy:
        await call(transport, post(upstream.url, proxy.url))
        await call(transport, upstream.url)
        assert len(proxy.requests) == 1
