"""Changes of a translated request that may turn an upstream's 400 into an answer, and what they teach.

Pure. The relay asks after a failure that names a repair; what worked is remembered there as `Lessons` of the
model and done before the next request is sent. Native bodies are never repaired.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import cast

from gateway.protocols.failure_kinds import Repair
from gateway.protocols.schema_forms import json_in_words, with_openapi_schemas
from gateway.protocols.shapes import GenerateContentRequest, GenerationConfig, Part, ThinkingConfig
from gateway.protocols.signatures import PLACEHOLDER, without_real_signatures
from gateway.protocols.thinking import effort_for_budget, nearest_level

LEAST_BUDGET = 128
"""For models that cannot stop thinking. Source: Gemini API, thinking guide (2.5 Pro)."""

GO_ON = "Continue."
"""What a user says after a model's turn where a model insists on the last word being the user's."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a model was found to refuse, whatever is asked of it.

    repairs    to be done to every request before it is sent
    levels     thinking levels it does not have
    additions  what the operator's settings add and it refuses: TOOLS, SAFETY
    """

    repairs: frozenset[Repair] = frozenset()
    levels: frozenset[str] = frozenset()
    additions: frozenset[Repair] = frozenset()

    def with_refusal(self, request: GenerateContentRequest, repair: Repair) -> "Lessons":
        """These and what a 400 that named the repair says of the model."""
        if repair is Repair.THINKING_LEVEL:
            level = _thinking(request).get("thinkingLevel")
            return self if level is None else replace(self, levels=self.levels | {level})
        return replace(self, repairs=self.repairs | {repair}) if repair in _OF_THE_MODEL else self

    def joined(self, others: "Lessons") -> "Lessons":
        return Lessons(
            self.repairs | others.repairs, self.levels | others.levels, self.additions | others.additions
        )


NOTHING_LEARNED = Lessons()

ADDITIONS: Mapping[Repair, tuple[str, ...]] = MappingProxyType(
    {Repair.TOOLS: ("tools", "toolConfig"), Repair.SAFETY: ("safetySettings",)}
)
"""What the operator's settings may add and a model may refuse, by the repair that its 400 names."""

# The others depend on the request (its schema, its budget, its signatures) or on the key (its tier).
_OF_THE_MODEL = frozenset(
    {
        Repair.THINKING_OFF,
        Repair.THINKING_BUDGET,
        Repair.SYSTEM_INSTRUCTION,
        Repair.JSON_MODE,
        Repair.JSON_WITH_TOOLS,
        Repair.PENALTIES,
        Repair.SEED,
        Repair.PREFILL,
        Repair.MEDIA_RESOLUTION,
        Repair.TOOLS,
    }
)


def repaired(
    request: GenerateContentRequest, repair: Repair, *, refused_levels: Set[str] = frozenset()
) -> GenerateContentRequest | None:
    """The request changed as the repair says, or None where that would change nothing.

    refused_levels  thinking levels that are known not to help

    The given request stays as it is.
    """
    if repair is Repair.THINKING_LEVEL:
        return _with_another_level(request, refused_levels)
    change = _CHANGES.get(repair)
    return None if change is None else change(request)


def without_addition(
    request: GenerateContentRequest, repair: Repair, *, bare: GenerateContentRequest
) -> GenerateContentRequest | None:
    """The request without what the operator's settings added to it, None where they added nothing.

    repair  TOOLS or SAFETY; the others take out nothing
    bare    the request as the client alone wanted it
    """
    names = ADDITIONS.get(repair, ())
    if all(request.get(name) == bare.get(name) for name in names):
        return None
    kept = {name: value for name, value in request.items() if name not in names}
    kept |= {name: bare[name] for name in names if name in bare}  # type: ignore[literal-required]  # fields
    return cast("GenerateContentRequest", kept)


def with_lessons(request: GenerateContentRequest, lessons: Lessons) -> GenerateContentRequest:
    """The request as the model takes it, as far as is known; the same object where nothing is."""
    for repair in _CHANGES:
        if repair in lessons.repairs:
            request = _CHANGES[repair](request) or request
    if _thinking(request).get("thinkingLevel") in lessons.levels:
        request = _with_another_level(request, lessons.levels) or request
    return request


def _thinking(request: GenerateContentRequest) -> ThinkingConfig:
    return request.get("generationConfig", {}).get("thinkingConfig", {})


def _with_config(request: GenerateContentRequest, config: GenerationConfig) -> GenerateContentRequest:
    changed = request.copy()
    changed["generationConfig"] = config
    return changed


def _with_thinking(request: GenerateContentRequest, thinking: ThinkingConfig) -> GenerateContentRequest:
    config = request.get("generationConfig", {}).copy()
    if thinking:
        config["thinkingConfig"] = thinking
    else:
        config.pop("thinkingConfig", None)
    return _with_config(request, config)


def _with_another_level(request: GenerateContentRequest, refused: Set[str]) -> GenerateContentRequest | None:
    thinking = _thinking(request).copy()
    level = thinking.get("thinkingLevel")
    if level is None:
        return None
    other = nearest_level(level, refused)
    if other is None:
        del thinking["thinkingLevel"]
    else:
        thinking["thinkingLevel"] = other
    return _with_thinking(request, thinking)


