"""llhttp, watched: bytes in, events out (heads, pieces of bodies, ends, refusals), with the limits it lacks.

The part of request_reader.py that needs llhttp. No I/O and no clock here.
llhttp cannot be paused and one read may complete many messages, hence the queue of events.
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


class MessageParser:
    """Turns a connection's bytes into events, by llhttp.

    The number of messages a feed has seen begin counts the one that was under way before it.

    events      what is read and not yet acted on, oldest first
    stage       BETWEEN, HEAD or BODY after the last feed
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
        "_head_is_first",
        "_is_rebuilt",
        "_keeps_alive",
        "_known",
        "_light",
        "_limits",
        "_line",
        "_line_end",
        "_messages",
        "_parser",
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
        self._line_end = 0
        self._head_is_first = True
        self._messages = 0
        self._head_fed_bytes = 0
        self._body_fed_bytes = 0
        self._body_bytes = 0
        self._is_rebuilt = False
        self._keeps_alive = True
        self._data = b""
        self._parser = HttpRequestParser(self)

    def parse(self, data: bytes) -> None:
        """Read a piece; what it completes is appended to `events`."""
        stage = self.stage
        self._data = data
        self._line_end = 0
        if stage is _BETWEEN:
            self._messages = 0
            self._head_is_first = True
        else:
            self._messages = 1
        rest: bytes | None = None
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except HttpParserError as error:
            self._refuse(error, data)
        else:
            if self.stage is not _BETWEEN:
                self._check_unfinished(stage, data)
        self._data = b""
        if rest is not None:  # not in the handler above: it parses again, and errors get a wrong context
            self._upgrade(rest)

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
        self._messages += 1
        if self._messages > 1:
            self._head_is_first = False
        self._target = b""
        if self._line:
            self._line = bytearray()
            self._has_line = False
            self._head_fed_bytes = 0

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))  # of a trailer too: dropped with the message's end

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
            if self._head_fed_bytes + len(self._data) > limits.max_head_bytes:
                self._check_head_bytes(target, fields)
            is_http11 = self._check_line(method, target)
            head, body_bytes = judge_head(method, target, is_http11, keeps_alive, fields)
        except Refusal as refusal:
            refusal.path = _path(target)
            raise
        self.stage = _BODY
        self._body_bytes = self._body_fed_bytes = 0
        factory = self._light(head.method, head.path)
        self.events.append((head, body_bytes, factory, None))
        if factory is not None and self._head_is_first and not self._line and not self._is_rebuilt:
            self._known.remember(self._data, head, body_bytes)

    def on_body(self, part: bytes) -> None:
        self._body_bytes += len(part)
        self.events.append(part)

    def on_message_complete(self) -> None:
        self.stage = _BETWEEN
        self.events.append(END)
        if self._fields:
            self._fields = []
        if not self._keeps_alive:
            self.is_over = True

    # The checks llhttp leaves to us.

    def _check_line(self, method: bytes, target: bytes) -> bool:
        """Say whether this is HTTP/1.1, and hold the request line to its grammar.

        llhttp lets through several spaces around the target, HTTP/0.9 and 2.0, and RTSP. The line is looked
        for where it must begin; a pipelined one, whose place llhttp does not tell, behind the one before.
        """
        if self._is_rebuilt:
            return self._parser.get_http_version() == "1.1"
        data = self._data
        if not self._line and self._head_is_first:
            line = b"%b %b HTTP/1.1\r\n" % (method, target)
            if data.startswith(line):
                self._line_end = len(line)
                return True
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Refusal(505, "Only HTTP/1.1 and HTTP/1.0 are served here.")
        line = b"%b %b HTTP/%b\r\n" % (method, target, version.encode("ascii"))
        received = bytes(self._line) + data
        start = len(received) - len(received.lstrip(b"\r\n")) if self._head_is_first else self._line_end
        place = received.find(line, start)
        if place < 0 or (place > start and self._head_is_first):
            raise Refusal(400, "The request line is malformed.")
        self._line_end = max(0, place + len(line) - len(self._line))
        return version == "1.1"

    def _check_head_bytes(self, target: bytes, fields: list[Field]) -> None:
        size = len(target) + sum(len(name) + len(value) + 4 for name, value in fields)
        if size > self._limits.max_head_bytes:
            raise self._too_long(target)

    def _too_long(self, target: bytes) -> Refusal:
        if len(target) > self._limits.max_head_bytes // 2:
            return Refusal(414, "The request's target is too long.")
        return Refusal(431, "The request's head is too long.")

    def _check_unfinished(self, stage_before: Stage, data: bytes) -> None:
        """Bound a message that does not end: llhttp joins a head's parts, and skips chunk extensions."""
        limits = self._limits
        if self.stage is _HEAD:
            if self._messages == 1:
                self._head_fed_bytes += len(data)
            if not self._has_line:
                self._line += data[self._line_end :]
                self._has_line = bool(self._fields)
            if self._head_fed_bytes > limits.max_head_bytes:
                self._append_refusal(self._too_long(self._target))
            elif self.header_count > limits.max_header_count:
                self._append_refusal(Refusal(431, "The request has too many header lines."))
        elif stage_before is _BODY and self._messages == 1:
            self._body_fed_bytes += len(data)
            overhead = self._body_fed_bytes - self._body_bytes
            if overhead > limits.chunk_overhead_bytes + limits.chunk_overhead_factor * self._body_bytes:
                self._append_refusal(Refusal(400, "The body's chunks are mostly overhead."))

    # What ends the reading.

    def _upgrade(self, rest: bytes) -> None:
        """Hold a WebSocket's head with what came behind it; read any other upgrade as if it were none.

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
            self.leftover = rest
            self.is_over = True
            return
        self.is_over = False
        self._parser = HttpRequestParser(self)
        self._is_rebuilt = True
        self.parse(head_without_upgrade(head))
        self._is_rebuilt = False
        if len(rest):
            self.parse(rest)

    def _refuse(self, error: HttpParserError, data: bytes) -> None:
        if self.is_over:
            return  # bytes behind the last request: strict llhttp calls that an error
        cause = error.__context__
        if isinstance(error, HttpParserCallbackError) and cause is not None:
            if not isinstance(cause, Refusal):
                raise cause
            self._append_refusal(cause)
            return
        path = _path(self._target) if self._fields or self.stage is _BODY else None
        if isinstance(error, HttpParserInvalidMethodError):
            first = data[:64].lstrip(b"\r\n")[:1]
            if str(error) == "Invalid method encountered" and (first.isupper() or self._line):
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
