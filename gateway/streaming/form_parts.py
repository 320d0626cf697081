"""The parts of a multipart/form-data body that streams by: fields, and files of any size.

Nothing is held but what is not understood yet. Source: RFC 7578, RFC 2046 §5.1. No I/O.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

MAX_HEAD_BYTES = 16 * 1024
MAX_PARTS = 64
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,200})"|([^\s;,"]{1,200}))', re.IGNORECASE)
_NAME = re.compile(rb';\s*name="((?:[^"\\]|\\.)*)"|;\s*name=([^\s;"]+)', re.IGNORECASE)
_FILENAME = re.compile(rb';\s*filename="((?:[^"\\]|\\.)*)"|;\s*filename=([^\s;"]+)', re.IGNORECASE)
_EXTENDED_FILENAME = re.compile(rb";\s*filename\*=utf-8''([^\s;\"]+)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class FormBroken(ValueError):
    """The body is no form of this boundary."""


@dataclass(frozen=True, slots=True)
class PartHead:
    """A part begins.

    filename    None for a field that is no file
    media_type  lower case, without parameters; "" when the client said none
    """

    name: str
    filename: str | None
    media_type: str


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part that began last is whole."""


FormEvent = PartHead | bytes | PartEnd
_END = PartEnd()


def boundary_of(content_type: str) -> bytes | None:
    """The boundary that a Content-Type names; None when it is not one of a form, or names none."""
    if not content_type.lower().startswith("multipart/form-data"):
        return None
    found = _BOUNDARY.search(content_type)
    return (found[1] or found[2]).encode("latin-1", "replace") if found is not None else None


class FormReader:
    """Reads one body.

    is_over   the last boundary has come
    """

    __slots__ = ("_count", "_delimiter", "_in_part", "_rest", "is_over")

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._rest = b"\r\n"  # the first boundary may lack the line end before it
        self._in_part = False
        self._count = 0
        self.is_over = False

    def feed(self, chunk: bytes) -> list[FormEvent]:
        """Take the next piece; give what it brings, the bytes of parts as they came. Raises FormBroken."""
        events: list[FormEvent] = []
        rest = self._rest + chunk
        while not self.is_over:
            at = rest.find(self._delimiter)
            if at < 0:
                keep = min(len(rest), len(self._delimiter) - 1)
                if self._in_part and len(rest) > keep:
                    events.append(rest[: len(rest) - keep])
                rest = rest[len(rest) - keep :]
                break
            if self._in_part:
                if at:
                    events.append(rest[:at])
                events.append(_END)
                self._in_part = False
            rest = rest[at:]
            behind = self._open(rest, events)
            if behind is None:
                break
            rest = behind
        self._rest = b"" if self.is_over else rest
        return events

    def _open(self, rest: bytes, events: list[FormEvent]) -> bytes | None:
        """Read the boundary that `rest` begins with and the head behind it; None until both are there."""
        start = len(self._delimiter)
        mark = rest[start : start + 2]
        if mark == b"--":
            self.is_over = True
            return b""
        line_end = rest.find(b"\r\n", start)
        head_end = -1 if line_end < 0 else rest.find(b"\r\n\r\n", line_end)
        if head_end < 0:
            if len(rest) > start + MAX_HEAD_BYTES:
                raise FormBroken("the head of a part is too long")
            return None
        if rest[start:line_end].strip(b" \t"):
            raise FormBroken("a boundary is followed by something else")
        self._count += 1
        if self._count > MAX_PARTS:
            raise FormBroken(f"more than {MAX_PARTS} parts")
        events.append(_read_head(rest[line_end + 2 : head_end]))
        self._in_part = True
        return rest[head_end + 4 :]


def _read_head(head: bytes) -> PartHead:
    disposition = media_type = b""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        lowered = name.strip().lower()
        if lowered == b"content-disposition":
            disposition = value
        elif lowered == b"content-type":
            media_type = value.partition(b";")[0].strip().lower()
    named = _NAME.search(disposition)
    if named is None:
        raise FormBroken("a part has no name")
    filename: str | None = None
    if (extended := _EXTENDED_FILENAME.search(disposition)) is not None:
        filename = unquote(extended[1].decode("latin-1"))
    elif (plain := _FILENAME.search(disposition)) is not None:
        filename = _text(plain)
    return PartHead(_text(named), filename, media_type.decode("latin-1"))


def _text(found: "re.Match[bytes]") -> str:
    """A quoted or a bare value; browsers write quotes inside as %22, others escape them."""
    raw = found[1] if found[1] is not None else found[2]
    text = raw.decode("utf-8", "replace")
    return _ESCAPED.sub(r"\1", text).replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
