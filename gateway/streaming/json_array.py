r"""The other form of a Gemini stream: one JSON array whose elements appear over time, in any cut of bytes.

Finds where elements end without parsing them; what is inside is the caller's to parse. No I/O.
Relay reads `streamGenerateContent` without `alt=sse` through this; tail.py borrows `object_end`.
Source: Gemini API, models.streamGenerateContent; the form on the wire is `[{…}\r\n,\r\n{…}\r\n]`.
"""

import re

from gateway.errors import GatewayError

DEFAULT_MAX_ELEMENT_BYTES = 64 * 1024 * 1024

# Possessive quantifiers: no backtracking memory for a string of many megabytes. None is within another:
# CPython up to 3.11.4, Debian 12's 3.11.2 among them, matches those wrongly (python/cpython#106052).
# One match runs over everything up to the next bracket, over whole strings too, and ends with that
# bracket (group 1), with a string the chunk does not close (group 2), or at the end of the chunk.
_PLAIN = rb'[^"{}\[\]]*+'
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NEXT_BRACKET = re.compile(
    _PLAIN + rb"(?:" + _STRING + _PLAIN + rb')*(?:([{}\[\]])|("[^"\\]*+(?:\\.[^"\\]*+)*+\\?\Z)|\Z)',
    re.DOTALL,
)
_REST_OF_STRING = re.compile(rb"[^\"\\]*+(?:\\.[^\"\\]*+)*+", re.DOTALL)
_NOT_BETWEEN = re.compile(rb"[^\s,]")


class JsonArrayBroken(GatewayError):
    """What came is not an array of objects; the text quotes where it went wrong."""


class JsonElementTooLarge(GatewayError):
    """One element of the upstream's array is longer than the splitter may hold."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"an element of the upstream's array is longer than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class BracketScan:
    """Follows nesting and strings through chunks, to the bracket that closes the first one opened."""

    __slots__ = ("_depth", "_escaped", "_in_string")

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False  # the chunk ended between a backslash and what it escapes

    def close(self, text: bytes, start: int) -> int:
        """Give the index after the closing bracket, or -1 when `text` ends before it."""
        position = start
        length = len(text)
        if self._in_string and position < length:
            position = self._leave_string(text, position)
        while position < length:
            match = _NEXT_BRACKET.match(text, position)
            if match is None:  # the alternatives cover every byte
                raise JsonArrayBroken("brackets and strings do not add up")
            position = match.end()
            bracket = match[1]
            if bracket is None:
                if match[2] is not None:
                    self._in_string = True
                    self._escaped = _ends_in_backslash(match[2])
                return -1
            if bracket in b"{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 0:
                    return position
        return -1

    def _leave_string(self, text: bytes, position: int) -> int:
        if self._escaped:
            self._escaped = False
            position += 1
        match = _REST_OF_STRING.match(text, position)
        end = len(text) if match is None else match.end()
        if end >= len(text):
            return len(text)
        if text[end : end + 1] == b'"':
            self._in_string = False
        else:
            self._escaped = True
        return end + 1


def _ends_in_backslash(piece: bytes) -> bool:
    return (len(piece) - len(piece.rstrip(b"\\"))) % 2 == 1


def object_end(text: bytes, start: int) -> int:
    """Give the index after the object or array that opens at `start`, or -1 when it does not close."""
    return BracketScan().close(text, start)


class JsonArraySplitter:
    """Turns chunks of one JSON array of objects into the bytes of its elements.

    An object that stands alone, with no array around it, is given as the only element: errors come so.
    """

    __slots__ = ("_closed", "_held", "_held_bytes", "_max_element_bytes", "_opened", "_scan")

    def __init__(self, max_element_bytes: int = DEFAULT_MAX_ELEMENT_BYTES) -> None:
        self._max_element_bytes = max_element_bytes
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._scan: BracketScan | None = None  # set while an element is open
        self._opened = False
        self._closed = False

    @property
    def complete(self) -> bool:
        """True once the array (or the lone object) has been closed."""
        return self._closed

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the elements that `chunk` completes, in order, as they were written.

        raises   JsonArrayBroken, JsonElementTooLarge; the stream is to be given up then
        """
        elements: list[bytes] = []
        position = 0
        while position < len(chunk):
            if self._scan is None:
                position = self._between(chunk, position)
                if self._scan is None:
                    break
            end = self._scan.close(chunk, position)
            if end < 0:
                self._hold(chunk[position:])
                break
            self._hold(chunk[position:end])
            elements.append(b"".join(self._held))
            self._held.clear()
            self._held_bytes = 0
            self._scan = None
            position = end
            if not self._opened:
                self._closed = True
        return elements

    def _between(self, chunk: bytes, position: int) -> int:
        """Pass over what stands between elements; opens `_scan` at the next one."""
        while (match := _NOT_BETWEEN.search(chunk, position)) is not None:
            found = match[0]
            position = match.start()
            if self._closed:
                break
            if found == b"{":
                self._scan = BracketScan()
                return position
            if found == b"[" and not self._opened:
                self._opened = True
            elif found == b"]" and self._opened:
                self._closed = True
            else:
                break
            position += 1
        else:
            return len(chunk)
        seen = chunk[position : position + 40].decode("utf-8", "replace")
        raise JsonArrayBroken(f"expected an array of objects, found {seen!r}")

    def _hold(self, piece: bytes) -> None:
        self._held.append(piece)
        self._held_bytes += len(piece)
        if self._held_bytes > self._max_element_bytes:
            raise JsonElementTooLarge(self._max_element_bytes)
