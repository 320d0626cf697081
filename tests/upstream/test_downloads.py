"""Addresses that strangers chose: what is fetched from them, with which bounds, and what is never called."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_options import TransportOptions
from gateway.upstream.downloads import Downloads, NotDownloaded, redirected, sendable
from gateway.upstream.fetch import Room
from gateway.upstream.public_addresses import is_public
from tests.upstream.peers import Connection, Peer, Script, answer, answers

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
PICTURE = answer(PNG, "Content-Type: image/png")


def anywhere(_: str) -> bool:
    return True


def moved(location: str, status: str = "302 Found") -> bytes:
    return answer(b"over there", f"Location: {location}", status=status)


def no_proxy(_: str) -> str | None:
    return None


@asynccontextmanager
async def made(may_call: Callable[[str], bool], **more: Any) -> AsyncIterator[Downloads]:
    transport = CurlTransport(
        asyncio.get_running_loop(), TransportOptions(may_connect=may_call, sweep_interval_s=0.02)
    )
    downloads = Downloads(transport, may_call=may_call, **more)
    try:
        yield downloads
    finally:
        await downloads.close()


async def get(
    downloads: Downloads,
    address: str,
    *,
    room: Room | None = None,
    within_s: float = 10.0,
    choose_proxy: Callable[[str], str | None] = no_proxy,
) -> bytes:
    until_s = asyncio.get_running_loop().time() + within_s
    found = await downloads.get(
        address, room=room or Room(1_000_000), until_s=until_s, choose_proxy=choose_proxy
    )
    return found.content


async def test_what_stands_at_an_address_comes_with_its_type() -> None:
    typed = answer(PNG, "Content-Type: Image/PNG; charset=binary")
    async with Peer(answers(typed)) as peer, made(anywhere) as downloads:
        until_s = asyncio.get_running_loop().time() + 10
        found = await downloads.get(
            f"{peer.url}/a?b=c#part", room=Room(1000), until_s=until_s, choose_proxy=no_proxy
        )

    assert (found.content_type, found.content) == ("image/png", PNG)
    assert peer.requests[0].target == "/a?b=c"
    assert peer.requests[0].header("user-agent") == "gemini-balance-gateway"


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
async def test_redirects_are_followed(status: str) -> None:
    async with (
        Peer(answers(PICTURE)) as there,
        Peer(answers(moved(f"{there.url}/x", status))) as peer,
        made(anywhere) as downloads,
    ):
        assert await get(downloads, peer.url) == PNG

    assert there.requests[0].target == "/x"


async def test_five_redirects_are_followed_and_no_more() -> None:
    async def turns_round(connection: Connection) -> None:
        seen = await connection.request()
        assert seen is not None
        number = int(seen.target.rpartition("/")[2])
        await connection.send(PICTURE if number == 5 else moved(f"{number + 1}"))

    async with Peer(turns_round) as peer, made(anywhere) as downloads:
        assert await get(downloads, f"{peer.url}/hop/0") == PNG
        with pytest.raises(NotDownloaded, match="more than 5 times"):
            await get(downloads, f"{peer.url}/hop/-1")


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:6379/_x", "javascript:1"]
)
async def test_a_redirect_to_another_scheme_is_refused(location: str) -> None:
    async with Peer(answers(moved(location))) as peer, made(anywhere) as downloads:
        with pytest.raises(NotDownloaded, match="only http and https"):
            await get(downloads, peer.url)


# Private networks.


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0",
        "[::ffff:127.0.0.1]",
    ],
)
async def test_no_spelling_of_a_private_address_is_connected_to(host: str) -> None:
    async with Peer() as peer, made(is_public) as downloads:
        with pytest.raises(NotDownloaded, match="private or reserved"):
            await get(downloads, f"http://{host}:{peer.port}/")

    assert peer.accepted == 0


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[fd00:ec2::254]/",
        "http://[::1]/",
    ],
)
async def test_metadata_services_and_inner_networks_are_not_called(address: str) -> None:
    async with made(is_public) as downloads:
        with pytest.raises(NotDownloaded, match="private or reserved"):
            await get(downloads, address, within_s=5)


async def test_a_redirect_into_a_private_network_is_refused() -> None:
    def all_but_the_second(address: str) -> bool:
        return address != "127.0.0.2"

    async with (
        Peer() as inner,
        Peer(answers(moved(f"http://127.0.0.2:{inner.port}/secret"))) as peer,
        made(all_but_the_second) as downloads,
    ):
        with pytest.raises(NotDownloaded, match="private or reserved"):
            await get(downloads, peer.url)

    assert inner.accepted == 0


async def test_each_connection_is_judged_so_that_a_name_cannot_change_its_mind() -> None:
    asked: list[str] = []

    def first_time_only(address: str) -> bool:
        asked.append(address)
        return len(asked) == 1

    async with Peer(answers(PICTURE, PICTURE)) as peer, made(first_time_only) as downloads:
        assert await get(downloads, peer.url) == PNG
        with pytest.raises(NotDownloaded, match="private or reserved"):
            await get(downloads, peer.url)

    assert asked == ["127.0.0.1"] * 2
    assert len(peer.requests) == 1


# Bounds.


async def test_what_several_fetch_shares_one_room() -> None:
    room = Room(len(PNG) * 2)
    async with Peer(answers(PICTURE)) as peer, made(anywhere) as downloads:
        assert await get(downloads, peer.url, room=room) == PNG
        assert await get(downloads, peer.url, room=room) == PNG
        with pytest.raises(NotDownloaded, match="larger than what may be fetched"):
            await get(downloads, peer.url, room=room)


async def test_a_body_is_measured_after_its_compression_is_undone() -> None:
    packed = answer(gzip.compress(b"a" * 100_000), "Content-Encoding: gzip", "Content-Type: image/png")
    async with Peer(answers(packed)) as peer, made(anywhere) as downloads:
        with pytest.raises(NotDownloaded, match="larger"):
            await get(downloads, peer.url, room=Room(50_000))


async def test_a_server_that_dawdles_is_given_up() -> None:
    async def one_byte_a_moment(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await connection.send(b"x")
            await asyncio.sleep(0.02)

    async with Peer(one_byte_a_moment) as peer, made(anywhere) as downloads:
        with pytest.raises(NotDownloaded, match="not enough time"):
            await get(downloads, peer.url, within_s=0.3)


@pytest.mark.parametrize(
    ("whole", "why"),
    [
        (answer(b"no", status="404 Not Found"), "its server answered 404"),
        (answer(b"no", status="302 Found"), "its server answered 302"),
        (answer(b""), "there is nothing at it"),
    ],
)
async def test_an_answer_without_media_says_so(whole: bytes, why: str) -> None:
    async with Peer(answers(whole)) as peer, made(anywhere) as downloads:
        with pytest.raises(NotDownloaded, match=why):
            await get(downloads, peer.url)


def breaks_first(times: int) -> Script:
    async def script(connection: Connection) -> None:
        await connection.request()
        if connection.number <= times:
            connection.reset()
        else:
            await connection.send(PICTURE)

    return script


async def test_a_connection_that_breaks_is_tried_once_more() -> None:
    async with Peer(breaks_first(1)) as peer, made(anywhere) as downloads:
        assert await get(downloads, peer.url) == PNG
    async with Peer(breaks_first(2)) as peer, made(anywhere) as downloads:
        with pytest.raises(NotDownloaded, match="closed the connection"):
            await get(downloads, peer.url)


# Proxies.


def resolving(*addresses: str) -> Callable[[str, int], Any]:
    async def resolve(_: str, __: int) -> Sequence[Any]:
        if not addresses:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    return resolve


async def test_a_public_name_goes_through_the_proxy_wherever_that_stands() -> None:
    resolve = resolving("93.184.216.34")
    async with Peer(answers(PICTURE)) as proxy, made(is_public, resolve=resolve) as downloads:
        found = await get(downloads, "http://example.org/a.png", choose_proxy=lambda _: proxy.url)

    assert found == PNG
    assert proxy.requests[0].target == "http://example.org/a.png"


@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        (("10.0.0.7",), "private or reserved"),
        (("93.184.216.34", "127.0.0.1"), "private or reserved"),
        ((), "cannot be resolved"),
    ],
)
async def test_what_a_name_resolves_to_is_judged_before_a_proxy_is_asked(
    addresses: Sequence[str], why: str
) -> None:
    async with Peer() as proxy, made(is_public, resolve=resolving(*addresses)) as downloads:
        with pytest.raises(NotDownloaded, match=why):
            await get(downloads, "http://example.org/", choose_proxy=lambda _: proxy.url)

    assert proxy.accepted == 0


# Addresses as people write them.


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("https://example.org", "https://example.org/"),
        (" HTTPS://Example.org/a b.png ", "https://example.org/a%20b.png"),
        ("https://example.org/ä?q=ö#x", "https://example.org/%C3%A4?q=%C3%B6"),
        ("https://bücher.example/%C3%A4%20", "https://xn--bcher-kva.example/%C3%A4%20"),
        ("http://user:pass@example.org:8080/x", "http://user:pass@example.org:8080/x"),
        ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]:80/"),
        ("http://example.org\\@127.0.0.1/", "http://example.org%5C@127.0.0.1/"),
    ],
)
def test_an_address_is_made_fit_for_the_wire(address: str, sent: str) -> None:
    assert sendable(address) == sent


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "http:///x",
        "http://a..b/",
        "http://[::1",
        "http://example.org:port/",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(NotDownloaded):
        sendable(address)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://example.org/b"),
        ("b", "https://example.org/x/b"),
        ("//other.example/c", "https://other.example/c"),
        ("http://other.example", "http://other.example/"),
        ("/\u00c3\u00a4", "https://example.org/%C3%A4"),  # UTF-8 read as latin-1
        ("/\u00e4", "https://example.org/%C3%A4"),
    ],
)
def test_a_redirect_leads_on_from_where_it_stands(location: str, url: str) -> None:
    assert redirected("https://example.org/x/a?q", location) == url
