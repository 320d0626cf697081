"""The items of a response request → a chat's messages, and where each of them stands for the client.

Items are finer than messages: a model's turn is a row of reasoning, texts and calls. What stands in parts
(pictures, files, sound) is left to openai_parts, which knows them by these names too. Called by
responses_request.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.errors import BadRequest
from gateway.protocols import signatures
from gateway.protocols.fields import (
    as_object,
    as_str,
    missing,
    unsupported,
    wrong_type,
    wrong_value,
)
from gateway.protocols.responses_places import Place, member
from gateway.protocols.responses_tools import chat_name
from gateway.protocols.shapes import JsonObject

REFERENCE = "item_reference"
_TEXTS = frozenset({"input_text", "output_text", "text"})
# Built-in tools tell so what they did; what came of it stands in the answer's text.
_SKIPPED = frozenset({"web_search_call", "file_search_call", "code_interpreter_call", "mcp_list_tools"})
_SIGNATURE = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}", re.ASCII)
_OPENAIS_OWN = "gAAAA"  # a Fernet token of our age begins so, and no protocol buffer, which a signature is


@dataclass(slots=True)
class Messages:
    """A chat's messages as they come to be: `add` every item in order, then `end`.

    places   one for each message
    """

    messages: list[JsonObject] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    _call_ids: set[str] = field(default_factory=set)
    _signature: str | None = None
    _answer: JsonObject | None = None
    _takes_calls: bool = False

    def add(self, item: JsonObject, at: str) -> None:
        """Read one item, which stands `at`. Raises BadRequest."""
        kind = kind_of(item, at)
        read = _READERS.get(kind)
        if read is not None:
            read(self, item, at)
        elif kind not in _SKIPPED:
            raise unsupported(
                member(at, "type"),
                f"Items of type {kind[:64]!r} are not supported; say what they hold in a message, or leave "
                "them out.",
            )

    def say(self, role: str, content: object, place: Place) -> None:
        """Add a message that is not the model's; the model's turn before it is over."""
        self.end()
        self._append({"role": role, "content": content}, place)

    def end(self) -> None:
        """End the model's turn: a signature that no call took belongs to its text."""
        self._sign_answer()
        self._signature = self._answer = None
        self._takes_calls = False

    def _append(self, message: JsonObject, place: Place) -> None:
        self.messages.append(message)
        self.places.append(place)

    def _sign_answer(self) -> None:
        if self._signature is not None and self._answer is not None:
            self._answer.setdefault("extra_content", signatures.extra_content(self._signature))

    def _read_message(self, item: JsonObject, at: str) -> None:
        role = as_str(item.get("role"), member(at, "role"))
        if role not in ("user", "assistant", "system", "developer"):
            raise wrong_value(
                member(at, "role"), "supported values are 'assistant', 'system', 'developer' and 'user'."
            )
        content = _content(item.get("content"), member(at, "content"))
        if role == "assistant":
            self._answer_with(content, item, Place(at))
        else:
            self.say(role, content, Place(at))

    def _read_picture(self, item: JsonObject, at: str) -> None:
        """A picture the model painted: base64 whose first bytes tell its type."""
        if result := _text_of(item, "result", at):
            content = [{"type": "input_image", "image_url": result}]
            self._answer_with(content, item, Place(at, content="result"))

    def _answer_with(self, content: object, item: JsonObject, place: Place) -> None:
        message: JsonObject = {"role": "assistant", "content": content}
        if signatures.read_extra_content(item, place.item) is not None:
            message["extra_content"] = item["extra_content"]
        self._append(message, place)
        self._answer = message
        self._takes_calls = "extra_content" not in message  # which chat reads only where there are no calls

    def _read_reasoning(self, item: JsonObject, at: str) -> None:
        """Its summary is never sent back; what is encrypted in it is the signature of what follows."""
        signature = _text_of(item, "encrypted_content", at)
        if signature and _SIGNATURE.fullmatch(signature) and not signature.startswith(_OPENAIS_OWN):
            self._sign_answer()
            self._takes_calls = self._takes_calls and "extra_content" not in self.messages[-1]
            self._signature = signature

    def _read_function_call(self, item: JsonObject, at: str) -> None:
        arguments = as_str(item.get("arguments"), member(at, "arguments"))
        self._call(item, at, "function", {"name": _name(item, at), "arguments": arguments})

    def _read_custom_call(self, item: JsonObject, at: str) -> None:
        text = as_str(item.get("input"), member(at, "input"))
        self._call(item, at, "custom", {"name": _name(item, at), "input": text})

    def _call(self, item: JsonObject, at: str, kind: str, called: JsonObject) -> None:
        call_id = as_str(item.get("call_id"), member(at, "call_id"))
        call: JsonObject = {"id": call_id, "type": kind, kind: called}
        if signatures.read_extra_content(item, at) is not None:
            call["extra_content"] = item["extra_content"]
        elif self._signature is not None and signatures.unpack_id(call_id)[1] is None:
            call["extra_content"] = signatures.extra_content(self._signature)
        self._signature = self._answer = None
        self._call_ids.add(call_id)
        if not self._takes_calls:
            self._append({"role": "assistant", "content": None}, Place(at))
            self._takes_calls = True
        self.messages[-1].setdefault("tool_calls", []).append(call)
        self.places[-1].calls.append(at)

    def _read_output(self, item: JsonObject, at: str) -> None:
        name = _text_of(item, "name", at)
        if name and item.get("call_id") is None:
            self._say_unasked(item, at)
            return
        call_id = as_str(item.get("call_id"), member(at, "call_id"))
        if call_id not in self._call_ids and not name:
            kind = "custom tool call" if item["type"] == "custom_tool_call_output" else "function call"
            raise BadRequest(
                f"No tool call found for {kind} output with call_id {call_id[:128]}.",
                param=member(at, "call_id"),
                code="invalid_value",
            )
        self.say("tool", _content(item.get("output"), member(at, "output")), Place(at, content="output"))
        self.messages[-1]["tool_call_id"] = call_id
        if name:
            self.messages[-1]["name"] = name

    def _say_unasked(self, item: JsonObject, at: str) -> None:
        """What a tool tells that nobody called, as Codex's goals do: Gemini takes answers to calls alone."""
        content = _content(item.get("output"), member(at, "output"))
        parts = [_text_part(content, "user")] if isinstance(content, str) else content
        told_by = _text_part(f"(Told by the tool {_name(item, at)}.)", "user")
        self.say("user", [*parts, told_by], Place(at, content="output"))


