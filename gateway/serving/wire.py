"""One TCP connection below HTTP: sending, closing without loss, deadlines, and the pace of reading.

connection.py builds requests and answers on it; server.py sweeps its deadlines. Knows no heads and no routes.
"""

import asyncio
import contextlib
import os
import socket
import struct
from math import inf
from typing import Final, cast

from gateway.serving.ground import Ground
from gateway.serving.half_closed import HalfClosed

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_NO_FD: Final = -1


class Wire(asyncio.BufferedProtocol):
    """The transport's side of a connection.

    deadline         loop time at which `expire` is due; inf while only the route is waited for
    stall_deadline   the same for a client that does not read
    is_write_paused  more than the high-water mark is unsent
    is_reading_paused  the client's bytes wait in the kernel
    half_closed      the watch over a client that has shut its side, None before
    """

    __slots__ = (
        "__weakref__",
        "_fd",
        "_is_lingering",
        "_transport",
        "_unsent_bytes",
        "deadline",
        "ground",
        "half_closed",
        "is_reading_paused",
        "is_write_paused",
        "peer",
        "stall_deadline",
    )

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.deadline = ground.now + ground.limits.head_timeout_s
        self.stall_deadline = inf
        self.is_write_paused = False
        self.peer = "0.0.0.0"  # noqa: S104 - Tornado's word for "not an IP socket", not an address to bind
        self.half_closed: HalfClosed | None = None
        self.is_reading_paused = False
        self._is_lingering = False
        self._transport: asyncio.Transport | None = None
        self._fd = _NO_FD  # the socket's, while nothing waits in the transport and the client is not watched
        self._unsent_bytes = 0

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self.ground.limits.write_high_bytes)
        address = transport.get_extra_info("peername")
        if isinstance(address, tuple):
            self.peer = address[0]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it was lost changes nothing
        self._fd = _NO_FD
        self._transport = None
        self.deadline = self.stall_deadline = inf

    def pause_writing(self) -> None:
        self.is_write_paused = True
        self._unsent_bytes = self.unsent_bytes
        self.stall_deadline = self.ground.now + self.ground.limits.write_stall_timeout_s

    def resume_writing(self) -> None:
        self.is_write_paused = False
        self.stall_deadline = inf

    # Sending.

    @property
    def is_closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    @property
    def sock(self) -> socket.socket | None:
        """The socket, to read options from; None once the connection is lost."""
        if self._transport is None:
            return None
        return cast("socket.socket", self._transport.get_extra_info("socket"))

    @property
    def unsent_bytes(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def send(self, data: bytes) -> None:
        """Hand bytes to the socket; dropped when the connection is closing.

        Straight to it where nothing waits before them: the transport would do the same, and takes longer.
        """
        fd = self._fd
        if fd == _NO_FD:
            self._queue(data)
            return
        try:
            sent_bytes = os.write(fd, data)
        except OSError:
            sent_bytes = 0  # it is full; or broken, which the transport will meet and act on
        if sent_bytes < len(data):
            self._queue(data[sent_bytes:])

    def _queue(self, data: bytes) -> None:
        self._fd = _NO_FD
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.write(data)
            if not transport.get_write_buffer_size() and self.half_closed is None:
                self._fd = transport.get_extra_info("socket").fileno()
        if self.half_closed is not None:
            self.half_closed.look_soon()

    def _watch(self) -> HalfClosed:
        """The client has shut its side: from now on it is looked for after each sending."""
        self._fd = _NO_FD
        client = self.half_closed = HalfClosed(self)
        return client

    # Closing.

    def cut(self) -> None:
        """Close now; what is unsent is lost."""
        self._fd = _NO_FD
        if self._transport is not None:
            self._transport.abort()

    def reset(self) -> None:
        """Close now, by a reset: an orderly close would look like the end of a body without a length."""
        sock = self.sock
        if sock is not None:
            with contextlib.suppress(OSError):  # the client may have been faster
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.cut()

    def close(self) -> None:
        """Close once what is unsent has left, within the time a stalled client gets."""
        self._fd = _NO_FD
        transport = self._transport
        if transport is not None:
            self._unsent_bytes = transport.get_write_buffer_size()
            self.deadline = self.ground.now + self.ground.limits.write_stall_timeout_s
            transport.close()

    def linger(self) -> None:
        """Close, but first let a client that may be sending still read the answer.

        Unread input at a close makes the kernel send a reset, which destroys what the client has not read
        yet; so our side is shut, and input is read and thrown away for a while (RFC 9112 §9.6).
        """
        transport = self._transport
        if self.half_closed is not None:
            self.close()
            return
        if transport is None or transport.is_closing():
            return
        self._is_lingering = True
        self._fd = _NO_FD
        self._unsent_bytes = transport.get_write_buffer_size() + 1
        self.deadline = self.ground.now + self.ground.limits.linger_s
        transport.write_eof()
        if self.is_reading_paused:
            self.is_reading_paused = False
            transport.resume_reading()

    # Deadlines: called by the sweep.

    def expire(self, now: float) -> None:
        """A deadline has passed."""
        transport = self._transport
        if transport is None:
            return
        if self.stall_deadline <= now:
            self.stall_deadline = self._patience(transport, now)
        elif self._is_lingering or transport.is_closing():
            self.deadline = self._patience(transport, now)
        else:
            self.deadline = inf
            self.on_silence()

    def on_silence(self) -> None:
        """The client owed us something, and it did not come in time."""

    def _patience(self, transport: asyncio.Transport, now: float) -> float:
        """The next deadline of a client that reads, if slowly; one that does not is cut."""
        unsent_bytes = transport.get_write_buffer_size()
        if 0 < unsent_bytes < self._unsent_bytes:
            self._unsent_bytes = unsent_bytes
            return now + self.ground.limits.write_stall_timeout_s
        transport.abort()
        return inf

    # The pace of reading.

    def _pause_reading(self) -> None:
        transport = self._transport
        if (
            transport is None
            or self.is_reading_paused
            or self.half_closed is not None
            or transport.is_closing()
        ):
            return
        self.is_reading_paused = True
        transport.pause_reading()

    def _resume_reading(self) -> None:
        transport = self._transport
        if transport is None or not self.is_reading_paused or self.half_closed is not None:
            return
        self.is_reading_paused = False
        transport.resume_reading()
