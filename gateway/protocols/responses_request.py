"""A response request → a chat request, and what a Response repeats of it.

So the chat translation does the rest, and says of a chat what is wrong; `renamed` turns that into the
client's words. Items are read in responses_items, tools and formats in responses_tools; the handlers call
`earlier_wanted`, look for what it names, and call `read_response_request`.
Source: OpenAI API reference, Responses.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gateway.errors import BadRequest
from gateway.protocols.fields import (
    as_object,
    as_str,
    missing,
    optional_bool,
    optional_list,
    optional_object,
    optional_str,
    unsupported,
    wrong_type,
    wrong_value,
)
from gateway.protocols.google_extension import PLACES, read_extension, thinking_of
from gateway.protocols.model_names import model_traits, parse_model
from gateway.protocols.responses_echo import read_echoed
from gateway.protocols.responses_items import REFERENCE, Messages, kind_of, listed
from gateway.protocols.responses_places import Place, client_param
from gateway.protocols.responses_tools import ChatTools, chat_choice, chat_format, chat_tools
from gateway.protocols.shapes import JsonObject
from gateway.values import value

MAX_DEPTH = 128
_ENCRYPTED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"
_NOTHING_FOUND: Mapping[str, JsonObject] = MappingProxyType({})
_QUOTED = re.compile(r"'([^']{1,256})'")


@value(frozen=True, slots=True)
class ResponseRequest:
    """A response request, read.

    chat       for `translate_chat`, which takes it over
    echoed     what a Response repeats, each member of it, the API's defaults where the client said nothing
    input      the request's own items as the API lists them; they have ids where the client gave them
    keeps      the response shall be kept
    encrypted  reasoning items shall carry signatures
    places     where each of the chat's messages stands in the client's request
    tools      of the chat, with where they stand
    """

    chat: JsonObject
    echoed: JsonObject
    input: list[JsonObject]
    keeps: bool
    encrypted: bool
    places: tuple[Place, ...]
    tools: ChatTools


def earlier_wanted(body: JsonObject) -> tuple[str | None, tuple[str, ...]]:
    """The id of the response before this one, and those of the items pointed at. Raises BadRequest."""
    items = body.get("input")
    wanted: dict[str, None] = {}
    for position, entry in enumerate(items if isinstance(items, list) else ()):
        at = f"input[{position}]"
        item = as_object(entry, at)
        if kind_of(item, at) == REFERENCE:
            wanted[as_str(item.get("id"), f"{at}.id")] = None
    return optional_str(body, "previous_response_id") or None, tuple(wanted)


def read_response_request(
    body: JsonObject,
    *,
    earlier: Sequence[JsonObject] = (),
    referenced: Mapping[str, JsonObject] = _NOTHING_FOUND,
) -> ResponseRequest:
    """Read one parsed response request. Raises BadRequest, and nothing else, for any JSON object.

    earlier      the items, input and output, of the responses before this one, the oldest first
    referenced   the items pointed at, by their ids

    What it gives shares the body's parts.
    """
    _check_depth(body)
    _refuse_what_needs_openai(body)
    chat: JsonObject = {"model": as_str(body.get("model"), "model")}
    items = _items(body, referenced)
    messages = Messages()
    if instructions := optional_str(body, "instructions"):
        messages.say("system", instructions, Place("instructions"))
    for item in earlier:
        messages.add(item, "previous_response_id")
    for item, at in items:
        messages.add(item, at)
    messages.end()
    if not messages.messages:
        raise wrong_value("input", "at least one message is needed.")
    chat["messages"] = messages.messages
    included = _included(body)
    echoed = read_echoed(body)
    tools = chat_tools(body)
    if tools.tools:
        chat["tools"] = tools.tools
    _add_parameters(chat, body, echoed, logprobs=_LOGPROBS in included)
    _add_thinking(chat, body, echoed["reasoning"])
    return ResponseRequest(
        chat=chat,
        echoed=echoed,
        input=[listed(item) for item, _ in items],
        keeps=echoed["store"],
        encrypted=_ENCRYPTED in included,
        places=tuple(messages.places),
        tools=tools,
    )


def renamed(error: BadRequest, request: ResponseRequest) -> BadRequest:
    """What was said of the chat request, said of the client's: `messages[3].content` → `input[2].content`."""
    if error.param is None:
        return error

    def client_name(param: str) -> str:
        return client_param(param, request.places, request.tools.places)

    message = _QUOTED.sub(lambda quoted: f"'{client_name(quoted[1])}'", error.message)
    return BadRequest(message, status=error.status, param=client_name(error.param), code=error.code)


