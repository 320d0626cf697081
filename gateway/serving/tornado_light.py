"""A light route on Tornado's HTTP1Connection: the contract of light.py over HTTPMessageDelegate.

Used by tornado_front.py only. Our own connection's counterpart is light_reply.py.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from gateway.serving.answer_head import OURS, has_no_body
from gateway.serving.light import LightRoute, RequestHead, RouteFactory
from gateway.serving.limits import MIB, Limits
from gateway.serving.refusal import LOG, Refusal, Reject, reason, render

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Shared:
    """What all light requests of one Tornado front share.

    body_timeout_s   for a body as a whole
    """

    limits: Limits
    body_timeout_s: float
    reject: Reject
    is_draining: bool = False


class TornadoReply:
    """`light.Reply` on an HTTP1Connection, its `connection`.

    gathered        what has come of a body that the route wants whole; None for one it takes in pieces
    is_body_given   the route has every byte of the body, but Tornado has yet to notice: an answer that is
                    finished before that would cost the connection
    """

    def __init__(
        self,
        shared: Shared,
        connection: HTTP1Connection,
        start_line: RequestStartLine,
        peer: str,
        body_bytes: int | None,
    ) -> None:
        self._shared = shared
        self.connection = connection
        self._start_line = start_line
        self._status = 0
        self._headers: Sequence[tuple[str, str]] = ()
        self._length: int | None = None
        self._last_write: asyncio.Future[None] | None = None
        self._is_last = False
        self._is_until_close = False
        self._is_waited = False
        self._unpaused: asyncio.Future[None] | None = None
        self._held: bytes | None = None  # the last piece of an answer that waits for the body's end
        self.is_body_given = False
        self.is_over = False
        self.started = False
        self.body_limit = shared.limits.max_body_bytes
        self.gathered: list[bytes] | None = None
        self.peer = peer
        self.body_bytes = body_bytes
        self.on_drained: Callable[[], None] | None = None

    def head(
        self, status: int, headers: Sequence[tuple[str, str]], *, content_length: int | None = None
    ) -> None:
        if self._status:
            raise RuntimeError("the answer's head is given already")
        self._status = status
        self._headers = headers
        self._length = content_length

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.head(status, headers, content_length=len(body))
        self.finish(body)

    def write(self, data: bytes) -> bool:
        if self.is_over:
            return True
        self._send(data)
        if not self.connection.stream.writing():
            return True
        self._is_waited = True
        if self._last_write is not None:
            self._last_write.add_done_callback(self._drained)
        return False

    def finish(self, data: bytes = b"") -> None:
        if self.is_over:
            return
        if self.is_body_given:
            self._held = data
            return
        if not self.started and self._length is None and (data or not self._has_no_body()):
            self._length = len(data)
        if data or not self.started:
            self._send(data)
        self.end()
        connection = self.connection
        connection.set_close_callback(None)
        connection.finish()
        if (self._is_last or self._is_until_close) and self._last_write is not None:
            self._last_write.add_done_callback(self._close)

    def body_ended(self) -> bool:
        """Tornado is through with the body. True when the answer, which waited for that, is now over too."""
        self.is_body_given = False
        if self._held is None:
            return False
        self.finish(self._held)
        return True

    def abort(self) -> None:
        if self.is_over:
            return
        self.end()
        connection = self.connection
        if self._is_until_close and connection.stream.socket is not None:
            with contextlib.suppress(OSError):
                connection.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        connection.set_close_callback(None)
        connection.close()

    def limit_body(self, max_bytes: int) -> None:
        usual_bytes = self._shared.limits.max_body_bytes
        self.body_limit = max_bytes
        self.connection.set_max_body_size(max_bytes + MIB)  # ours speaks first: Tornado would answer 400
        if max_bytes > usual_bytes:
            # Tornado bounds a body's time as a whole: a longer one gets more of it.
            self.connection.set_body_timeout(self._shared.body_timeout_s * max_bytes / usual_bytes)

    def gather_body(self) -> None:
        self.gathered = []

    def pause_body(self) -> None:
        if self._unpaused is None:
            self._unpaused = asyncio.get_running_loop().create_future()

    def resume_body(self) -> None:
        unpaused, self._unpaused = self._unpaused, None
        if unpaused is not None and not unpaused.done():
            unpaused.set_result(None)

    def end(self) -> None:
        """Nothing more is said, or heard: a body that was held back is thrown away, not waited for."""
        self.is_over = True
        self.resume_body()

    @property
    def unpaused(self) -> "asyncio.Future[None] | None":
        """Done when the body is wanted again; None when it is."""
        return self._unpaused

    def refuse(self, refusal: Refusal) -> None:
        """Answer in the front's own name, and for the last time on this connection."""
        self._is_last = True
        self._headers, body = render(self._shared.reject, refusal)
        self._status = refusal.status
        self._length = None
        self.finish(body)

    def _has_no_body(self) -> bool:
        return has_no_body(self._start_line.method, self._status)

    def _send(self, data: bytes) -> None:
        connection = self.connection
        if self._has_no_body():
            data = b""
        if self.started:
            if data:
                self._last_write = connection.write(data)
            return
        if not self._status:
            raise RuntimeError("the answer has no head")
        headers = HTTPHeaders({"Date": formatdate(usegmt=True)})
        for name, value in self._headers:
            if name.lower() not in OURS:
                headers.add(name, value)
        if self._length is not None and self._status != 204:
            headers["Content-Length"] = str(self._length)
        elif self._start_line.version == "HTTP/1.0" and not self._has_no_body():
            self._is_until_close = True
        if self._is_last or self._shared.is_draining:
            headers["Connection"] = "close"
        line = ResponseStartLine("", self._status, reason(self._status))
        self._last_write = connection.write_headers(line, headers, data)
        self.started = True

    def _drained(self, _: "asyncio.Future[None]") -> None:
        if self._is_waited and not self.is_over and self.on_drained is not None:
            self._is_waited = False
            self.on_drained()

    def _close(self, _: "asyncio.Future[None]") -> None:
        self.connection.close()


