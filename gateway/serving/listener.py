"""Accepts connections on one bound socket, and stops without forgetting any. Used by server.py.

`asyncio.Server` forgets the connection it has accepted but not yet given a transport when it is closed: the
client's call is lost, and the socket left to the garbage collector.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final

from gateway.serving.refusal import LOG

_WAITING: Final = 4096
"""Connections that may wait to be accepted, as far as net.core.somaxconn allows. The kernel drops one more,
whose client tries again after a second."""
_AT_ONCE: Final = 128
"""Accepted in one turn of the loop."""
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_S: Final = 1.0
"""After accepting found no room: descriptors come back as answers end."""


class Listener:
    """Gives each connection a protocol, from `start` to `close`."""

    def __init__(self, sock: socket.socket, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._protocol = protocol
        self._connecting: set[asyncio.Task[object]] = set()
        self._pause: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._socket.setblocking(False)
        self._socket.listen(_WAITING)
        self._watch()

    async def close(self) -> None:
        """Accept what waits and no more; at the end every connection has its protocol."""
        self._loop.remove_reader(self._socket)
        while self._accept():
            pass
        if self._pause is not None:
            self._pause.cancel()
        self._socket.close()
        if self._connecting:
            await asyncio.wait(self._connecting)

    def _watch(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> bool:
        """Accept what waits, up to a bound. True: there may be more."""
        for _ in range(_AT_ONCE):
            try:
                connection, _address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return False
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                LOG.warning("No connection can be accepted for now: %s", error.strerror)
                self._loop.remove_reader(self._socket)  # it would be called without end
                self._pause = self._loop.call_later(_PAUSE_S, self._watch)
                return False
            connection.setblocking(False)
            connecting = self._loop.create_task(
                self._loop.connect_accepted_socket(self._protocol, connection)
            )
            self._connecting.add(connecting)
            connecting.add_done_callback(self._connecting.discard)
        return True
