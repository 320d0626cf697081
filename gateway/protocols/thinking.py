"""How much a model shall think: reasoning_effort and Google's own extension → thinkingConfig.

Pure; called by openai_request. Never sets an effort the client did not name.
"""

from collections.abc import Set

from gateway.protocols.fields import optional_bool, optional_int32, optional_str, wrong_value
from gateway.protocols.model_names import ModelTraits, Thinking, Tier
from gateway.protocols.shapes import JsonObject, ThinkingConfig

# low, medium and high are Google's mapping for its OpenAI-compatible endpoint; the other efforts are ours.
_BUDGETS = {
    "none": 0,
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
_PRO_BUDGETS = {**_BUDGETS, "none": 128, "xhigh": 32768, "max": 32768}  # 2.5 Pro answers 400 to budget 0

_FLASH_LEVELS = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
_LEVELS = {**_FLASH_LEVELS, "none": "LOW", "minimal": "LOW"}  # only Flash models know MINIMAL
_FIRST_PRO_LEVELS = {**_LEVELS, "medium": "HIGH"}  # gemini-3-pro answers 400 to MEDIUM

_ORDER = ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
# The largest budget that an effort stands for: thresholds many gateways share.
_EFFORT_BUDGETS = ((0, "none"), (2048, "low"), (12_000, "medium"))
_BUDGET_BOUNDS = {Tier.PRO: (128, 32_768), Tier.FLASH: (0, 24_576), Tier.OTHER: (0, 24_576)}


def thinking_config(
    traits: ModelTraits, *, effort: str | None, google: JsonObject | None, show_thoughts: bool
) -> ThinkingConfig | None:
    """Say how much the model shall think, or None to leave it to the model.

    effort         OpenAI's reasoning_effort: none, minimal, low, medium, high, xhigh, max
    google         the client's own thinking_config (snake_case or camelCase); wins over the effort
    show_thoughts  ask for thought summaries, where the model is known to have them

    Raises BadRequest for an unknown effort, and for wrong types in thinking_config.
    """
    config = {} if effort is None else effort_config(traits, effort)
    if traits.known_to_think and show_thoughts:
        config["includeThoughts"] = True
    if google:
        _merge_google(config, google)
    return config or None


def nearest_level(level: str, refused: Set[str]) -> str | None:
    """The level to try where this one is refused: the nearest, rather more than less; None for no other."""
    if level not in _ORDER:
        return None
    place = _ORDER.index(level)
    others = [other for other in _ORDER[:-1] if other != level and other not in refused]
    return min(
        others, key=lambda other: (abs(_ORDER.index(other) - place), -_ORDER.index(other)), default=None
    )


def effort_config(traits: ModelTraits, effort: str) -> ThinkingConfig:
    """An effort in the words of the model's family; nothing for models that do not think.

    Raises BadRequest for an unknown effort.
    """
    if effort not in _BUDGETS:
        raise wrong_value("reasoning_effort", f"supported values are {', '.join(_BUDGETS)}.")
    if traits.thinking is Thinking.NONE:
        return {}
    if traits.thinking is Thinking.BUDGET:
        return {"thinkingBudget": (_PRO_BUDGETS if traits.tier is Tier.PRO else _BUDGETS)[effort]}
    if traits.tier is Tier.FLASH:
        return {"thinkingLevel": _FLASH_LEVELS[effort]}
    first_pro = traits.tier is Tier.PRO and traits.version == (3, 0)
    return {"thinkingLevel": (_FIRST_PRO_LEVELS if first_pro else _LEVELS)[effort]}


def budget_config(traits: ModelTraits, budget: int) -> ThinkingConfig:
    """A budget in tokens in the words of the model's family, within its bounds; -1 lets the model decide.

    From Gemini 3 on a level says it. Source: Gemini API, thinking guide.
    """
    if traits.thinking is Thinking.NONE:
        return {}
    if traits.thinking is Thinking.BUDGET:
        least, most = _BUDGET_BOUNDS[traits.tier]
        return {"thinkingBudget": min(max(budget, least), most) if budget >= 0 else -1}
    effort = effort_for_budget(budget)
    return {} if effort is None else effort_config(traits, effort)


def effort_for_budget(budget: int) -> str | None:
    """The effort a budget amounts to, None for -1."""
    if budget < 0:
        return None
    return next((effort for limit, effort in _EFFORT_BUDGETS if budget <= limit), "high")


def _merge_google(config: ThinkingConfig, google: JsonObject) -> None:
    within = "google.thinking_config."
    budget = _either(google, "thinking_budget", "thinkingBudget")
    level = _either(google, "thinking_level", "thinkingLevel")
    include = _either(google, "include_thoughts", "includeThoughts")
    named_budget = optional_int32(google, budget, within=within)
    named_level = optional_str(google, level, within=within)
    named_include = optional_bool(google, include, within=within)
    if named_budget is not None or named_level is not None:
        # Budget and level together are a 400 upstream, so the client's word replaces the effort's.
        config.pop("thinkingBudget", None)
        config.pop("thinkingLevel", None)
    if named_budget is not None:
        config["thinkingBudget"] = named_budget
    if named_level is not None:
        config["thinkingLevel"] = named_level.upper()
    if named_include is not None:
        config["includeThoughts"] = named_include


def _either(source: JsonObject, snake: str, camel: str) -> str:
    return camel if source.get(snake) is None and camel in source else snake
