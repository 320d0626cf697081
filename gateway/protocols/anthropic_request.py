"""A Messages request → a chat request, so that the chat translation does the rest.

It says of a chat what is wrong, and `renamed` turns that into the client's words. Messages are read in
anthropic_messages, tools and formats in anthropic_tools; the handlers call this.
Source: Anthropic API reference, Messages.
"""

from gateway.errors import BadRequest
from gateway.protocols.anthropic_messages import Messages
from gateway.protocols.anthropic_places import Place, client_param
from gateway.protocols.anthropic_tools import ChatTools, add_choice, chat_format, chat_tools
from gateway.protocols.fields import (
    as_list,
    as_object,
    as_str,
    missing,
    optional_bool,
    optional_int32,
    optional_list,
    optional_object,
    optional_str,
    wrong_value,
)
from gateway.protocols.google_extension import PLACES, read_extension, thinking_of
from gateway.protocols.model_names import ModelTraits, model_traits, parse_model
from gateway.protocols.shapes import JsonObject
from gateway.protocols.thinking import budget_config
from gateway.values import value

_SAME = ("temperature", "top_p", "top_k")


@value(frozen=True, slots=True)
class MessagesRequest:
    """A Messages request, read.

    chat     for `translate_chat`, which takes it over
    stream   the client wants events
    places   where each of the chat's messages stands in the client's request
    tools    of the chat, with where they stand
    form     where the format of the answer stands
    """

    chat: JsonObject
    stream: bool
    places: tuple[Place, ...]
    tools: ChatTools
    form: str


def read_messages_request(body: JsonObject) -> MessagesRequest:
    """Read one parsed Messages request. Raises BadRequest, and nothing else, for any JSON object.

    What it gives shares the body's parts.
    """
    request = read_count_request(body)
    limit = optional_int32(body, "max_tokens")
    if limit is None:
        raise missing("max_tokens")
    if limit < 0:
        raise wrong_value("max_tokens", "it must not be negative.")
    # 0 asks for a prefix to be kept and for no answer; chat would read it as no limit.
    request.chat["max_completion_tokens"] = max(limit, 1)
    return request


def read_count_request(body: JsonObject) -> MessagesRequest:
    """The same for a request whose tokens shall be counted: nothing is said of how long the answer may be."""
    chat: JsonObject = {"model": as_str(body.get("model"), "model")}
    messages = Messages()
    messages.add_system(body.get("system"))
    entries = as_list(body.get("messages"), "messages")
    if not entries:
        raise wrong_value("messages", "at least one message is needed.")
    for position, entry in enumerate(entries):
        at = f"messages[{position}]"
        messages.add(as_object(entry, at), at)
    chat["messages"] = messages.messages
    tools = chat_tools(body)
    if tools.tools:
        chat["tools"] = tools.tools
    add_choice(chat, body, tools)
    for name in _SAME:
        if body.get(name) is not None:
            chat[name] = body[name]
    if stop := optional_list(body, "stop_sequences"):
        chat["stop"] = stop
    stream = optional_bool(body, "stream") is True
    if stream:
        chat["stream"] = True
    output = optional_object(body, "output_config") or {}
    form = "output_format" if output.get("format") is None else "output_config.format"
    if (response_format := _response_format(body, output, form)) is not None:
        chat["response_format"] = response_format
    _add_thinking(chat, body, optional_str(output, "effort", within="output_config."))
    return MessagesRequest(chat=chat, stream=stream, places=tuple(messages.places), tools=tools, form=form)


def renamed(error: BadRequest, request: MessagesRequest) -> BadRequest:
    """What was said of the chat request, said of the client's: `max_completion_tokens` → `max_tokens`."""
    if error.param is None:
        return error
    param = client_param(error.param, request.places, request.tools.places, form=request.form)
    message = error.message.replace(f"'{error.param}'", f"'{param}'")
    return BadRequest(message, status=error.status, param=param, code=error.code)


def _response_format(body: JsonObject, output: JsonObject, form: str) -> JsonObject | None:
    # Its place before it became a part of output_config.
    if form == "output_format":
        return chat_format(optional_object(body, form), form)
    return chat_format(optional_object(output, "format", within="output_config."), form)


def _add_thinking(chat: JsonObject, body: JsonObject, effort: str | None) -> None:
    """The effort, how much to think, and Google's own members, which win over `thinking`."""
    for place in PLACES & body.keys():
        chat[place] = body[place]
    if effort is not None:
        chat["reasoning_effort"] = effort
    wanted = optional_object(body, "thinking")
    kind = None if wanted is None else as_str(wanted.get("type"), "thinking.type")
    traits = model_traits(parse_model(chat["model"]))
    config = _thinking_config(wanted or {}, kind, traits)
    if not traits.known_to_think:
        return  # it would refuse
    if kind == "disabled":
        chat["reasoning_effort"] = "none"
    google = read_extension(body)
    if config and not thinking_of(google):
        chat["google"] = {**google, "thinking_config": config}


def _thinking_config(wanted: JsonObject, kind: str | None, traits: ModelTraits) -> JsonObject:
    """What `thinking` says in Google's words: how much (from Gemini 3 on a level), and whether it is told.

    Thoughts nobody asked for are not told, whatever the operator chose: clients take an answer's first block
    for its text.
    """
    if kind == "between_tools":
        return {}
    if kind is None or kind == "disabled":
        return {"include_thoughts": False}
    shows = {"include_thoughts": optional_str(wanted, "display", within="thinking.") != "omitted"}
    if kind == "adaptive":
        return shows
    if kind != "enabled":
        raise wrong_value(
            "thinking.type", "supported values are 'adaptive', 'between_tools', 'disabled' and 'enabled'."
        )
    budget = optional_int32(wanted, "budget_tokens", within="thinking.")
    if budget is None:
        raise missing("thinking.budget_tokens")
    return {**budget_config(traits, budget), **shows}
