"""The system text and the messages of a Messages request → a chat's messages, and where each of them stands.

A turn holds all its blocks here: a user's has the tools' results too, an answer's its thoughts and calls.
What may stand in a block is read in anthropic_content. Called by anthropic_request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import orjson

from gateway.errors import BadRequest
from gateway.protocols import signatures
from gateway.protocols.anthropic_content import ChatContent, PlacedBlocks, blocks_of, kind_of
from gateway.protocols.anthropic_places import Place
from gateway.protocols.anthropic_signatures import signature_of_gemini
from gateway.protocols.fields import (
    as_str,
    optional_bool,
    optional_object,
    optional_str,
    wrong_value,
)
from gateway.protocols.shapes import JsonObject

# Tools that run at the provider tell so what they did; what came of it stands in the answer's text.
_SKIPPED = frozenset({"redacted_thinking", "server_tool_use", "mcp_tool_use"})
_RESULT_OF_SERVER_TOOL = "_tool_result"
# Claude Code's first text for the system: a new number in each request, which no prefix kept upstream fits.
_BILLING = "x-anthropic-billing-header:"


@dataclass(slots=True)
class _Answer:
    """A message of the model's as it comes to be.

    signature   of the thoughts before the next call
    """

    content: ChatContent = field(default_factory=ChatContent)
    calls: list[JsonObject] = field(default_factory=list)
    call_places: list[str] = field(default_factory=list)
    signature: str | None = None


@dataclass(slots=True)
class Messages:
    """A chat's messages as they come to be: the system text first, then `add` every message in order.

    places   one for each message
    """

    messages: list[JsonObject] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    _call_ids: set[str] = field(default_factory=set)

    def add_system(self, system: object) -> None:
        """Read `system`, a text or text blocks. Raises BadRequest."""
        if system is not None:
            self._read_system(blocks_of(system, "system"), "system")

    def add(self, message: JsonObject, at: str) -> None:
        """Read one message, which stands `at`. Raises BadRequest."""
        role = as_str(message.get("role"), f"{at}.role")
        read = _READERS.get(role)
        if read is None:
            raise wrong_value(f"{at}.role", "supported values are 'user', 'assistant' and 'system'.")
        read(self, blocks_of(message.get("content"), f"{at}.content"), at)

    def _append(self, message: JsonObject, place: Place) -> None:
        self.messages.append(message)
        self.places.append(place)

    def _say(self, role: str, content: ChatContent, at: str) -> None:
        if content.parts:
            self._append({"role": role, "content": content.chat_form()}, Place(at, content.places))

    def _read_system(self, blocks: PlacedBlocks, at: str) -> None:
        content = ChatContent()
        for block, inside in blocks:
            if kind_of(block, inside) != "text":
                raise wrong_value(f"{inside}.type", "only text is possible here.")
            if not as_str(block.get("text"), f"{inside}.text").startswith(_BILLING):
                content.add(block, inside)
        self._say("system", content, at)

    def _read_user(self, blocks: PlacedBlocks, at: str) -> None:
        """A turn of the user's; the results of tools come before the rest of it."""
        content = ChatContent()
        for block, inside in blocks:
            if kind_of(block, inside) == "tool_result":
                self._read_result(block, inside)
            else:
                content.add(block, inside)
        self._say("user", content, at)

    def _read_result(self, block: JsonObject, at: str) -> None:
        call_id = as_str(block.get("tool_use_id"), f"{at}.tool_use_id")
        if call_id not in self._call_ids:
            raise BadRequest(
                f"Unexpected 'tool_use_id' found in 'tool_result' blocks: {call_id[:128]}. "
                "Each 'tool_result' block must have a corresponding 'tool_use' block in an earlier message.",
                param=f"{at}.tool_use_id",
                code="invalid_value",
            )
        content = ChatContent()
        if block.get("content") is not None:
            for piece, inside in blocks_of(block["content"], f"{at}.content"):
                content.add(piece, inside)
        is_error = optional_bool(block, "is_error", within=f"{at}.") or False
        content = _in_one_text(content, at, is_error=is_error)
        message = {"role": "tool", "tool_call_id": call_id, "content": content.chat_form()}
        self._append(message, Place(at, content.places))

    def _read_answer(self, blocks: PlacedBlocks, at: str) -> None:
        """A turn of the model's: its texts and calls in their order. Its thoughts are never sent back."""
        answer = _Answer()
        for block, inside in blocks:
            kind = kind_of(block, inside)
            if kind == "tool_use":
                self._read_call(answer, block, inside)
            elif kind == "thinking":
                signature = optional_str(block, "signature", within=f"{inside}.") or ""
                answer.signature = signature_of_gemini(signature) or answer.signature
            elif kind not in _SKIPPED and not kind.endswith(_RESULT_OF_SERVER_TOOL):
                if answer.calls:
                    self._append_answer(answer, at)
                    answer = _Answer(signature=answer.signature)
                answer.content.add(block, inside)
        self._append_answer(answer, at)

    def _read_call(self, answer: _Answer, block: JsonObject, at: str) -> None:
        call_id = as_str(block.get("id"), f"{at}.id")
        if not call_id:
            raise wrong_value(f"{at}.id", "a call needs an id.")
        name = as_str(block.get("name"), f"{at}.name")
        arguments = optional_object(block, "input", within=f"{at}.") or {}
        call: JsonObject = {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        if answer.signature is not None and signatures.unpack_id(call_id)[1] is None:
            call["extra_content"] = signatures.extra_content(answer.signature)
        answer.signature = None
        answer.calls.append(call)
        answer.call_places.append(at)
        self._call_ids.add(call_id)

    def _append_answer(self, answer: _Answer, at: str) -> None:
        if not answer.calls:
            self._say("assistant", answer.content, at)
            return
        message = {
            "role": "assistant",
            "content": answer.content.chat_form(),
            "tool_calls": answer.calls,
        }
        self._append(message, Place(at, answer.content.places, answer.call_places))


def _in_one_text(content: ChatContent, at: str, *, is_error: bool) -> ChatContent:
    """A tool's result with its texts in one, which Gemini gets as an object, and its media behind it.

    A failure is told as that object itself: it has an `error`.
    """
    told = ChatContent()
    text = "\n".join(part["text"] for part in content.parts if part["type"] == "text")
    told.add_text(orjson.dumps({"error": text}).decode() if is_error else text, f"{at}.content")
    for part, place in zip(content.parts, content.places, strict=True):
        if part["type"] != "text":
            told.append(part, place)
    return told


_READERS: Mapping[str, Callable[[Messages, PlacedBlocks, str], None]] = MappingProxyType(
    {
        "user": Messages._read_user,
        "assistant": Messages._read_answer,
        "system": Messages._read_system,
    }
)
