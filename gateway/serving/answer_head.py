"""The head of an answer as bytes: status line, Date, the route's headers, framing, Connection.

Used by light_reply.py for light routes and by connection.py for refusals. Tornado handlers bring their
own headers and are framed in exchange.py.
"""

from collections.abc import Sequence
from email.utils import formatdate
from typing import Final

from gateway.serving.refusal import reason

OURS: Final = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})

CLOSE: Final = b"Connection: close\r\n"
KEEP: Final = b"Connection: keep-alive\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"

_NAMES_KEPT: Final = 500


class HeadWriter:
    """Writes the heads of one front's answers, and remembers of them what comes again and again."""

    __slots__ = ("_date", "_openings", "_route_names")

    def __init__(self) -> None:
        self._openings: dict[int, bytes] = {}
        self._route_names: set[str] = set()
        self._date = b""
        self.tick()

    def tick(self) -> None:
        """Read the wall clock, for Date."""
        self._date = f"Date: {formatdate(usegmt=True)}\r\n".encode("ascii")
        self._openings.clear()

    def head(self, status: int, headers: Sequence[tuple[str, str]], framing: bytes) -> bytes:
        """A whole head, down to the empty line.

        headers   the route's; those whose names are the front's business are left out
        framing   the lines that say where the answer ends, and whether the connection does

        Raises ValueError for a header that would break out of its line, or is not Latin-1.
        """
        opening = self._openings.get(status)
        if opening is None:
            opening = self._opening(status)
        names = self._route_names
        text = ""
        for name, value in headers:
            if name not in names:
                headers = self._without_ours(headers)
                text = "".join([f"{name}: {value}\r\n" for name, value in headers])
                break
            text += f"{name}: {value}\r\n"
        return b"%b%b%b\r\n" % (opening, checked_lines(text, len(headers)), framing)

    def _opening(self, status: int) -> bytes:
        """The status line and Date, made once a tick for each of the at most thousand statuses."""
        line = f"HTTP/1.1 {status} {reason(status)}\r\n".encode("ascii")
        opening = self._openings[status] = line + self._date
        return opening

    def _without_ours(self, headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers that are the route's business; their names are known from now on."""
        kept = [field for field in headers if field[0].lower() not in OURS]
        if len(self._route_names) < _NAMES_KEPT:
            self._route_names.update(name for name, _ in kept)
        return kept


def checked_lines(text: str, count: int) -> bytes:
    """`count` lines, each ended by CRLF, as bytes; ValueError for more ends than that, or beyond Latin-1."""
    if text.count("\n") != count or text.count("\r") != count or "\0" in text:
        raise ValueError("illegal characters (CR, LF or NUL) in a header")
    return text.encode("latin-1")


def has_no_body(method: str, status: int) -> bool:
    """True when an answer's head ends it, whatever its headers say (RFC 9110 §6.4.1)."""
    return method == "HEAD" or status in (204, 304) or status < 200
