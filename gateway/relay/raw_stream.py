"""Server-sent events passed on as the bytes they came in.

They are read up to the commit point, afterwards only as far as their end must be known. What streams share,
and the translated ones: stream.py; the other form of a native stream: raw_array.py.
"""

from dataclasses import replace

import orjson

from gateway.protocols.conversations import signatures_in
from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure, classify_error
from gateway.protocols.redaction import safe_error_body
from gateway.protocols.reply_signs import ReplySigns, end_seen, read_signs, reply_failure
from gateway.relay.outlet import UNBUFFERED, Outlet
from gateway.relay.plan import Plan, content_type
from gateway.relay.raw_signs import ERROR, end_told, has_error, has_several, tail_told, whole_told
from gateway.relay.stream import Stream, is_json, truncated
from gateway.streaming.sse import SseDecoder, first_payload
from gateway.streaming.tail import TailKeeper

MAX_OPEN_BYTES = 256 * 1024
"""An event still open after this many bytes is let through in pieces: pictures would fill the memory."""
_BLANK_LINES = (b"\r\n\r\n", b"\n\n")
_LOOK_BACK_BYTES = 16 * 1024
"""So much of what has left is looked at in one go: a search costs more to begin than to carry on."""


class RawEvents(Stream):
    """One stream. What has left is noted, and looked at for its end and signs in long pieces."""

    _may_flow = True
    """Whole events without an error may leave at once where nothing is held back."""

    __slots__ = (
        "_counting",
        "_decoder",
        "_has_no_error",
        "_is_ended",
        "_is_flowing",
        "_left",
        "_look_back_at",
        "_open",
        "_tail",
        "_torn",
    )

    def __init__(self, plan: Plan, outlet: Outlet) -> None:
        super().__init__(plan, outlet)
        self._decoder: SseDecoder | None = None  # made for one that does not begin with content
        self._counting: SseDecoder | None = None
        self._tail: TailKeeper | None = None  # made for a long stream, or an unusual end
        self._left: list[bytes] = []  # what has left since the last look back
        self._look_back_at = _LOOK_BACK_BYTES  # when so many bytes have been sent
        self._has_no_error = b""  # a piece that was searched for errors when it came
        self._open = b""
        self._torn = False
        self._is_ended = False
        self._is_flowing = False

    def data(self, chunk: bytes) -> None:
        if self._is_flowing and chunk.endswith(_BLANK_LINES) and chunk.rfind(ERROR) < 0:
            self._left.append(chunk)
            outlet = self._outlet
            outlet.write(chunk)
            if outlet.bytes_sent > self._look_back_at:
                self._keep(self._look_back())
        else:
            super().data(chunk)

    def end(self, last: bytes = b"") -> Failure | None:
        if self._ready or self._pending or not self._may_flow or not self._end_burst(last):
            return super().end(last)
        return None

    def _end_burst(self, whole: bytes) -> bool:
        """Pass on a stream that came at once; False where it has to be read on."""
        plan, outlet = self._plan, self._outlet
        if outlet.status or plan.reads is not read_signs:
            return False
        signs = whole_told(whole, plan.body)
        if signs is None:
            return False
        self.signs = signs
        self.failure = reply_failure(signs)
        outlet.answer(200, content_type(plan), whole, (UNBUFFERED,))
        return True

    def _take_in(self, chunk: bytes) -> None:
        self._pending.append(chunk)
        if not self._ready:  # afterwards only the tail is kept
            self._read(chunk)

    def _read(self, chunk: bytes) -> None:
        """Read an event at a time, up to the first content: what follows it need not be read."""
        may_fail = has_error(chunk)
        start = 0
        if not may_fail:
            self._has_no_error = chunk
            if self._decoder is None and (payload := first_payload(chunk)):
                self._see(payload)
                if self._has_read_enough(may_fail):
                    return
                start = _end_of_event(chunk, 0)
        if self._decoder is None:
            self._decoder = SseDecoder()
            self._payloads(self._decoder, chunk[:start])  # seen already
        while start < len(chunk):
            end = _end_of_event(chunk, start)
            for payload in self._payloads(self._decoder, chunk[start:end]):
                self._see(payload)
            if self._has_read_enough(may_fail):
                return
            start = end

    def _has_read_enough(self, may_fail: bool) -> bool:
        return self.failure is not None or (self._ready and not may_fail)

    def _let_out(self) -> None:
        if not self._ready:
            return
        if data := self._taken():
            self._send(self._watched(data))
            if self._left and self._outlet.bytes_sent > self._look_back_at:
                self._keep(self._look_back())
        self._is_flowing = self._may_flow and not self._open and not self._torn

    def _taken(self) -> bytes:
        """What came since the last time, up to the end of an event."""
        if not self._pending:
            return b""
        data = b"".join(self._pending)
        self._pending.clear()
        if self._open:
            data = self._open + data
            self._open = b""
        if data.endswith(_BLANK_LINES):
            self._torn = False
        else:
            data = self._cut(data)
        return data

    def _watched(self, data: bytes) -> bytes:
        """What leaves of a piece of the stream; it is noted."""
        if data is not self._has_no_error and has_error(data):
            data = safe_error_body(data)  # Google names the caller's key in some errors
        self._has_no_error = b""
        self._left.append(data)
        return data

    def _keep(self, data: bytes) -> TailKeeper:
        """Take what has left into the tail."""
        tail = self._tail
        if tail is None:
            tail = self._tail = TailKeeper()
        tail.feed(data)
        return tail

    def _look_back(self) -> bytes:
        """Note the end and the signs of what has left since the last time, and give it."""
        data = b"".join(self._left)
        self._left.clear()
        self._look_back_at = self._outlet.bytes_sent + _LOOK_BACK_BYTES
        if self._counting is not None or has_several(data, self._plan.body):
            self._count_ends(data)
        # Looked for here and not only in the tail: behind the reason may stand more than the tail keeps.
        self._is_ended = self._is_ended or end_seen(data)
        if signatures := signatures_in(data):
            self.signs = replace(self.signs, signatures=self.signs.signed(signatures))
        return data

    def _count_ends(self, data: bytes) -> None:
        """Read on where there are several candidates: the end of one is not the end of all."""
        if self._counting is None:
            self._counting = SseDecoder()
            self.signs = self.signs.merged(ReplySigns(begun=1, done=int(self._is_ended)))
        for payload in self._counting.feed(data):
            if is_json(payload):
                self.signs = self.signs.merged(read_signs(orjson.loads(payload)))

    def _cut(self, data: bytes) -> bytes:
        """Keep back the event that is still open, unless it is a very long one."""
        crlf = data.rfind(b"\r\n\r\n")
        end = 0 if crlf < 0 else crlf + 4
        lf = data.rfind(b"\n\n", max(end - 1, 0))  # its first LF may end the CRLF
        end = end if lf < 0 else lf + 2
        if len(data) - end > MAX_OPEN_BYTES:
            self._torn = True
            return data
        self._open = data[end:]
        if end:
            self._torn = False
        return data[:end]

    def break_off(self, problem: Problem) -> None:
        self._let_out()
        # A torn event is closed first, or its half and the error would be one line.
        closing = b"\r\n\r\n" if self._torn else b""
        self._outlet.finish(closing + self._plan.error_tail(problem))

    def _end(self) -> Failure | None:
        if self._ready or self._outlet.committed:
            return self._end_committed()
        if self._decoder is not None:
            for payload in self._decoder.end():
                if not is_json(payload):
                    return truncated()
                self._see(payload)
        return self._conclude()

    def _end_committed(self) -> Failure | None:
        self._commit()
        rest = self._taken()
        if self._open and not self._torn and self._open.strip() and _is_event(self._open):
            # The last event lacks only its blank line.
            rest += _closed(self._open)
        if rest:
            rest = self._watched(rest)
        seen, error = end_told(rest), None
        self._is_ended = self._is_ended or seen is not None
        left = self._look_back()
        if seen is None:
            seen, error = tail_told(self._keep(left))
        self.signs = self.signs.merged(seen)
        if error is not None and not seen.ended:
            # Google's own error block has gone to the client as it came: it is the honest end.
            self.failure = classify_error(error)
        elif self.signs.ended:
            self.failure = reply_failure(self.signs)
        elif self._counting is not None or not self._is_ended:
            self._send(rest)
            return truncated()
        self._outlet.finish(rest)
        return None

    def _deliver_rest(self) -> None:
        self._commit()
        self._outlet.finish(_closed(b"".join(self._pending)))


def _end_of_event(data: bytes, start: int) -> int:
    """Where the first event from `start` on ends, behind its blank line; where the data ends if none does."""
    crlf = data.find(b"\r\n\r\n", start)
    end = len(data) if crlf < 0 else crlf + 4
    lf = data.find(b"\n\n", start, end)
    return end if lf < 0 else lf + 2


def _is_event(block: bytes) -> bool:
    """True for an event that is whole but for the blank line behind it."""
    decoder = SseDecoder()
    payloads = decoder.feed(block) + decoder.end()
    return bool(payloads) and all(map(is_json, payloads))


def _closed(events: bytes) -> bytes:
    """The events with a blank line behind the last one."""
    if not events or events.endswith(_BLANK_LINES):
        return events
    return events.rstrip(b"\r\n") + b"\r\n\r\n"
