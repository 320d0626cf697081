"""What all connections of one front stand on: configuration, the receive buffer, the coarse clock.

Built by server.py; connection.py, light_reply.py and exchange.py read it. One object for each front.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tornado.httputil import HTTPServerConnectionDelegate

from gateway.serving.answer_head import HeadWriter
from gateway.serving.known_heads import KnownHeads
from gateway.serving.light import LightRouter
from gateway.serving.limits import Limits
from gateway.serving.refusal import Reject

if TYPE_CHECKING:
    from gateway.serving.connection import Conn
    from gateway.serving.half_closed import HalfClosed

RECEIVE_BYTES: Final = 64 * 1024
"""Of one buffer for all connections. As many pipelined requests as it holds may wait for each of them."""


class Ground:
    """The shared part of every connection of one front.

    now           loop time in seconds, read once a sweep: deadlines are exact to a second, and cheap
    heads         writes the heads of answers
    known_heads   those of requests that came before
    view          the receive buffer; its bytes are copied before anything else is received, so one is enough
    done          a finished future, returned for every write that need not be waited for
    is_draining   every answer from now on closes its connection
    """

    __slots__ = (
        "_clock",
        "application",
        "buffer",
        "done",
        "half_closed",
        "heads",
        "is_draining",
        "known_heads",
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
        self.half_closed: set[HalfClosed] = set()
        self.is_draining = False
        self.on_empty: asyncio.Future[None] | None = None
        self.done: asyncio.Future[None] = loop.create_future()
        self.done.set_result(None)
        self._clock = clock
        self.heads = HeadWriter()
        self.known_heads = KnownHeads(limits.max_head_bytes)
        self.now = 0.0
        self.tick()

    def tick(self) -> None:
        """Read the clocks."""
        self.now = self._clock()
        self.heads.tick()
        self.known_heads.age(self.now)

    def remove(self, conn: "Conn") -> None:
        """Forget a lost connection, and wake who waits for the last one."""
        if conn.half_closed is not None:
            self.half_closed.discard(conn.half_closed)
        self.open.discard(conn)
        if self.on_empty is not None and not self.open and not self.on_empty.done():
            self.on_empty.set_result(None)
