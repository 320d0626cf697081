"""A libcurl easy handle with a memory of what it is set to, lent to one request after another.

Its callbacks hand what arrives to the transfer that borrows it (curl_transfer.py); curl.py keeps the stock.
"""

import socket
from types import NoneType
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pycurl

from gateway.upstream.curl_failures import describe
from gateway.upstream.curl_options import (
    TransportOptions,
    begin_upload,
    check_target,
    end_upload,
    preset,
    set_method,
)
from gateway.upstream.curl_setup import LEAST_SENT_BYTES, Manner, Setup
from gateway.upstream.transport import BodySource, FailureCause, TransportFailure, UpstreamRequest

if TYPE_CHECKING:
    from gateway.upstream.curl_transfer import CurlTransfer

_REFUSE = -1
"""What the body callback returns to end the transfer."""
_FRESH = Manner(method="", kind=object, at_once_bytes=0, proxy=None, stream=True, connect_s=-1.0)
"""What `preset` leaves a handle at."""


class TransferDriver(Protocol):
    """What a transfer needs from the transport."""

    http2_origins: set[str]
    touched: "dict[CurlTransfer, None]"
    """Those with something for their sinks, in this order to be handed over at the end of this wake-up."""
    heaping: "list[CurlTransfer]"
    """For which libcurl heaps up what comes, to be let out before that."""
    max_head_bytes: int
    """A longer head of an answer fails."""

    def socket_opened(self, fd: int) -> None:
        """libcurl has made a socket, which gets this number."""

    def note_origin(self, origin: str, *, http2: bool) -> None:
        """This scheme and host has just answered over HTTP/2, or no longer."""

    def wake(self) -> None:
        """See to touched transfers on the loop's next turn."""

    def set_timer(self) -> None:
        """Called, outside of a wake-up, after what may have changed when libcurl wants its turn."""

    def detach(self, transfer: "CurlTransfer") -> None:
        """Take the transfer out of libcurl and close its connection or stream."""


class SocketAddress(NamedTuple):
    """What libcurl is about to connect to; `addr` begins with the IP address."""

    family: int
    socktype: int
    protocol: int
    addr: tuple[str, ...]


class _HandedOver(socket.socket):
    """A socket for libcurl: pycurl gives it a duplicate (`dup`) and drops this one without closing it."""

    def __del__(self) -> None:
        self.close()


