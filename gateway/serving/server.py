"""Our own HTTP front: accepts connections on given sockets, sweeps their deadlines, drains and stops.

What happens on a connection is connection.py. Chosen by front.py as kind "llhttp".
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Final

from tornado.httputil import HTTPServerConnectionDelegate

from gateway.serving.connection import Conn
from gateway.serving.ground import Ground
from gateway.serving.light import LightRouter
from gateway.serving.limits import Limits
from gateway.serving.listener import Listener
from gateway.serving.refusal import Reject, plain_reject

_TURNS_TO_READ: Final = 2
"""Of the loop, until what a connection has received is read."""


class LlhttpFront:
    """One HTTP/1.1 connection class under light routes and the Tornado application; made in the running loop.

    sweep_s   seconds between two looks at the deadlines; 0 leaves them to explicit `sweep` calls
    clock     loop time in seconds; a test hands in its own
    """

    def __init__(
        self,
        *,
        application: HTTPServerConnectionDelegate,
        light: LightRouter,
        limits: Limits,
        xheaders: bool = True,
        reject: Reject | None = None,
        sweep_s: float = 1.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ground = Ground(
            loop=self._loop,
            application=application,
            light=light,
            limits=limits,
            xheaders=xheaders,
            reject=reject or plain_reject,
            clock=clock or self._loop.time,
        )
        self._sweep_s = sweep_s
        self._listeners: list[Listener] = []
        self._timer: asyncio.TimerHandle | None = None

    async def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on bound sockets."""
        for sock in sockets:
            listener = Listener(sock, self._connection)
            listener.start()
            self._listeners.append(listener)
        self._ground.tick()
        self._arm()

    async def drain(self, timeout_s: float) -> int:
        """Stop accepting, close idle connections, let answers under way end, and cut what is left.

        timeout_s   how long answers may take to end
        returns     connections cut while their clients waited for something

        WebSockets have left this front and are not touched.
        """
        ground = self._ground
        ground.is_draining = True
        while self._listeners:
            await self._listeners.pop().close()
        for _ in range(_TURNS_TO_READ):
            await asyncio.sleep(0)
        for conn in self.connections:
            conn.close_idle()
        if ground.open:
            ground.on_empty = self._loop.create_future()
            await asyncio.wait([ground.on_empty], timeout=timeout_s)
        left = self.connections
        cut = sum(1 for conn in left if conn.is_owing)
        for conn in left:
            conn.cut()
        if left:
            ground.on_empty = self._loop.create_future()
            await ground.on_empty
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return cut

    @property
    def open_connections(self) -> int:
        return len(self._ground.open)

    @property
    def connections(self) -> list[Conn]:
        """The open connections, as they are now."""
        return list(self._ground.open)

    def sweep(self) -> None:
        """Act on every deadline that has passed, and refresh the clocks that connections read."""
        ground = self._ground
        ground.tick()
        now = ground.now
        due = [conn for conn in ground.open if conn.deadline <= now or conn.stall_deadline <= now]
        for conn in due:
            conn.expire(now)
        for client in list(ground.half_closed):
            client.look()

    def _connection(self) -> Conn:
        return Conn(self._ground)

    def _arm(self) -> None:
        if self._sweep_s and self._timer is None:
            self._timer = self._loop.call_later(self._sweep_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.sweep()
        self._arm()
