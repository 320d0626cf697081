"""A libcurl easy handle with a memory of what it is set to, lent to one request after another.

Its callbacks hand what arrives to the transfer that borrows it (curl_transfer.py); curl.py keeps the stock.
"""

import socket
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pycurl

from gateway.upstream.curl_failures import describe
from gateway.upstream.curl_options import (
    LEAST_SENT_BYTES,
    TransportOptions,
    begin_upload,
    check_target,
    end_upload,
    preset,
    set_method,
)
from gateway.upstream.transport import BodySource, FailureCause, UpstreamRequest

if TYPE_CHECKING:
    from gateway.upstream.curl_transfer import CurlTransfer

_REFUSE = -1
"""What the body callback returns to end the transfer."""
_HELD_BETWEEN_BYTES = 16 * 1024
"""A handle without a request may keep a body of this size: letting go of it costs more than its memory."""


class TransferDriver(Protocol):
    """What a transfer needs from the transport."""

    http2_origins: set[str]
    touched: "list[CurlTransfer]"
    """With something for their sinks, to be handed over at the end of this wake-up."""
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
    """

    __slots__ = (
        "_at_once_bytes",
        "_connect_s",
        "_driver",
        "_held_bytes",
        "_is_stream",
        "_kind",
        "_may_connect",
        "_method",
        "_origin",
        "_proxy",
        "_sent_lines",
        "_shares",
        "_url",
        "curl",
        "is_roomy",
        "lines",
        "opened_connection",
        "transfer",
    )

    def __init__(self, driver: TransferDriver, options: TransportOptions, ca_bundle: str | None) -> None:
        self._driver = driver
        self._origin = ""
        self._shares = False
        self._url = ""
        self._held_bytes = 0
        self._proxy: str | None = None
        self._sent_lines: list[bytes] | None = None
        self._method: str | None = None
        self._kind: type = object  # of its body
        self._is_stream = True
        self._may_connect = options.may_connect
        self._connect_s = -1.0
        self._at_once_bytes = 0
        self.is_roomy = False
        self.lines: list[bytes] = []
        self.transfer: CurlTransfer | None = None
        self.opened_connection = False
        self.curl = curl = pycurl.Curl()
        preset(curl, options, ca_bundle)
        curl.setopt(pycurl.POSTFIELDS, b"")
        curl.setopt(pycurl.HEADERFUNCTION, self.lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        curl.setopt(pycurl.READFUNCTION, self._on_read)
        curl.setopt(pycurl.SOCKOPTFUNCTION, self._on_socket_opened)
        if options.may_connect is not None:
            curl.setopt(pycurl.OPENSOCKETFUNCTION, self._on_socket_asked)

    def prepare(self, request: UpstreamRequest, lines: list[bytes], at_once_bytes: int) -> None:
        """Set the handle to a request; ValueError for an address or method that cannot be sent.

        at_once_bytes   the buffer it is to be sent through
        """
        curl = self.curl
        if request.url != self._url:
            self._set_url(request.url)
        if lines is not self._sent_lines:
            curl.setopt(pycurl.HTTPHEADER, lines)
            self._sent_lines = lines
        if at_once_bytes != self._at_once_bytes:
            curl.setopt(pycurl.UPLOAD_BUFFERSIZE, at_once_bytes)
            self._at_once_bytes = at_once_bytes
            self.is_roomy = at_once_bytes > LEAST_SENT_BYTES
        body = request.body
        if isinstance(body, bytes):
            curl.setopt(pycurl.POSTFIELDS, body)  # by reference: pycurl keeps the object, nothing is copied
            self._held_bytes = len(body)
        if request.method != self._method or type(body) is not self._kind:
            self._set_shape(request.method, body)
        if request.proxy != self._proxy:
            curl.setopt(pycurl.PROXY, request.proxy or "")
            self._proxy = request.proxy
        if request.stream != self._is_stream:
            if request.stream:
                curl.unsetopt(pycurl.ACCEPT_ENCODING)
            else:
                curl.setopt(pycurl.ACCEPT_ENCODING, "")  # empty: everything this libcurl can undo
            self._is_stream = request.stream
        connect_s = request.timeouts.connect_s
        if connect_s != self._connect_s:
            # 0 would mean libcurl's 300 s; a day is as good as no limit.
            curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(connect_s * 1000)) if connect_s else 86_400_000)
            self._connect_s = connect_s
        self.opened_connection = False

    def _set_url(self, url: str) -> None:
        check_target(url)
        self.curl.setopt(pycurl.URL, url)
        self._url = url
        self._origin = "/".join(url.split("/", 3)[:3])
        self._share(self._origin in self._driver.http2_origins)

    def _set_shape(self, method: str, body: bytes | BodySource | None) -> None:
        """Set the handle to another method or kind of body than the last one's, and to any source of one."""
        curl = self.curl
        if self._kind is BodySource:
            end_upload(curl)
        if not isinstance(body, bytes):
            self._drop_body()
        if body is None or isinstance(body, bytes):
            set_method(curl, method, has_body=body is not None)
            self._kind = type(body)
        else:
            begin_upload(curl, method, body.size_bytes)
            self._kind = BodySource
        self._method = method

    def _drop_body(self) -> None:
        self.curl.setopt(pycurl.POSTFIELDS, b"")
        self._held_bytes = 0

    def _share(self, shares: bool) -> None:
        """Wait for a connection that is being made, rather than make another: right for HTTP/2 only.

        Where HTTP/1.1 is spoken libcurl would let the waiting requests go one by one, each at the end of
        another. So it is told to wait only where HTTP/2 was the answer last time.
        """
        if shares != self._shares:
            self._shares = shares
            self.curl.setopt(pycurl.PIPEWAIT, int(shares))

    def release(self) -> None:
        """Let go of what the last request carried, and remember whether the upstream shares connections."""
        lines = self.lines
        if lines:
            http2 = lines[0].startswith(b"HTTP/2")
            if http2 != self._shares:
                self._driver.note_origin(self._origin, http2=http2)
                self._share(http2)
            lines.clear()
        self.transfer = None
        if self._held_bytes > _HELD_BETWEEN_BYTES:
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
                transfer.refusal = describe(FailureCause.FORBIDDEN, transfer.request)
            return pycurl.SOCKET_BAD
        transfer.refusal = None
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
        if not transfer.touched:
            transfer.moved = transfer.touched = True
            self._driver.touched.append(transfer)
        elif self._is_stream and not transfer.is_heaping and self.lines[0].startswith(b"HTTP/1"):
            transfer.is_heaping = True
            self._driver.heaping.append(transfer)
            return pycurl.WRITEFUNC_PAUSE
        transfer.chunks.append(chunk)
        return None
