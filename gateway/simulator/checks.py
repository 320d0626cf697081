"""What Google refuses before a model sees a request, and what is left of it for the model to answer.

Pure. `read_prompt` gives a Prompt or raises RefusedError with the answer Google gives. Checked are the
names, the types and ranges people get wrong, the order of turns, function counts, thought signatures.
Source: Gemini API; messages as reported publicly.
"""

import re
from dataclasses import dataclass
from typing import Any

from gateway.simulator import field_names
from gateway.simulator.error_bodies import level_unsupported
from gateway.simulator.field_names import (
    RefusedError,
    known_fields,
    list_of,
    refuse,
    refuse_value,
    snake_case,
    strings,
)
from gateway.simulator.refusals import check_picture_levels, check_refusals
from gateway.simulator.turns import (
    SignatureCheck,
    Turn,
    check_order,
    check_signatures,
    read_turn,
    read_turns,
    size_bytes,
)
from gateway.simulator.world import SimulatedModel

_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_CATEGORIES = tuple(
    f"HARM_CATEGORY_{name}"
    for name in (
        "HARASSMENT",
        "HATE_SPEECH",
        "SEXUALLY_EXPLICIT",
        "DANGEROUS_CONTENT",
        "CIVIC_INTEGRITY",
        "JAILBREAK",
    )
)
_THRESHOLDS = ("OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE")
_NUMBERS: dict[str, tuple[str, float, float]] = {
    "temperature": ("TYPE_FLOAT", 0.0, 2.0),
    "topP": ("TYPE_FLOAT", 0.0, 1.0),
    "topK": ("TYPE_INT32", 1, 1000),
    "maxOutputTokens": ("TYPE_INT32", 1, 65_536),
    "presencePenalty": ("TYPE_FLOAT", -2.0, 2.0),
    "frequencyPenalty": ("TYPE_FLOAT", -2.0, 2.0),
    "seed": ("TYPE_INT32", -(2**31), 2**31 - 1),
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request that passed.

    functions   declarations by name, in order
    searches    a search tool was given
    config      generationConfig, camelCase
    mode        AUTO, ANY, NONE or VALIDATED; `allowed` limits which functions may be called
    size_bytes  of all text, to count tokens from
    cache       the cached content that stands before it, "" for none
    """

    turns: tuple[Turn, ...]
    system: str
    functions: dict[str, dict[str, Any]]
    searches: bool
    mode: str
    allowed: frozenset[str]
    config: dict[str, Any]
    size_bytes: int
    cache: str = ""

    @property
    def file_addresses(self) -> list[str]:
        """Where the files are that the prompt names; names may be written in either case."""
        files = [part["fileData"] for turn in self.turns for part in turn.having("fileData")]
        return [str(file.get("fileUri") or file.get("file_uri")) for file in files]

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
    check_order(turns)
    system = fields.get("systemInstruction")
    system_turn = Turn("user", ()) if system is None else read_turn(system, "system_instruction")
    tools = [
        known_fields(tool, field_names.TOOL, f"tools[{index}]")
        for index, tool in enumerate(list_of(fields.get("tools"), "tools"))
    ]
    functions, searches = _functions(tools)
    mode, allowed = _calling(fields.get("toolConfig"))
    config = _config(fields.get("generationConfig"), model)
    _check_safety(fields.get("safetySettings"))
    check_refusals(model, fields, config, tools)
    check_picture_levels(model, turns)
    if model.generation >= 3:
        check_signatures(turns, is_our_signature)
    cache = fields.get("cachedContent", "")
    if cache and any(name in fields for name in ("systemInstruction", "tools", "toolConfig")):
        refuse(
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
            "tool_config."
        )
    return Prompt(
        turns=turns,
        system=system_turn.text,
        functions=functions,
        searches=searches,
        mode=mode,
        allowed=allowed,
        config=config,
        size_bytes=size_bytes((*turns, system_turn)),
        cache=cache,
    )


def _functions(tools: list[dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], bool]:
    functions: dict[str, dict[str, Any]] = {}
    searches = False
    for index, fields in enumerate(tools):
        searches = searches or "googleSearch" in fields or "googleSearchRetrieval" in fields
        where = f"tools[{index}].function_declarations"
        for number, value in enumerate(list_of(fields.get("functionDeclarations"), where)):
            place = f"{where}[{number}]"
            declaration = known_fields(value, field_names.FUNCTION_DECLARATION, place)
            name = declaration.get("name")
            if not isinstance(name, str) or not _FUNCTION_NAME.fullmatch(name):
                refuse(
                    f"* GenerateContentRequest.{place}.name: Invalid function name. Must start with a "
                    "letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), "
                    "dots (.), colons (:) or dashes (-), with a maximum length of 128.\n"
                )
            if name in functions:
                refuse(f"Duplicate function declaration found: {name}")
            if "parameters" in declaration:
                check_schema(declaration["parameters"], f"{place}.parameters")
            functions[name] = declaration
    return functions, searches


def check_schema(schema: object, where: str) -> None:
    """Check the names of an OpenAPI-like Schema (the JSON Schema fields take anything)."""
    fields = known_fields(schema, field_names.SCHEMA, where)
    if isinstance(fields.get("type"), list):
        refuse_value(fields["type"], f"{where}.type", "Proto field is not repeating")
    properties = fields.get("properties") or {}
    if not isinstance(properties, dict):
        refuse_value(properties, f"{where}.properties", "map")
    for name, member in properties.items():
        check_schema(member, f"{where}.properties[{name!r}].value".replace("'", ""))
    if isinstance(fields.get("items"), dict):
        check_schema(fields["items"], f"{where}.items")
    for index, member in enumerate(list_of(fields.get("anyOf"), f"{where}.any_of")):
        check_schema(member, f"{where}.any_of[{index}]")


def _calling(tool_config: object) -> tuple[str, frozenset[str]]:
    fields = known_fields(tool_config or {}, field_names.TOOL_CONFIG, "tool_config")
    where = "tool_config.function_calling_config"
    calling = known_fields(
        fields.get("functionCallingConfig") or {}, field_names.FUNCTION_CALLING_CONFIG, where
    )
    mode = calling.get("mode") or "AUTO"
    if mode not in ("AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"):
        kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.FunctionCallingConfig.Mode"
        refuse_value(mode, f"{where}.mode", kind)
    allowed = frozenset(strings(calling.get("allowedFunctionNames"), f"{where}.allowed_function_names"))
    if allowed and mode not in ("ANY", "VALIDATED"):
        refuse("Allowed function names should only be set when function calling mode is ANY.")
    return mode, allowed


def _config(value: object, model: SimulatedModel) -> dict[str, Any]:
    config = known_fields(value or {}, field_names.GENERATION_CONFIG, "generation_config")
    for name, (kind, least, most) in _NUMBERS.items():
        number = config.get(name)
        if number is None:
            continue
        place = f"generation_config.{snake_case(name)}"
        if isinstance(number, bool) or not isinstance(number, int | float):
            refuse_value(number, place, kind)
        if not least <= number <= most:
            refuse(f"* GenerateContentRequest.{place}: value must be in the range [{least}, {most}].\n")
    if config.get("candidateCount", 1) != 1:
        refuse("Multiple candidates is not enabled for this model")
    config["stopSequences"] = strings(config.get("stopSequences"), "generation_config.stop_sequences")
    if len(config["stopSequences"]) > 5:
        refuse("* GenerateContentRequest.generation_config.stop_sequences: at most 5 are allowed.\n")
    if config.get("thinkingConfig") is not None:
        config["thinkingConfig"] = _thinking(config["thinkingConfig"], model)
    return config


def _check_safety(settings: object) -> None:
    """Check the names of categories and thresholds, and that no category stands twice."""
    package = "type.googleapis.com/google.ai.generativelanguage.v1beta"
    seen: set[str] = set()
    for index, value in enumerate(list_of(settings, "safety_settings")):
        where = f"safety_settings[{index}]"
        setting = known_fields(value, field_names.SAFETY_SETTING, where)
        category, threshold = setting.get("category"), setting.get("threshold")
        if category not in _CATEGORIES:
            refuse_value(category, f"{where}.category", f"{package}.HarmCategory")
        if threshold not in _THRESHOLDS:
            kind = f"{package}.SafetySetting.HarmBlockThreshold"
            refuse_value(threshold, f"{where}.threshold", kind)
        if category in seen:
            refuse(f"* GenerateContentRequest.safety_settings: duplicate safety setting for {category}\n")
        seen.add(category)


def _thinking(value: object, model: SimulatedModel) -> dict[str, Any]:
    thinking = known_fields(value, field_names.THINKING_CONFIG, "generation_config.thinking_config")
    level = thinking.get("thinkingLevel")
    if level is not None and thinking.get("thinkingBudget") is not None:
        refuse("You can only set only one of thinking budget and thinking level.")
    if level is not None and (model.generation < 3 or str(level).upper() not in model.levels):
        raise RefusedError(level_unsupported(str(level).upper()))
    return thinking
