"""One running request: the libcurl handle it borrows, what has arrived, and its hand-over to the sink.

libcurl's callbacks only collect; the sink is called afterwards, outside libcurl, so that it may cancel,
pause or submit at will (libcurl forbids most of that inside its callbacks). Made and driven by curl.py.
"""

from typing import Protocol

import pycurl

from gateway.upstream.curl_failures import describe
from gateway.upstream.curl_options import TransportOptions, preset, set_method, set_url
from gateway.upstream.response import RawResponseHead
from gateway.upstream.transport import (
    FailureCause,
    Sink,
    TransportFailure,
    UpstreamRequest,
)

_PROXY_AUTHENTICATION_REQUIRED = 407
_JOIN_UP_TO_BYTES = (
    65_536  # small pieces go to the sink as one; copying large ones would cost more than it saves
)
_REFUSE = -1  # what a header callback returns to end the transfer


class TransferDriver(Protocol):
    """What a transfer needs from the transport."""

    connections_opened: int

    def touch(self, transfer: "CurlTransfer") -> None:
        """Something is to be handed over to this transfer's sink at the end of this wake-up."""

    def wake(self) -> None:
        """See to touched transfers on the loop's next turn."""

    def detach(self, transfer: "CurlTransfer") -> None:
        """Take the transfer out of libcurl and close its connection or stream."""


class CurlHandle:
    """A libcurl easy handle that is used again and again, and remembers what it is set to.

    Between calls of one kind only the headers and the body differ, so that a request costs two or three
    setopts instead of thirty.
    """

    __slots__ = (
        "_connect_s",
        "_driver",
        "_head_limit_bytes",
        "_http2",
        "_is_stream",
        "_proxy",
        "_shape",
        "_url",
        "curl",
        "opened_connection",
        "transfer",
    )

    def __init__(self, driver: TransferDriver, options: TransportOptions, ca_bundle: str | None) -> None:
        self._driver = driver
        self._head_limit_bytes = options.max_response_head_bytes
        self._http2 = options.http2
        self._url = ""
        self._proxy: str | None = None
        self._shape = ("", False)
        self._is_stream = True
        self._connect_s = -1.0
        self.transfer: CurlTransfer | None = None
        self.opened_connection = False
        self.curl = curl = pycurl.Curl()
        preset(curl, options, ca_bundle)
        curl.setopt(pycurl.POSTFIELDS, b"")
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        curl.setopt(pycurl.SOCKOPTFUNCTION, self._on_socket_opened)

    def prepare(self, request: UpstreamRequest, lines: list[str | bytes]) -> None:
        """Set the handle to a request; ValueError for a method that cannot be sent."""
        curl = self.curl
        if request.url != self._url:
            set_url(curl, request.url, http2=self._http2)
            self._url = request.url
        curl.setopt(pycurl.HTTPHEADER, lines)
        body = request.body
        if body is not None:
            curl.setopt(pycurl.POSTFIELDS, body)  # by reference: pycurl keeps the object, nothing is copied
        shape = (request.method, body is not None)
        if shape != self._shape:
            set_method(curl, request.method, has_body=body is not None)
            self._shape = shape
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

    def release(self) -> None:
        """Let go of what the last request carried."""
        self.transfer = None
        if self._shape[1]:
            self.curl.setopt(pycurl.POSTFIELDS, b"")

    def close(self) -> None:
        self.transfer = None
        self.curl.close()

    def _on_socket_opened(self, _fd: int, _purpose: int) -> int:
        self.opened_connection = True
        self._driver.connections_opened += 1
        return pycurl.SOCKOPT_OK

    def _on_header(self, line: bytes) -> int | None:
        transfer = self.transfer
        if transfer is None:
            return _REFUSE
        transfer.moved = True
        if transfer.has_head:
            return None  # a trailer
        if line not in (b"\r\n", b"\n"):
            transfer.head_bytes += len(line)
            if transfer.head_bytes > self._head_limit_bytes:
                return transfer.refuse(FailureCause.TOO_LARGE)
            transfer.lines.append(line)
            return None
        return transfer.head_complete()

    def _on_body(self, chunk: bytes) -> int | None:
        transfer = self.transfer
        if transfer is None:
            return _REFUSE
        if transfer.paused:
            return pycurl.WRITEFUNC_PAUSE
        transfer.moved = True
        transfer.chunks.append(chunk)
        if not transfer.touched:
            self._driver.touch(transfer)
        return None


