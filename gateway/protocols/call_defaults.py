"""What a body is given when its client did not say it: the wishes of a suffix, the operator's settings.

For translated and for native bodies alike. Nothing a client said is changed; a body that needs nothing comes
back as the same object, so that a native one can travel as the bytes it came in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.protocols.gemini_fields import member, objects, with_absent, with_member
from gateway.protocols.model_names import ModelTraits
from gateway.protocols.model_suffixes import AskedModel
from gateway.protocols.shapes import JsonObject, ThinkingConfig
from gateway.protocols.thinking import budget_config, effort_config


@dataclass(frozen=True, slots=True)
class CallDefaults:
    """The operator's wishes for calls that leave them open.

    safety            safetySettings, in Gemini's words
    thinking_budgets  tokens by model; 0 is as little as the model can, -1 what it likes
    url_context       models that may read the addresses in a prompt
    code_execution    models may run code
    """

    safety: tuple[Mapping[str, str], ...] = ()
    thinking_budgets: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    url_context: frozenset[str] = frozenset()
    code_execution: bool = False

    @property
    def leaves_open(self) -> bool:
        """True where there are no wishes."""
        return not (self.safety or self.thinking_budgets or self.url_context or self.code_execution)


NO_DEFAULTS = CallDefaults()


def with_wishes(body: JsonObject, asked: AskedModel, *, traits: ModelTraits) -> JsonObject:
    """The body with what the model's name asks for."""
    if asked.search and _may_search(body, traits):
        body = _with_tool(body, "googleSearch")
    if asked.image and _config(body, "responseModalities") is None:
        body = _with_config(body, "responseModalities", ["TEXT", "IMAGE"])
    if asked.no_thinking:
        body = _with_thinking(body, effort_config(traits, "none"))
    return body


def with_defaults(
    body: JsonObject, asked: AskedModel, *, traits: ModelTraits, defaults: CallDefaults
) -> JsonObject:
    """The body with what the operator wants and the client left open."""
    budget = defaults.thinking_budgets.get(asked.name)
    if budget is not None:
        body = _with_thinking(body, budget_config(traits, budget))
    reads = asked.name in defaults.url_context
    if (reads or defaults.code_execution) and _may_have_tools(body, traits):
        if reads and not _has_tool(body, "urlContext"):
            body = _with_tool(body, "urlContext")
        if defaults.code_execution and _may_run_code(body):
            body = _with_tool(body, "codeExecution")
    if defaults.safety:
        body = with_absent(body, "safetySettings", list(defaults.safety))
    return body


def _tools(body: JsonObject) -> list[JsonObject]:
    return objects(body.get("tools"))


def _has_tool(body: JsonObject, name: str) -> bool:
    return any(member(tool, name) is not None for tool in _tools(body))


def _has_functions(body: JsonObject) -> bool:
    return any(member(tool, "functionDeclarations") for tool in _tools(body))


def _may_search(body: JsonObject, traits: ModelTraits) -> bool:
    # A cached content brings its own tools; Gemini refuses others beside it.
    if member(body, "cachedContent") is not None or _has_tool(body, "googleSearch"):
        return False
    # Before Gemini 3 a search beside functions or JSON is a 400, and those are what the client waits for.
    return traits.third_or_later or not (_has_functions(body) or _wants_json(body))


def _may_have_tools(body: JsonObject, traits: ModelTraits) -> bool:
    """True where tools nobody asked for do no harm: no functions, no cache, and the answer is plain text."""
    if not traits.accepts_tools or member(body, "cachedContent") is not None or _has_functions(body):
        return False
    return not _wants_json(body) and _config(body, "responseModalities") in (None, [], ["TEXT"])


def _wants_json(body: JsonObject) -> bool:
    return _config(body, "responseMimeType") not in (None, "text/plain") or any(
        _config(body, name) is not None for name in ("responseSchema", "responseJsonSchema")
    )


def _may_run_code(body: JsonObject) -> bool:
    if _has_tool(body, "codeExecution") or _has_tool(body, "googleSearch"):
        return False
    return not any(
        member(part, "inlineData") or member(part, "fileData")
        for content in objects(body.get("contents"))
        for part in objects(content.get("parts"))
    )


def _with_tool(body: JsonObject, name: str) -> JsonObject:
    said = body.get("tools")
    if not isinstance(said, list | dict | None):
        return body  # the upstream's to refuse
    changed = {**body, "tools": [*(said if isinstance(said, list) else objects(said)), {name: {}}]}
    tool_config = member(body, "toolConfig")
    if _has_functions(body) and member(tool_config, "includeServerSideToolInvocations") is None:
        wanted = with_member(tool_config, "includeServerSideToolInvocations", True)
        changed = with_member(changed, "toolConfig", wanted)
    return changed


def _config(body: JsonObject, name: str) -> Any:
    return member(member(body, "generationConfig"), name)


def _with_config(body: JsonObject, name: str, value: object) -> JsonObject:
    config = member(body, "generationConfig")
    if not isinstance(config, dict | None):
        return body  # the upstream's to refuse
    return with_member(body, "generationConfig", with_member(config, name, value))


def _with_thinking(body: JsonObject, wanted: ThinkingConfig) -> JsonObject:
    """The body with a level or budget, unless it has one; whether thoughts are shown stays as it is."""
    said = _config(body, "thinkingConfig")
    if not wanted or not isinstance(said, dict | None):
        return body
    if any(member(said, name) is not None for name in ("thinkingBudget", "thinkingLevel")):
        return body
    return _with_config(body, "thinkingConfig", {**(said or {}), **wanted})
