"""Grounding metadata → OpenAI's url_citation annotations, and what else a search leaves: sources and queries.

Gemini counts UTF-8 bytes inside a text part, OpenAI characters of the whole message. Called by
the unary and the streamed reply translations.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from gateway.protocols.shapes import Annotation, JsonObject

MAX_ANNOTATIONS = 500
MAX_LISTED = 50
MAX_QUERIES = 100
_LIST_HEAD = "\n\n---\n\n**Sources · 引用来源**\n\n"
_IN_LINKS = {" ": "%20", "(": "%28", ")": "%29", "<": "%3C", ">": "%3E", "\n": "", "\r": ""}


@dataclass(slots=True)
class CitedText:
    """The text parts of one answer, as far as citations need them.

    pieces        (where the piece begins in the message's content, in characters; the piece)
    part_starts   index of a part in its content → index in pieces
    """

    pieces: list[tuple[int, str]] = field(default_factory=list)
    part_starts: dict[int, int] = field(default_factory=dict)

    def place(self, part_index: int, byte_offset: int) -> int:
        """Where a byte of a text part stands in the message's content, in characters."""
        first = self.part_starts.get(part_index, 0)
        remaining = byte_offset
        position = 0
        for start, text in self.pieces[first:]:
            length = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
            if remaining <= length:
                return start + _characters(text, remaining)
            remaining -= length
            position = start + len(text)
        return position

    def passage(self, start: int, end: int) -> str:
        """The text between two places in the message's content, in characters; of text parts alone."""
        first = max(bisect_right(self.pieces, start, key=_begins) - 1, 0)
        passage: list[str] = []
        for begins, text in self.pieces[first:]:
            if begins >= end:
                break
            passage.append(text[max(start - begins, 0) : end - begins])
        return "".join(passage)


def annotations(grounding: object, cited: CitedText) -> list[Annotation]:
    """The citations of one answer, in the order of its supports; sources without a place stand at the end.

    Source: Gemini API, groundingMetadata (segment indices are UTF-8 byte offsets); OpenAI, url_citation.
    """
    if not isinstance(grounding, dict):
        return []
    sources = [_source(chunk) for chunk in _list(grounding.get("groundingChunks"))]
    found: list[Annotation] = []
    for support in _list(grounding.get("groundingSupports")):
        if not isinstance(support, dict) or not isinstance(segment := support.get("segment"), dict):
            continue
        part_index = _index(segment.get("partIndex"))
        start = cited.place(part_index, _index(segment.get("startIndex")))
        end = cited.place(part_index, _index(segment.get("endIndex")))
        for number in _list(support.get("groundingChunkIndices")):
            source = sources[number] if type(number) is int and 0 <= number < len(sources) else None
            if source is not None:
                found.append(_annotation(start, max(start, end), source))
    if not found:
        end = cited.pieces[-1][0] + len(cited.pieces[-1][1]) if cited.pieces else 0
        found = [_annotation(end, end, source) for source in sources if source is not None]
    return found[:MAX_ANNOTATIONS]


def sources_list(grounding: object) -> str:
    """The sources of an answer as text to stand under it, "" for none: a rule, a heading, a list of links."""
    links = [f"- [{_link_text(title)}]({_link_target(uri)})\n" for uri, title in sources_of(grounding)]
    return "".join((_LIST_HEAD, *links)) if links else ""


def sources_of(grounding: object) -> list[tuple[str, str]]:
    """(address, title) of an answer's sources, each once, the first MAX_LISTED."""
    chunks = _list(grounding.get("groundingChunks")) if isinstance(grounding, dict) else []
    sources = dict.fromkeys(source for chunk in chunks if (source := _source(chunk)) is not None)
    return list(sources)[:MAX_LISTED]


def queries_of(grounding: object) -> list[str]:
    """What was searched for, the first MAX_QUERIES."""
    queries = _list(grounding.get("webSearchQueries")) if isinstance(grounding, dict) else []
    return [query for query in queries if isinstance(query, str)][:MAX_QUERIES]


def _begins(piece: tuple[int, str]) -> int:
    return piece[0]


def _link_text(title: str) -> str:
    return " ".join(title.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").split())


def _link_target(uri: str) -> str:
    return "".join(_IN_LINKS.get(character, character) for character in uri)


def _annotation(start: int, end: int, source: tuple[str, str]) -> Annotation:
    uri, title = source
    return {
        "type": "url_citation",
        "url_citation": {"start_index": start, "end_index": end, "title": title, "url": uri},
    }


def _source(chunk: object) -> tuple[str, str] | None:
    """(uri, title) of a grounding chunk."""
    if not isinstance(chunk, dict):
        return None
    for kind in ("web", "maps", "retrievedContext", "image"):
        place: JsonObject | None = chunk.get(kind)
        if isinstance(place, dict) and isinstance(uri := place.get("uri", place.get("sourceUri")), str):
            title = place.get("title")
            return uri, title if isinstance(title, str) else uri
    return None


def _characters(text: str, byte_offset: int) -> int:
    if text.isascii():
        return byte_offset
    return len(text.encode("utf-8", "replace")[:byte_offset].decode("utf-8", "ignore"))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _index(value: object) -> int:
    return value if type(value) is int and value > 0 else 0
