"""What Google refuses before a model sees a request, and what is left of it for the model to answer.

Pure. `read_prompt` gives a Prompt or raises RefusedError with the answer Google gives. Checked are the
names, the types and ranges people get wrong, the order of turns, function counts, thought signatures.
Source: Gemini API; messages as reported publicly.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.simulator import field_names
from gateway.simulator.error_bodies import (
    invalid_argument,
    level_unsupported,
    signature_corrupted,
    signature_missing,
)
from gateway.simulator.field_names import RefusedError, known_fields, list_of, snake_case, wrong_value
from gateway.simulator.world import SimulatedModel

SKIP_SIGNATURES = frozenset(("skip_thought_signature_validator", "context_engineering_is_the_way_to_go"))

_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_NUMBERS: dict[str, tuple[str, float, float]] = {
    "temperature": ("TYPE_FLOAT", 0.0, 2.0),
    "topP": ("TYPE_FLOAT", 0.0, 1.0),
    "topK": ("TYPE_INT32", 1, 1000),
    "maxOutputTokens": ("TYPE_INT32", 1, 65_536),
    "presencePenalty": ("TYPE_FLOAT", -2.0, 2.0),
    "frequencyPenalty": ("TYPE_FLOAT", -2.0, 2.0),
    "seed": ("TYPE_INT32", -(2**31), 2**31 - 1),
}

Part = dict[str, Any]
SignatureCheck = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Turn:
    """One content: `role` is user or model; parts have camelCase names."""

    role: str
    parts: tuple[Part, ...]

    def having(self, name: str) -> list[Part]:
        return [part for part in self.parts if name in part]

    @property
    def text(self) -> str:
        return "\n".join(part["text"] for part in self.parts if "text" in part and not part.get("thought"))


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request that passed.

    functions   declarations by name, in order
    searches    a search tool was given
    config      generationConfig, camelCase
    mode        AUTO, ANY, NONE or VALIDATED; `allowed` limits which functions may be called
    size_bytes  of all text, to count tokens from
    """

    turns: tuple[Turn, ...]
    system: str
    functions: dict[str, dict[str, Any]]
    searches: bool
    mode: str
    allowed: frozenset[str]
    config: dict[str, Any]
    size_bytes: int

    @property
    def thinking(self) -> dict[str, Any]:
        thinking: dict[str, Any] = self.config.get("thinkingConfig", {})
        return thinking


def read_prompt(body: object, model: SimulatedModel, is_our_signature: SignatureCheck) -> Prompt:
    """Check a GenerateContentRequest as Google does.

    is_our_signature   says whether a thought signature was made by this simulator
    raises             RefusedError
    """
    fields = known_fields(body, field_names.GENERATE)
    turns = read_turns(fields.get("contents"))
    _check_order(turns)
    system = fields.get("systemInstruction")
    system_turn = Turn("user", ()) if system is None else _turn(system, "system_instruction")
    functions, searches = _tools(fields.get("tools"))
    mode, allowed = _calling(fields.get("toolConfig"))
    config = _config(fields.get("generationConfig"), model)
    if model.generation >= 3:
        _check_signatures(turns, is_our_signature)
    return Prompt(
        turns=turns,
        system=system_turn.text,
        functions=functions,
        searches=searches,
        mode=mode,
        allowed=allowed,
        config=config,
        size_bytes=sum(_size_bytes(turn) for turn in (*turns, system_turn)),
    )


def read_turns(contents: object, message: str = "GenerateContentRequest") -> tuple[Turn, ...]:
    """Check `contents`."""
    turns = tuple(
        _turn(content, f"contents[{index}]") for index, content in enumerate(list_of(contents, "contents"))
    )
    if not turns:
        raise RefusedError(invalid_argument(f"* {message}.contents: contents is not specified\n"))
    return turns


def size_bytes(turns: tuple[Turn, ...]) -> int:
    """Give the length of all text in turns."""
    return sum(_size_bytes(turn) for turn in turns)


def _size_bytes(turn: Turn) -> int:
    return sum(len(str(part.get("text") or part)) for part in turn.parts)


