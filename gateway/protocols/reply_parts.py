"""The first candidate's parts, one at a time: for answers that are told as a row of items or of blocks.

Called by response_stream and anthropic_stream, whose ChoiceReader reads a candidate in any number of pieces.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.protocols.shapes import JsonObject


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