class CurlTransfer:
    """A `transport.Transfer`.

    handle    None once libcurl is done with the request or it was dropped
    outcome   None while running; True when complete; or the failure
    moved     something arrived since the last sweep looked
    """

    __slots__ = (
        "_driver",
        "_fresh_head",
        "_sink",
        "chunks",
        "handle",
        "has_head",
        "head_bytes",
        "lines",
        "moved",
        "outcome",
        "paused",
        "refusal",
        "request",
        "seen_at",
        "sent_bytes",
        "started_at",
        "touched",
    )

    def __init__(
        self, driver: TransferDriver, handle: CurlHandle, request: UpstreamRequest, sink: Sink, now: float
    ) -> None:
        self._driver = driver
        self._sink: Sink | None = sink
        self._fresh_head: RawResponseHead | None = None
        self.handle: CurlHandle | None = handle
        self.request = request
        self.lines: list[bytes] = []
        self.head_bytes = 0
        self.has_head = False
        self.chunks: list[bytes] = []
        self.paused = False
        self.touched = False
        self.moved = False
        self.outcome: TransportFailure | bool | None = None
        self.refusal: TransportFailure | None = None
        self.started_at = self.seen_at = now
        self.sent_bytes = 0

    # What libcurl's callbacks report.

    def head_complete(self) -> int | None:
        lines = self.lines
        try:
            status = int(lines[0].split(None, 2)[1])
        except (IndexError, ValueError):
            return self.refuse(FailureCause.PROTOCOL)
        if status < 200:
            lines.clear()  # 100 Continue, 103 Early Hints: the real head follows
            return None
        if status == _PROXY_AUTHENTICATION_REQUIRED and self.request.proxy is not None:
            # Only a proxy may answer this (RFC 9110, 15.5.8); to a call it is not an answer of the upstream.
            return self.refuse(FailureCause.PROXY, detail="407, it wants other credentials")
        del lines[0]
        self.has_head = True
        self._fresh_head = RawResponseHead(status, lines, decoded=not self.request.stream)
        if not self.touched:
            self._driver.touch(self)
        return None

    def refuse(self, cause: FailureCause, *, detail: str = "") -> int:
        self.refusal = describe(cause, self.request, detail=detail)
        return _REFUSE

    # What the caller may do, at any time.

    def pause(self) -> None:
        if self.paused or self._sink is None:
            return
        self.paused = True
        if self.handle is not None and self.handle.curl.multi() is not None:
            self.handle.curl.pause(pycurl.PAUSE_RECV)

    def resume(self) -> None:
        if not self.paused or self._sink is None:
            return
        self.paused = False
        self.moved = True
        if self.handle is not None and self.handle.curl.multi() is not None:
            self.handle.curl.pause(pycurl.PAUSE_CONT)  # may call _on_body
        if not self.touched and (self.chunks or self.outcome is not None):
            self._driver.touch(self)
        self._driver.wake()

    def cancel(self) -> None:
        if self._sink is None:
            return
        self._sink = None
        self.chunks = []
        self._fresh_head = None
        if self.handle is not None:
            self._driver.detach(self)

    def abandon(self) -> None:
        """End the transfer after its sink raised, and tell the sink so, that nobody waits for ever."""
        sink = self._sink
        self.cancel()
        if sink is not None:
            sink.fail(TransportFailure(FailureCause.OTHER, "the gateway failed while handling the answer"))

    def fail_now(self, failure: TransportFailure) -> None:
        """End the transfer by the driver's own decision, paused or not."""
        self._driver.detach(self)
        self.paused = False
        self.outcome = failure
        if not self.touched:
            self._driver.touch(self)

    # The hand-over, called by the transport outside libcurl.

    def deliver(self) -> None:
        """Call the sink with what has arrived: head, data, flush, and the end if it is reached."""
        sink = self._sink
        if sink is None:
            self.chunks = []
            return
        called = False
        head = self._fresh_head
        if head is not None:
            self._fresh_head = None
            sink.head(head)
            called = True
        if self.chunks and not self.paused:
            self._deliver_chunks(sink)
            called = True
        if called and self._sink is not None:
            sink.flush()
        outcome = self.outcome
        if outcome is None or self.paused or self.chunks or self._sink is None:
            return
        self._sink = None
        if outcome is True:
            sink.end()
        elif isinstance(outcome, TransportFailure):
            sink.fail(outcome)

    def _deliver_chunks(self, sink: Sink) -> None:
        chunks = self.chunks
        if self._sink is None:  # cancelled by head()
            return
        if len(chunks) == 1:
            sink.data(chunks.pop())
            return
        self.chunks = []
        if sum(map(len, chunks)) <= _JOIN_UP_TO_BYTES:
            sink.data(b"".join(chunks))
            return
        for number, chunk in enumerate(chunks, 1):
            sink.data(chunk)
            if self.paused or self._sink is None:
                # What the sink did not take yet is older than anything collected meanwhile.
                self.chunks = chunks[number:] + self.chunks if self._sink is not None else []
                return
