"""The head of an upstream's answer, kept as the lines it came in and read only when asked.

Most calls look at the status alone, so header lines are not split until somebody wants one.
"""

from collections.abc import Sequence


def status_of(line: bytes) -> int:
    """The status code in a status line such as `HTTP/1.1 200 OK`; 0 when there is none."""
    code = line[line.find(b" ") + 1 :][:3]
    return int(code) if len(code) == 3 and code.isdigit() else 0


class CurlResponseHead:
    """A ResponseHead made of raw lines; the first is the status line."""

    __slots__ = ("_items", "_lines", "status")

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines
        self._items: list[tuple[str, str]] | None = None
        self.status = status_of(lines[0])

    def get(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        wanted = name.lower()
        for key, value in self.items():
            if key.lower() == wanted:
                return value
        return None

    def items(self) -> Sequence[tuple[str, str]]:
        """All headers in the order they came, names as sent, latin-1."""
        items = self._items
        if items is None:
            items = self._items = [_split(line) for line in self._lines[1:] if b":" in line]
        return items

    def __repr__(self) -> str:
        return f"<CurlResponseHead {self.status}>"


def _split(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name.strip(), value.strip()