class LightDelegate(HTTPMessageDelegate):
    """Hands one request to a light route and guards the calls into it."""

    def __init__(self, shared: Shared, connection: HTTP1Connection, factory: RouteFactory) -> None:
        self._shared = shared
        self._connection = connection
        self._factory = factory
        self._route: LightRoute | None = None
        self._reply: TornadoReply | None = None
        self._announced_bytes = 0
        self._body_bytes = 0
        self._path = ""
        self._method = ""

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> "asyncio.Future[None] | None":
        line = cast("RequestStartLine", start_line)
        self._path = line.path.partition("?")[0]
        self._method = line.method
        length = headers.get("Content-Length", "")
        self._announced_bytes = int(length) if length.isdigit() else 0
        body_bytes = None if "Transfer-Encoding" in headers else self._announced_bytes
        peer = str(getattr(self._connection.context, "remote_ip", ""))
        reply = self._reply = TornadoReply(self._shared, self._connection, line, peer, body_bytes)
        reply.on_drained = self._on_drained
        self._connection.set_close_callback(self._on_gone)
        if line.version == "HTTP/1.1" and "Host" not in headers:
            reply.refuse(Refusal(400, "The Host header is missing.", self._path))
            return None
        fields = {name.lower(): ", ".join(headers.get_list(name)) for name in headers}
        fields.pop("content-length", None)
        request = RequestHead(line.method, line.path, fields)
        try:
            self._route = self._factory(reply, request)
        except Exception as error:  # noqa: BLE001 - any fault of a route is answered, logged once, and ends here
            self._fail(error)
        if self._announced_bytes > reply.body_limit and not reply.is_over:
            self._refuse_body(reply)
            return None
        return reply.unpaused

    def data_received(self, chunk: bytes) -> "asyncio.Future[None] | None":
        reply = self._reply
        if reply is None or self._route is None or reply.is_over:
            return None
        self._body_bytes += len(chunk)
        if self._body_bytes > reply.body_limit:
            self._refuse_body(reply)
            return None
        if reply.gathered is not None:
            reply.gathered.append(chunk)
            return None
        reply.is_body_given = self._body_bytes == self._announced_bytes
        try:
            self._route.data(chunk)
        except Exception as error:  # noqa: BLE001 - as in headers_received
            self._fail(error)
        return reply.unpaused

    def _refuse_body(self, reply: TornadoReply) -> None:
        self._tell_gone()
        if reply.started:
            reply.abort()
        else:
            reply.refuse(Refusal(413, "The request's body is too long.", self._path))

    def finish(self) -> None:
        reply = self._reply
        if reply is None or self._route is None or reply.is_over:
            return
        if reply.body_ended():
            return
        try:
            gathered, reply.gathered = reply.gathered, None
            self._route.end(b"".join(gathered or ()))
        except Exception as error:  # noqa: BLE001 - as in headers_received
            self._fail(error)

    def on_connection_close(self) -> None:
        self._on_gone()

    def _on_gone(self) -> None:
        reply = self._reply
        if reply is not None and not reply.is_over:
            reply.end()
            self._tell_gone()

    def _on_drained(self) -> None:
        if self._route is not None:
            try:
                self._route.drained()
            except Exception as error:  # noqa: BLE001 - as in headers_received
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        LOG.error("A route failed: %s %s", self._method, self._path, exc_info=error)
        reply = self._reply
        if reply is None or reply.is_over:
            return
        if reply.started:
            reply.abort()
        else:
            reply.refuse(Refusal(500, "The gateway failed to answer.", self._path))
        self._tell_gone()

    def _tell_gone(self) -> None:
        if self._route is None:
            return
        try:
            self._route.gone()
        except Exception:  # noqa: BLE001 - nobody is left to tell; the log is all
            LOG.exception("A route failed while its client left: %s", self._path)
