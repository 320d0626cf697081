"""A chat completion request → the model to ask and the GenerateContentRequest to send.

Only what the client said is said upstream, and what the operator's settings add where it said nothing;
unknown fields are ignored. Messages are read in openai_messages, tools in tools, parameters in openai_config;
the handlers call `translate_chat`.
"""

from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from gateway.errors import BadRequest
from gateway.protocols.call_defaults import with_defaults, with_wishes
from gateway.protocols.context import ChatOptions, ReplyContext
from gateway.protocols.fields import as_str, optional_bool, optional_object, optional_str
from gateway.protocols.google_extension import PLACES, add_to_request, read_extension
from gateway.protocols.model_names import ModelTraits, model_traits, parse_model
from gateway.protocols.model_suffixes import NOTHING_KNOWN, ask_model
from gateway.protocols.openai_config import audio_format, choice_count, generation_config
from gateway.protocols.openai_messages import Conversation, read_messages
from gateway.protocols.plain_chat import plain_contents
from gateway.protocols.remote_media import NO_ATTACHMENTS, Attachments
from gateway.protocols.schema_forms import with_openapi_schemas
from gateway.protocols.shapes import GenerateContentRequest, GenerationConfig, JsonObject
from gateway.protocols.tools import FIELDS, ToolRequest, read_tools
from gateway.values import maker, value

_SERVICE_TIERS = {"flex": "flex", "priority": "priority", "default": "standard"}
_FUNCTIONS = frozenset({"functionDeclarations"})
_NO_NAMES: Mapping[str, str] = MappingProxyType({})
_NO_TOOLS: frozenset[str] = frozenset()
# What changes a request beyond its texts and generationConfig's plain members.
_BEYOND_TEXT = FIELDS | PLACES | {"response_format", "service_tier"}


@value(frozen=True, slots=True)
class ChatCall:
    """A translated chat request.

    model          the bare upstream name, for the path
    body           to be sent; `encode_body` makes bytes of it
    bare_body      the same without what the operator's settings add to it
    count          how many answers the client wants; models that give one alone refuse more
    paints         the model is the operator's painter, asked to chat
    context        for translate_reply and ChatStream
    is_plain       the messages are nothing but texts, so that they name nothing that lives upstream
    """

    model: str
    body: GenerateContentRequest
    bare_body: GenerateContentRequest
    count: int
    paints: bool
    stream: bool
    context: ReplyContext
    is_plain: bool


_new_call = maker(ChatCall)
_new_context = maker(ReplyContext)


def translate_chat(
    body: JsonObject,
    *,
    options: ChatOptions,
    known: Container[str] = NOTHING_KNOWN,
    attachments: Attachments = NO_ATTACHMENTS,
) -> ChatCall:
    """Translate one parsed chat completion request. Raises BadRequest, and nothing else, for any JSON object.

    known        the upstream's bare model names, empty when they are not known yet
    attachments  what was found for `remote_urls` and `file_ids` of the messages

    The client's parsed body must not be used afterwards: parts of it (schemas, arguments) are taken over.
    Sources: OpenAI chat completions reference; Gemini API generateContent reference.
    """
    client_model = as_str(body.get("model"), "model")
    asked = ask_model(parse_model(client_model), options.models, known=known)
    traits = model_traits(asked.name)
    request = plain = _plain_request(body, traits, options) if attachments is NO_ATTACHMENTS else None
    if request is not None:
        names, custom, legacy, show_thoughts = _NO_NAMES, _NO_TOOLS, False, options.show_thoughts
    else:
        tools = read_tools(body)
        request = _request(body, traits, tools=tools, options=options, attachments=attachments)
        names, custom, legacy = tools.names.changed(), frozenset(tools.custom), tools.legacy
        show_thoughts = _shows_thoughts(request, options)
    said: Any = request
    bare: Any = with_wishes(said, asked, traits=traits)
    full: Any = with_defaults(bare, asked, traits=traits, defaults=options.defaults)
    # By place: keywords take half as long again. And what most requests do not say is not asked for.
    context = _new_context(
        client_model,
        options.new_id,
        names,
        show_thoughts,
        "stream_options" in body and _include_usage(body),
        custom,
        "parallel_tool_calls" in body and optional_bool(body, "parallel_tool_calls") is False,
        legacy,
        "tools" in full and any(tool.keys() - _FUNCTIONS for tool in full["tools"]),
        options.list_sources and asked.search,
        options.images,
        options.signatures_in_ids,
        options.signatures,
        audio_format(body) if "audio" in body else "wav",
    )
    return _new_call(
        asked.name,
        full,
        bare,
        choice_count(body) if "n" in body else 1,
        asked.paints,
        "stream" in body and optional_bool(body, "stream") is True,
        context,
        plain is not None,
    )


