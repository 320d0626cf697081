"""A chat completion request → the model to ask and the GenerateContentRequest to send.

Only what the client said is said upstream: no defaults are injected and unknown fields are ignored.
Messages are read in openai_messages, tools in tools; the handlers call `translate_chat`.
"""

from dataclasses import dataclass

import orjson

from gateway.errors import BadRequest
from gateway.protocols.context import ChatOptions, ReplyContext
from gateway.protocols.fields import (
    as_object,
    as_str,
    optional_bool,
    optional_int,
    optional_int32,
    optional_list,
    optional_number,
    optional_object,
    optional_str,
    wrong_type,
    wrong_value,
)
from gateway.protocols.json_schema import gemini_schema
from gateway.protocols.model_names import ModelTraits, model_traits, parse_model
from gateway.protocols.openai_messages import Conversation, read_messages
from gateway.protocols.remote_media import NO_ATTACHMENTS, Attachments
from gateway.protocols.shapes import GenerateContentRequest, GenerationConfig, JsonObject
from gateway.protocols.thinking import thinking_config
from gateway.protocols.tools import ToolRequest, read_tools

MAX_STOP_SEQUENCES = 5
_SERVICE_TIERS = {"flex": "flex", "priority": "priority", "default": "standard"}
_MODALITIES = {"text": "TEXT", "image": "IMAGE", "audio": "AUDIO"}


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A translated chat request.

    model          the bare upstream name, for the path
    client_model   as the client wrote it
    body           to be sent; `encode_body` makes bytes of it
    include_usage  the client asked for the usage chunk of a stream
    context        for translate_reply and ChatStream
    """

    model: str
    client_model: str
    body: GenerateContentRequest
    stream: bool
    include_usage: bool
    context: ReplyContext


def translate_chat(
    body: JsonObject, *, options: ChatOptions, attachments: Attachments = NO_ATTACHMENTS
) -> ChatCall:
    """Translate one parsed chat completion request. Raises BadRequest, and nothing else, for any JSON object.

    attachments  what was found for `remote_urls` and `file_ids` of the messages

    The client's parsed body must not be used afterwards: parts of it (schemas, arguments) are taken over.
    Sources: OpenAI chat completions reference; Gemini API generateContent reference.
    """
    client_model = as_str(body.get("model"), "model")
    model = parse_model(client_model)
    traits = model_traits(model)
    tool_request = read_tools(body)
    conversation = read_messages(
        body.get("messages"), traits=traits, names=tool_request.names, attachments=attachments
    )
    google = _google_extension(body)
    request: GenerateContentRequest = {"contents": conversation.contents}
    if conversation.system:
        request["systemInstruction"] = {"parts": conversation.system}
    _add_tools(request, tool_request, traits)
    config = _generation_config(body, traits, google=google, options=options)
    _add_response_format(config, body, traits, has_tools="tools" in request)
    _add_resolutions(config, conversation, traits)
    if config:
        request["generationConfig"] = config
    _add_extension(request, google)
    tier = _SERVICE_TIERS.get(optional_str(body, "service_tier") or "")
    if tier is not None:
        request["serviceTier"] = tier
    include_usage = _include_usage(body)
    thoughts_asked = config.get("thinkingConfig", {}).get("includeThoughts")
    context = ReplyContext(
        client_model=client_model,
        new_id=options.new_id,
        tool_names=tool_request.names.changed(),
        show_thoughts=options.show_thoughts if thoughts_asked is None else thoughts_asked,
        include_usage=include_usage,
        single_call=optional_bool(body, "parallel_tool_calls") is False,
        legacy_calls=tool_request.legacy,
        keep_text=bool(tool_request.built_in),
        images=options.images,
        signatures_in_ids=options.signatures_in_ids,
        audio_format=_audio_format(body),
    )
    return ChatCall(
        model=model,
        client_model=client_model,
        body=request,
        stream=optional_bool(body, "stream") or False,
        include_usage=include_usage,
        context=context,
    )


def encode_body(request: GenerateContentRequest) -> bytes:
    """The bytes to send upstream. Raises BadRequest where the client nested its JSON too deeply."""
    try:
        return orjson.dumps(request)
    except orjson.JSONEncodeError:
        raise BadRequest("The request is nested too deeply.", code="invalid_value") from None


def _generation_config(
    body: JsonObject, traits: ModelTraits, *, google: JsonObject, options: ChatOptions
) -> GenerationConfig:
    config: GenerationConfig = {}
    _add_sampling(config, body)
    _add_limits(config, body)
    if optional_bool(body, "logprobs"):
        config["responseLogprobs"] = True
        if top_logprobs := optional_int32(body, "top_logprobs"):
            config["logprobs"] = top_logprobs
    _add_modalities(config, body)
    thinking = thinking_config(
        traits,
        effort=optional_str(body, "reasoning_effort"),
        google=_first_object(google, "thinking_config", "thinkingConfig", within="google."),
        show_thoughts=options.show_thoughts,
    )
    if thinking is not None:
        config["thinkingConfig"] = thinking
    return config


def _add_sampling(config: GenerationConfig, body: JsonObject) -> None:
    if (temperature := optional_number(body, "temperature")) is not None:
        config["temperature"] = temperature
    if (top_p := optional_number(body, "top_p")) is not None:
        config["topP"] = top_p
    if (top_k := optional_int32(body, "top_k")) is not None:
        config["topK"] = top_k
    # A penalty of 0 is OpenAI's default and many clients always write it; some models refuse the very field.
    if presence_penalty := optional_number(body, "presence_penalty"):
        config["presencePenalty"] = presence_penalty
    if frequency_penalty := optional_number(body, "frequency_penalty"):
        config["frequencyPenalty"] = frequency_penalty
    if (seed := optional_int(body, "seed")) is not None:
        # Gemini's seed has 32 bits, OpenAI's 64: the same seed still gives the same seed.
        config["seed"] = seed if -(2**31) <= seed < 2**31 else seed & 0x7FFFFFFF


def _add_limits(config: GenerationConfig, body: JsonObject) -> None:
    limit = optional_int32(body, "max_completion_tokens")
    if limit is None:
        limit = optional_int32(body, "max_tokens")
    if limit is not None and limit > 0:  # clients write 0 or -1 for "no limit"
        config["maxOutputTokens"] = limit
    count = optional_int32(body, "n")
    if count is not None and not 1 <= count <= 128:
        raise wrong_value("n", "expected an integer from 1 to 128.")
    if count is not None and count > 1:
        config["candidateCount"] = count
    if stop := _stop_sequences(body.get("stop")):
        config["stopSequences"] = stop


def _stop_sequences(stop: object) -> list[str]:
    if stop is None:
        return []
    if isinstance(stop, str):
        return [stop] if stop else []
    if not isinstance(stop, list):
        raise wrong_type("stop", "a string or an array of strings", stop)
    sequences = [as_str(item, f"stop[{position}]") for position, item in enumerate(stop)]
    return [sequence for sequence in sequences if sequence][:MAX_STOP_SEQUENCES]


def _add_modalities(config: GenerationConfig, body: JsonObject) -> None:
    modalities: list[str] = []
    for position, item in enumerate(optional_list(body, "modalities") or ()):
        modality = as_str(item, f"modalities[{position}]").lower()
        if modality not in _MODALITIES:
            raise wrong_value(f"modalities[{position}]", "supported values are 'text', 'image' and 'audio'.")
        modalities.append(_MODALITIES[modality])
    if "AUDIO" in modalities:
        config["responseModalities"] = ["AUDIO"]  # models that speak refuse TEXT beside it
    elif "IMAGE" in modalities:
        config["responseModalities"] = ["TEXT", "IMAGE"]
    audio = optional_object(body, "audio") or {}
    voice = optional_str(audio, "voice", within="audio.") if isinstance(audio.get("voice"), str) else None
    if "AUDIO" in modalities and voice and voice[0].isupper():
        # Gemini's voices are capitalised (Kore, Puck); OpenAI's (alloy) keep the model's own voice.
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}


def _audio_format(body: JsonObject) -> str:
    audio = optional_object(body, "audio") or {}
    return optional_str(audio, "format", within="audio.") or "wav"


def _add_response_format(
    config: GenerationConfig, body: JsonObject, traits: ModelTraits, *, has_tools: bool
) -> None:
    wanted = optional_object(body, "response_format")
    if wanted is None:
        return
    kind = as_str(wanted.get("type"), "response_format.type")
    if kind not in ("text", "json_object", "json_schema"):
        raise wrong_value(
            "response_format.type", "supported values are 'text', 'json_object' and 'json_schema'."
        )
    if kind == "text":
        return
    schema: JsonObject | None = None
    if kind == "json_schema":
        named = as_object(wanted.get("json_schema"), "response_format.json_schema")
        schema = optional_object(named, "schema", within="response_format.json_schema.")
    if has_tools and not traits.third_or_later:
        return  # older models refuse JSON together with tools, and the tools are what the client waits for
    config["responseMimeType"] = "application/json"
    if schema:
        config["responseJsonSchema"] = gemini_schema(schema, param="response_format.json_schema.schema")


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


def _google_extension(body: JsonObject) -> JsonObject:
    """Google's own fields, at the top of the body or under `extra_body`: both are written."""
    extra_body = optional_object(body, "extra_body") or {}
    nested = optional_object(extra_body, "google", within="extra_body.") or {}
    return {**nested, **(optional_object(body, "google") or {})}


def _add_extension(request: GenerateContentRequest, google: JsonObject) -> None:
    cached = google.get("cached_content", google.get("cachedContent"))
    if cached is not None:
        request["cachedContent"] = as_str(cached, "google.cached_content")
    snake = "safety_settings" if "safety_settings" in google else "safetySettings"
    settings = optional_list(google, snake, within="google.")
    if settings is not None:
        request["safetySettings"] = [
            as_object(setting, f"google.{snake}[{position}]") for position, setting in enumerate(settings)
        ]


def _include_usage(body: JsonObject) -> bool:
    stream_options = optional_object(body, "stream_options") or {}
    return optional_bool(stream_options, "include_usage", within="stream_options.") or False


def _first_object(source: JsonObject, *names: str, within: str) -> JsonObject | None:
    for name in names:
        if (found := optional_object(source, name, within=within)) is not None:
            return found
    return None
