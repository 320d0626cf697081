"""A connection given away to Tornado as an IOStream: what WebSockets run on after their handshake.

connection.py gives the socket up, exchange.py asks for it. Not for TLS, which this front does not speak.
"""

import socket

from tornado.iostream import IOStream


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


def detached_stream(sock: socket.socket, leftover: bytes) -> IOStream:
    """A stream over a non-blocking socket that gives `leftover` before it reads the socket."""
    return _StreamWithLeftover(sock, leftover)


def closed_stream() -> IOStream:
    """What a handler gets whose client has left: every use of it ends as on a lost connection."""
    stream = IOStream(socket.socket())
    stream.close()
    return stream
