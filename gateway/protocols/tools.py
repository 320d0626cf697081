"""Tools and tool_choice of a chat request → Gemini's tools and toolConfig.

Old `functions` and `function_call` are read here too. The tool loop's messages are in openai_messages; the
names in tool_names. Called by openai_request.
"""

from dataclasses import dataclass, field
from typing import Literal

from gateway.protocols.fields import (
    as_object,
    as_str,
    optional_list,
    optional_object,
    optional_str,
    unsupported,
    wrong_type,
    wrong_value,
)
from gateway.protocols.json_schema import parameters_schema
from gateway.protocols.model_names import ModelTraits
from gateway.protocols.shapes import FunctionCallingConfig, FunctionDeclaration, JsonObject, Tool, ToolConfig
from gateway.protocols.tool_names import ToolNames

BuiltIn = Literal["googleSearch", "codeExecution", "urlContext", "googleMaps"]

# What clients write for tools that run at Google: a function's name, a tool's type, or a tool's only key.
_SEARCH_FUNCTIONS = frozenset({"googleSearch", "google_search"})
_BUILT_IN: dict[str, BuiltIn] = {
    "web_search": "googleSearch",
    "web_search_preview": "googleSearch",
    "google_search": "googleSearch",
    "googleSearch": "googleSearch",
    "code_execution": "codeExecution",
    "code_interpreter": "codeExecution",
    "codeExecution": "codeExecution",
    "url_context": "urlContext",
    "urlContext": "urlContext",
    "google_maps": "googleMaps",
    "googleMaps": "googleMaps",
}
CUSTOM_INPUT = "input"
"""The parameter in which a custom tool gets its text."""

FIELDS = frozenset({"tools", "functions", "web_search_options", "tool_choice", "function_call"})
"""Where a request says something about tools."""
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY"}


@dataclass(slots=True)
class ToolRequest:
    """What a request says about tools.

    names     of the functions, both ways; the messages add those of the history
    custom    functions that stand for custom tools: they take one text
    legacy    the client used `functions`, so it expects `function_call` back
    built_in  tools that run at Google, with their settings
    """

    names: ToolNames = field(default_factory=ToolNames)
    declarations: list[FunctionDeclaration] = field(default_factory=list)
    built_in: dict[BuiltIn, JsonObject] = field(default_factory=dict)
    choice: FunctionCallingConfig | None = None
    custom: set[str] = field(default_factory=set)
    legacy: bool = False

    def tools(self, traits: ModelTraits) -> list[Tool]:
        """The upstream's `tools`: all functions in one entry, each built-in tool in its own."""
        built_in = self._built_in_for(traits)
        tools: list[Tool] = []
        if self.declarations:
            tools.append({"functionDeclarations": self.declarations})
        for name, settings in built_in.items():
            tool: Tool = {}
            tool[name] = settings
            tools.append(tool)
        return tools

    def config(self, traits: ModelTraits) -> ToolConfig | None:
        config: ToolConfig = {}
        if self.choice is not None and self.declarations:
            config["functionCallingConfig"] = self.choice
        if self.declarations and self._built_in_for(traits):
            config["includeServerSideToolInvocations"] = True
        return config or None

    def _built_in_for(self, traits: ModelTraits) -> dict[BuiltIn, JsonObject]:
        # Before Gemini 3 functions and built-in tools together are a 400; clients wait for the functions.
        return {} if self.declarations and not traits.third_or_later else self.built_in


def read_tools(body: JsonObject) -> ToolRequest:
    """Read tools, tool_choice, functions, function_call and web_search_options. Raises BadRequest."""
    request = ToolRequest()
    if body.keys().isdisjoint(FIELDS):
        return request
    functions: list[tuple[JsonObject, str]] = []
    for position, tool in enumerate(optional_list(body, "tools") or ()):
        _read_tool(request, functions, as_object(tool, f"tools[{position}]"), f"tools[{position}]")
    for position, function in enumerate(optional_list(body, "functions") or ()):
        request.legacy = not body.get("tools")
        functions.append((as_object(function, f"functions[{position}]"), f"functions[{position}]"))
    if body.get("web_search_options") is not None:
        request.built_in["googleSearch"] = {}
    _declare(request, functions)
    if body.get("tool_choice") is not None:
        request.choice = _read_choice(request, body["tool_choice"])
    elif body.get("function_call") is not None:
        request.choice = _read_legacy_choice(request, body["function_call"])
    return request


def _read_tool(
    request: ToolRequest, functions: list[tuple[JsonObject, str]], tool: JsonObject, param: str
) -> None:
    kind = tool.get("type")
    if kind is None and "function" not in tool and len(tool) == 1:
        (kind,) = tool  # Gemini's own form: {"googleSearch": {}}
        settings = tool[kind] if isinstance(tool[kind], dict) else {}
    else:
        kind = "function" if kind is None else as_str(kind, f"{param}.type")
        settings = {}
    if kind == "function":
        functions.append((as_object(tool.get("function"), f"{param}.function"), f"{param}.function"))
    elif kind == "custom":
        functions.append(_custom_function(request, tool, param))
    elif kind in _BUILT_IN:
        request.built_in[_BUILT_IN[kind]] = settings
    else:
        raise unsupported(f"{param}.type", f"Tools of type {kind[:64]!r} are not supported; use 'function'.")


