"""A request body on its way from a client to an upstream, of which only a little is in memory.

The client writes and is told to wait, libcurl reads when it can send; both on the loop's thread.
"""

from collections import deque
from collections.abc import Callable

HIGH_BYTES = 1024 * 1024
"""Above it the writer is told to wait; it may go on below a quarter of it."""


class BodyPipe:
    """A `transport.BodySource` that is written piece by piece.

    size_bytes   as the client announced it, None when it did not
    drained      called when there is room again, after a `write` that said False
    """

    __slots__ = ("_drained", "_held_bytes", "_is_finished", "_is_full", "_pieces", "_wake", "size_bytes")

    def __init__(self, size_bytes: int | None, drained: Callable[[], None]) -> None:
        self.size_bytes = size_bytes
        self._drained = drained
        self._pieces: deque[bytes] = deque()
        self._held_bytes = 0
        self._is_full = False
        self._is_finished = False
        self._wake: Callable[[], None] | None = None

    # The writer's side.

    def write(self, piece: bytes) -> bool:
        """Take a piece. False: it is taken, but the next one must wait for `drained`."""
        if piece:
            self._pieces.append(piece)
            self._held_bytes += len(piece)
            self._is_full = self._held_bytes > HIGH_BYTES
            self._awaken()
        return not self._is_full

    def finish(self) -> None:
        """The body is whole."""
        self._is_finished = True
        self._awaken()

    # The reader's side: transport.BodySource.

    def begin(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def read(self, most_bytes: int) -> bytes | None:
        if not self._pieces:
            return b"" if self._is_finished else None
        piece = self._pieces.popleft()
        if len(piece) > most_bytes:
            self._pieces.appendleft(piece[most_bytes:])
            piece = piece[:most_bytes]
        self._held_bytes -= len(piece)
        if self._is_full and self._held_bytes < HIGH_BYTES // 4:
            self._is_full = False
            self._drained()
        return piece

    def _awaken(self) -> None:
        if self._wake is not None:
            self._wake()
