"""The head of an answer as bytes: status line, Date, the route's headers, framing, Connection.

Used by light_reply.py for light routes and by connection.py for refusals. Tornado handlers bring their
own headers and are framed in exchange.py.
"""

import enum
from collections.abc import Sequence
from email.utils import formatdate
from typing import Final

from gateway.serving.refusal import reason

OURS: Final = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})

CLOSE: Final = "Connection: close\r\n"
_KEEP: Final = "Connection: keep-alive\r\n"
CHUNKED: Final = "Transfer-Encoding: chunked\r\n"

_BODILESS: Final = frozenset({*range(100, 200), 204, 304})

_FORMS_KEPT: Final = 500


class Frame(enum.Enum):
    """How an answer's end is known to the client."""

    UNSENT = enum.auto()
    LENGTH = enum.auto()
    CHUNKED = enum.auto()
    UNTIL_CLOSE = enum.auto()
    NO_BODY = enum.auto()


class HeadWriter:
    """Writes the heads of one front's answers, and remembers of them what comes again and again.

    A form is what heads of one status and the same names have in common: every second of its pieces is the
    place of a value, the last of them that of the framing.
    """

    __slots__ = ("_date", "_forms")

    def __init__(self) -> None:
        self._forms: dict[tuple[int, tuple[str, ...]], list[str]] = {}
        self._date = ""
        self.tick()

    def tick(self) -> None:
        """Read the wall clock, for Date."""
        self._date = formatdate(usegmt=True)
        self._forms.clear()

    def head(self, status: int, headers: Sequence[tuple[str, str]], framing: str) -> bytes:
        """A whole head, down to the empty line.

        headers   the route's; those whose names are the front's business are left out
        framing   the lines that say where the answer ends, and whether the connection does

        Raises ValueError for a header that would break out of its line, or is not Latin-1.
        """
        names, values = zip(*headers) if headers else ((), ())  # noqa: B905 - they are pairs
        form = self._forms.get((status, names))
        if form is None:
            kept = [field for field in headers if field[0].lower() not in OURS]
            if len(kept) < len(headers):
                return self.head(status, kept, framing)
            form = self._form(status, names)
        checked("".join(values))
        pieces = form.copy()
        pieces[1::2] = *values, framing
        return "".join(pieces).encode("latin-1")

    def _form(self, status: int, names: tuple[str, ...]) -> list[str]:
        """What such heads have in common, kept until the next tick."""
        labels = [*(f"\r\n{checked(name)}: " for name in names), "\r\n"]
        form = [piece for label in labels for piece in (label, "")]
        form[0] = f"HTTP/1.1 {status} {reason(status)}\r\nDate: {self._date}{form[0]}"
        form.append("\r\n")
        if len(self._forms) == _FORMS_KEPT:
            self._forms.clear()
        self._forms[status, names] = form
        return form


def checked(text: str) -> str:
    """What stands on a header's line, unless it would break out of it: then ValueError."""
    if "\n" in text or "\r" in text or "\0" in text:
        raise ValueError("illegal characters (CR, LF or NUL) in a header")
    return text


def connection_line(keep_alive: bool, *, is_http11: bool) -> str:
    """Whether the connection outlives an answer, as clients of this version are told; "" goes unsaid."""
    if is_http11:
        return "" if keep_alive else CLOSE
    return _KEEP if keep_alive else ""


def has_no_body(method: str, status: int) -> bool:
    """True when an answer's head ends it, whatever its headers say (RFC 9110 §6.4.1)."""
    return status in _BODILESS or method == "HEAD"