def kind_of(item: JsonObject, at: str) -> str:
    """What an item is; messages and references may leave their type out. Raises BadRequest."""
    kind = item.get("type")
    if kind is not None:
        return as_str(kind, member(at, "type"))
    if "role" in item:
        return "message"
    if isinstance(item.get("id"), str) and len(item.keys() - {"type"}) == 1:
        return REFERENCE
    raise missing(member(at, "type"))


def listed(item: JsonObject) -> JsonObject:
    """An item as the API lists it: a message has its type, its status, and its text in a part."""
    if item.get("type", "message") != "message" and item.get("type") is not None:
        return item
    content = item.get("content")
    if isinstance(content, str):
        content = [_text_part(content, item.get("role"))]
    elif content is None:
        content = []
    return {**item, "type": "message", "status": item.get("status") or "completed", "content": content}


def _text_part(text: str, role: object) -> JsonObject:
    if role == "assistant":
        return {"type": "output_text", "text": text, "annotations": []}
    return {"type": "input_text", "text": text}


def _content(content: object, param: str) -> str | list[JsonObject]:
    """A text or parts, as chat reads them; a text alone is one, which chat reads a shorter way."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        if content is None:
            raise missing(param)
        raise wrong_type(param, "a string or an array", content)
    parts = [_part(as_object(piece, f"{param}[{position}]")) for position, piece in enumerate(content)]
    if len(parts) == 1 and parts[0].get("type") in _TEXTS and isinstance(text := parts[0].get("text"), str):
        return text
    return parts


def _part(part: JsonObject) -> JsonObject:
    if (
        part.get("type") == "input_image"
        and part.get("image_url") is None
        and part.get("file_id") is not None
    ):
        return {"type": "input_file", "file_id": part["file_id"]}
    return part


def _name(item: JsonObject, at: str) -> str:
    return chat_name(as_str(item.get("name"), member(at, "name")), _text_of(item, "namespace", at))


def _text_of(item: JsonObject, name: str, at: str) -> str | None:
    value = item.get(name)
    return None if value is None else as_str(value, member(at, name))


_READERS: Mapping[str, Callable[[Messages, JsonObject, str], None]] = MappingProxyType(
    {
        "message": Messages._read_message,
        "reasoning": Messages._read_reasoning,
        "function_call": Messages._read_function_call,
        "function_call_output": Messages._read_output,
        "custom_tool_call": Messages._read_custom_call,
        "custom_tool_call_output": Messages._read_output,
        "image_generation_call": Messages._read_picture,
    }
)
