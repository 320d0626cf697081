"""Where the messages of a chat stand in the response request that they were made of.

The chat translation names what is at fault in a chat's words; here they become the client's. Called by
responses_request.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_NAMED_OTHERWISE = (
    (re.compile(r"\Amax_completion_tokens\Z"), "max_output_tokens"),
    (re.compile(r"\Areasoning_effort\Z"), "reasoning.effort"),
    (re.compile(r"\Aresponse_format(?:\.json_schema)?(?=\.|\Z)"), "text.format"),
    (re.compile(r"\Atool_choice\.(?:function|custom|allowed_tools)(?=\.|\Z)"), "tool_choice"),
    (re.compile(r"\A(tool_choice\.tools\[\d+\])\.(?:function|custom)\Z"), r"\1.name"),
    (re.compile(r"\A((?:tool_choice\.)?tools\[\d+\])\.(?:function|custom)(?=\.|\Z)"), r"\1"),
)
_IN_CALL = re.compile(r"\A\.(?:function|custom)(?=\.|\Z)")
_IN_TOOLS = re.compile(r"tools\[(\d{1,9})\](.*)", re.DOTALL)
_IN_MESSAGES = re.compile(r"messages\[(\d{1,9})\](?:\.tool_calls\[(\d{1,9})\])?(.*)", re.DOTALL)


@dataclass(slots=True)
class Place:
    """Where a message of the chat stands in the client's request.

    item      as `input[2]`, or the name of what no path leads into: `instructions`, `previous_response_id`
    content   the item's member that became the message's content: "content", "output", or "result"
    calls     where each of its tool calls stands, as `item`
    """

    item: str
    content: str = "content"
    calls: list[str] = field(default_factory=list)


def member(at: str, name: str) -> str:
    """The param of a member of what stands `at`; where no path leads into that, it itself."""
    return f"{at}.{name}" if at.endswith("]") else at


def client_param(param: str, places: Sequence[Place], tools: Sequence[str] = ()) -> str:
    """A field of the chat as the client knows it; the same where it has no other name.

    places   one for each of the chat's messages
    tools    where each of the chat's tools stands
    """
    if param == "messages":
        return "input"
    if (found := _IN_MESSAGES.fullmatch(param)) is not None:
        number, call, rest = int(found[1]), found[2], found[3]
        return _in_place(places[number], call, rest) if number < len(places) else param
    if (found := _IN_TOOLS.fullmatch(param)) is not None and int(found[1]) < len(tools):
        return tools[int(found[1])] + _IN_CALL.sub("", found[2])
    for pattern, name in _NAMED_OTHERWISE:
        param = pattern.sub(name, param)
    return param


def _in_place(place: Place, call: str | None, rest: str) -> str:
    """Where a part of a message stands; `rest` leads there from the message, or from its call."""
    at = place.item
    if call is not None:
        at = place.calls[int(call)] if int(call) < len(place.calls) else at
        rest = ".call_id" if rest == ".id" else _IN_CALL.sub("", rest)
    elif rest == ".tool_call_id":
        rest = ".call_id"
    elif rest.startswith(".content"):
        # A picture is one text for the client, and parts for the chat.
        inside = rest.removeprefix(".content") if place.content != "result" else ""
        rest = f".{place.content}{inside}"
    return at + rest if at.endswith("]") else at
