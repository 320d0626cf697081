"""The stream optimizer: a reply's text leaves in small pieces, one after a pause from another.

Works on parsed events, before they are translated, so that both dialects are paced alike. Nothing is lost or
passes anything else, no piece ends inside a character as people see it, and what is not text is not held up.
Pure: time is an argument. Called by the relay's staged streams.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import regex

from gateway.protocols.shapes import JsonObject

MOST_LAG_S = 5.0
"""No text is later than this, however slow the pace: the rest of it then leaves at once."""
MOST_HELD = 20_000
"""Pieces; with more of them standing in line all leave at once."""
_CLUSTER = regex.compile(r"\X")
_TEXT_FIELDS = frozenset({"text", "thought", "thoughtSignature", "thought_signature"})
_ON_EVERY_PIECE = ("modelVersion", "responseId")


@dataclass(frozen=True, slots=True)
class Pace:
    """How text is paced.

    min_delay_s   between the pieces of long texts; max_delay_s between those of short ones
    short_text    a text up to this length is short; one of `long_text` or more is long. In characters as
                  people see them (grapheme clusters), like everything here
    chunk_size    the length of a long text's pieces; other texts go one character at a time
    """

    min_delay_s: float
    max_delay_s: float
    short_text: int
    long_text: int
    chunk_size: int

    def delay_s(self, length: int) -> float:
        """The pause between a text's pieces: the longer the text the shorter, on a logarithmic scale."""
        if length >= self.long_text:
            return self.min_delay_s
        if length <= self.short_text:
            return self.max_delay_s
        way = math.log(length / self.short_text) / math.log(self.long_text / self.short_text)
        return self.max_delay_s + (self.min_delay_s - self.max_delay_s) * way

    def cut(self, text: str) -> tuple[list[str], float]:
        """The pieces of a text, and the pause after each.

        Source: Unicode Standard Annex 29, extended grapheme clusters.
        """
        clusters: list[str] = _CLUSTER.findall(text)
        size = self.chunk_size if len(clusters) >= self.long_text else 1
        pieces = ["".join(clusters[at : at + size]) for at in range(0, len(clusters), size)]
        return pieces, self.delay_s(len(clusters))


class Pacer:
    """The events of one reply in line. It is true while there are any."""

    __slots__ = ("_free_s", "_line", "_pace")

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._line: deque[tuple[float, JsonObject]] = deque()
        self._free_s = -math.inf

    def __bool__(self) -> bool:
        return bool(self._line)

    def put(self, event: JsonObject, now_s: float) -> None:
        """Take the next event, or cut it into several whose texts make up its own."""
        texts = _texts(event)
        if texts is None:
            # A call, a picture: those who wait for it need not wait for the text before it either.
            self._hurry(now_s)
            self._line.append((now_s, event))
            return
        due_s = max(self._free_s, now_s)
        latest_s = now_s + MOST_LAG_S
        delay_s = 0.0
        for piece, delay_s in _cut(event, texts, self._pace):
            self._line.append((min(due_s, latest_s), piece))
            due_s += delay_s
        self._free_s = due_s
        if len(self._line) > MOST_HELD:
            self._hurry(now_s)

    def due(self, now_s: float) -> list[JsonObject]:
        """Take out what may leave now, in order."""
        line = self._line
        out: list[JsonObject] = []
        while line and line[0][0] <= now_s:
            out.append(line.popleft()[1])
        return out

    @property
    def next_s(self) -> float | None:
        """When the next piece may leave, None when there is none."""
        return self._line[0][0] if self._line else None

    def rest(self) -> list[JsonObject]:
        """Take out everything, due or not."""
        out = [event for _, event in self._line]
        self._line.clear()
        return out

    def _hurry(self, now_s: float) -> None:
        self._line = deque((now_s, event) for _, event in self._line)
        self._free_s = now_s


def _texts(event: JsonObject) -> Sequence[JsonObject] | None:
    """The parts of an event that holds nothing but text (or nothing at all); None where there is more."""
    candidates = event.get("candidates")
    if not candidates:
        return ()
    if not isinstance(candidates, list) or len(candidates) != 1 or not isinstance(candidates[0], dict):
        return None
    content = candidates[0].get("content")
    if content is None:
        return ()
    parts = content.get("parts", []) if isinstance(content, dict) else None
    if not isinstance(parts, list):
        return None
    for part in parts:
        if not isinstance(part, dict) or not isinstance(part.get("text"), str) or part.keys() - _TEXT_FIELDS:
            return None
    return parts


def _cut(event: JsonObject, texts: Sequence[JsonObject], pace: Pace) -> list[tuple[JsonObject, float]]:
    """The events that make up this one, each with the pause after it. The last bears all that is not text."""
    cut: list[tuple[JsonObject, float]] = []
    for part in texts:
        pieces, delay_s = pace.cut(part["text"])
        bare = {name: part[name] for name in ("thought",) if name in part}
        cut += [({**bare, "text": piece}, delay_s) for piece in pieces[:-1]]
        cut.append(({**part, "text": pieces[-1]}, delay_s) if pieces else (part, 0.0))
    if len(cut) <= 1:
        return [(event, cut[0][1] if cut else 0.0)]
    candidate: dict[str, Any] = event["candidates"][0]
    content: dict[str, Any] = candidate["content"]
    head = {name: event[name] for name in _ON_EVERY_PIECE if name in event}
    index = {"index": candidate["index"]} if "index" in candidate else {}

    def piece_of(part: JsonObject) -> JsonObject:
        return {**head, "candidates": [{"content": {**content, "parts": [part]}, **index}]}

    *first, (last, last_delay_s) = cut
    whole_end = {**event, "candidates": [{**candidate, "content": {**content, "parts": [last]}}]}
    return [*((piece_of(part), delay_s) for part, delay_s in first), (whole_end, last_delay_s)]
