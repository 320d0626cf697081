"""The pump: an upstream's stream on its way to the client, event by event, written once a wake-up.

Only whole events leave, so that an error can follow the last of them in band. Nothing is written before an
event with content has been read (the commit point is the outlet's). Fed by the attempt.
"""

import orjson

from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure, FailureKind, classify_error
from gateway.protocols.reply_signs import NOTHING_SEEN, ReplySigns, end_seen, read_signs, stream_failure
from gateway.relay.outlet import Outlet
from gateway.relay.plan import Plan, Translation, content_type
from gateway.streaming.json_array import JsonArrayBroken, JsonArraySplitter, JsonElementTooLarge
from gateway.streaming.sse import SseDecoder, SseEventTooLarge
from gateway.streaming.tail import TailKeeper

MAX_OPEN_BYTES = 256 * 1024
"""An event still open after this many bytes is let through in pieces: pictures would fill the memory."""
_SILENT_KINDS = (FailureKind.BLOCKED,)


def _truncated() -> Failure:
    return Failure(kind=FailureKind.TRUNCATED, status=200, message="The upstream's stream ended early.")


def _malformed(why: str) -> Failure:
    return Failure(kind=FailureKind.MALFORMED, status=200, message=why)


class _Stream:
    """What the three streamed deliveries share: the held bytes, the signs, the end."""

    __slots__ = ("_outlet", "_pending", "_plan", "_ready", "failure", "signs")

    def __init__(self, plan: Plan, outlet: Outlet) -> None:
        self._plan = plan
        self._outlet = outlet
        self._pending: list[bytes] = []
        self._ready = False
        self.failure: Failure | None = None
        self.signs: ReplySigns = NOTHING_SEEN

    def _see(self, payload: bytes) -> object:
        """Read one event; sets `failure` for an error, `_ready` for content."""
        try:
            event = orjson.loads(payload)
        except orjson.JSONDecodeError:
            self.failure = _malformed("An event of the upstream's stream is not JSON.")
            return None
        signs = read_signs(event)
        self.signs = self.signs.merged(signs)
        if signs.error is not None:
            self.failure = signs.error
        elif signs.has_content:
            self._ready = True
        return event

    def _commit(self) -> None:
        if not self._outlet.committed:
            self._outlet.commit(200, content_type(self._plan))

    def _send(self, data: bytes) -> None:
        self._commit()
        self._outlet.write(data)

    def _verdict(self) -> Failure | None:
        """Judge the stream at its end: None (or a block, kept in `failure`) may be delivered as it is."""
        failure = stream_failure(self.signs)
        if failure is None or failure.kind in _SILENT_KINDS:
            self.failure = failure
            return None
        if self._outlet.committed and failure.kind is not FailureKind.TRUNCATED:
            # The model itself ended badly (a malformed call after text): the client sees its finish reason.
            self.failure = failure
            return None
        return failure

    def break_off(self, problem: Problem) -> None:
        self.flush()
        self._outlet.finish(self._plan.error_tail(problem))

    def flush(self) -> None:
        raise NotImplementedError


class TranslatedEvents(_Stream):
    """Server-sent events, translated one by one into the client's dialect."""

    __slots__ = ("_decoder", "_translation")

    def __init__(self, plan: Plan, outlet: Outlet, translation: Translation) -> None:
        super().__init__(plan, outlet)
        self._decoder = SseDecoder()
        self._translation = translation

    def data(self, chunk: bytes) -> None:
        try:
            payloads = self._decoder.feed(chunk)
        except SseEventTooLarge as error:
            self.failure = _malformed(str(error))
            return
        for payload in payloads:
            self._take(payload)
            if self.failure is not None:
                return

    def _take(self, payload: bytes) -> None:
        event = self._see(payload)
        if isinstance(event, dict) and self.failure is None and (out := self._translation.event(event)):
            self._pending.append(out)

    def flush(self) -> None:
        if self._ready and self._pending:
            data = b"".join(self._pending)
            self._pending.clear()
            self._send(data)

    def end(self) -> Failure | None:
        for payload in self._decoder.end():
            self._take(payload)
        failure = self.failure or self._verdict()
        if failure is not None and failure.kind not in _SILENT_KINDS:
            return failure
        self._deliver_rest()
        return None

    def release(self) -> bool:
        return False

    def _deliver_rest(self) -> None:
        self._commit()
        self._pending.append(self._translation.end())
        self._outlet.finish(b"".join(self._pending))


