"""What all connections of one front stand on: configuration, the receive buffer, the coarse clock.

Built by server.py; connection.py, light_reply.py and exchange.py read it. One object for each front.
"""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from tornado.httputil import HTTPServerConnectionDelegate

from gateway.serving.light import LightRouter
from gateway.serving.limits import Limits
from gateway.serving.refusal import Reject, reason

if TYPE_CHECKING:
    from gateway.serving.connection import Conn

RECEIVE_BYTES: Final = 64 * 1024


class Ground:
    """The shared part of every connection of one front.

    now           loop time in seconds, read once a sweep: deadlines are exact to a second, and cheap
    date          the Date line of every answer, likewise
    view          the receive buffer; its bytes are consumed before `buffer_updated` returns, so one is enough
    done          a finished future, returned for every write that need not be waited for
    is_draining   every answer from now on closes its connection
    """

    __slots__ = (
        "_clock",
        "_status_lines",
        "application",
        "buffer",
        "date",
        "done",
        "half_closed",
        "is_draining",
        "light",
        "limits",
        "loop",
        "now",
        "on_empty",
        "open",
        "reject",
        "view",
        "xheaders",
    )

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        application: HTTPServerConnectionDelegate,
        light: LightRouter,
        limits: Limits,
        xheaders: bool,
        reject: Reject,
        clock: Callable[[], float],
    ) -> None:
        self.loop = loop
        self.application = application
        self.light = light
        self.limits = limits
        self.xheaders = xheaders
        self.reject = reject
        self.buffer = bytearray(RECEIVE_BYTES)
        self.view = memoryview(self.buffer)
        self.open: set[Conn] = set()
        self.half_closed: set[Conn] = set()
        self.is_draining = False
        self.on_empty: asyncio.Future[None] | None = None
        self.done: asyncio.Future[None] = loop.create_future()
        self.done.set_result(None)
        self._clock = clock
        self._status_lines: dict[int, bytes] = {}
        self.now = 0.0
        self.date = b""
        self.tick()

    def tick(self) -> None:
        """Read the clocks."""
        self.now = self._clock()
        self.date = f"Date: {formatdate(usegmt=True)}\r\n".encode("ascii")

    def remove(self, conn: "Conn") -> None:
        """Forget a lost connection, and wake who waits for the last one."""
        self.half_closed.discard(conn)
        self.open.discard(conn)
        if self.on_empty is not None and not self.open and not self.on_empty.done():
            self.on_empty.set_result(None)

    def status_line(self, status: int) -> bytes:
        """The status line, made once for each of the at most thousand statuses."""
        line = self._status_lines.get(status)
        if line is None:
            line = self._status_lines[status] = f"HTTP/1.1 {status} {reason(status)}\r\n".encode("ascii")
        return line