class CurlHandle:
    """A libcurl easy handle that is used again and again, and remembers what it is set to.

    Between calls of one kind only the key's headers and the body differ, so that a request costs one or two
    setopts instead of thirty.

    lines      the header lines that have come: of interim heads, the head, trailers. libcurl adds them
               without a function of ours, and bounds them: a head by 300 KB, all together by 5,000 lines
    is_roomy   whether it holds a large buffer, which libcurl frees only when the handle goes
    opened_connection  for the request that it carries
    refusal    why that may not be connected to any of its addresses
    """

    __slots__ = (
        "_driver",
        "_manner",
        "_may_connect",
        "_origin",
        "_put",
        "_setup",
        "_shares",
        "_url",
        "curl",
        "is_roomy",
        "lines",
        "opened_connection",
        "refusal",
        "transfer",
    )

    def __init__(self, driver: TransferDriver, options: TransportOptions, ca_bundle: str | None) -> None:
        self._driver = driver
        self._origin = ""
        self._shares = False
        self._url = ""
        self._setup: Setup | None = None
        self._manner = _FRESH
        self._may_connect = options.may_connect
        self.is_roomy = False
        self.lines: list[bytes] = []
        self.transfer: CurlTransfer | None = None
        self.opened_connection = False
        self.refusal: TransportFailure | None = None
        self.curl = curl = pycurl.Curl()
        self._put = put = curl.setopt  # kept, as pycurl takes as long to find a method as to enter it
        preset(curl, options, ca_bundle)
        put(pycurl.POSTFIELDS, b"")
        put(pycurl.HEADERFUNCTION, self.lines.append)
        put(pycurl.WRITEFUNCTION, self._on_body)
        put(pycurl.READFUNCTION, self._on_read)
        put(pycurl.SOCKOPTFUNCTION, self._on_socket_opened)
        if options.may_connect is not None:
            put(pycurl.OPENSOCKETFUNCTION, self._on_socket_asked)

    def prepare(self, request: UpstreamRequest, setup: Setup) -> None:
        """Set the handle to a request; ValueError for an address or method that cannot be sent."""
        if request.url != self._url:
            self._set_url(request.url)
        body = request.body
        if isinstance(body, bytes):
            self._put(pycurl.POSTFIELDS, body)  # by reference: pycurl keeps the object
        elif body is not None:
            self._drop_body()
            begin_upload(self.curl, request.method, body.size_bytes)
        if setup is not self._setup:
            self._put(pycurl.HTTPHEADER, setup.lines)
            if setup.manner is not self._manner:
                self._set_manner(setup.manner)
            self._setup = setup

    def _set_url(self, url: str) -> None:
        check_target(url)
        self._put(pycurl.URL, url)
        self._url = url
        self._origin = "/".join(url.split("/", 3)[:3])
        self._share(self._origin in self._driver.http2_origins)

    def _set_manner(self, manner: Manner) -> None:
        curl, put, before = self.curl, self._put, self._manner
        self._manner = manner
        if manner.at_once_bytes != before.at_once_bytes:
            put(pycurl.UPLOAD_BUFFERSIZE, manner.at_once_bytes)
            self.is_roomy = manner.at_once_bytes > LEAST_SENT_BYTES
        if manner.kind is not BodySource and (manner.method, manner.kind) != (before.method, before.kind):
            if before.kind is BodySource:
                end_upload(curl)
            if manner.kind is NoneType:
                self._drop_body()
            set_method(curl, manner.method, has_body=manner.kind is bytes)
        if manner.proxy != before.proxy:
            put(pycurl.PROXY, manner.proxy or "")
        if manner.stream != before.stream:
            if manner.stream:
                curl.unsetopt(pycurl.ACCEPT_ENCODING)
            else:
                put(pycurl.ACCEPT_ENCODING, "")  # empty: everything this libcurl can undo
        if manner.connect_s != before.connect_s:
            # 0 would mean libcurl's 300 s; a day is as good as no limit.
            limit_ms = max(1, int(manner.connect_s * 1000)) if manner.connect_s else 86_400_000
            put(pycurl.CONNECTTIMEOUT_MS, limit_ms)

    def _drop_body(self) -> None:
        """Let go of the body that the handle holds. What it is set to counts as a POST then."""
        self._put(pycurl.POSTFIELDS, b"")

    def _share(self, shares: bool) -> None:
        """Wait for a connection that is being made, rather than make another: right for HTTP/2 only.

        Where HTTP/1.1 is spoken libcurl would let the waiting requests go one by one, each at the end of
        another. So it is told to wait only where HTTP/2 was the answer last time.
        """
        if shares != self._shares:
            self._shares = shares
            self._put(pycurl.PIPEWAIT, int(shares))

    def release(self) -> None:
        """Let go of what the last request brought, and remember whether the upstream shares connections.

        A short body stays: letting go of it costs more than its memory.
        """
        lines = self.lines
        if lines:
            http2 = lines[0].startswith(b"HTTP/2")
            if http2 != self._shares:
                self._driver.note_origin(self._origin, http2=http2)
                self._share(http2)
            lines.clear()
        self.transfer = None
        if self.is_roomy:
            self._drop_body()

    def close(self) -> None:
        self.transfer = None
        self.curl.close()

    def _on_socket_asked(self, _purpose: int, address: SocketAddress) -> socket.socket | int:
        """Make the socket of a connection, or refuse it: the look at an address that nothing gets behind.

        Of several addresses of a name libcurl tries the next; refused is who was let to none.
        """
        transfer = self.transfer
        if transfer is None or self._may_connect is None:
            return pycurl.SOCKET_BAD
        if transfer.request.proxy is None and not self._may_connect(address.addr[0]):
            if not self.opened_connection:
                self.refusal = describe(FailureCause.FORBIDDEN, transfer.request)
            return pycurl.SOCKET_BAD
        self.refusal = None
        return _HandedOver(address.family, address.socktype, address.protocol)

    def _on_socket_opened(self, fd: int, _purpose: int) -> int:
        self.opened_connection = True
        self._driver.socket_opened(fd)
        return pycurl.SOCKOPT_OK

    def _on_read(self, most_bytes: int) -> bytes | int:
        transfer = self.transfer
        return pycurl.READFUNC_ABORT if transfer is None else transfer.next_piece(most_bytes)

    def _on_body(self, chunk: bytes) -> int | None:
        transfer = self.transfer
        if transfer is None:
            return _REFUSE
        if transfer.paused and transfer.has_head:
            return pycurl.WRITEFUNC_PAUSE
        chunks = transfer.chunks
        if not chunks:
            self._driver.touched[transfer] = None
        elif transfer.request.stream and not transfer.is_heaping and self.lines[0].startswith(b"HTTP/1"):
            transfer.is_heaping = True
            self._driver.heaping.append(transfer)
            return pycurl.WRITEFUNC_PAUSE
        chunks.append(chunk)
        return None
