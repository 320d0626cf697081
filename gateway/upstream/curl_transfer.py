"""One running request: the libcurl handle it borrows, what has arrived, and its hand-over to the sink.

libcurl's callbacks only collect; the sink is called afterwards, outside libcurl, so that it may cancel,
pause or submit at will (libcurl forbids most of that inside its callbacks). Made and driven by curl.py.
"""

from typing import TYPE_CHECKING

import pycurl

from gateway.upstream.curl_failures import describe
from gateway.upstream.curl_handle import CurlHandle, TransferDriver
from gateway.upstream.response import RawResponseHead, read_head
from gateway.upstream.transport import FailureCause, Sink, TransportFailure, UpstreamRequest

if TYPE_CHECKING:
    from gateway.upstream.deadlines import Watch

_PROXY_AUTHENTICATION_REQUIRED = 407
_JOIN_UP_TO_BYTES = (
    65_536  # small pieces go to the sink as one; copying large ones would cost more than it saves
)


class CurlTransfer:
    """A `transport.Transfer`.

    handle      None once libcurl is done with the request or it was dropped
    lines       the header lines that have come: its handle's own until that is given back
    outcome     None while running; True when complete; or the failure
    moved       something was handed over since the last sweep looked
    watch       what the sweeps saw, None before the first
    is_heaping  libcurl was told in this wake-up to heap up what comes: of a burst each chunk of HTTP/1's
                framing would come by itself, and a call for each takes longer than the pause
    starved     libcurl could send, but the request's body is not there yet; None before it asked for any
    resends     how often it was given to libcurl once more
    """

    __slots__ = (
        "_driver",
        "_sink",
        "chunks",
        "handle",
        "has_head",
        "is_heaping",
        "lines",
        "moved",
        "outcome",
        "paused",
        "request",
        "resends",
        "started_at",
        "starved",
        "watch",
    )

    def __init__(
        self, driver: TransferDriver, handle: CurlHandle, request: UpstreamRequest, sink: Sink, now: float
    ) -> None:
        self._driver = driver
        self._sink: Sink | None = sink
        self.handle: CurlHandle | None = handle
        self.request = request
        self.lines = handle.lines
        self.has_head = False
        self.resends = 0
        self.chunks: list[bytes] = []
        self.paused = False
        self.is_heaping = False
        self.moved = False
        self.outcome: TransportFailure | bool | None = None
        self.started_at = now
        self.watch: Watch | None = None
        self.starved: bool | None = None

    # What libcurl's callbacks report.

    def next_piece(self, most_bytes: int) -> bytes | int:
        """The next piece of the body, or libcurl's word for "not yet"."""
        body = self.request.body
        if body is None or isinstance(body, bytes):
            return b""
        if self.starved is None:
            body.begin(self._fed)
        piece = body.read(most_bytes)
        self.starved = piece is None
        return pycurl.READFUNC_PAUSE if piece is None else piece

    def _fed(self) -> None:
        """More of the body has come."""
        if self.starved and self.handle is not None and self.handle.curl.multi() is not None:
            self.starved = False
            self.moved = True
            self.unpause()
            self._driver.wake()

    # What the caller may do, at any time.

    def pause(self) -> None:
        if self.paused or self._sink is None:
            return
        self.paused = True
        if self.handle is not None and self.handle.curl.multi() is not None:
            self.handle.curl.pause(pycurl.PAUSE_RECV)
            self._driver.set_timer()

    def resume(self) -> None:
        if not self.paused or self._sink is None:
            return
        self.paused = False
        self.moved = True
        if self.handle is not None and self.handle.curl.multi() is not None:
            self.unpause()  # may call _on_body
        if self.chunks or self.outcome is not None:
            self._driver.touched[self] = None
        self._driver.wake()

    def unpause(self) -> None:
        """Let libcurl go on with what need not wait; the other direction asks for its pause again.

        What it has heaped up comes at once.
        """
        if self.handle is not None:
            self.handle.curl.pause(pycurl.PAUSE_RECV if self.paused else pycurl.PAUSE_CONT)

    def cancel(self) -> None:
        if self._sink is None:
            return
        self._sink = None
        self.chunks = []
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
        self.finish(failure)

    def finish(self, failure: TransportFailure | None) -> None:
        """libcurl is done with the request, well if there is no failure."""
        self.outcome = failure or True
        self._driver.touched[self] = None

    # The hand-over, called by the transport outside libcurl.

    def deliver(self) -> None:
        """Call the sink with what has arrived: head, data, and the end if it is whole.

        The head comes with what follows it: a piece of the body, the end or a failure.
        """
        sink = self._sink
        if sink is None:
            self.chunks = []
            return
        if not self.has_head:
            self._give_head(sink)
            if self._sink is None:  # head() may have asked for it
                return
        if self.paused:  # likewise
            return
        chunks = self.chunks
        if len(chunks) > 1:
            self.is_heaping = False
            if sum(map(len, chunks)) <= _JOIN_UP_TO_BYTES:
                chunks = self.chunks = [b"".join(chunks)]
        if len(chunks) == 1:
            if self.outcome is None:  # an event of a stream
                sink.data(chunks.pop())
                return
            if self.outcome is True:  # a whole answer
                self._sink = None
                sink.end(chunks.pop())
                return
        self._deliver_more(sink)

    def _deliver_more(self, sink: Sink) -> None:
        """Likewise of several pieces or none, or with a failure."""
        outcome = self.outcome
        chunks, self.chunks = self.chunks, []
        keeps_last = outcome is True and bool(chunks)
        last = chunks.pop() if keeps_last else b""
        for number, chunk in enumerate(chunks, 1):
            sink.data(chunk)
            if self.paused or self._sink is None:
                # What the sink did not take yet is older than anything collected meanwhile.
                left = [*chunks[number:], last] if keeps_last else chunks[number:]
                self.chunks = left + self.chunks if self._sink is not None else []
                return
        if outcome is None or self.chunks:
            return
        self._sink = None
        if outcome is True:
            sink.end(last)
        elif isinstance(outcome, TransportFailure):
            sink.fail(outcome)

    def _give_head(self, sink: Sink) -> None:
        head = read_head(self.lines, decoded=not self.request.stream)
        if head is None:
            if self.outcome is True:
                # libcurl calls it complete when the peer closed in the middle of the head.
                self.outcome = describe(FailureCause.RESET, self.request)
            return
        self.has_head = True
        fault = self._fault(head)
        if fault is None:
            sink.head(head)
        else:
            self._driver.detach(self)
            self.chunks = []
            self.paused = False
            self.outcome = fault

    def _fault(self, head: RawResponseHead) -> TransportFailure | None:
        """Why what begins so is no answer of the upstream."""
        if sum(map(len, head.lines)) > self._driver.max_head_bytes:
            return describe(FailureCause.TOO_LARGE, self.request)
        if head.status == _PROXY_AUTHENTICATION_REQUIRED and self.request.proxy is not None:
            # Only a proxy may answer this (RFC 9110, 15.5.8).
            return describe(FailureCause.PROXY, self.request, detail="407, it wants other credentials")
        return None if head.status else describe(FailureCause.PROTOCOL, self.request)
