"""The messages of a chat request → Gemini's contents and systemInstruction, with the tool loop.

Turns of one role are merged, tool results find their calls, and what Gemini refuses (no user turn first,
empty contents) is mended. Called by openai_request.
"""

from dataclasses import dataclass, field

import orjson

from gateway.errors import BadRequest
from gateway.protocols import signatures
from gateway.protocols.fields import (
    as_list,
    as_object,
    as_str,
    missing,
    optional_list,
    optional_object,
    optional_str,
    wrong_type,
    wrong_value,
)
from gateway.protocols.model_names import ModelTraits
from gateway.protocols.openai_parts import PartReader, Resolutions, text_parts
from gateway.protocols.remote_media import NO_ATTACHMENTS, Attachments
from gateway.protocols.shapes import Content, FunctionCall, FunctionResponse, JsonObject, Part
from gateway.protocols.signatures import SignatureMemory
from gateway.protocols.tool_names import ToolNames
from gateway.protocols.tools import CUSTOM_INPUT
from gateway.values import value

_BLANK: Part = {"text": " "}  # the least text that Gemini takes for a turn


@value(frozen=True, slots=True)
class Conversation:
    """contents is never empty and begins with a user turn; resolutions has one entry per picture."""

    contents: list[Content]
    system: list[Part]
    resolutions: Resolutions


@value(frozen=True, slots=True)
class _Call:
    """A call made earlier in the conversation; order counts over all calls."""

    name: str
    upstream_id: str
    order: int


@dataclass(slots=True)
class _Result:
    order: int
    response: FunctionResponse
    media: list[Part]


@dataclass(slots=True)
class _Reading:
    traits: ModelTraits
    names: ToolNames
    reader: PartReader
    attachments: Attachments
    memory: SignatureMemory | None
    contents: list[Content] = field(default_factory=list)
    system: list[Part] = field(default_factory=list)
    calls: dict[str, _Call] = field(default_factory=dict)
    calls_seen: int = 0
    results: list[_Result] = field(default_factory=list)

    def append(self, role: str, parts: list[Part]) -> None:
        if not parts:
            return
        if self.contents and self.contents[-1]["role"] == role:
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})

    def flush_results(self) -> None:
        """Turn a run of tool messages into one user turn, in the order of the calls.

        Without ids Gemini matches by name and order, and all answers must stand before anything else.
        """
        self.results.sort(key=_order)
        parts: list[Part] = []
        beside: list[Part] = []
        for result in self.results:
            if result.media and self.traits.third_or_later:
                result.response["parts"] = result.media
            else:
                beside += result.media
            parts.append({"functionResponse": result.response})
        self.results = []
        self.append("user", parts + beside)


def read_messages(
    messages: object,
    *,
    traits: ModelTraits,
    names: ToolNames,
    attachments: Attachments = NO_ATTACHMENTS,
    memory: SignatureMemory | None = None,
) -> Conversation:
    """Translate the messages of a chat request.

    names        knows the declared functions; those of the history are added
    attachments  what was found for the addresses and file ids in them
    memory       asked for signatures that the client did not bring back

    Raises BadRequest naming the field at fault, as in `messages[3].tool_calls[0].function.arguments`.
    """
    entries = as_list(messages, "messages")
    if not entries:
        raise wrong_value("messages", "at least one message is needed.")
    reading = _Reading(traits, names, PartReader(attachments), attachments, memory)
    for position, entry in enumerate(entries):
        param = f"messages[{position}]"
        _read_message(reading, as_object(entry, param), param)
    if reading.results:
        reading.flush_results()
    _mend(reading)
    if traits.third_or_later:
        signatures.fill_placeholders(reading.contents)
    return Conversation(reading.contents, reading.system, reading.reader.resolutions)


def _read_message(reading: _Reading, message: JsonObject, param: str) -> None:
    role = message.get("role")
    if role in ("tool", "function"):
        reading.results.append(_read_result(reading, message, param))
        return
    if role in ("system", "developer"):
        reading.system += text_parts(message.get("content"), f"{param}.content")
        return
    if reading.results:
        reading.flush_results()
    if role == "user":
        reading.append("user", reading.reader.parts(message.get("content"), f"{param}.content"))
    elif role == "assistant":
        reading.append("model", _read_assistant(reading, message, param))
    elif isinstance(role, str):
        raise wrong_value(
            f"{param}.role",
            "supported roles are 'system', 'developer', 'user', 'assistant', 'tool' and 'function'.",
        )
    else:
        raise missing(f"{param}.role") if role is None else wrong_type(f"{param}.role", "a string", role)


