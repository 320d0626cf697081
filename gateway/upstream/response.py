"""The head of an upstream's answer, kept as the lines it came in and read only when asked."""

from collections.abc import Sequence

_UNDONE = frozenset({"content-encoding", "content-length"})


class RawResponseHead:
    """A `transport.ResponseHead` over raw header lines (without the status line).

    decoded   libcurl undoes the content encoding, so the headers that describe it are left out
    """

    __slots__ = ("_decoded", "_items", "_lines", "status")

    def __init__(self, status: int, lines: Sequence[bytes], *, decoded: bool = False) -> None:
        self.status = status
        self._lines = lines
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
            pairs = [_split(line) for line in self._lines if b":" in line]
            encoded = self._decoded and any(name.lower() == "content-encoding" for name, _ in pairs)
            self._items = [pair for pair in pairs if not (encoded and pair[0].lower() in _UNDONE)]
        return self._items

    def __repr__(self) -> str:
        return f"<RawResponseHead {self.status}>"


def _split(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name.strip(), value.strip()
