"""Chosen members of a JSON object that streams by: its name, its id, its usage, whatever stands between them.

Nothing but the chosen values is kept, and of each no more than a bound, so that an object with pictures of
many megabytes inside costs no memory. Fed beside an answer that is passed on unread. No I/O.
"""

import re
from collections.abc import Collection
from typing import Any

import orjson

from gateway.streaming.json_array import BracketScan, JsonArrayBroken

MAX_VALUE_BYTES = 64 * 1024
_MAX_KEY_BYTES = 4096

# Possessive quantifiers: a key or value of many bytes must not be tried again byte by byte.
_KEY = re.compile(rb'[\s,]*+"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*+:\s*+(?=\S)', re.DOTALL)
_END = re.compile(rb"[\s,]*+\}")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_STRING_PART = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,}\]]++(?=[\s,}\]])")


class TopMembers:
    """Collects members of the outermost object by name.

    found   name → value, for those seen whole so far; the first of a repeated name counts
    """

    __slots__ = (
        "_is_open",
        "_is_over",
        "_kept",
        "_key",
        "_max_value_bytes",
        "_names",
        "_rest",
        "_scan",
        "found",
    )

    def __init__(self, names: Collection[str], *, max_value_bytes: int = MAX_VALUE_BYTES) -> None:
        self._names = names
        self._max_value_bytes = max_value_bytes
        self._rest = b""  # what is not understood yet: never longer than a key, or a kept value
        self._key: str | None = None  # set while its value comes
        self._kept: bytearray | None = None  # of that value, None when it is not wanted or too long
        self._scan: BracketScan | None = None
        self._is_open = False
        self._is_over = False
        self.found: dict[str, Any] = {}

    @property
    def is_over(self) -> bool:
        """True when nothing more can be found: all is there, or what comes is no object."""
        return self._is_over

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the object. Never raises: what is no JSON holds nothing."""
        if self._is_over:
            return
        try:
            self._read(self._rest + chunk if self._rest else chunk)
        except JsonArrayBroken:
            self._end()

    def _read(self, text: bytes) -> None:
        position = 0
        if not self._is_open:
            stripped = text.lstrip(b" \t\r\n\xef\xbb\xbf")
            if not stripped:
                return
            if stripped[:1] != b"{":
                self._end()
                return
            self._is_open = True
            text, position = stripped, 1
        while not self._is_over:
            after = self._value(text, position) if self._key is not None else self._member(text, position)
            if after is None:
                return
            position = after

    def _member(self, text: bytes, position: int) -> int | None:
        """Read a name and its colon; gives where its value begins, None when more bytes are needed."""
        match = _KEY.match(text, position)
        if match is None:
            self._rest = text[position:]
            if _END.match(self._rest) or len(self._rest) > _MAX_KEY_BYTES:
                self._end()
            return None
        self._rest = b""
        self._key = match[1].decode("utf-8", "replace")
        is_wanted = self._key in self._names and self._key not in self.found
        self._kept = bytearray() if is_wanted else None
        self._scan = BracketScan() if text[match.end() : match.end() + 1] in (b"{", b"[") else None
        return match.end()

    def _value(self, text: bytes, position: int) -> int | None:
        """Pass over a value; gives where it ends, None when it goes on in the next piece."""
        if self._scan is not None:
            end = self._scan.close(text, position)
            self._keep(text[position:] if end < 0 else text[position:end])
            self._rest = b""
            return None if end < 0 else self._take(end)
        if text[position : position + 1] == b'"':
            match = _STRING.match(text, position)
        else:
            match = _SCALAR.match(text, position)
        if match is not None:
            self._keep(match[0])
            self._rest = b""
            return self._take(match.end())
        self._rest = self._without_inside(text, position)
        return None

    def _without_inside(self, text: bytes, position: int) -> bytes:
        """An open string or number, less what need not be kept of it."""
        rest = text[position:]
        if self._kept is not None and len(rest) <= self._max_value_bytes:
            return rest
        self._kept = None
        if not rest.startswith(b'"'):
            return rest[-1:]
        inside = _STRING_PART.match(rest, 1)
        return b'"' + (rest[inside.end() :] if inside is not None else rest[-1:])

    def _keep(self, piece: bytes) -> None:
        if self._kept is not None:
            self._kept += piece
            if len(self._kept) > self._max_value_bytes:
                self._kept = None

    def _take(self, end: int) -> int:
        key, kept = self._key, self._kept
        self._key = self._kept = self._scan = None
        if key is not None and kept is not None:
            try:
                self.found[key] = orjson.loads(kept)
            except orjson.JSONDecodeError:
                self._end()
            else:
                if len(self.found) == len(self._names):
                    self._end()
        return end

    def _end(self) -> None:
        self._is_over = True
        self._rest = b""
        self._kept = None
