"""The end of a stream that is relayed unchanged: kept in a few kilobytes, read once when it is over.

Relay feeds it every chunk it passes on and asks at the end what to record: usage, finish reason, an
error the upstream sent in mid-stream. Works on both forms, SSE and JSON array. No I/O.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Any

import orjson

from gateway.streaming.json_array import object_end
from gateway.values import value

DEFAULT_KEEP_BYTES = 32 * 1024
_LAST_EVENT_BYTES = 4 * 1024


def _member(name: bytes, value: bytes) -> re.Pattern[bytes]:
    # A quote inside a JSON string is always escaped, so an unescaped name with a colon is a member. The
    # look-behind stands after the name because a pattern that begins with letters is searched far faster.
    return re.compile(rb'"%b"(?<!\\"%b")\s*:\s*%b' % (name, name, value))


_USAGE = _member(b"usageMetadata", rb"(?=\{)")
_ERROR = _member(b"error", rb'(?=\{\s*"(?:code|message|status)")')
_FINISH_REASON = _member(b"finishReason", rb'(?:"(\w+)"|(\d+))')
_BLOCK_REASON = _member(b"blockReason", rb'(?:"(\w+)"|(\d+))')
_MODEL_VERSION = _member(b"modelVersion", rb'"([^"\\]+)"')


@value(frozen=True, slots=True)
class StreamTail:
    """What the end of a stream tells.

    usage           the last usageMetadata (its shape is Gemini's), or None
    finish_reason   the last finishReason; an int when the client asked for integer enums
    block_reason    promptFeedback.blockReason, or None
    model_version   the model that answered, or None
    error           the `error` member of an error event sent in mid-stream, or None
    """

    usage: dict[str, Any] | None = None
    finish_reason: str | int | None = None
    block_reason: str | int | None = None
    model_version: str | None = None
    error: dict[str, Any] | None = None


class TailKeeper:
    """Keeps the last bytes of a stream; feeding it costs an append.

    keep_bytes   at least so many of the last bytes are kept, and at most one chunk more
    """

    __slots__ = ("_chunks", "_keep_bytes", "_kept_bytes", "_whole")

    def __init__(self, keep_bytes: int = DEFAULT_KEEP_BYTES) -> None:
        self._keep_bytes = keep_bytes
        self._chunks: deque[bytes] = deque()
        self._kept_bytes = 0
        self._whole = True  # nothing has been dropped yet

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk of the stream."""
        self._chunks.append(chunk)
        self._kept_bytes += len(chunk)
        if self._kept_bytes > self._keep_bytes:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        chunks = self._chunks
        spare = self._kept_bytes - self._keep_bytes
        while len(chunks[0]) <= spare:
            dropped = len(chunks.popleft())
            self._kept_bytes -= dropped
            spare -= dropped
            self._whole = False
        if len(chunks[0]) > 2 * self._keep_bytes:
            # One chunk of many megabytes must not be kept alive for its end.
            chunks[0] = chunks[0][spare:]
            self._kept_bytes -= spare
            self._whole = False

    @property
    def kept_bytes(self) -> int:
        return self._kept_bytes

    def tail(self) -> bytes:
        """Give the kept bytes as they came."""
        return b"".join(self._chunks)

    def events(self) -> list[bytes]:
        """Give the payloads of the SSE events that lie whole in the tail, oldest first.

        A last event that no blank line ended is among them: its JSON shows whether it is whole.
        """
        return list(self._newest_first(self._lines()))[::-1]

    def _last_event(self) -> StreamTail:
        """What the last event tells, where the stream ends as Google's do: the rest need not be looked at."""
        payload = last_payload(self.tail())
        return _read_event(payload) if payload else StreamTail()

    def _lines(self) -> bytes:
        return self.tail().replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _newest_first(self, lines: bytes) -> Iterator[bytes]:
        end = len(lines)
        while end > 0:
            start = lines.rfind(b"\n\n", 0, end)
            if start < 0 and not self._whole:
                return  # its beginning is gone
            if payload := _data_of(lines[start + 2 if start >= 0 else 0 : end]):
                yield payload
            end = start

    def read(self) -> StreamTail:
        """Give what the end of the stream tells, as far as it can be read; never raises.

        Whole events are parsed, newest first, until usage and finish reason are known. What is still
        missing (an event longer than the tail, the array form) is searched for in the bytes.
        """
        facts = self._last_event()
        if _is_told(facts):
            return facts
        lines = self._lines()
        facts = StreamTail()
        for payload in self._newest_first(lines):
            facts = _merge(facts, _read_event(payload))
            if _is_told(facts):
                return facts
        # What a client cannot parse did not happen, so an event that was cut off is not searched. JSON on
        # the wire has no blank lines: the array form has no such end and is searched whole.
        last_end = lines.rfind(b"\n\n")
        return _merge(facts, _search(lines if last_end < 0 else lines[:last_end]))


def last_payload(data: bytes) -> bytes:
    """The payload of the event that ends a piece of a stream; b"" if long, or not as Google writes it."""
    if not data.endswith(b"\r\n\r\n"):
        return b""
    before = data.rfind(b"\r\n\r\n", -_LAST_EVENT_BYTES, -4)
    if before < 0 and len(data) > _LAST_EVENT_BYTES:
        return b""
    block = data[before + 4 if before >= 0 else 0 : -4]
    return block[6:] if block.startswith(b"data: ") and b"\n" not in block else b""


def _is_told(facts: StreamTail) -> bool:
    """Whether there is nothing more to learn from what came before."""
    ended = facts.finish_reason is not None or facts.block_reason is not None
    return facts.error is not None or (facts.usage is not None and ended)


def _merge(newer: StreamTail, older: StreamTail) -> StreamTail:
    """Fill what `newer` does not know from `older`."""
    return StreamTail(
        usage=older.usage if newer.usage is None else newer.usage,
        finish_reason=older.finish_reason if newer.finish_reason is None else newer.finish_reason,
        block_reason=older.block_reason if newer.block_reason is None else newer.block_reason,
        model_version=older.model_version if newer.model_version is None else newer.model_version,
        error=older.error if newer.error is None else newer.error,
    )


def _read_event(payload: bytes) -> StreamTail:
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return StreamTail()
    if not isinstance(event, dict):
        return StreamTail()
    feedback = event.get("promptFeedback")
    return StreamTail(
        usage=_dict_or_none(event.get("usageMetadata")),
        finish_reason=_finish_reason(event.get("candidates")),
        block_reason=_reason_or_none(feedback.get("blockReason")) if isinstance(feedback, dict) else None,
        model_version=version if isinstance(version := event.get("modelVersion"), str) else None,
        error=_dict_or_none(event.get("error")),
    )


def _finish_reason(candidates: object) -> str | int | None:
    if isinstance(candidates, list):
        for candidate in candidates:
            if isinstance(candidate, dict) and (reason := _reason_or_none(candidate.get("finishReason"))):
                return reason
    return None


def _dict_or_none(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _reason_or_none(value: object) -> str | int | None:
    return value if isinstance(value, str | int) else None


def _search(text: bytes) -> StreamTail:
    """Look for the members in bytes that need not be whole JSON; the last of each counts."""
    finish_reason = _last_reason(_FINISH_REASON, text)
    version = _MODEL_VERSION.search(text)
    return StreamTail(
        usage=_last_object(_USAGE, text),
        finish_reason=finish_reason,
        block_reason=_last_reason(_BLOCK_REASON, text),
        model_version=version[1].decode("utf-8", "replace") if version else None,
        # A stream that finished has no error; what looks like one is the model's own words.
        error=_last_object(_ERROR, text) if finish_reason is None else None,
    )


def _last_reason(pattern: re.Pattern[bytes], text: bytes) -> str | int | None:
    matches = list(pattern.finditer(text))
    if not matches:
        return None
    return matches[-1][1].decode() if matches[-1][1] else int(matches[-1][2])


def _last_object(pattern: re.Pattern[bytes], text: bytes) -> dict[str, Any] | None:
    for match in reversed(list(pattern.finditer(text))):
        end = object_end(text, match.end())
        if end > 0:
            try:
                return _dict_or_none(orjson.loads(text[match.end() : end]))
            except orjson.JSONDecodeError:
                continue
    return None


def _data_of(block: bytes) -> bytes:
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]
    lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines)