def _turn(content: object, where: str) -> Turn:
    fields = known_fields(content, field_names.CONTENT, where)
    role = fields.get("role") or "user"
    if role not in ("user", "model", "function"):
        raise RefusedError(invalid_argument("Please use a valid role: user, model."))
    parts = tuple(
        _part(part, f"{where}.parts[{index}]")
        for index, part in enumerate(list_of(fields.get("parts"), f"{where}.parts"))
    )
    if not parts:
        message = f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.\n"
        raise RefusedError(invalid_argument(message))
    return Turn("user" if role == "function" else role, parts)


def _part(value: object, where: str) -> Part:
    part = known_fields(value, field_names.PART, where)
    data = [name for name in part if name in field_names.PART_DATA]
    if not data:
        message = f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one initialized field\n"
        raise RefusedError(invalid_argument(message))
    if len(data) > 1:
        message = (
            f"Invalid value at '{where}' (oneof), oneof field 'data' is already set. Cannot set '{data[1]}'"
        )
        raise RefusedError(invalid_argument(message, violation=message))
    if "text" in part and not isinstance(part["text"], str):
        raise RefusedError(wrong_value(part["text"], f"{where}.text", "TYPE_STRING"))
    for name, names in (
        ("functionCall", field_names.FUNCTION_CALL),
        ("functionResponse", field_names.FUNCTION_RESPONSE),
    ):
        if name in part:
            place = f"{where}.{snake_case(name)}"
            part[name] = known_fields(part[name], names, place)
            if not part[name].get("name"):
                raise RefusedError(
                    invalid_argument(f"* GenerateContentRequest.{place}.name: Name cannot be empty.\n")
                )
    if "functionResponse" in part and not isinstance(part["functionResponse"].get("response", {}), dict):
        place = f"{where}.function_response.response"
        raise RefusedError(wrong_value(part["functionResponse"]["response"], place, "google.protobuf.Struct"))
    return part


def _check_order(turns: tuple[Turn, ...]) -> None:
    """Check that turns alternate and that calls and their responses match."""
    if turns[-1].role == "model":
        raise RefusedError(
            invalid_argument(
                "Please ensure that multiturn requests ends with a user role or a function response."
            )
        )
    before: Turn | None = None
    for turn in turns:
        calls_before = before.having("functionCall") if before else []
        responses = turn.having("functionResponse")
        if turn.having("functionCall") and (before is None or before.role != "user"):
            raise RefusedError(
                invalid_argument(
                    "Please ensure that function call turn comes immediately after a user turn or after a function "
                    "response turn."
                )
            )
        if responses and not calls_before:
            raise RefusedError(
                invalid_argument(
                    "Please ensure that function response turn comes immediately after a function call turn."
                )
            )
        if len(responses) != len(calls_before):
            raise RefusedError(
                invalid_argument(
                    "Please ensure that the number of function response parts is equal to the number of function "
                    "call parts of the function call turn."
                )
            )
        if before is not None and before.role == turn.role:
            raise RefusedError(
                invalid_argument("Please ensure that multiturn requests alternate between user and model.")
            )
        before = turn


def _check_signatures(turns: tuple[Turn, ...], is_our_signature: SignatureCheck) -> None:
    """Check the current turn: every model step after the last thing the user said himself."""
    asked = max(
        (
            index
            for index, turn in enumerate(turns)
            if turn.role == "user" and any("functionResponse" not in part for part in turn.parts)
        ),
        default=0,
    )
    position = 0
    for index, turn in enumerate(turns):
        first_call = True
        for part in turn.parts:
            position += 1
            signature = part.get("thoughtSignature")
            if index <= asked or turn.role != "model":
                continue
            if "functionCall" in part and first_call:
                first_call = False
                if not signature:
                    raise RefusedError(signature_missing(part["functionCall"]["name"], position))
            if signature and signature not in SKIP_SIGNATURES and not is_our_signature(signature):
                raise RefusedError(signature_corrupted())