def _custom_function(request: ToolRequest, tool: JsonObject, param: str) -> tuple[JsonObject, str]:
    """A custom tool as a function of one text; Gemini knows no other kind of call."""
    at = f"{param}.custom"
    custom = as_object(tool.get("custom"), at)
    name = as_str(custom.get("name"), f"{at}.name")
    request.custom.add(name)
    description = optional_str(custom, "description", within=f"{at}.") or ""
    form = optional_object(custom, "format", within=f"{at}.") or {}
    grammar = form.get("grammar", form)
    definition = grammar.get("definition") if isinstance(grammar, dict) else None
    if isinstance(definition, str):
        description += f"\nThe text must fit this grammar ({grammar.get('syntax')}):\n{definition}"
    parameters = {
        "type": "object",
        "properties": {CUSTOM_INPUT: {"type": "string"}},
        "required": [CUSTOM_INPUT],
    }
    return {"name": name, "description": description.strip(), "parameters": parameters}, at


def _declare(request: ToolRequest, functions: list[tuple[JsonObject, str]]) -> None:
    named: dict[str, tuple[JsonObject, str]] = {}
    for function, param in functions:
        name = as_str(function.get("name"), f"{param}.name")
        if not name:
            raise wrong_value(f"{param}.name", "a function needs a name.")
        if name in _SEARCH_FUNCTIONS:
            request.built_in["googleSearch"] = {}
        else:
            named.setdefault(name, (function, param))
    request.names.declare(list(named))
    for name, (function, param) in named.items():
        declaration: FunctionDeclaration = {"name": request.names.upstream(name)}
        if description := optional_str(function, "description", within=f"{param}."):
            declaration["description"] = description
        schema = optional_object(function, "parameters", within=f"{param}.")
        if schema and (fit := parameters_schema(schema, param=f"{param}.parameters")) is not None:
            declaration["parametersJsonSchema"] = fit
        request.declarations.append(declaration)


def _read_choice(request: ToolRequest, choice: object) -> FunctionCallingConfig | None:
    if isinstance(choice, str):
        if choice not in _MODES:
            raise wrong_value("tool_choice", "supported values are 'none', 'auto' and 'required'.")
        return {"mode": _MODES[choice]}
    if not isinstance(choice, dict):
        raise wrong_type("tool_choice", "a string or an object", choice)
    kind = as_str(choice.get("type", "function"), "tool_choice.type")
    if kind in ("function", "custom"):
        within = f"tool_choice.{kind}"
        named = choice if "name" in choice else as_object(choice.get(kind), within)
        return _only(request, [as_str(named.get("name"), f"{within}.name")], f"{within}.name")
    if kind == "allowed_tools":
        return _read_allowed(
            request, as_object(choice.get("allowed_tools", choice), "tool_choice.allowed_tools")
        )
    if kind in _BUILT_IN:
        return None
    if kind in _MODES:
        return {"mode": _MODES[kind]}
    raise wrong_value("tool_choice.type", "supported types are 'function' and 'allowed_tools'.")


def _read_allowed(request: ToolRequest, allowed: JsonObject) -> FunctionCallingConfig:
    within = "tool_choice.allowed_tools."
    mode = optional_str(allowed, "mode", within=within) or "auto"
    if mode not in ("auto", "required"):
        raise wrong_value(f"{within}mode", "supported values are 'auto' and 'required'.")
    names: list[str] = []
    for position, tool in enumerate(optional_list(allowed, "tools", within=within) or ()):
        at = f"{within}tools[{position}]"
        entry = as_object(tool, at)
        kind = entry.get("type", "function")
        if kind not in ("function", "custom"):
            continue
        named = entry if "name" in entry else as_object(entry.get(kind), f"{at}.{kind}")
        names.append(as_str(named.get("name"), f"{at}.{kind}.name"))
    config = _only(request, names, f"{within}tools")
    if mode == "auto" and names:
        config["mode"] = "VALIDATED"  # AUTO itself takes no names
    return config


def _read_legacy_choice(request: ToolRequest, choice: object) -> FunctionCallingConfig:
    if isinstance(choice, str):
        if choice not in ("none", "auto"):
            raise wrong_value("function_call", "supported values are 'none' and 'auto'.")
        return {"mode": _MODES[choice]}
    if not isinstance(choice, dict):
        raise wrong_type("function_call", "a string or an object", choice)
    return _only(request, [as_str(choice.get("name"), "function_call.name")], "function_call.name")


def _only(request: ToolRequest, names: list[str], param: str) -> FunctionCallingConfig:
    declared = {declaration["name"] for declaration in request.declarations}
    upstream = [request.names.upstream(name) if name else "" for name in names]
    if unknown := [name for name, fit in zip(names, upstream, strict=True) if fit not in declared]:
        raise wrong_value(param, f"no such function in 'tools': {unknown[0][:128]!r}.")
    return {"mode": "ANY", "allowedFunctionNames": upstream} if upstream else {"mode": "NONE"}