def _plain_request(
    body: JsonObject, traits: ModelTraits, options: ChatOptions
) -> GenerateContentRequest | None:
    """What `_request` makes of a chat of nothing but texts that wants nothing special; None for any other."""
    if not _BEYOND_TEXT.isdisjoint(body):
        return None
    request = plain_contents(body.get("messages"), traits)
    if request is not None and (config := generation_config(body, traits, options)):
        request["generationConfig"] = config
    return request


def _shows_thoughts(request: GenerateContentRequest, options: ChatOptions) -> bool:
    thinking = request["generationConfig"].get("thinkingConfig", {}) if "generationConfig" in request else {}
    return thinking.get("includeThoughts", options.show_thoughts)


def _request(
    body: JsonObject,
    traits: ModelTraits,
    *,
    tools: ToolRequest,
    options: ChatOptions,
    attachments: Attachments,
) -> GenerateContentRequest:
    """What the client said, in Gemini's words."""
    google = read_extension(body)
    conversation = read_messages(
        body.get("messages"),
        traits=traits,
        names=tools.names,
        attachments=attachments,
        memory=options.signatures,
    )
    request: GenerateContentRequest = {"contents": conversation.contents}
    if conversation.system:
        request["systemInstruction"] = {"parts": conversation.system}
    if tools.declarations or tools.built_in:
        _add_tools(request, tools, traits)
    config = generation_config(body, traits, options, google=google, has_tools="tools" in request)
    if conversation.resolutions:
        _add_resolutions(config, conversation, traits)
    if config:
        request["generationConfig"] = config
    if google:
        add_to_request(request, google)
    if "service_tier" in body and (tier := _SERVICE_TIERS.get(optional_str(body, "service_tier") or "")):
        request["serviceTier"] = tier
    if not traits.json_schema:
        request = with_openapi_schemas(request) or request
    return request


def encode_body(request: GenerateContentRequest) -> bytes:
    """The bytes to send upstream. Raises BadRequest where the client nested its JSON too deeply."""
    try:
        return orjson.dumps(request)
    except orjson.JSONEncodeError:
        raise BadRequest("The request is nested too deeply.", code="invalid_value") from None


def _add_tools(request: GenerateContentRequest, tool_request: ToolRequest, traits: ModelTraits) -> None:
    if tools := tool_request.tools(traits):
        request["tools"] = tools
    if (tool_config := tool_request.config(traits)) is not None:
        request["toolConfig"] = tool_config


def _add_resolutions(config: GenerationConfig, conversation: Conversation, traits: ModelTraits) -> None:
    """Say `detail` once for the request where its pictures agree, else on each picture (Gemini 3)."""
    wanted = conversation.resolutions
    levels = {level for _, level in wanted}
    if len(levels) == 1:
        (level,) = levels
        if level is not None:
            config["mediaResolution"] = level
    elif traits.third_or_later:
        for part, level in wanted:
            if level is not None:
                part["mediaResolution"] = {"level": level}


def _include_usage(body: JsonObject) -> bool:
    stream_options = optional_object(body, "stream_options") or {}
    return optional_bool(stream_options, "include_usage", within="stream_options.") or False
