"""Server-sent events out of bytes that arrive in any cut: the decoder for upstream streams.

Only the data of events is given; event names, ids and comments are dropped. No I/O, no JSON, nothing
about Gemini: relay feeds it what the transport hands over. The tail of a relayed stream: see tail.py.
"""

from gateway.errors import GatewayError

DEFAULT_MAX_EVENT_BYTES = 64 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_CR, _LF = b"\r\n"  # as numbers: CPython finds a byte in a third of the time it takes for a string of one


class SseEventTooLarge(GatewayError):
    """One event of the upstream's stream is longer than the decoder may hold."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"an event of the upstream's stream is longer than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class SseDecoder:
    """Turns chunks into the data payloads of whole events.

    Line ends may be CRLF, LF or CR, mixed; several data lines are joined with LF; an event without a
    data line gives nothing; `data:` alone gives an empty payload. A blank line ends an event at once,
    even when it is a CR whose LF is still on its way.
    Source: WHATWG HTML, section 9.2.6 (server-sent events, interpreting an event stream).
    """

    __slots__ = ("_after_cr", "_at_start", "_held", "_held_bytes", "_max_event_bytes", "_odd")

    def __init__(self, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        # Pieces of the event that is still open, with LF line ends. A list, because one event may be
        # many megabytes in many chunks, and growing a bytes object each time costs its square.
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._at_start = True
        self._after_cr = False
        self._odd = True  # _at_start or _after_cr: one test on the usual way

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the payloads of the events that `chunk` completes, in order.

        raises   SseEventTooLarge; whatever the chunk held is lost, the stream is to be given up
        """
        if self._odd:
            chunk = self._settle(chunk)
        if not self._held and len(chunk) <= self._max_event_bytes and (payloads := _whole_events(chunk)):
            return payloads
        if _CR in chunk:
            chunk = self._with_lf(chunk)
        if self._held:
            chunk = self._close_held(chunk)
        blocks = chunk.split(b"\n\n")
        open_block = blocks.pop()
        if open_block:
            self._hold(open_block)
        if len(chunk) > self._max_event_bytes:
            self._refuse_too_large(blocks)
        payloads = []
        for block in blocks:
            if block.startswith(b"data: ") and _LF not in block:
                payloads.append(block[6:])
            elif (payload := _payload(block)) is not None:
                payloads.append(payload)
        return payloads

    def end(self) -> list[bytes]:
        """Say that the stream is over: gives the event that no blank line ended, if it has data.

        The standard drops such an event; an upstream that forgets the last blank line is kinder read.
        Whether it is whole is the caller's to judge (its JSON parses or not).
        """
        block = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        payload = _payload(block)
        return [] if payload is None else [payload]

    @property
    def held_bytes(self) -> int:
        """Bytes kept for the event that is still open."""
        return self._held_bytes

    def _settle(self, chunk: bytes) -> bytes:
        """Take off what belongs before: the LF of a CR already seen, the byte order mark at the start."""
        if not chunk:
            return chunk
        if self._after_cr:
            self._after_cr = self._odd = False
            return chunk.removeprefix(b"\n")
        chunk = b"".join(self._held) + chunk
        self._held.clear()
        self._held_bytes = 0
        if _BOM.startswith(chunk) and chunk != _BOM:
            self._hold(chunk)  # perhaps the mark, cut
            return b""
        self._at_start = self._odd = False
        return chunk.removeprefix(_BOM)

    def _with_lf(self, chunk: bytes) -> bytes:
        """Give the chunk with every line end as LF."""
        if chunk.endswith(b"\r"):
            self._after_cr = self._odd = True
        chunk = chunk.replace(b"\r\n", b"\n")
        return chunk.replace(b"\r", b"\n") if _CR in chunk else chunk

    def _close_held(self, chunk: bytes) -> bytes:
        """Join the open event with `chunk` if that ends it, else take the chunk in and give nothing."""
        if not (self._held[-1].endswith(b"\n") and chunk.startswith(b"\n")) and b"\n\n" not in chunk:
            if chunk:
                self._hold(chunk)
            return b""
        self._held.append(chunk)
        joined = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return joined

    def _refuse_too_large(self, blocks: list[bytes]) -> None:
        for block in blocks:
            if len(block.lstrip(b"\n")) > self._max_event_bytes:
                raise SseEventTooLarge(self._max_event_bytes)

    def _hold(self, piece: bytes) -> None:
        if not self._held:
            piece = piece.lstrip(b"\n")
            if not piece:
                return
        self._held.append(piece)
        self._held_bytes += len(piece)
        # A last LF may be the first half of the blank line and so no part of the event.
        if self._held_bytes - piece.endswith(b"\n") > self._max_event_bytes:
            raise SseEventTooLarge(self._max_event_bytes)


def first_payload(data: bytes) -> bytes:
    """The payload of the event that begins a stream; b"" if it is not whole, or not as Google writes it."""
    if not data.startswith(b"data: "):
        return b""
    end = data.find(b"\r\n\r\n")
    payload = data[6:end] if end > 0 else b""
    return b"" if _LF in payload or _CR in payload else payload


def _whole_events(chunk: bytes) -> list[bytes]:
    """The payloads of what Google's streams come in: whole events with one line of data; [] of anything else.

    Split at a mark so long that CPython takes it in strides; `count` would look at each byte.
    """
    if not (chunk.startswith(b"data: ") and chunk.endswith(b"\r\n\r\n")):
        return []
    payloads = chunk[6:-4].split(b"\r\n\r\ndata: ")
    told = b"".join(payloads)  # looked at in one go: fifty events one by one took five times as long
    return [] if _LF in told or _CR in told else payloads


def _payload(block: bytes) -> bytes | None:
    """Join the data lines of one event; None when it has none."""
    values: list[bytes] = []
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            values.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif line == b"data":
            values.append(b"")
    return b"\n".join(values) if values else None
