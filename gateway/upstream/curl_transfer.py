"""One running request: the libcurl handle it borrows, what has arrived, and its hand-over to the sink.

libcurl's callbacks only collect; the sink is called afterwards, outside libcurl, so that it may cancel,
pause or submit at will (libcurl forbids most of that inside its callbacks). Made and driven by curl.py.
"""

import pycurl

from gateway.upstream.curl_failures import describe
from gateway.upstream.curl_handle import REFUSE, CurlHandle, TransferDriver
from gateway.upstream.response import RawResponseHead
from gateway.upstream.transport import (
    BodySource,
    FailureCause,
    Sink,
    TransportFailure,
    UpstreamRequest,
)

_PROXY_AUTHENTICATION_REQUIRED = 407
_JOIN_UP_TO_BYTES = (
    65_536  # small pieces go to the sink as one; copying large ones would cost more than it saves
)


class CurlTransfer:
    """A `transport.Transfer`.

    handle    None once libcurl is done with the request or it was dropped
    outcome   None while running; True when complete; or the failure
    moved     something arrived since the last sweep looked
    starved   libcurl could send, but the request's body is not there yet
    sends     how often it was given to libcurl
    """

    __slots__ = (
        "_driver",
        "_fresh_head",
        "_sink",
        "_source",
        "chunks",
        "handle",
        "has_head",
        "head_bytes",
        "http2",
        "lines",
        "moved",
        "outcome",
        "paused",
        "refusal",
        "request",
        "seen_at",
        "sends",
        "sent_bytes",
        "started_at",
        "starved",
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
        self.http2 = False
        self.sends = 0
        self.chunks: list[bytes] = []
        self.paused = False
        self.touched = False
        self.moved = False
        self.outcome: TransportFailure | bool | None = None
        self.refusal: TransportFailure | None = None
        self.started_at = self.seen_at = now
        self.sent_bytes = 0
        self.starved = False
        body = request.body
        self._source: BodySource | None = None if body is None or isinstance(body, bytes) else body
        if self._source is not None:
            self._source.begin(self._fed)

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
        self.http2 = lines[0].startswith(b"HTTP/2")
        del lines[0]
        self.has_head = True
        self._fresh_head = RawResponseHead(status, lines, decoded=not self.request.stream)
        self._touch()
        return None

    def next_piece(self, most_bytes: int) -> bytes | int:
        """The next piece of the body, or libcurl's word for "not yet"."""
        piece = self._source.read(most_bytes) if self._source is not None else b""
        self.starved = piece is None
        return pycurl.READFUNC_PAUSE if piece is None else piece

    def _fed(self) -> None:
        """More of the body has come."""
        if self.starved and self.handle is not None and self.handle.curl.multi() is not None:
            self.starved = False
            self.moved = True
            self._unpause()
            self._driver.wake()

    def _touch(self) -> None:
        if not self.touched:
            self.touched = True
            self._driver.touched.append(self)

    def refuse(self, cause: FailureCause, *, detail: str = "") -> int:
        self.refusal = describe(cause, self.request, detail=detail)
        return REFUSE

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
            self._unpause()  # may call _on_body
        if self.chunks or self.outcome is not None:
            self._touch()
        self._driver.wake()

    def _unpause(self) -> None:
        """Let libcurl go on with what need not wait; the other direction asks for its pause again."""
        if self.handle is not None:
            self.handle.curl.pause(pycurl.PAUSE_RECV if self.paused else pycurl.PAUSE_CONT)

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
        self.finish(failure)

    def finish(self, failure: TransportFailure | None) -> None:
        """libcurl is done with the request, well if there is no failure."""
        self.outcome = failure or True
        self._touch()

    # The hand-over, called by the transport outside libcurl.

    def deliver(self) -> None:
        """Call the sink with what has arrived: head, data, and the end if it is whole."""
        sink = self._sink
        if sink is None:
            self.chunks = []
            return
        head = self._fresh_head
        if head is not None:
            self._fresh_head = None
            sink.head(head)
        chunks = self.chunks
        if self.paused or self._sink is None:  # head() may have asked for it
            return
        outcome = self.outcome
        if outcome is None and len(chunks) == 1:  # nearly always: an event of a stream
            sink.data(chunks.pop())
            return
        last = self._deliver_chunks(sink, chunks, keep_last=outcome is True) if chunks else b""
        if outcome is None or self.paused or self.chunks or self._sink is None:
            return
        self._sink = None
        if outcome is True:
            sink.end(last)
        elif isinstance(outcome, TransportFailure):
            sink.fail(outcome)

    def _deliver_chunks(self, sink: Sink, chunks: list[bytes], *, keep_last: bool) -> bytes:
        """Hand over what came, as few pieces; gives the one that belongs to the end, where that has come."""
        self.chunks = []
        if sum(map(len, chunks)) <= _JOIN_UP_TO_BYTES:
            chunks = [b"".join(chunks)]
        last = chunks.pop() if keep_last else b""
        for number, chunk in enumerate(chunks, 1):
            sink.data(chunk)
            if self.paused or self._sink is None:
                # What the sink did not take yet is older than anything collected meanwhile.
                left = [*chunks[number:], last] if keep_last else chunks[number:]
                self.chunks = left + self.chunks if self._sink is not None else []
                return b""
        return last
