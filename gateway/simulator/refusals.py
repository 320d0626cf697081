"""What single models refuse though others take it, in Google's words.

Pure; called by checks.py with what it has read. A translation must adapt to these, so tests make models of
every unwillingness.
"""

from typing import Any

from gateway.simulator.error_bodies import invalid_argument
from gateway.simulator.field_names import RefusedError, refuse
from gateway.simulator.turns import Turn
from gateway.simulator.world import Refusal, SimulatedModel

_BUILT_IN = {
    "googleSearch": "Search as tool",
    "googleSearchRetrieval": "Search Grounding",
    "urlContext": "Url context",
    "codeExecution": "Code execution",
}


def check_refusals(
    model: SimulatedModel, fields: dict[str, Any], config: dict[str, Any], tools: list[dict[str, Any]]
) -> None:
    """Refuse what this model is said to refuse.

    fields, config, tools   the request, its generationConfig and its tools, with camelCase names
    """
    refuses = model.refuses
    if not refuses:
        return
    where = f"models/{model.id}"
    if Refusal.SYSTEM_INSTRUCTION in refuses and fields.get("systemInstruction") is not None:
        refuse(f"Developer instruction is not enabled for {where}")
    if Refusal.PENALTIES in refuses and ("presencePenalty" in config or "frequencyPenalty" in config):
        refuse(f"Penalty is not enabled for {where}")
    if Refusal.SEED in refuses and "seed" in config:
        refuse(f"Seed is not supported for {where}")
    if Refusal.JSON_MODE in refuses and config.get("responseMimeType") == "application/json":
        refuse(f"JSON mode is not enabled for {where}")
    if Refusal.MEDIA_RESOLUTION in refuses and "mediaResolution" in config:
        refuse(f"Media resolution is not enabled for {where}")
    _check_schemas(model, config, tools)
    _check_thinking(model, config.get("thinkingConfig") or {})
    _check_tools(model, tools)


def check_picture_levels(model: SimulatedModel, turns: tuple[Turn, ...]) -> None:
    """Refuse `mediaResolution` on parts where the model does not know it."""
    if Refusal.MEDIA_RESOLUTION in model.refuses and any(turn.having("mediaResolution") for turn in turns):
        refuse(f"Media resolution is not enabled for models/{model.id}")


def _check_schemas(model: SimulatedModel, config: dict[str, Any], tools: list[dict[str, Any]]) -> None:
    if Refusal.JSON_SCHEMA not in model.refuses:
        return
    declared = [each for tool in tools for each in tool.get("functionDeclarations") or ()]
    if "responseJsonSchema" in config:
        refuse("response_json_schema is not supported for this model.")
    if any("parametersJsonSchema" in each or "parameters_json_schema" in each for each in declared):
        refuse("parameters_json_schema is not supported for this model.")


def _check_thinking(model: SimulatedModel, thinking: dict[str, Any]) -> None:
    budget = thinking.get("thinkingBudget")
    if Refusal.THINKING in model.refuses and thinking:
        refuse("Thinking is not enabled for this model.")
    if Refusal.THINKING_BUDGET in model.refuses and budget is not None:
        refuse("Thinking budget is not supported for this model. Please use thinking level instead.")
    if Refusal.THINKING_OFF in model.refuses and budget == 0:
        raise RefusedError(invalid_argument("Budget 0 is invalid. This model only works in thinking mode."))


def _check_tools(model: SimulatedModel, tools: list[dict[str, Any]]) -> None:
    used = [words for tool in tools for name, words in _BUILT_IN.items() if name in tool]
    has_functions = any("functionDeclarations" in tool for tool in tools)
    if used and Refusal.BUILT_IN_TOOLS in model.refuses:
        refuse(f"{used[0]} is not enabled for models/{model.id}")
    if used and has_functions and Refusal.MIXED_TOOLS in model.refuses:
        refuse("Tool use with function calling is unsupported")
