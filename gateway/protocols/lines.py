"""Lines out of bytes that arrive in pieces: JSONL files on their way through. Bounded. No I/O."""


class LineTooLong(ValueError):
    """A line is longer than what is held."""


class LineSplitter:
    """Gives whole lines, without their ends; a last one may lack its end.

    max_bytes   of one line
    """

    __slots__ = ("_max_bytes", "_pieces", "_size")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []  # of the line that is not whole
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next piece; give the lines that are whole now. Raises LineTooLong."""
        *whole, rest = chunk.split(b"\n")
        if whole:
            whole[0] = b"".join((*self._pieces, whole[0]))
            self._pieces.clear()
            self._size = 0
        self._pieces.append(rest)
        self._size += len(rest)
        if self._size > self._max_bytes or (whole and len(whole[0]) > self._max_bytes):
            raise LineTooLong(f"a line is longer than {self._max_bytes} bytes")
        return [line.removesuffix(b"\r") for line in whole]

    def end(self) -> list[bytes]:
        """The last line, where it had no end."""
        rest = b"".join(self._pieces).removesuffix(b"\r")
        self._pieces.clear()
        return [rest] if rest else []
