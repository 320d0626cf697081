"""Tools, tool_choice and the format of an answer in a Messages request → those of a chat.

What may stand in a schema is said by tools and json_schema, which read the chat. Called by anthropic_request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.protocols.fields import (
    as_object,
    as_str,
    optional_bool,
    optional_list,
    optional_object,
    unsupported,
    wrong_value,
)
from gateway.protocols.shapes import JsonObject

# Tools that run at the provider, by how their types begin: dates follow.
_BUILT_IN: Mapping[str, str] = MappingProxyType(
    {"web_search": "web_search", "code_execution": "code_interpreter", "web_fetch": "url_context"}
)
_SEARCH_OF_TOOLS = "tool_search_tool_"
_ADVICE: Mapping[str, str] = MappingProxyType(
    {"mcp_toolset": "Connect to the server yourself, and declare its tools with an 'input_schema'."}
)
_DECLARE_IT = "Declare what it does as a tool with an 'input_schema', and run that yourself."
_MODES: Mapping[str, str] = MappingProxyType({"auto": "auto", "any": "required", "none": "none"})


@dataclass(slots=True)
class ChatTools:
    """The tools as a chat has them.

    places     where each of them stands in the client's request
    built_in   the client's names of those that run at Google
    """

    tools: list[JsonObject] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    built_in: set[str] = field(default_factory=set)

    def add(self, tool: JsonObject, at: str) -> None:
        """Take a tool. Raises BadRequest."""
        kind = "custom" if tool.get("type") is None else as_str(tool["type"], f"{at}.type")
        if kind == "custom":
            self._append({"type": "function", "function": _function(tool, at)}, at)
        elif kind.startswith(tuple(_BUILT_IN)):
            self.built_in.add(as_str(tool.get("name", ""), f"{at}.name"))
            self._append({"type": next(_BUILT_IN[name] for name in _BUILT_IN if kind.startswith(name))}, at)
        elif not kind.startswith(_SEARCH_OF_TOOLS):  # which there is no need for: all tools are declared
            raise unsupported(
                f"{at}.type",
                f"Tools of type {kind[:64]!r} do not run here. {_ADVICE.get(kind, _DECLARE_IT)}",
            )

    def _append(self, tool: JsonObject, at: str) -> None:
        self.tools.append(tool)
        self.places.append(at)


def chat_tools(body: JsonObject) -> ChatTools:
    """The tools as a chat has them. Raises BadRequest."""
    if body.get("mcp_servers"):
        raise unsupported("mcp_servers", f"Servers are not asked from here. {_ADVICE['mcp_toolset']}")
    tools = ChatTools()
    for position, entry in enumerate(optional_list(body, "tools") or ()):
        at = f"tools[{position}]"
        tools.add(as_object(entry, at), at)
    return tools


def add_choice(chat: JsonObject, body: JsonObject, tools: ChatTools) -> None:
    """Say which tools the model may call, and whether several at once. Raises BadRequest."""
    choice = optional_object(body, "tool_choice")
    if choice is None:
        return
    kind = as_str(choice.get("type"), "tool_choice.type")
    if kind in _MODES:
        chat["tool_choice"] = _MODES[kind]
    elif kind == "tool":
        name = as_str(choice.get("name"), "tool_choice.name")
        # Gemini cannot be made to use a tool that runs there.
        chat["tool_choice"] = "auto" if name in tools.built_in else {"type": "function", "name": name}
    else:
        raise wrong_value("tool_choice.type", "supported values are 'auto', 'any', 'tool' and 'none'.")
    if optional_bool(choice, "disable_parallel_tool_use", within="tool_choice."):
        chat["parallel_tool_calls"] = False


def chat_format(form: JsonObject | None, at: str) -> JsonObject | None:
    """The response_format for a format that stands `at`; None for none. Raises BadRequest."""
    if form is None:
        return None
    if as_str(form.get("type"), f"{at}.type") != "json_schema":
        raise wrong_value(f"{at}.type", "the supported value is 'json_schema'.")
    return {
        "type": "json_schema",
        "json_schema": {"schema": as_object(form.get("schema"), f"{at}.schema")},
    }


def _function(tool: JsonObject, at: str) -> JsonObject:
    function: JsonObject = {"name": as_str(tool.get("name"), f"{at}.name")}
    if tool.get("description") is not None:
        function["description"] = tool["description"]
    if tool.get("input_schema") is not None:
        function["parameters"] = tool["input_schema"]
    return function
