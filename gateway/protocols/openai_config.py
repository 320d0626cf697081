"""The parameters of a chat request → generationConfig: sampling, limits, modalities, form of the answer.

Only what the client said is said upstream. Called by openai_request.
"""

from gateway.protocols.context import ChatOptions
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
from gateway.protocols.google_extension import add_to_config, thinking_of
from gateway.protocols.json_schema import gemini_schema
from gateway.protocols.model_names import ModelTraits
from gateway.protocols.shapes import GenerationConfig, JsonObject
from gateway.protocols.thinking import thinking_config

MAX_STOP_SEQUENCES = 5
MAX_CHOICES = 128
_MODALITIES = {"text": "TEXT", "image": "IMAGE", "audio": "AUDIO"}
# A look at a request's fields for those of one group: most requests have few of them.
_SAMPLING = frozenset({"temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "seed"})
_LIMITS = frozenset({"max_completion_tokens", "max_tokens", "n", "stop"})
_FORM = frozenset({"modalities", "audio"})
_RARER = _FORM | {"logprobs", "top_logprobs", "reasoning_effort", "response_format"}


def generation_config(
    body: JsonObject,
    traits: ModelTraits,
    options: ChatOptions,
    *,
    google: JsonObject | None = None,
    has_tools: bool = False,
) -> GenerationConfig:
    """Translate everything but messages and tools. Raises BadRequest.

    google     the client's Google extension
    has_tools  the client brings tools; before Gemini 3 they leave no room for JSON
    """
    config: GenerationConfig = {}
    if not _SAMPLING.isdisjoint(body):
        _add_sampling(config, body)
    if not _LIMITS.isdisjoint(body):
        _add_limits(config, body)
    if google or traits.speaks or not _RARER.isdisjoint(body):
        _add_rarer(config, body, traits, options=options, google=google or {}, has_tools=has_tools)
    elif options.show_thoughts and traits.known_to_think:
        config["thinkingConfig"] = {"includeThoughts": True}
    return config


def choice_count(body: JsonObject) -> int:
    """How many answers the client wants. Raises BadRequest."""
    count = optional_int32(body, "n")
    if count is None:
        return 1
    if not 1 <= count <= MAX_CHOICES:
        raise wrong_value("n", f"expected an integer from 1 to {MAX_CHOICES}.")
    return count


def audio_format(body: JsonObject) -> str:
    """What the client wants sound as. Raises BadRequest."""
    audio = optional_object(body, "audio") or {}
    return optional_str(audio, "format", within="audio.") or "wav"


def _add_rarer(
    config: GenerationConfig,
    body: JsonObject,
    traits: ModelTraits,
    *,
    options: ChatOptions,
    google: JsonObject,
    has_tools: bool,
) -> None:
    if "logprobs" in body and optional_bool(body, "logprobs"):
        config["responseLogprobs"] = True
        if top_logprobs := optional_int32(body, "top_logprobs"):
            config["logprobs"] = top_logprobs
    if traits.speaks or not _FORM.isdisjoint(body):
        _add_modalities(config, body, traits)
    thinking = thinking_config(
        traits,
        effort=optional_str(body, "reasoning_effort"),
        google=thinking_of(google) if google else None,
        show_thoughts=options.show_thoughts,
    )
    if thinking is not None:
        config["thinkingConfig"] = thinking
    if "response_format" in body:
        _add_response_format(config, body, traits, has_tools=has_tools)
    if google:
        add_to_config(config, google)


def _add_sampling(config: GenerationConfig, body: JsonObject) -> None:
    # Few of them are said, and each question is a call.
    if "temperature" in body and (temperature := optional_number(body, "temperature")) is not None:
        config["temperature"] = temperature
    if "top_p" in body and (top_p := optional_number(body, "top_p")) is not None:
        config["topP"] = top_p
    if "top_k" in body and (top_k := optional_int32(body, "top_k")) is not None:
        config["topK"] = top_k
    # A penalty of 0 is OpenAI's default and many clients always write it; some models refuse the very field.
    if "presence_penalty" in body and (presence := optional_number(body, "presence_penalty")):
        config["presencePenalty"] = presence
    if "frequency_penalty" in body and (frequency := optional_number(body, "frequency_penalty")):
        config["frequencyPenalty"] = frequency
    if "seed" in body and (seed := optional_int(body, "seed")) is not None:
        # Gemini's seed has 32 bits, OpenAI's 64: the same seed still gives the same seed.
        config["seed"] = seed if -(2**31) <= seed < 2**31 else seed & 0x7FFFFFFF


def _add_limits(config: GenerationConfig, body: JsonObject) -> None:
    limit = optional_int32(body, "max_completion_tokens") if "max_completion_tokens" in body else None
    if limit is None and "max_tokens" in body:
        limit = optional_int32(body, "max_tokens")
    if limit is not None and limit > 0:  # clients write 0 or -1 for "no limit"
        config["maxOutputTokens"] = limit
    if "n" in body and (count := choice_count(body)) > 1:
        config["candidateCount"] = count
    if "stop" in body and (stop := _stop_sequences(body["stop"])):
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


def _add_modalities(config: GenerationConfig, body: JsonObject, traits: ModelTraits) -> None:
    modalities: list[str] = []
    for position, item in enumerate(optional_list(body, "modalities") or ()):
        modality = as_str(item, f"modalities[{position}]").lower()
        if modality not in _MODALITIES:
            raise wrong_value(f"modalities[{position}]", "supported values are 'text', 'image' and 'audio'.")
        modalities.append(_MODALITIES[modality])
    speaks = traits.speaks or "AUDIO" in modalities
    if speaks:
        config["responseModalities"] = ["AUDIO"]  # models that speak refuse TEXT beside it, or nothing said
    elif "IMAGE" in modalities:
        config["responseModalities"] = ["TEXT", "IMAGE"]
    audio = optional_object(body, "audio") or {}
    voice = audio.get("voice")
    if speaks and isinstance(voice, str) and voice[:1].isupper():
        # Gemini's voices are capitalised (Kore, Puck); OpenAI's (alloy) keep the model's own voice.
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}


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
