"""The head of an upstream's answer, kept as the lines it came in and read only when asked.

libcurl gives header lines one by one: those of interim answers before, and trailers after the head's own.
"""

import functools
from collections.abc import Sequence

_BLANK = b"\r\n"
_BARE_BLANK = b"\n"  # of those who end lines with a bare LF
_INTERIM = range(100, 200)
_UNDONE = frozenset({"content-encoding", "content-length"})


class RawResponseHead:
    """A `transport.ResponseHead` over raw header lines (without the status line).

    lines     the head's own
    decoded   libcurl undoes the content encoding, so the headers that describe it are left out
    """

    __slots__ = ("_decoded", "_items", "lines", "status")

    def __init__(self, status: int, lines: Sequence[bytes], *, decoded: bool = False) -> None:
        self.status = status
        self.lines = lines
        self._decoded = decoded
        self._items: list[tuple[str, str]] | None = None

    def get(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        wanted = name.lower()
        for key, value in self.items():
            if key.lower() == wanted:
                return value
        return None

    def items(self) -> Sequence[tuple[str, str]]:
        """All headers in the order they came, names as sent, latin-1."""
        if self._items is None:
            pairs = [_split(line) for line in self.lines if b":" in line]
            encoded = self._decoded and any(name.lower() == "content-encoding" for name, _ in pairs)
            self._items = [pair for pair in pairs if not (encoded and pair[0].lower() in _UNDONE)]
        return self._items

    def __repr__(self) -> str:
        return f"<RawResponseHead {self.status}>"


def read_head(lines: Sequence[bytes], *, decoded: bool) -> RawResponseHead | None:
    """The head among header lines, None while it is not whole; its status is 0 if it says none.

    Interim heads before it (100 Continue, 103 Early Hints) and trailers after it are left out.
    """
    if _BARE_BLANK in lines:
        lines = [_BLANK if line == _BARE_BLANK else line for line in lines]
    start = 0
    while True:
        try:
            end = lines.index(_BLANK, start)
        except ValueError:
            return None
        status = _status(lines[start])
        if status not in _INTERIM:
            return RawResponseHead(status, lines[start + 1 : end], decoded=decoded)
        start = end + 1


@functools.lru_cache(maxsize=32)
def _status(line: bytes) -> int:
    """The status that a status line says, 0 without one. Few of them come, again and again."""
    words = line.split(None, 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def has_begun(lines: Sequence[bytes]) -> bool:
    """Whether a line of the head itself has come, not only whole interim heads."""
    if not lines:
        return False
    return lines[-1] not in (_BLANK, _BARE_BLANK) or read_head(lines, decoded=False) is not None


def _split(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name.strip(), value.strip()
