"""Where the messages of a chat stand in the Messages request that they were made of.

The chat translation names what is at fault in a chat's words; here they become the client's. Called by
anthropic_request.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_NAMED_OTHERWISE = (
    (re.compile(r"\Amax_completion_tokens\Z"), "max_tokens"),
    (re.compile(r"\Astop(?=\[|\Z)"), "stop_sequences"),
    (re.compile(r"\Areasoning_effort\Z"), "output_config.effort"),
    (re.compile(r"\Atool_choice\.function(?=\.|\Z)"), "tool_choice"),
)
_FORMAT = re.compile(r"response_format(?:\.json_schema)?((?:\..*)?)", re.DOTALL)
_IN_TOOLS = re.compile(r"tools\[(\d{1,9})\]\.function(\..*)?", re.DOTALL)
_IN_MESSAGES = re.compile(
    r"messages\[(\d{1,9})\](?:\.(content|tool_calls)(?:\[(\d{1,9})\])?)?(.*)", re.DOTALL
)
_OF_CALLS = (("function.arguments", "input"), ("function.name", "name"), ("id", "id"))


@dataclass(slots=True)
class Place:
    """Where a message of the chat stands in the client's request.

    item     as `messages[2]`, `messages[2].content[0]` for a tool's result, or `system`
    parts    where what each part of its content holds stands: `messages[2].content[1].source.data`
    calls    where each of its tool calls stands: `messages[2].content[3]`
    """

    item: str
    parts: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


def client_param(param: str, places: Sequence[Place], tools: Sequence[str], *, form: str) -> str:
    """A field of the chat as the client knows it; the same where it has no other name.

    places   one for each of the chat's messages
    tools    where each of the chat's tools stands
    form     where the format of the answer stands
    """
    if (found := _IN_MESSAGES.fullmatch(param)) is not None:
        number = int(found[1])
        return _in_place(places[number], found[2], found[3], found[4]) if number < len(places) else param
    if (found := _IN_TOOLS.fullmatch(param)) is not None and int(found[1]) < len(tools):
        return tools[int(found[1])] + (found[2] or "").replace(".parameters", ".input_schema", 1)
    if (found := _FORMAT.fullmatch(param)) is not None:
        return form + found[1]
    for pattern, name in _NAMED_OTHERWISE:
        param = pattern.sub(name, param)
    return param


def _in_place(place: Place, member: str | None, position: str | None, rest: str) -> str:
    """Where a part of a message stands: `member` is its content or its calls, `rest` leads on from there."""
    if member is None:
        return place.item + (".tool_use_id" if rest == ".tool_call_id" else rest)
    number = int(position or 0)
    inside = place.parts if member == "content" else place.calls
    if number >= len(inside):
        return place.item
    if member == "content":
        return inside[number]
    for chats, clients in _OF_CALLS:
        if rest == f".{chats}":
            return f"{inside[number]}.{clients}"
    return inside[number]