class RawEvents(_Stream):
    """Server-sent events, passed on as the bytes they came in; they are read only up to the commit point."""

    __slots__ = ("_decoder", "_open", "_tail", "_torn")

    def __init__(self, plan: Plan, outlet: Outlet) -> None:
        super().__init__(plan, outlet)
        self._decoder: SseDecoder | None = SseDecoder()
        self._tail = TailKeeper()
        self._open = b""
        self._torn = False

    def data(self, chunk: bytes) -> None:
        self._pending.append(chunk)
        if self._decoder is None:
            return
        try:
            payloads = self._decoder.feed(chunk)
        except SseEventTooLarge as error:
            self.failure = _malformed(str(error))
            return
        for payload in payloads:
            self._see(payload)
            if self.failure is not None:
                return

    def flush(self) -> None:
        if not self._ready or not self._pending:
            return
        self._decoder = None  # from here on only the tail is kept
        pending = self._pending
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        pending.clear()
        if self._open:
            data = self._open + data
            self._open = b""
        if data.endswith((b"\r\n\r\n", b"\n\n")):
            self._torn = False
        else:
            data = self._cut(data)
        if data:
            self._tail.feed(data)
            self._send(data)

    def _cut(self, data: bytes) -> bytes:
        """Keep back the event that is still open, unless it is a very long one."""
        end = max(data.rfind(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else 0, data.rfind(b"\n\n") + 2)
        if end < 2:
            end = 0
        if len(data) - end > MAX_OPEN_BYTES:
            self._torn = True
            return data
        self._open = data[end:]
        return data[:end]

    def break_off(self, problem: Problem) -> None:
        self.flush()
        # A torn event is closed first, or its half and the error would be one line.
        closing = b"\r\n\r\n" if self._torn else b""
        self._outlet.finish(closing + self._plan.error_tail(problem))

    def end(self) -> Failure | None:
        if self._outlet.committed:
            return self._end_committed()
        if self._decoder is not None:
            for payload in self._decoder.end():
                self._see(payload)
        failure = self.failure or self._verdict()
        if failure is not None and failure.kind not in _SILENT_KINDS:
            return failure
        self.release()
        return None

    def _end_committed(self) -> Failure | None:
        self.flush()
        if self._open and end_seen(self._open):
            # The last event lacks only its blank line.
            self._tail.feed(self._open + b"\r\n\r\n")
            self._send(self._open + b"\r\n\r\n")
        last = self._tail.read()
        self.signs = self.signs.merged(
            ReplySigns(
                usage=last.usage,
                finish_reason=None if last.finish_reason is None else str(last.finish_reason),
                block_reason=None if last.block_reason is None else str(last.block_reason),
                error=None if last.error is None else classify_error(last.error),
            )
        )
        if self.signs.error is not None:
            # Google's own error block has gone to the client as it came: it is the honest end.
            self.failure = self.signs.error
        elif not self.signs.ended:
            return _truncated()
        self._outlet.finish()
        return None

    def release(self) -> bool:
        body = b"".join(self._pending)
        if body and not body.endswith((b"\n\n", b"\r\n\r\n")):
            body += b"\r\n\r\n"
        self._commit()
        self._outlet.finish(body)
        return True


class RawArray(_Stream):
    """The JSON-array form: elements are passed on as they came, the brackets between them are ours."""

    __slots__ = ("_splitter", "_started")

    def __init__(self, plan: Plan, outlet: Outlet) -> None:
        super().__init__(plan, outlet)
        self._splitter = JsonArraySplitter()
        self._started = False

    def data(self, chunk: bytes) -> None:
        try:
            elements = self._splitter.feed(chunk)
        except (JsonArrayBroken, JsonElementTooLarge) as error:
            self.failure = _malformed(str(error))
            return
        for element in elements:
            self._see(element)
            if self.failure is not None:
                return
            self._pending.append(b",\r\n" if self._started else b"[")
            self._pending.append(element)
            self._started = True

    def flush(self) -> None:
        if self._ready and self._pending:
            data = b"".join(self._pending)
            self._pending.clear()
            self._send(data)

    def end(self) -> Failure | None:
        failure = self.failure or self._verdict()
        if failure is not None and failure.kind not in _SILENT_KINDS:
            return failure
        self.release()
        return None

    def release(self) -> bool:
        if not self._started:
            self._pending.append(b"[")
        self._pending.append(b"]")
        self._commit()
        self._outlet.finish(b"".join(self._pending))
        return True

    def break_off(self, problem: Problem) -> None:
        self.flush()
        self._outlet.finish(b",\r\n" + self._plan.error_tail(problem) + b"]")
