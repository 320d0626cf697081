"""Tools, tool_choice and text.format of a response request → those of a chat, which nests what is flat here.

What may stand in them is said by tools and openai_config, which read the chat. Called by responses_request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.protocols.fields import (
    as_list,
    as_object,
    as_str,
    missing,
    optional_list,
    optional_object,
    unsupported,
    wrong_value,
)
from gateway.protocols.shapes import JsonObject

_FUNCTION = ("name", "description", "parameters", "strict")
_CUSTOM = ("name", "description", "format")
_SCHEMA = ("name", "description", "schema", "strict")
_UNSAID: Mapping[str, None] = MappingProxyType(dict.fromkeys(("description", "parameters", "strict")))
_NAMESPACE = "namespace"
_SEARCH = "web_search"  # its names go on with `_preview` and with dates
_DO_IT_YOURSELF = "Declare what it does as functions, and run them yourself."
# Tools of OpenAI's that do not run at Google, and what serves instead.
_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "image_generation": "Ask a model that paints, or call /v1/images/generations.",
        "file_search": "Send the files in 'input' as input_file.",
        "mcp": "Connect to the server yourself, and declare its tools as functions.",
        "computer": _DO_IT_YOURSELF,
        "computer_use": _DO_IT_YOURSELF,
        "computer_use_preview": _DO_IT_YOURSELF,
        "local_shell": _DO_IT_YOURSELF,
        "shell": _DO_IT_YOURSELF,
        "apply_patch": _DO_IT_YOURSELF,
        "tool_search": "Declare all functions at once.",
        "programmatic_tool_calling": "Declare the functions without it.",
    }
)


@dataclass(slots=True)
class ChatTools:
    """The tools as a chat has them.

    places      where each of them stands in the client's request
    namespaces  of the functions that have one: the chat's name → (namespace, name)
    """

    tools: list[JsonObject] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    namespaces: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, tool: JsonObject, at: str) -> None:
        """Take a tool, or all those of a namespace. Raises BadRequest."""
        if tool.get("type") is None and len(tool) == 1:
            self._append(tool, at)  # Gemini's own form: {"googleSearch": {}}
            return
        kind = _kind(tool, at)
        if kind == "function":
            self._append({"type": kind, kind: _picked(tool, _FUNCTION)}, at)
        elif kind == "custom":
            self._append({"type": kind, kind: _picked(tool, _CUSTOM)}, at)
        elif kind == _NAMESPACE:
            self._add_namespace(tool, at)
        else:
            self._append({"type": kind}, at)

    def _add_namespace(self, namespace: JsonObject, at: str) -> None:
        """Gemini knows no namespaces, so they become a part of their functions' names."""
        space = as_str(namespace.get("name"), f"{at}.name")
        for position, entry in enumerate(as_list(namespace.get("tools"), f"{at}.tools")):
            inside = f"{at}.tools[{position}]"
            tool = as_object(entry, inside)
            if tool.get("type") not in ("function", "custom"):
                raise wrong_value(f"{inside}.type", "a namespace holds functions and custom tools.")
            name = as_str(tool.get("name"), f"{inside}.name")
            flat = chat_name(name, space)
            self.namespaces[flat] = (space, name)
            self.add({**tool, "name": flat}, inside)

    def _append(self, tool: JsonObject, at: str) -> None:
        self.tools.append(tool)
        self.places.append(at)


def chat_tools(body: JsonObject) -> ChatTools:
    """The tools as a chat has them. Raises BadRequest."""
    tools = ChatTools()
    for position, entry in enumerate(optional_list(body, "tools") or ()):
        at = f"tools[{position}]"
        tools.add(as_object(entry, at), at)
    return tools


def chat_name(name: str, namespace: str | None) -> str:
    """The name of a function for the chat."""
    return name if namespace is None else f"{namespace}__{name}"


def told_tools(body: JsonObject) -> list[JsonObject]:
    """The tools as a Response repeats them: functions say all of themselves. Raises BadRequest."""
    told: list[JsonObject] = []
    for position, entry in enumerate(optional_list(body, "tools") or ()):
        tool = as_object(entry, f"tools[{position}]")
        told.append({**_UNSAID, **tool} if tool.get("type") == "function" else tool)
    return told


def chat_choice(choice: object) -> object:
    """tool_choice as chat reads it; what is wrong in it is said there. Raises BadRequest."""
    if not isinstance(choice, dict):
        return choice
    kind = _kind(choice, "tool_choice")
    if kind in ("function", "custom"):
        return {"type": kind, "name": as_str(choice.get("name"), "tool_choice.name")}
    return choice if kind == "allowed_tools" else {"type": kind}


def chat_format(text: JsonObject) -> JsonObject | None:
    """The response_format that `text` says, None where it says none. Raises BadRequest."""
    form = optional_object(text, "format", within="text.")
    if form is None:
        return None
    kind = as_str(form.get("type"), "text.format.type")
    if kind != "json_schema":
        return {"type": kind}
    as_object(form.get("schema"), "text.format.schema")
    return {"type": kind, kind: _picked(form, _SCHEMA)}


def _kind(source: JsonObject, at: str) -> str:
    """The type of a tool or of a choice, in chat's words."""
    kind = source.get("type")
    if kind is None:
        raise missing(f"{at}.type")
    kind = as_str(kind, f"{at}.type")
    if kind.startswith(_SEARCH):
        return _SEARCH
    if (advice := _ADVICE.get(kind)) is not None:
        raise unsupported(f"{at}.type", f"Tools of type {kind!r} do not run here. {advice}")
    return kind


def _picked(source: JsonObject, names: tuple[str, ...]) -> JsonObject:
    return {name: source[name] for name in names if source.get(name) is not None}
