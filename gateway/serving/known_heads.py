"""Heads that were read before: a client that keeps sending the same one has it parsed and judged once.

SDKs repeat their heads to the byte, but for the digits of Content-Length. message_parser.py remembers
here what llhttp and head.py have accepted, request_reader.py looks here first. The bytes of a head are the
key, so what is found is what would be read. One for each front. Heads hold credentials: they stay in memory,
and not for long.
"""

from typing import Final

from gateway.serving.head import Head

LONGEST_BYTES: Final = 4096
"""Of a head that is remembered."""
_MOST_BYTES: Final = 256 * 1024
"""Of all heads of a generation; there are two."""
_GENERATION_S: Final = 60.0
_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"ength: "
_LENGTH_LINE: Final = b"\r\ncontent-length: "
_MOST_DIGITS: Final = 18
_UNUSUAL: Final = frozenset({"expect", "transfer-encoding", "upgrade"})
_NEVER_TWICE: Final = frozenset(
    {
        "cf-ray",
        "idempotency-key",
        "traceparent",
        "x-amzn-trace-id",
        "x-cloud-trace-context",
        "x-correlation-id",
        "x-request-id",
    }
)
"""Where a client's every head is new, nothing is gained by keeping it."""

Found = tuple[Head, int, int]
"""A known head, the length of its body as it says it this time, and the place behind the head."""


class KnownHeads:
    """A bounded memory of heads in two generations: what none of them has asked for is forgotten.

    A head is found by what stands before the digits, and must go on as it did behind them; one without a
    length is found by all of it. The last one found is tried first: that takes half the time.
    """

    __slots__ = ("_last", "_last_key", "_longest_bytes", "_old", "_until_s", "_young", "_young_bytes")

    def __init__(self, max_head_bytes: int) -> None:
        self._longest_bytes = min(LONGEST_BYTES, max_head_bytes - _MOST_DIGITS)
        self._young: dict[bytes, tuple[bytes, Head]] = {}
        self._old: dict[bytes, tuple[bytes, Head]] = {}
        self._young_bytes = 0
        self._last: tuple[bytes, Head] | None = None
        self._last_key = b""
        self._until_s = 0.0

    def find(self, data: bytes, place: int) -> Found | None:
        """The head that begins at this place of these bytes, if it is whole and known."""
        known, key = self._last, self._last_key
        if known is not None and data.startswith(key, place):
            digits = place + len(key)
        else:
            digits = data.find(_LENGTH, place, place + LONGEST_BYTES) + 7
            if digits < 7:
                end = data.find(_END, place, place + LONGEST_BYTES) + 4
                known = self._kept(data[place:end])
                return None if known is None else (known[1], 0, end)
            key = data[place:digits]  # perhaps not of this head, but then none is found
            known = self._kept(key)
            if known is None:
                return None
            self._last, self._last_key = known, key
        rest, head = known
        after = data.find(rest, digits, digits + _MOST_DIGITS + len(rest))
        if after > 0 and (length := data[digits:after]).isdigit():
            return head, int(length), after + len(rest)
        return None

    def remember(self, data: bytes, head: Head, body_bytes: int | None) -> None:
        """Keep the head at the beginning of these bytes, which was read as `head`, if it may come again."""
        names = head.headers.keys()
        if (
            body_bytes is None
            or not (head.keep_alive and head.is_http11)
            or not (names.isdisjoint(_UNUSUAL) and names.isdisjoint(_NEVER_TWICE))
        ):
            return
        start = data[: self._longest_bytes]
        end = start.find(_END) + 4
        # No line but those of its fields: it ends where llhttp has seen its end.
        if end < 4 or start.count(b"\n", 0, end) != len(head.fields) + 2:
            return
        begin = start.find(_LENGTH, 0, end) + 7
        if begin >= 7:
            after = start.find(b"\r", begin)
            if start[:begin].lower().endswith(_LENGTH_LINE):
                self._keep(start[:begin], (start[after:end], head))
        elif body_bytes == 0:
            self._keep(start[:end], (b"", head))

    def age(self, now_s: float) -> None:
        """Told the time, once in a while."""
        if now_s >= self._until_s:
            self._until_s = now_s + _GENERATION_S
            self._turn_over()

    def _keep(self, key: bytes, known: tuple[bytes, Head]) -> None:
        size_bytes = len(key) + len(known[0])
        self._young_bytes += size_bytes
        if self._young_bytes > _MOST_BYTES:
            self._turn_over()
            self._young_bytes = size_bytes
        self._young[key] = known
        self._last = None  # it may have the same key, and go on differently

    def _kept(self, key: bytes) -> tuple[bytes, Head] | None:
        known = self._young.get(key)
        if known is None:
            known = self._old.get(key)
            if known is not None:
                self._keep(key, known)
        return known

    def _turn_over(self) -> None:
        self._old, self._young = self._young, {}
        self._last = None
        self._young_bytes = 0
