"""A connection given away to Tornado as an IOStream: what WebSockets run on after their handshake.

exchange.py asks for it. Not for TLS, which this front does not speak.
"""

import socket
from typing import TYPE_CHECKING

from tornado.iostream import IOStream

from gateway.serving.events import END, Stage

if TYPE_CHECKING:
    from gateway.serving.connection import Conn


class _StreamWithLeftover(IOStream):
    """An IOStream whose first bytes have been read already."""

    def __init__(self, sock: socket.socket, leftover: bytes) -> None:
        self._leftover = leftover
        super().__init__(sock)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        leftover = self._leftover
        if not leftover:
            return super().read_from_fd(buf)
        count = min(len(leftover), len(buf))
        buf[:count] = leftover[:count]
        self._leftover = leftover[count:]
        return count


def detached_stream(conn: "Conn") -> IOStream:
    """A stream over what was the connection's socket; it first gives the bytes read behind the request.

    When the connection is lost, or bytes would be (unsent ones, or later requests), the handler gets a
    stream every use of which ends as on a lost connection.
    """
    conn.turn = None
    reader = conn.reader
    leftover = reader.leftover
    is_alone = reader.stage is Stage.BETWEEN and all(event is END for event in reader.events)
    reader.stop()
    sock = conn.sock
    duplicate = None
    if is_alone and sock is not None and not conn.is_closed and not conn.unsent_bytes:
        duplicate = sock.dup()  # asyncio closes its own descriptor, which leaves the connection open
        duplicate.setblocking(False)
    conn.cut()
    if duplicate is not None:
        return _StreamWithLeftover(duplicate, leftover)
    closed = IOStream(socket.socket())
    closed.close()
    return closed
