"""The content blocks of Anthropic's Messages, put together from pieces of the answer, one after the other.

`ContentBlocks` says which block begins, is added to and ends; where that goes is a `BlockSink`: `BlockList`
for a whole Message, `MessageEvents` for a stream. Called by anthropic_stream, which reads the pieces.
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from gateway.protocols.anthropic_signatures import MADE_UP_SIGNATURE
from gateway.protocols.shapes import JsonObject, OpenAIToolCall

_DELTA_MEMBERS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
    "citations_delta": "citation",
}
_MORE_TEXT = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)
_FOREIGN_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]", re.ASCII)


class BlockSink(Protocol):
    """Takes blocks one after the other."""

    def begin(self, block: JsonObject) -> None:
        """A block as it is before anything has been added to it."""

    def add(self, kind: str, piece: Any) -> None:
        """A piece of the block that is open; the kind is that of a stream's delta."""

    def end(self) -> None:
        """The block that is open is whole."""


class ContentBlocks:
    """Makes blocks of what an answer says: `think`, `say` and `call` as it comes, then `end`.

    Source: Anthropic API, streaming messages: a block is ended before the next begins. Extended thinking: a
    thinking block has a signature, which clients send back; here it is that of the call that follows it.
    """

    __slots__ = ("_open", "_sink")

    def __init__(self, sink: BlockSink) -> None:
        self._sink = sink
        self._open: str | None = None  # the type of the block that is open

    @property
    def is_speaking(self) -> bool:
        """True while the last block is a text that more is added to."""
        return self._open == "text"

    def think(self, text: str) -> None:
        """Add to the model's thoughts."""
        if self._open != "thinking":
            self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        self._sink.add("thinking_delta", text)

    def say(self, text: str) -> None:
        """Add to the text of the answer."""
        if self._open != "text":
            self._begin("text", {"type": "text", "text": ""})
        self._sink.add("text_delta", text)

    def cite(self, citation: JsonObject) -> None:
        """Add a citation to the text that is open."""
        self._sink.add("citations_delta", citation)

    def call(self, call: OpenAIToolCall) -> None:
        """Add a call of a function."""
        extra = call.get("extra_content")
        self.end(next_signature=extra["google"]["thought_signature"] if extra else None)
        # Clients are told what an id may hold, and some insist on it; those Gemini makes are plain.
        call_id = _FOREIGN_IN_IDS.sub("_", call["id"])
        function = call["function"]
        self._sink.begin({"type": "tool_use", "id": call_id, "name": function["name"], "input": {}})
        self._sink.add("input_json_delta", function["arguments"])
        self._sink.end()

    def search(self, search_id: str, query: str, sources: Sequence[tuple[str, str]]) -> None:
        """Add a search that Google made: the call of a tool that the server has, and what it found.

        search_id   `srvtoolu_…`
        sources     (address, title)
        """
        self.end()
        self._sink.begin({"type": "server_tool_use", "id": search_id, "name": "web_search", "input": {}})
        self._sink.add("input_json_delta", orjson.dumps({"query": query}).decode("utf-8"))
        self._sink.end()
        found = [
            {
                "type": "web_search_result",
                "url": url,
                "title": title,
                "encrypted_content": "",
                "page_age": None,
            }
            for url, title in sources
        ]
        self._sink.begin({"type": "web_search_tool_result", "tool_use_id": search_id, "content": found})
        self._sink.end()

    def end(self, *, next_signature: str | None = None) -> None:
        """End the block that is open, if one is.

        next_signature   of the call that follows
        """
        if self._open is None:
            return
        if self._open == "thinking":
            self._sink.add("signature_delta", next_signature or MADE_UP_SIGNATURE)
        self._open = None
        self._sink.end()

    def _begin(self, kind: str, block: JsonObject) -> None:
        self.end()
        self._open = kind
        self._sink.begin(block)


class BlockList:
    """The blocks of a whole Message.

    content   those that have been ended are whole
    """

    __slots__ = ("_pieces", "content")

    def __init__(self) -> None:
        self.content: list[JsonObject] = []
        self._pieces: list[str] = []

    def begin(self, block: JsonObject) -> None:
        self.content.append(block)

    def add(self, kind: str, piece: Any) -> None:
        block = self.content[-1]
        if kind in ("text_delta", "thinking_delta"):
            self._pieces.append(piece)
        elif kind == "citations_delta":
            block.setdefault("citations", []).append(piece)
        elif kind == "input_json_delta":
            block["input"] = orjson.Fragment(piece)  # arguments may be nested as deeply as can be written
        else:
            block["signature"] = piece

    def end(self) -> None:
        if self._pieces:
            block = self.content[-1]
            block[block["type"]] = "".join(self._pieces)
            self._pieces.clear()


class MessageEvents:
    """A stream's events as bytes: `tell` each, or begin, add to and end blocks; then take what is `written`.

    Source: Anthropic API, streaming messages: every event is named, and its data repeats the name as `type`.
    """

    __slots__ = ("_index", "_out")

    def __init__(self) -> None:
        self._out: list[bytes] = []
        self._index = 0

    def tell(self, kind: str, members: JsonObject) -> None:
        """Write an event of a type; its members but for the type."""
        self._out.append(
            b"event: %b\ndata: %b\n\n" % (kind.encode("ascii"), orjson.dumps({"type": kind, **members}))
        )

    def begin(self, block: JsonObject) -> None:
        self.tell("content_block_start", {"index": self._index, "content_block": block})

    def add(self, kind: str, piece: Any) -> None:
        delta = {"type": kind, _DELTA_MEMBERS[kind]: piece}
        self.tell("content_block_delta", {"index": self._index, "delta": delta})

    def end(self) -> None:
        self.tell("content_block_stop", {"index": self._index})
        self._index += 1

    def more_text(self, text: str) -> bytes:
        """The event that adds to an open text, where nothing else waits: what nearly all of a stream are."""
        return _MORE_TEXT % (self._index, orjson.dumps(text))

    def written(self) -> bytes:
        """What was told since it was last asked for."""
        written = b"".join(self._out)
        self._out.clear()
        return written
