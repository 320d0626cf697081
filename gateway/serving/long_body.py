"""The rest of a long body, received where it stays: the kernel writes into the bytes that the route gets.

Pieces of 64 KB would each be a wake-up, a parser's copy and a part of the join at the end. connection.py
begins it for a route that wants its body whole, once the head is read and the length is known.
"""

from io import BytesIO
from typing import Final

LONG_BYTES: Final = 64 * 1024
"""What must be missing of a body for this to be worth it."""
_ROOM_BYTES: Final = 1024 * 1024


class LongBody:
    """A body of known length that is being received, `filled_bytes` of it so far.

    Room is made for a megabyte, and for as much again as has come: more is not had for the mere saying.
    BytesIO, because it lends its memory to be written into and gives it away as bytes without a copy.
    """

    __slots__ = ("_buffer", "_memory", "_room", "_size_bytes", "filled_bytes")

    def __init__(self, begun: bytes, size_bytes: int) -> None:
        self._buffer = BytesIO(begun)
        self._size_bytes = size_bytes
        self.filled_bytes = len(begun)
        self._memory: memoryview = self._buffer.getbuffer()
        self._room = self._memory[:]
        self._make_room()

    @property
    def is_whole(self) -> bool:
        return self.filled_bytes == self._size_bytes

    def room(self) -> memoryview:
        """Where what comes next is to be written: not empty while something is missing, and no longer."""
        return self._room

    def filled(self, nbytes: int) -> None:
        """So much was written into the room, which is not to be used any more."""
        self.filled_bytes += nbytes
        self._make_room()

    def take(self) -> bytes:
        """The whole body; the last call."""
        self._room.release()
        self._memory.release()
        return self._buffer.getvalue()

    def _make_room(self) -> None:
        self._room.release()  # who wrote into it may hold it still, and nothing grows while it is lent
        filled_bytes = self.filled_bytes
        if filled_bytes == len(self._memory) and not self.is_whole:
            self._memory.release()
            self._buffer.seek(min(self._size_bytes, filled_bytes + max(_ROOM_BYTES, filled_bytes)) - 1)
            self._buffer.write(b"\0")
            self._memory = self._buffer.getbuffer()
        self._room = self._memory[filled_bytes:]
