"""The way back of a light route on our own connection class: `light.Reply` over connection.py.

Frames the answer, guards the calls into the route, and turns a route's exception into a 500 or a cut.
The contract stands in light.py; Tornado's front keeps it in tornado_front.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gateway.serving.answer_head import CHUNKED, Frame, connection_line, has_no_body
from gateway.serving.head import Head, forwarded_peer
from gateway.serving.light import LightRoute, RouteFactory
from gateway.serving.long_body import LONG_BYTES
from gateway.serving.refusal import LOG, Refusal, render
from gateway.serving.request_reader import RequestReader
from gateway.serving.turn import CONTINUE, Turn

if TYPE_CHECKING:
    from gateway.serving.connection import Conn


_UNSENT: Final = Frame.UNSENT
_CHUNKED: Final = Frame.CHUNKED
_LENGTH: Final = Frame.LENGTH
_UNTIL_CLOSE: Final = Frame.UNTIL_CLOSE


class LightReply(Turn):
    """One light request's turn on a connection; see `light.Reply` for what routes use, `Turn` for the rest.

    After `gone()` or an exception of the route, what it still says is dropped, and it is not called again:
    the route is let go at the end, so that it and its reply are no cycle for the collector to find.
    """

    __slots__ = (
        "_frame",
        "_gathered",
        "_headers",
        "_is_over",
        "_is_waited",
        "_keep_alive",
        "_left_bytes",
        "_length",
        "_route",
        "_status",
        "is_gathering",
    )

    # From `head` on.
    _headers: Sequence[tuple[str, str]]
    _length: int | None
    # From a stream's first byte on; what is left of its length, if it has one.
    _keep_alive: bool
    _left_bytes: int

    def __init__(self, conn: "Conn", head: Head, body_bytes: int | None) -> None:
        Turn.__init__(self, conn, head, body_bytes)
        self._route: LightRoute | None = None
        self._frame = _UNSENT
        self._status = 0
        self._gathered: list[bytes] | None = None
        self.is_gathering = False
        self._is_over = False
        self._is_waited = False

    # light.Reply

    @property
    def peer(self) -> str:
        conn = self._conn
        return forwarded_peer(self.request_head.headers, conn.peer) if conn.ground.xheaders else conn.peer

    @property
    def started(self) -> bool:
        return self._frame is not _UNSENT

    def head(
        self, status: int, headers: Sequence[tuple[str, str]], *, content_length: int | None = None
    ) -> None:
        if self._status:
            raise RuntimeError("the answer's head is given already")
        self._status = status
        self._headers = headers
        self._length = content_length

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        if self._status:
            raise RuntimeError("the answer's head is given already")
        self._status = status
        if not self._is_over:
            self._send_whole(headers, len(body), body)

    def write(self, data: bytes) -> bool:
        if self._is_over:
            return True
        conn = self._conn
        frame = self._frame
        if frame is _CHUNKED:
            if data:
                conn.send(b"%x\r\n%b\r\n" % (len(data), data))
        elif frame is _UNSENT:
            conn.send(self._begin_answer() + self._framed(data))
        elif data:
            conn.send(self._framed(data))
        if conn.is_write_paused:
            self._is_waited = True
            return False
        return True

    def finish(self, data: bytes = b"") -> None:
        if self._is_over:
            return
        if self._frame is _UNSENT:
            if not self._status:
                raise RuntimeError("the answer has no head")
            self._send_whole(self._headers, self._length, data)
            return
        conn = self._conn
        rest = self._last_piece(data)
        keep_alive = self._keep_alive and conn.can_keep_alive(self)
        self._is_over = True
        self._route = None
        if rest:
            conn.send(rest)
        conn.turn_over(self, keep_alive)

    def abort(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._route = None
        self._conn.break_off(self)

    def limit_body(self, max_bytes: int) -> None:
        self.body_limit = max_bytes

    def gather_body(self) -> None:
        self.is_gathering = True

    def pause_body(self) -> None:
        if not self._is_over:
            self._conn.pause_body()

    def resume_body(self) -> None:
        if not self._is_over:
            self._conn.resume_body()

    # Turn, called by the connection

    @property
    def ends_with_close(self) -> bool:
        return self._frame is _UNTIL_CLOSE

    def begin(self, factory: RouteFactory) -> None:
        """Make the route and let its body in."""
        try:
            route = factory(self, self.request_head)
        except Exception as error:  # noqa: BLE001 - any fault of a route is answered, logged once, and ends here
            self._fail(error)
            return
        if self._is_over:
            return
        self._route = route
        if self._is_let_in():
            self._send_continue()

    def begin_whole(self, factory: RouteFactory, body: bytes) -> None:
        """The same where all of the request is there: a route that gathers its body is given it at once."""
        self.is_body_in = True
        try:
            route = factory(self, self.request_head)
            if self._is_over:
                return
            self._route = route
            if self.is_gathering and len(body) <= self.body_limit:
                route.end(body)
                return
        except Exception as error:  # noqa: BLE001 - as in begin
            self._fail(error)
            return
        self._is_let_in()  # or not, if the body is too long

    def receive_in_place(self, reader: RequestReader) -> None:
        size_bytes = self.body_bytes
        if not self.is_gathering or size_bytes is None or reader.events or reader.long_body is not None:
            return
        if size_bytes - self._taken_bytes >= LONG_BYTES:
            reader.begin_long_body(self._all_gathered(), size_bytes)
            self._taken_bytes = 0

    def feed(self, chunk: bytes) -> None:
        if self.is_gathering:
            if self._gathered is None:
                self._gathered = []
            self._gathered.append(chunk)
        elif self._route is not None:
            try:
                self._route.data(chunk)
            except Exception as error:  # noqa: BLE001 - as in begin
                self._fail(error)

    def take_last(self, chunk: bytes) -> None:
        if self.is_gathering and not self._taken_bytes and len(chunk) <= self.body_limit:
            self._end(chunk)  # it has come in one piece
        else:
            super().take_last(chunk)

    def end(self) -> None:
        self._end(self._all_gathered())

    def _end(self, body: bytes) -> None:
        route = self._route
        if route is not None:
            try:
                route.end(body)
            except Exception as error:  # noqa: BLE001 - as in begin
                self._fail(error)

    def on_drained(self) -> None:
        if self._is_waited and self._route is not None:
            self._is_waited = False
            try:
                self._route.drained()
            except Exception as error:  # noqa: BLE001 - as in begin
                self._fail(error)

    def lose(self) -> None:
        if not self._is_over:
            self._is_over = True
            route, self._route = self._route, None
            self._tell_gone(route)

    def probe(self) -> bytes | None:
        if self._frame is _UNSENT:
            # Any HTTP/1.1 client must bear an interim answer; HTTP/1.0 knows none.
            return CONTINUE if self.request_head.is_http11 else None
        if self._frame is _UNTIL_CLOSE:
            return None
        # A chunk's size may have leading zeros: this begins the next one's.
        return b"0" if self._frame is _CHUNKED else b""

    # Framing.

    def _send_whole(self, headers: Sequence[tuple[str, str]], length: int | None, data: bytes) -> None:
        """Give an answer nothing of which has left."""
        conn, request, status, size_bytes = self._conn, self.request_head, self._status, len(data)
        if has_no_body(request.method, status):
            if status == 204 or status < 200:
                length = None
            elif length is None and data:
                length = size_bytes
            data = b""
        elif length is None:
            length = size_bytes
        elif length != size_bytes:
            raise RuntimeError(f"the answer's body has {size_bytes} bytes, its head says {length}")
        keep_alive = conn.can_keep_alive(self)
        framing = connection_line(keep_alive, is_http11=request.is_http11)
        if length is not None:
            framing = f"{framing}Content-Length: {length}\r\n"
        head = conn.ground.heads.head(status, headers, framing)
        self._frame = _LENGTH
        self._is_over = True
        self._route = None
        conn.send(head + data)
        conn.turn_over(self, keep_alive)

    def _begin_answer(self) -> bytes:
        status = self._status
        if not status:
            raise RuntimeError("the answer has no head")
        length = self._length
        framing = ""
        if length is not None and status != 204 and status >= 200:
            framing = f"Content-Length: {length}\r\n"
        if has_no_body(self.request_head.method, status):
            frame = Frame.NO_BODY
        elif length is not None:
            frame = _LENGTH
            self._left_bytes = length
        elif self.request_head.is_http11:
            frame = _CHUNKED
            framing = CHUNKED
        else:
            frame = _UNTIL_CLOSE
            self._keep_alive = False
        if frame is not _UNTIL_CLOSE:
            keep_alive = self._keep_alive = self._conn.can_keep_alive(self)
            framing += connection_line(keep_alive, is_http11=self.request_head.is_http11)
        head = self._conn.ground.heads.head(status, self._headers, framing)
        self._frame = frame  # not before: a route whose headers are unfit has started nothing
        return head

    def _last_piece(self, data: bytes) -> bytes:
        frame = self._frame
        if frame is _CHUNKED:
            return b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        piece = self._framed(data)
        if frame is _LENGTH and self._left_bytes:
            self.abort()
            raise RuntimeError(f"the answer's body is {self._left_bytes} bytes short of its length")
        return piece

    def _framed(self, data: bytes) -> bytes:
        frame = self._frame
        if frame is _CHUNKED:
            return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        if frame is Frame.NO_BODY:
            return b""
        if frame is _LENGTH:
            if len(data) > self._left_bytes:
                self.abort()
                raise RuntimeError("the answer's body is longer than its head says")
            self._left_bytes -= len(data)
        return data

    def _all_gathered(self) -> bytes:
        """The pieces of the body as one; they are let go of, as a long body should not be held twice."""
        whole, self._gathered = b"".join(self._gathered or ()), None
        return whole

    # What the route leaves open: its faults, and its end.

    def _fail(self, error: BaseException) -> None:
        head = self.request_head
        LOG.error("A route failed: %s %s", head.method, head.path, exc_info=error)
        if self._is_over:
            return
        route, self._route = self._route, None
        if self._frame is _UNSENT:
            refusal = Refusal(500, "The gateway failed to answer.", head.path)
            self._headers, body = render(self._conn.ground.reject, refusal)
            self._status = refusal.status
            self._length = None
            self.finish(body)
        else:
            self.abort()
        self._tell_gone(route)

    def _tell_gone(self, route: LightRoute | None) -> None:
        if route is None:
            return
        try:
            route.gone()
        except Exception:  # noqa: BLE001 - nobody is left to tell; the log is all
            LOG.exception("A route failed while its client left: %s", self.request_head.path)