def _with_least_budget(request: GenerateContentRequest) -> GenerateContentRequest | None:
    thinking = _thinking(request).copy()
    if thinking.get("thinkingBudget") != 0:
        return None
    thinking["thinkingBudget"] = LEAST_BUDGET
    return _with_thinking(request, thinking)


def _with_level_for_budget(request: GenerateContentRequest) -> GenerateContentRequest | None:
    thinking = _thinking(request).copy()
    budget = thinking.pop("thinkingBudget", None)
    if budget is None:
        return None
    if (effort := effort_for_budget(budget)) is not None:
        thinking["thinkingLevel"] = "MINIMAL" if effort == "none" else effort.upper()
    return _with_thinking(request, thinking)


def _without_effort(request: GenerateContentRequest) -> GenerateContentRequest | None:
    """Leave level and budget to the model; where neither was said, do not speak of thinking at all."""
    thinking = _thinking(request)
    if not thinking:
        return None
    shown: ThinkingConfig = {}
    if ("thinkingLevel" in thinking or "thinkingBudget" in thinking) and "includeThoughts" in thinking:
        shown["includeThoughts"] = thinking["includeThoughts"]
    return _with_thinking(request, shown)


def _with_placeholders(request: GenerateContentRequest) -> GenerateContentRequest | None:
    signed = any(
        part.get("thoughtSignature", PLACEHOLDER) != PLACEHOLDER
        for content in request["contents"]
        for part in content["parts"]
    )
    return without_real_signatures(request) if signed else None


def _with_system_in_contents(request: GenerateContentRequest) -> GenerateContentRequest | None:
    system = request.get("systemInstruction")
    if system is None:
        return None
    changed = request.copy()
    del changed["systemInstruction"]
    first, *rest = request["contents"]
    changed["contents"] = [{"role": "user", "parts": system["parts"] + first["parts"]}, *rest]
    return changed


def _without_json_beside_tools(request: GenerateContentRequest) -> GenerateContentRequest | None:
    if "tools" not in request:
        return None
    return _without(request, "responseMimeType", "responseJsonSchema", "responseSchema")


def _without_penalties(request: GenerateContentRequest) -> GenerateContentRequest | None:
    return _without(request, "presencePenalty", "frequencyPenalty")


def _without_seed(request: GenerateContentRequest) -> GenerateContentRequest | None:
    return _without(request, "seed")


def _without(request: GenerateContentRequest, *names: str) -> GenerateContentRequest | None:
    config = request.get("generationConfig", {})
    if not any(name in config for name in names):
        return None
    kept: GenerationConfig = config.copy()
    for name in names:
        kept.pop(name, None)  # type: ignore[misc]  # the names are fields
    return _with_config(request, kept)


def _with_user_last(request: GenerateContentRequest) -> GenerateContentRequest | None:
    if request["contents"][-1]["role"] != "model":
        return None
    changed = request.copy()
    changed["contents"] = [*request["contents"], {"role": "user", "parts": [{"text": GO_ON}]}]
    return changed


def _without_resolution(request: GenerateContentRequest) -> GenerateContentRequest | None:
    changed = _without(request, "mediaResolution") or request
    if any("mediaResolution" in part for content in request["contents"] for part in content["parts"]):
        changed = changed.copy()
        changed["contents"] = [
            {"role": content["role"], "parts": [_without_level(part) for part in content["parts"]]}
            for content in request["contents"]
        ]
    return None if changed is request else changed


def _without_level(part: Part) -> Part:
    if "mediaResolution" not in part:
        return part
    kept = part.copy()
    del kept["mediaResolution"]
    return kept


def _without_tier(request: GenerateContentRequest) -> GenerateContentRequest | None:
    if "serviceTier" not in request:
        return None
    changed = request.copy()
    del changed["serviceTier"]
    return changed


def _with_functions_alone(request: GenerateContentRequest) -> GenerateContentRequest | None:
    """Without the tools that run at Google where there are functions: those are what the client waits for."""
    tools = request.get("tools", [])
    functions = [tool for tool in tools if "functionDeclarations" in tool]
    if not functions or len(functions) == len(tools):
        return None
    changed = request.copy()
    changed["tools"] = functions
    config = request.get("toolConfig", {}).copy()
    config.pop("includeServerSideToolInvocations", None)
    changed["toolConfig"] = config
    if not config:
        del changed["toolConfig"]
    return changed


_Change = Callable[[GenerateContentRequest], GenerateContentRequest | None]
_CHANGES: Mapping[Repair, _Change] = MappingProxyType(
    {
        Repair.SIGNATURE: _with_placeholders,
        Repair.THINKING_OFF: _with_least_budget,
        Repair.THINKING_BUDGET: _with_level_for_budget,
        Repair.THINKING: _without_effort,
        Repair.JSON_MODE: json_in_words,  # before the system instruction, which it adds to
        Repair.JSON_WITH_TOOLS: _without_json_beside_tools,
        Repair.SYSTEM_INSTRUCTION: _with_system_in_contents,
        Repair.SCHEMA: with_openapi_schemas,
        Repair.PENALTIES: _without_penalties,
        Repair.SEED: _without_seed,
        Repair.PREFILL: _with_user_last,
        Repair.MEDIA_RESOLUTION: _without_resolution,
        Repair.SERVICE_TIER: _without_tier,
        Repair.TOOLS: _with_functions_alone,
    }
)