def _read_assistant(reading: _Reading, message: JsonObject, param: str) -> list[Part]:
    """Text, pictures and calls of one answer, all kept; its reasoning_content is never sent back."""
    parts = reading.reader.parts(message.get("content"), f"{param}.content")
    if not parts and (refusal := optional_str(message, "refusal", within=f"{param}.")):
        parts = [{"text": refusal}]
    calls = optional_list(message, "tool_calls", within=f"{param}.") or ()
    call_parts = [
        _read_call(reading, as_object(call, f"{param}.tool_calls[{number}]"), f"{param}.tool_calls[{number}]")
        for number, call in enumerate(calls)
    ]
    legacy = optional_object(message, "function_call", within=f"{param}.")
    if legacy and not call_parts:
        call_parts = [{"functionCall": _read_function(reading, legacy, f"{param}.function_call")}]
    if not call_parts and parts and (signature := signatures.read_extra_content(message, param)):
        # A signed part must not be moved: the signature stood on the last part of the answer.
        parts[-1]["thoughtSignature"] = signature
    return parts + call_parts


def _read_call(reading: _Reading, call: JsonObject, param: str) -> Part:
    kind = call.get("type") or "function"
    if kind == "custom":
        function = _read_custom(reading, as_object(call.get("custom"), f"{param}.custom"), f"{param}.custom")
    elif kind == "function":
        at = f"{param}.function"
        function = _read_function(reading, as_object(call.get("function"), at), at)
    else:
        raise wrong_value(f"{param}.type", "supported types are 'function' and 'custom'.")
    part: Part = {"functionCall": function}
    signature = signatures.read_extra_content(call, param)
    client_id = optional_str(call, "id", within=f"{param}.")
    if client_id:
        upstream_id, packed = signatures.unpack_id(client_id)
        signature = signature or packed
        if signature is None and reading.memory is not None:
            signature = reading.memory.find(upstream_id)
        part["functionCall"] = {"id": upstream_id, **function}
        reading.calls[client_id] = _Call(function["name"], upstream_id, reading.calls_seen)
    reading.calls_seen += 1
    if signature and reading.traits.third_or_later:
        part["thoughtSignature"] = signature
    return part


def _read_custom(reading: _Reading, custom: JsonObject, param: str) -> FunctionCall:
    name = as_str(custom.get("name"), f"{param}.name")
    if not name:
        raise wrong_value(f"{param}.name", "a tool needs a name.")
    text = optional_str(custom, "input", within=f"{param}.") or ""
    return {"name": reading.names.upstream(name), "args": {CUSTOM_INPUT: text}}


def _read_function(reading: _Reading, function: JsonObject, param: str) -> FunctionCall:
    name = as_str(function.get("name"), f"{param}.name")
    if not name:
        raise wrong_value(f"{param}.name", "a function needs a name.")
    return {"name": reading.names.upstream(name), "args": _read_arguments(function, param)}


def _read_arguments(function: JsonObject, param: str) -> JsonObject:
    arguments = function.get("arguments")
    if arguments is None or isinstance(arguments, dict):
        return arguments or {}
    text = as_str(arguments, f"{param}.arguments").strip()
    if not text:
        return {}
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise wrong_value(f"{param}.arguments", "the text is not JSON.") from None
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise wrong_value(f"{param}.arguments", "the text must be a JSON object.")
    return parsed


def _read_result(reading: _Reading, message: JsonObject, param: str) -> _Result:
    call_id = optional_str(message, "tool_call_id", within=f"{param}.")
    call = reading.calls.get(call_id) if call_id else None
    name = optional_str(message, "name", within=f"{param}.")
    if call is None and not name:
        raise BadRequest(
            f"'{param}' does not answer a call: no earlier message has a tool call with its 'tool_call_id'.",
            param=f"{param}.tool_call_id",
            code="invalid_value",
        )
    response: FunctionResponse = {}
    if call is not None:
        response["id"] = call.upstream_id
        response["name"] = call.name
    else:
        response["name"] = reading.names.upstream(name or "")
        if call_id:
            response["id"] = signatures.unpack_id(call_id)[0]
    # A reader of its own: media resolution belongs to parts, and a result stands inside a response.
    parts = PartReader(reading.attachments).parts(message.get("content"), f"{param}.content")
    text = "".join(part["text"] for part in parts if "text" in part)
    response["response"] = _response_object(text)
    order = call.order if call is not None else reading.calls_seen
    return _Result(order, response, [part for part in parts if "text" not in part])


def _response_object(text: str) -> JsonObject:
    """A tool's answer as the object Gemini insists on: JSON objects as they are, all else under `output`."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"output": text}
    return value if isinstance(value, dict) else {"output": value}


def _mend(reading: _Reading) -> None:
    """Give the conversation the form Gemini insists on: not empty, and a user turn first."""
    contents = reading.contents
    if not contents:
        contents.append({"role": "user", "parts": reading.system or [_blank()]})
        reading.system = []
    if contents[0]["role"] == "model":
        contents.insert(0, {"role": "user", "parts": [_blank()]})
    if reading.system and not reading.traits.accepts_system:
        first = contents[0]
        kept = [] if first["parts"] == [_BLANK] else first["parts"]
        contents[0] = {"role": "user", "parts": reading.system + kept}
        reading.system = []


def _blank() -> Part:
    return _BLANK.copy()


def _order(result: _Result) -> int:
    return result.order
