"""One request of the Tornado application on our own connection class: `httputil.HTTPConnection`.

Keeps what web.py and websocket.py use of HTTP1Connection beyond the documented interface: set_close_callback,
detach, context, stream, set_max_body_size. Made after tornado/http1connection.py of 6.6: read its changes
before an upgrade.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from tornado import gen, httputil
from tornado.iostream import IOStream, StreamClosedError

from gateway.serving.answer_head import checked, has_no_body
from gateway.serving.detach import detached_stream
from gateway.serving.head import Head
from gateway.serving.refusal import LOG, Refusal
from gateway.serving.tornado_request import RequestContext, StreamShim, tornado_head
from gateway.serving.turn import CONTINUE, Turn

if TYPE_CHECKING:
    from gateway.serving.connection import Conn

_SWITCHING_PROTOCOLS: Final = 101


class Exchange(Turn, httputil.HTTPConnection):
    """A turn of the Tornado application."""

    started = False

    def __init__(self, conn: "Conn", head: Head, body_bytes: int | None) -> None:
        super().__init__(conn, head, body_bytes)
        self.context = RequestContext(head, conn.peer, xheaders=conn.ground.xheaders)
        self.stream = StreamShim(conn)
        self._delegate: httputil.HTTPMessageDelegate | None = None
        self._close_callback: Callable[[], None] | None = None
        self._writes: list[asyncio.Future[None]] = []
        self._held_back = b""
        self._is_chunked = False
        self._is_told_end = False
        self._is_over = False
        self._keep_alive = False
        self._left_bytes: int | None = None
        self._status = 0

    # httputil.HTTPConnection, called by handlers

    def write_headers(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
        chunk: bytes | None = None,
    ) -> "asyncio.Future[None]":
        if not isinstance(start_line, httputil.ResponseStartLine):
            raise TypeError("a server writes response start lines")
        status = self._status = start_line.code
        self._frame(status, headers)
        lines = [f"HTTP/1.1 {status} {start_line.reason}"]
        lines += [f"{name}: {value}" for name, value in headers.get_all()]
        data = "\r\n".join([*map(checked, lines), "\r\n"]).encode("latin-1")
        if chunk:
            data += self._framed(chunk)
        self.started = True
        if status == _SWITCHING_PROTOCOLS:
            self._held_back = (
                data  # written by the stream that detach() gives: this socket is left to it unwritten
            )
            return self._conn.ground.done
        return self._send(data)

    def write(self, chunk: bytes) -> "asyncio.Future[None]":
        self.started = True
        return self._send(self._framed(chunk))

    def finish(self) -> None:
        if self._left_bytes and not self._conn.is_closed and not self._is_over:
            left_bytes = self._left_bytes
            self._cut()
            raise httputil.HTTPOutputError(f"Tried to write {left_bytes} bytes less than Content-Length")
        if self._is_over:
            return
        if self._status == _SWITCHING_PROTOCOLS and self._held_back:
            return  # detach() follows
        self._is_over = True
        if self._is_chunked:
            self._conn.send(b"0\r\n\r\n")
        if not self._is_told_end:
            # The delegate hears that the rest of its body is not coming, but not from inside its own call.
            self._conn.ground.loop.call_soon(self._tell_broken)
        conn = self._conn
        conn.turn_over(self, self._keep_alive and conn.can_keep_alive(self))
        self._close_callback = None

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        self._close_callback = callback

    def set_max_body_size(self, max_body_size: int) -> None:
        self.body_limit = max_body_size

    def set_body_timeout(self, timeout: float) -> None:
        """Tornado's bound on the whole body; here it bounds the time from one piece to the next."""
        self.body_timeout_s = timeout

    def close(self) -> None:
        self._cut()

    def detach(self) -> IOStream:
        """The connection as an IOStream, for protocols that begin as HTTP (WebSocket)."""
        self._is_over = True
        self._close_callback = None
        stream = detached_stream(self._conn)
        if self._held_back and not stream.closed():
            stream.write(self._held_back)
        return stream

    # Turn, called by the connection

    @property
    def ends_with_close(self) -> bool:
        return self.started and not self._is_chunked and self._left_bytes is None

    def begin(self) -> None:
        conn = self._conn
        start_line, headers = tornado_head(self.request_head)
        try:
            self._delegate = conn.ground.application.start_request(conn, self)
            future = self._pending(self._delegate.headers_received(start_line, headers))
        except Exception as error:  # noqa: BLE001 - any fault of the application is answered, logged once, and ends here
            self._fail(error)
            future = None
        if conn.turn is not self:
            return
        if future is None:
            self._let_in()
        else:
            self.is_busy = True
            future.add_done_callback(self._on_begun)

    def feed(self, chunk: bytes) -> None:
        if self._is_over or self._delegate is None:
            return
        try:
            future = self._pending(self._delegate.data_received(chunk))
        except Exception as error:  # noqa: BLE001 - as in begin
            self._fail(error)
            return
        if future is not None and self._conn.turn is self:
            self.is_busy = True
            future.add_done_callback(self._on_fed)

    def end(self) -> None:
        if self._is_over or self._delegate is None:
            return
        self._is_told_end = True
        try:
            self._delegate.finish()
        except Exception as error:  # noqa: BLE001 - as in begin
            self._fail(error)

    def on_drained(self) -> None:
        writes, self._writes = self._writes, []
        for future in writes:
            if not future.done():
                future.set_result(None)

    def lose(self) -> None:
        """The handler hears of it once: by its delegate while the body comes, by its callback afterwards."""
        self._is_over = True
        writes, self._writes = self._writes, []
        for future in writes:
            _break(future)
        callback, self._close_callback = self._close_callback, None
        if not self._is_told_end:
            self._tell_broken()
        elif callback is not None:
            self._guarded(callback)

    def probe(self) -> bytes | None:
        if not self.request_head.is_http11 and (not self.started or self.ends_with_close):
            return None
        if not self.started:
            return CONTINUE
        return b"0" if self._is_chunked else b""

    # What handlers leave open: their futures and their faults.

    def _let_in(self) -> None:
        if self._is_let_in():
            self._send_continue()

    def _on_begun(self, future: "asyncio.Future[None]") -> None:
        if self._is_through(future):
            self._let_in()
        self._conn.run()

    def _on_fed(self, future: "asyncio.Future[None]") -> None:
        self._is_through(future)
        self._conn.run()

    def _is_through(self, future: "asyncio.Future[None]") -> bool:
        """True when the handler is ready for what comes next of this request."""
        self.is_busy = False
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        if self._conn.turn is not self:
            return False
        if error is not None:
            self._fail(error)
        return error is None

    def _fail(self, error: BaseException) -> None:
        head = self.request_head
        if isinstance(error, httputil.HTTPInputError):
            self._conn.refuse_turn(self, Refusal(400, "The request is malformed.", head.path))
            return
        if not isinstance(error, StreamClosedError | asyncio.CancelledError):
            LOG.error("A handler failed: %s %s", head.method, head.path, exc_info=error)
        if self._is_over:
            return
        if self.started:
            self._cut()
        else:
            self._conn.refuse_turn(self, Refusal(500, "The gateway failed to answer.", head.path))

    # Framing and sending.

    def _frame(self, status: int, headers: httputil.HTTPHeaders) -> None:
        """Decide how the answer's end is told and whether the connection outlives it; say so in its head."""
        head = self.request_head
        bodiless = has_no_body(head.method, status)
        length = headers.get("Content-Length")
        self._is_chunked = not bodiless and length is None and head.is_http11
        if self._is_chunked:
            headers["Transfer-Encoding"] = "chunked"
        self._keep_alive = self._conn.can_keep_alive(self) and (
            bodiless or length is not None or self._is_chunked
        )
        if self._keep_alive and not head.is_http11:
            headers["Connection"] = "Keep-Alive"
        elif not self._keep_alive and head.is_http11 and status != _SWITCHING_PROTOCOLS:
            headers["Connection"] = "close"
        if head.method == "HEAD" or status == 304:
            self._left_bytes = 0
        elif length is not None:
            if not (length.isascii() and length.isdigit()):
                raise ValueError("the answer's Content-Length is not a number")
            self._left_bytes = int(length)

    def _pending(self, awaitable: Awaitable[None] | None) -> "asyncio.Future[None] | None":
        if awaitable is None:
            return None
        future = gen.convert_yielded(awaitable)
        if not future.done():
            return future
        future.result()
        return None

    def _send(self, data: bytes) -> "asyncio.Future[None]":
        conn = self._conn
        if self._is_over or conn.is_closed:
            return _break(conn.ground.loop.create_future())
        if data:
            conn.send(data)
        if not conn.is_write_paused:
            return conn.ground.done
        future = conn.ground.loop.create_future()
        self._writes.append(future)
        return future

    def _framed(self, chunk: bytes) -> bytes:
        if self._left_bytes is not None:
            self._left_bytes -= len(chunk)
            if self._left_bytes < 0:
                self._cut()
                raise httputil.HTTPOutputError("Tried to write more data than Content-Length")
        if self._is_chunked and chunk:
            return b"%x\r\n%b\r\n" % (len(chunk), chunk)
        return chunk

    def _cut(self) -> None:
        """Close at once, as Tornado's connection does on a fault of the handler."""
        self.lose()
        self._conn.break_off(self)

    def _tell_broken(self) -> None:
        delegate, self._delegate = self._delegate, None
        if delegate is not None and not self._is_told_end:
            self._is_told_end = True
            self._guarded(delegate.on_connection_close)

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:  # noqa: BLE001 - nobody is left to tell; the log is all
            LOG.exception("A handler failed while its client left: %s", self.request_head.path)


def _break(future: "asyncio.Future[None]") -> "asyncio.Future[None]":
    """Fail a write's future; one that nobody awaits must not be reported as forgotten."""
    if not future.done():
        future.set_exception(StreamClosedError())
        future.exception()
    return future
