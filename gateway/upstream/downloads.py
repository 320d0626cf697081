"""What stands at an address that a client named: fetched with bounds, and never from a private network.

Redirects are followed here, one by one, so that every address is judged. The judgement is made where nothing
can get behind it, when the connection is made (`TransportOptions.may_connect`). Called by the planners.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from gateway.errors import GatewayError
from gateway.upstream.fetch import Response, Room, UpstreamCallFailed, fetch_into
from gateway.upstream.transport import FailureCause, Timeouts, Transport, UpstreamRequest

_MOST_REDIRECTS = 5
_MOST_AT_ONCE = 32
_CONNECT_S = 10.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOMENTARY = frozenset({FailureCause.CONNECT, FailureCause.PROXY, FailureCause.RESET, FailureCause.TRUNCATED})
_IN_PATHS = "%/:@!$&'()*+,;=~[]|"
_PRIVATE = "it is at a private or reserved address, which this gateway does not call"
_UNKNOWN = "its name cannot be resolved here, so it is not known to be public"
_WORDS = MappingProxyType(
    {
        FailureCause.FORBIDDEN: _PRIVATE,
        FailureCause.TOO_LARGE: "it is larger than what may be fetched for one request",
    }
)

ChooseProxy = Callable[[str], str | None]
"""The proxy for a host, None for a direct connection."""
Resolve = Callable[[str, int], Awaitable[Sequence[Any]]]
"""(host, port) → what getaddrinfo gives. Raises OSError."""


class NotDownloaded(GatewayError):
    """The address did not give what was asked for; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Download:
    """What stood there; content_type as its server said, without parameters, "" when it said nothing."""

    content_type: str
    content: bytes


class Downloads:
    """Fetches addresses. One per process.

    transport    refuses connections to addresses that `may_call` refuses
    may_call     asked with an IP address. A connection through a proxy cannot be judged that way: what its
                 name resolves to here is, beforehand. What the proxy reaches by names of its own, or resolves
                 otherwise than we do, is the limit of this.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        may_call: Callable[[str], bool],
        resolve: Resolve | None = None,
    ) -> None:
        self._transport = transport
        self._may_call = may_call
        self._resolve = _resolve if resolve is None else resolve
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    async def get(self, address: str, *, room: Room, until_s: float, choose_proxy: ChooseProxy) -> Download:
        """Give what stands at an http or https address, redirects followed. Raises NotDownloaded.

        room      what the body is taken from
        until_s   the loop's time when it must be there
        """
        try:
            async with asyncio.timeout_at(until_s), self._turns:
                return await self._follow(sendable(address), room, choose_proxy)
        except TimeoutError:
            raise NotDownloaded("there was not enough time for it") from None

    async def close(self) -> None:
        await self._transport.close()

    async def _follow(self, url: str, room: Room, choose_proxy: ChooseProxy) -> Download:
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._ask(url, room, choose_proxy)
            location = response.head.get("location")
            if response.status not in _REDIRECTS or not location:
                return _read(response)
            url = redirected(url, location)
        raise NotDownloaded(f"it was redirected more than {_MOST_REDIRECTS} times")

    async def _ask(self, url: str, room: Room, choose_proxy: ChooseProxy) -> Response:
        """One answer, on a second try where a moment may make the difference."""
        try:
            try:
                return await self._fetch(url, room, choose_proxy)
            except UpstreamCallFailed as failed:
                if failed.failure.cause not in _MOMENTARY:
                    raise
            return await self._fetch(url, room, choose_proxy)
        except UpstreamCallFailed as failed:
            raise NotDownloaded(_WORDS.get(failed.failure.cause, failed.failure.message)) from None
        except ValueError as error:
            raise NotDownloaded(str(error)) from None

    async def _fetch(self, url: str, room: Room, choose_proxy: ChooseProxy) -> Response:
        proxy = choose_proxy(urlsplit(url).hostname or "")
        if proxy is not None:
            await self._judge_name(url)
        return await fetch_into(self._transport, _request(url, proxy), room)

    async def _judge_name(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            found = [entry[4][0] for entry in await self._resolve(parts.hostname or "", parts.port or 0)]
        except OSError:
            found = [""]  # unknown, so not known to be public
        if not all(map(self._may_call, found)):
            raise NotDownloaded(_PRIVATE if "" not in found else _UNKNOWN)


def sendable(address: str) -> str:
    """The address as it goes on the wire: names and paths in ASCII, no fragment. Raises NotDownloaded."""
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        raise NotDownloaded("it is not a valid address") from None
    if parts.scheme not in ("http", "https"):
        raise NotDownloaded("only http and https addresses are fetched")
    if not parts.hostname:
        raise NotDownloaded("it names no host")
    try:
        host = parts.hostname.encode("idna").decode("ascii") if parts.hostname.strip(".") else ""
    except UnicodeError:
        host = ""
    if not host:
        raise NotDownloaded("its host is not a valid name")
    netloc = f"[{host}]" if ":" in host else host
    if port is not None:
        netloc = f"{netloc}:{port}"
    user, at, _ = parts.netloc.rpartition("@")
    if at:
        netloc = f"{quote(user, safe=_IN_PATHS)}@{netloc}"
    path = quote(parts.path, safe=_IN_PATHS) or "/"
    return urlunsplit((parts.scheme, netloc, path, quote(parts.query, safe=_IN_PATHS + "?"), ""))


def redirected(url: str, location: str) -> str:
    """Where a Location leads from here. Raises NotDownloaded."""
    raw = location.encode("latin-1", "replace")
    try:
        location = raw.decode("utf-8")  # as most servers write what is not ASCII
    except UnicodeDecodeError:
        location = raw.decode("latin-1")
    try:
        joined = urljoin(url, location)
    except ValueError:
        raise NotDownloaded("it was redirected to an address that is not valid") from None
    return sendable(joined)


def _request(url: str, proxy: str | None) -> UpstreamRequest:
    return UpstreamRequest(
        method="GET",
        url=url,
        # Several picture hosts refuse callers without a name.
        headers=(("accept", "*/*"), ("user-agent", "gemini-balance-gateway")),
        timeouts=Timeouts(connect_s=_CONNECT_S),  # the whole is up to who asked
        proxy=proxy,
    )


def _read(response: Response) -> Download:
    if not 200 <= response.status < 300:
        raise NotDownloaded(f"its server answered {response.status}")
    if not response.body:
        raise NotDownloaded("there is nothing at it")
    content_type = (response.head.get("content-type") or "").partition(";")[0].strip().lower()
    return Download(content_type, response.body)


async def _resolve(host: str, port: int) -> Sequence[Any]:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
