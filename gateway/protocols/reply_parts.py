"""The first candidate's parts, one at a time: for answers that are told as a row of items or of blocks.

Called by response_stream and anthropic_stream; a ChoiceReader reads a candidate in any number of pieces.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.protocols.context import ReplyContext
from gateway.protocols.finish_reasons import block_text
from gateway.protocols.openai_choice import ChoiceReader, Delta
from gateway.protocols.shapes import JsonObject


class AnswerReader:
    """Reads one answer, whole or by its events.

    choice           what has been read of its first candidate
    usage_metadata   the last that was told, None before any was
    """

    __slots__ = ("_refusal", "choice", "usage_metadata")

    def __init__(self, context: ReplyContext) -> None:
        self.choice = ChoiceReader(context)
        self.usage_metadata: object = None
        self._refusal: str | None = None

    def count(self, reply: JsonObject) -> None:
        """Note what a reply or an event says was used."""
        usage_metadata = reply.get("usageMetadata")
        if usage_metadata is not None:
            self.usage_metadata = usage_metadata

    def read(self, reply: JsonObject) -> Iterator[Delta]:
        """What a reply or an event of one adds, part by part: each is of one kind."""
        self.count(reply)
        candidates = reply.get("candidates")
        if not isinstance(candidates, list) or not candidates:
            self._refusal = block_text(reply) or self._refusal
            return
        for piece in part_by_part(candidates):
            yield self.choice.take(piece)

    def refusal(self) -> str | None:
        """Words for an answer without content whose prompt was blocked or which was filtered; else None."""
        if self.choice.produced:
            return None
        return self._refusal or self.choice.withheld()


def part_by_part(candidates: Sequence[Any]) -> Iterator[JsonObject]:
    """The first candidate as several, which hold one part each; before them one of what is beside the parts.

    candidates   as a reply or an event of one has them, of any types; where no first is, none is given
    """
    candidate = _first(candidates)
    if candidate is None:
        return
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or len(parts) < 2:
        yield candidate
        return
    yield {name: member for name, member in candidate.items() if name != "content"}
    for part in parts:
        yield {"content": {"parts": [part]}}


def _first(candidates: Sequence[Any]) -> JsonObject | None:
    for position, candidate in enumerate(candidates):
        if isinstance(candidate, dict):
            index = candidate.get("index", position)
            if index == 0 or type(index) is not int:
                return candidate
    return None