def _check_depth(body: JsonObject) -> None:
    """See that what is repeated and kept can be written: orjson reads deeper than it writes."""
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for container in level:
            inner = container.values() if isinstance(container, dict) else container
            deeper += [entry for entry in inner if isinstance(entry, dict | list)]
        if not deeper:
            return
        level = deeper
    raise BadRequest("The request is nested too deeply.", code="invalid_value")


def _refuse_what_needs_openai(body: JsonObject) -> None:
    if optional_bool(body, "background"):
        raise unsupported(
            "background", "Responses are not made in the background here; leave it out, and stream instead."
        )
    if body.get("conversation") is not None:
        raise unsupported(
            "conversation",
            "Conversations do not live here; use 'previous_response_id', or send all items in 'input'.",
        )
    if body.get("prompt") is not None:
        raise unsupported(
            "prompt", "Prompt templates live at OpenAI; send their text in 'instructions' and 'input'."
        )


def _items(body: JsonObject, referenced: Mapping[str, JsonObject]) -> list[tuple[JsonObject, str]]:
    """The request's own items, each with where it stands; what was pointed at is in its place."""
    given = body.get("input")
    if isinstance(given, str):
        return [({"role": "user", "content": given}, "input")]
    if given is None:
        if body.get("previous_response_id"):
            return []
        raise missing("input")
    if not isinstance(given, list):
        raise wrong_type("input", "a string or an array", given)
    items: list[tuple[JsonObject, str]] = []
    for position, entry in enumerate(given):
        at = f"input[{position}]"
        item = as_object(entry, at)
        if kind_of(item, at) == REFERENCE:
            at = f"{at}.id"
            item = _found(as_str(item.get("id"), at), referenced)
        items.append((item, at))
    return items


def _found(item_id: str, referenced: Mapping[str, JsonObject]) -> JsonObject:
    item = referenced.get(item_id)
    if item is None or item.get("type") == REFERENCE:
        raise BadRequest(
            f"Item with id '{item_id[:128]}' not found. Items are kept with their response for some days, "
            "where 'store' is not false; send the item itself, or leave it out.",
            status=404,
            param="input",
        )
    return item


def _included(body: JsonObject) -> frozenset[str]:
    wanted = optional_list(body, "include") or ()
    return frozenset(as_str(name, f"include[{position}]") for position, name in enumerate(wanted))


def _add_parameters(chat: JsonObject, body: JsonObject, echoed: JsonObject, *, logprobs: bool) -> None:
    """What the client said beside its messages; what it did not say is not said of the chat either."""
    for name in ("temperature", "top_p", "parallel_tool_calls", "stream"):
        if body.get(name) is not None:
            chat[name] = body[name]
    if echoed["max_output_tokens"] is not None:
        chat["max_completion_tokens"] = echoed["max_output_tokens"]
    if body.get("service_tier") not in (None, "auto"):
        chat["service_tier"] = echoed["service_tier"]
    if logprobs or echoed["top_logprobs"]:
        chat["logprobs"] = True
        chat["top_logprobs"] = echoed["top_logprobs"]
    if body.get("tool_choice") is not None:
        chat["tool_choice"] = chat_choice(body["tool_choice"])
    if (form := chat_format(echoed["text"])) is not None and form["type"] != "text":
        chat["response_format"] = form
    optional_object(body, "stream_options")


def _add_thinking(chat: JsonObject, body: JsonObject, reasoning: JsonObject) -> None:
    """The effort, Google's own members, and the thoughts where a summary of them is wanted.

    To a model that does not think, or is not to, nothing is said of its thoughts: it would refuse.
    """
    effort = reasoning["effort"]
    if effort is not None:
        chat["reasoning_effort"] = effort
    for place in PLACES & body.keys():
        chat[place] = body[place]
    if reasoning["summary"] is None or effort == "none":
        return
    if not model_traits(parse_model(chat["model"])).known_to_think:
        return
    google = read_extension(body)
    thinking = thinking_of(google) or {}
    if thinking.get("include_thoughts") is None and thinking.get("includeThoughts") is None:
        chat["google"] = {**google, "thinking_config": {**thinking, "include_thoughts": True}}