def _tools(tools: object) -> tuple[dict[str, dict[str, Any]], bool]:
    functions: dict[str, dict[str, Any]] = {}
    searches = False
    for index, tool in enumerate(list_of(tools, "tools")):
        where = f"tools[{index}]"
        fields = known_fields(tool, field_names.TOOL, where)
        searches = searches or "googleSearch" in fields or "googleSearchRetrieval" in fields
        where += ".function_declarations"
        for number, value in enumerate(list_of(fields.get("functionDeclarations"), where)):
            place = f"{where}[{number}]"
            declaration = known_fields(value, field_names.FUNCTION_DECLARATION, place)
            name = declaration.get("name")
            if not isinstance(name, str) or not _FUNCTION_NAME.fullmatch(name):
                message = (
                    f"* GenerateContentRequest.{place}.name: Invalid function name. Must start with a letter or an "
                    "underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:) or "
                    "dashes (-), with a maximum length of 128.\n"
                )
                raise RefusedError(invalid_argument(message))
            if name in functions:
                raise RefusedError(invalid_argument(f"Duplicate function declaration found: {name}"))
            if "parameters" in declaration:
                _check_schema(declaration["parameters"], f"{place}.parameters")
            functions[name] = declaration
    return functions, searches


def _check_schema(schema: object, where: str) -> None:
    """Check the names of an OpenAPI-like Schema (the JSON Schema fields take anything)."""
    fields = known_fields(schema, field_names.SCHEMA, where)
    if isinstance(fields.get("type"), list):
        raise RefusedError(wrong_value(fields["type"], f"{where}.type", "Proto field is not repeating"))
    for name, member in (fields.get("properties") or {}).items():
        _check_schema(member, f"{where}.properties[{name!r}].value".replace("'", ""))
    if isinstance(fields.get("items"), dict):
        _check_schema(fields["items"], f"{where}.items")
    for index, member in enumerate(list_of(fields.get("anyOf"), f"{where}.any_of")):
        _check_schema(member, f"{where}.any_of[{index}]")


def _calling(tool_config: object) -> tuple[str, frozenset[str]]:
    fields = known_fields(tool_config or {}, field_names.TOOL_CONFIG, "tool_config")
    where = "tool_config.function_calling_config"
    calling = known_fields(
        fields.get("functionCallingConfig") or {}, field_names.FUNCTION_CALLING_CONFIG, where
    )
    mode = calling.get("mode") or "AUTO"
    if mode not in ("AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"):
        kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.FunctionCallingConfig.Mode"
        raise RefusedError(wrong_value(mode, f"{where}.mode", kind))
    allowed = frozenset(list_of(calling.get("allowedFunctionNames"), f"{where}.allowed_function_names"))
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise RefusedError(
            invalid_argument("Allowed function names should only be set when function calling mode is ANY.")
        )
    return mode, allowed


def _config(value: object, model: SimulatedModel) -> dict[str, Any]:
    config = known_fields(value or {}, field_names.GENERATION_CONFIG, "generation_config")
    for name, (kind, least, most) in _NUMBERS.items():
        number = config.get(name)
        if number is None:
            continue
        place = f"generation_config.{snake_case(name)}"
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise RefusedError(wrong_value(number, place, kind))
        if not least <= number <= most:
            message = f"* GenerateContentRequest.{place}: value must be in the range [{least}, {most}].\n"
            raise RefusedError(invalid_argument(message))
    if config.get("candidateCount", 1) != 1:
        raise RefusedError(invalid_argument("Multiple candidates is not enabled for this model"))
    if len(list_of(config.get("stopSequences"), "generation_config.stop_sequences")) > 5:
        message = "* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop sequences are allowed.\n"
        raise RefusedError(invalid_argument(message))
    if config.get("thinkingConfig") is not None:
        config["thinkingConfig"] = _thinking(config["thinkingConfig"], model)
    return config


def _thinking(value: object, model: SimulatedModel) -> dict[str, Any]:
    thinking = known_fields(value, field_names.THINKING_CONFIG, "generation_config.thinking_config")
    level = thinking.get("thinkingLevel")
    if level is not None and thinking.get("thinkingBudget") is not None:
        raise RefusedError(
            invalid_argument("You can only set only one of thinking budget and thinking level.")
        )
    if level is not None and (model.generation < 3 or str(level).upper() not in model.levels):
        raise RefusedError(level_unsupported(str(level).upper()))
    return thinking
