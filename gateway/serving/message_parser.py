"""llhttp, watched: bytes in, events out (heads, chunked bodies, ends, refusals), with the limits it lacks.

The part of request_reader.py that needs llhttp. No I/O and no clock here.
llhttp tells no places and cannot be paused, so it is fed no further than a message may reach: each begins at
the beginning of a piece, and what is judged of it is what stands there, however the bytes were cut.
"""

from collections import deque
from typing import Final

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from gateway.serving.events import END, Event, Stage
from gateway.serving.head import Field, Head, head_without_upgrade, judge_head
from gateway.serving.known_heads import KnownHeads
from gateway.serving.light import LightRouter
from gateway.serving.limits import Limits
from gateway.serving.refusal import Refusal

# Plain names: an attribute look-up of an enum costs as much as a parser callback.
_BETWEEN: Final = Stage.BETWEEN
_HEAD: Final = Stage.HEAD
_BODY: Final = Stage.BODY
_END: Final = b"\r\n\r\n"
"""A head ends with it and so does a chunked body; before its end only a chunk's data may have it inside."""


class MessageParser:
    """Turns a connection's bytes into events, by llhttp.

    events      what is read and not yet acted on, oldest first
    stage       BETWEEN, HEAD or BODY after the last piece
    is_over     nothing more is read: the last request is in, a refusal ends the events, or an upgrade is held
    upgrade     the head of an upgrade to WebSocket: the last request, held back until nothing is before it
    leftover    bytes behind that head
    """

    __slots__ = (
        "_body_bytes",
        "_body_fed_bytes",
        "_data",
        "_fields",
        "_has_line",
        "_head_fed_bytes",
        "_is_rebuilt",
        "_keeps_alive",
        "_known",
        "_left_bytes",
        "_light",
        "_limits",
        "_line",
        "_parser",
        "_tail",
        "_target",
        "events",
        "is_over",
        "leftover",
        "stage",
        "upgrade",
    )

    def __init__(self, limits: Limits, light: LightRouter, known: KnownHeads) -> None:
        self._limits = limits
        self._light = light
        self._known = known
        self.events: deque[Event] = deque()
        self.stage = _BETWEEN
        self.is_over = False
        self.upgrade: Head | None = None
        self.leftover = b""
        self._target = b""
        self._fields: list[Field] = []
        self._line = bytearray()
        self._has_line = False
        self._tail = b""
        self._head_fed_bytes = 0
        self._body_fed_bytes = 0
        self._body_bytes = 0
        self._left_bytes = 0  # of a body of known length behind its head: it has no framing inside
        self._is_rebuilt = False
        self._keeps_alive = True
        self._data = b""
        self._parser = HttpRequestParser(self)

    def parse(self, data: bytes, place: int) -> int:
        """Read what stands at this place of these bytes; what it completes is appended to `events`.

        returns   the place behind what was read: there a message begins, or its body, or there is no more
        """
        if self.stage is _BETWEEN and data[place] in b"\r\n":  # empty lines before a request (RFC 9112 §2.2)
            return len(data) - len(data[place:].lstrip(b"\r\n"))
        stage = self.stage
        end = data.find(_END, place) + 4
        if end < 4:
            end = len(data)
        if stage is not _BETWEEN:
            tail = self._tail
            across = (tail + data[place : place + 3]).find(_END)
            if across >= 0:
                end = place + across + 4 - len(tail)
        if stage is not _BODY:
            room_ends = place + self._limits.max_head_bytes - self._head_fed_bytes + 1
            if end > room_ends:
                end = room_ends
        self._feed(data[place:end])
        if self.upgrade is not None:
            self.leftover = data[end:]
        return end

    def _feed(self, piece: bytes) -> None:
        stage = self.stage
        self._data = piece
        is_upgrade = False
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade:
            is_upgrade = True
        except HttpParserError as error:
            self._refuse(error)
        else:
            if self._left_bytes:
                self._parser = HttpRequestParser(self)  # the body is not for this one
            elif self.stage is not _BETWEEN:
                self._check_unfinished(stage, piece)
        self._data = b""
        if is_upgrade:  # not in the handler above: it parses again, and errors get a wrong context
            self._upgrade()

    @property
    def header_count(self) -> int:
        """Header lines read of a head that is not complete yet."""
        return len(self._fields)

    def stop(self) -> None:
        """Read nothing more and forget what is queued."""
        self.is_over = True
        self.upgrade = None
        self.leftover = b""
        self.events.clear()

    # llhttp's callbacks. An exception raised here reaches `parse` as HttpParserCallbackError.

    def on_message_begin(self) -> None:
        self.stage = _HEAD
        self._target = b""
        if self._fields:
            self._fields = []

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))  # of a trailer too: dropped when another message begins

    def on_headers_complete(self) -> None:
        parser = self._parser
        method = parser.get_method()
        self._keeps_alive = keeps_alive = parser.should_keep_alive()
        fields = self._fields
        self._fields = []
        target = self._target
        limits = self._limits
        try:
            if len(fields) > limits.max_header_count:
                raise Refusal(431, "The request has too many header lines.")
            if self._head_fed_bytes + len(self._data) > limits.max_head_bytes and not self._is_rebuilt:
                raise self._too_long(target)
            is_http11 = self._check_line(method, target)
            head, body_bytes = judge_head(method, target, is_http11, keeps_alive, fields)
        except Refusal as refusal:
            refusal.path = _path(target)
            raise
        self.stage = _BODY
        self._body_bytes = self._body_fed_bytes = 0
        self._left_bytes = body_bytes or 0
        factory = self._light(head.method, head.path)
        self.events.append((head, body_bytes, factory, None))
        if self._line:
            self._line = bytearray()
            self._has_line = False
            self._head_fed_bytes = 0
        elif factory is not None and not self._is_rebuilt:
            self._known.remember(self._data, head, body_bytes)

    def on_body(self, part: bytes) -> None:
        self._body_bytes += len(part)
        self.events.append(part)

    def on_message_complete(self) -> None:
        self.stage = _BETWEEN
        self.events.append(END)
        if not self._keeps_alive:
            self.is_over = True

    # The checks llhttp leaves to us.

    def _check_line(self, method: bytes, target: bytes) -> bool:
        """Say whether this is HTTP/1.1, and hold the request line to its grammar.

        llhttp lets through several spaces around the target, HTTP/0.9 and 2.0, and RTSP.
        """
        if self._is_rebuilt:
            return self._parser.get_http_version() == "1.1"
        if self._has_come(b"%b %b HTTP/1.1\r\n" % (method, target)):
            return True
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            raise Refusal(505, "Only HTTP/1.1 and HTTP/1.0 are served here.")
        if self._has_come(b"%b %b HTTP/1.0\r\n" % (method, target)):
            return False
        raise Refusal(400, "The request line is malformed.")

    def _has_come(self, line: bytes) -> bool:
        """Whether the head under way begins with this line."""
        received = bytes(self._line + self._data) if self._line else self._data
        return received.startswith(line)

    def _has_come_to_fields(self) -> bool:
        """Whether the request line is read and good: by its bytes, for llhttp tells a target in parts."""
        target = self._target
        line = b"%b %b HTTP/" % (self._parser.get_method(), target)
        return len(target) > 0 and (self._has_come(line + b"1.1\r\n") or self._has_come(line + b"1.0\r\n"))

    def _too_long(self, target: bytes) -> Refusal:
        if len(target) > self._limits.max_head_bytes // 2:
            return Refusal(414, "The request's target is too long.")
        return Refusal(431, "The request's head is too long.")

    def _check_unfinished(self, stage_before: Stage, piece: bytes) -> None:
        """Bound a message that does not end: llhttp joins a head's parts, and skips chunk extensions."""
        limits = self._limits
        if self.stage is _HEAD:
            self._head_fed_bytes += len(piece)
            if not self._has_line:
                self._line += piece
                self._has_line = bool(self._fields)
            if self.header_count > limits.max_header_count:
                self._append_refusal(Refusal(431, "The request has too many header lines."))
            elif self._head_fed_bytes > limits.max_head_bytes:
                self._append_refusal(self._too_long(self._target))
        elif stage_before is _BODY:
            self._body_fed_bytes += len(piece)
            overhead = self._body_fed_bytes - self._body_bytes
            if overhead > limits.chunk_overhead_bytes + limits.chunk_overhead_factor * self._body_bytes:
                self._append_refusal(Refusal(400, "The body's chunks are mostly overhead."))
        self._tail = (self._tail + piece)[-3:]

    # What ends the reading.

    def _upgrade(self) -> None:
        """Hold a WebSocket's head, for what comes behind it; read any other upgrade as if it were none.

        llhttp skips the body of every request with `Upgrade` (curl --http2 sends h2c): its head is fed again.
        """
        self.events.pop()  # its END
        beginning = self.events.pop()
        if not isinstance(beginning, tuple):
            raise TypeError("an upgrade's events are not its head and its end")
        head, body_bytes, factory, _ = beginning
        if head.wants_websocket and body_bytes == 0 and factory is None:
            self.events += (beginning, END)
            head.keep_alive = False  # no other request follows
            self.upgrade = head
            self.is_over = True
            return
        self.is_over = False
        self._parser = HttpRequestParser(self)
        self._is_rebuilt = True
        self._feed(head_without_upgrade(head))
        self._is_rebuilt = False

    def _refuse(self, error: HttpParserError) -> None:
        cause = error.__context__
        if isinstance(error, HttpParserCallbackError) and cause is not None:
            if not isinstance(cause, Refusal):
                raise cause
            self._append_refusal(cause)
            return
        path = _path(self._target) if self.stage is _BODY or self._has_come_to_fields() else None
        if isinstance(error, HttpParserInvalidMethodError):
            first = (self._line or self._data)[:1]
            if str(error) == "Invalid method encountered" and first.isupper():
                self._append_refusal(Refusal(501, "The request's method is not known here."))
                return
        if str(error) in ("Invalid HTTP version", "Pause on PRI/Upgrade"):
            self._append_refusal(Refusal(505, "Only HTTP/1.1 and HTTP/1.0 are served here."))
            return
        self._append_refusal(Refusal(400, "The request is malformed.", path))

    def _append_refusal(self, refusal: Refusal) -> None:
        self.is_over = True
        self.events.append(refusal)


def _path(target: bytes) -> str:
    return target.partition(b"?")[0].decode("latin-1")
