"""Token counts: Gemini's usageMetadata read once, and OpenAI's usage made of it.

Every token is counted exactly once: the parts of `Usage` never overlap. Called by the reply translations and
the relay.
"""

from gateway.protocols.shapes import JsonObject
from gateway.values import value


@value(frozen=True, slots=True)
class Usage:
    """What one call used, in tokens.

    prompt      the client's input, cached ones included, tool results not
    completion  the answer, thoughts not included
    tool_use    what server-side tools (search, url context) fed in
    cached      the part of `prompt` that came from a cache
    """

    prompt: int = 0
    completion: int = 0
    thoughts: int = 0
    cached: int = 0
    tool_use: int = 0
    total: int = 0
    prompt_audio: int = 0
    prompt_image: int = 0
    completion_audio: int = 0
    completion_image: int = 0


NO_USAGE = Usage()
Counts = tuple[int, int, int, int, int, int]
"""The first of Usage's fields, from `prompt` to `total`."""
Modalities = tuple[int, int, int, int]
"""The others, from `prompt_audio` to `completion_image`."""
_NOTHING: Counts = (0, 0, 0, 0, 0, 0)
_NO_MODALITIES: Modalities = (0, 0, 0, 0)
_DETAILS = frozenset({"promptTokensDetails", "candidatesTokensDetails"})


def read_usage(usage_metadata: object) -> Usage:
    """Read a reply's usageMetadata; anything missing or odd counts 0."""
    return Usage(*read_counts(usage_metadata), *_read_modalities(usage_metadata))


def read_counts(usage_metadata: object) -> Counts:
    """The same without how much of it was sound or picture: what is recorded of every call.

    Some backends count thoughts inside candidatesTokenCount, or tool results inside promptTokenCount; the
    total shows it, and they are taken out again.
    """
    if not isinstance(usage_metadata, dict):
        return _NOTHING
    get = usage_metadata.get
    # Written out: a function for each of six would take as long as all the rest.
    prompt = said if type(said := get("promptTokenCount")) is int and said > 0 else 0
    completion = said if type(said := get("candidatesTokenCount")) is int and said > 0 else 0
    thoughts = said if type(said := get("thoughtsTokenCount")) is int and said > 0 else 0
    cached = said if type(said := get("cachedContentTokenCount")) is int and said > 0 else 0
    tool_use = said if type(said := get("toolUsePromptTokenCount")) is int and said > 0 else 0
    total = said if type(said := get("totalTokenCount")) is int and said > 0 else 0
    whole = prompt + completion + thoughts + tool_use
    excess = whole - total if total else 0
    if excess <= 0:
        return prompt, completion, thoughts, cached, tool_use, total or whole
    if excess in (thoughts, thoughts + tool_use):
        completion = max(0, completion - thoughts)
    if excess != thoughts and excess in (tool_use, thoughts + tool_use):
        prompt = max(0, prompt - tool_use)
    return prompt, completion, thoughts, cached, tool_use, total


def openai_usage(usage: Usage) -> JsonObject:
    """OpenAI's `usage`: tool results count as prompt, thoughts as completion, and the sum is the total."""
    counts = usage.prompt, usage.completion, usage.thoughts, usage.cached, usage.tool_use, usage.total
    modalities = usage.prompt_audio, usage.prompt_image, usage.completion_audio, usage.completion_image
    return _openai_usage(counts, modalities)


def openai_usage_of(usage_metadata: object) -> JsonObject:
    """The same of a reply's usageMetadata."""
    return _openai_usage(read_counts(usage_metadata), _read_modalities(usage_metadata))


def _openai_usage(counts: Counts, modalities: Modalities) -> JsonObject:
    prompt, completion, thoughts, cached, tool_use, _ = counts
    prompt_audio, prompt_image, completion_audio, completion_image = modalities
    prompt_tokens = prompt + tool_use
    completion_tokens = completion + thoughts
    prompt_details = {"cached_tokens": cached, "audio_tokens": prompt_audio}
    completion_details = {
        "reasoning_tokens": thoughts,
        "audio_tokens": completion_audio,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    if prompt_image:
        prompt_details["image_tokens"] = prompt_image
    if completion_image:
        completion_details["image_tokens"] = completion_image
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": completion_details,
    }


def response_usage_of(usage_metadata: object) -> JsonObject | None:
    """The `usage` of OpenAI's Responses, None where the upstream told none; sums are as in chat's."""
    if not isinstance(usage_metadata, dict):
        return None
    prompt, completion, thoughts, cached, tool_use, _ = read_counts(usage_metadata)
    return {
        "input_tokens": prompt + tool_use,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": completion + thoughts,
        "output_tokens_details": {"reasoning_tokens": thoughts},
        "total_tokens": prompt + tool_use + completion + thoughts,
    }


def anthropic_usage_of(usage_metadata: object) -> JsonObject:
    """The `usage` of Anthropic's Messages, 0 for what the upstream did not tell.

    Source: Anthropic API, Messages: the input is the sum of input_tokens and those read from or written to a
    cache; thinking is part of output_tokens.
    """
    prompt, completion, thoughts, cached, tool_use, _ = read_counts(usage_metadata)
    return {
        "input_tokens": max(0, prompt - cached) + tool_use,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": completion + thoughts,
        "output_tokens_details": {"thinking_tokens": thoughts},
    }


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has, where nobody counted them.

    Source: Gemini API, tokens guide: some four characters of English make a token; of scripts beyond Latin
    most characters are one.
    """
    plain = len(text.encode("ascii", "ignore"))
    return max(1, plain // 4 + len(text) - plain)


def _read_modalities(usage_metadata: object) -> Modalities:
    if not isinstance(usage_metadata, dict) or _DETAILS.isdisjoint(usage_metadata):
        return _NO_MODALITIES
    prompt_audio, prompt_image = _modalities(usage_metadata.get("promptTokensDetails"))
    completion_audio, completion_image = _modalities(usage_metadata.get("candidatesTokensDetails"))
    return prompt_audio, prompt_image, completion_audio, completion_image


def _modalities(details: object) -> tuple[int, int]:
    """How many tokens are sound, and how many picture."""
    audio = image = 0
    for detail in details if isinstance(details, list) else ():
        modality = detail.get("modality") if isinstance(detail, dict) else None
        if modality in ("AUDIO", "IMAGE"):
            count = detail.get("tokenCount")
            if type(count) is int and count > 0:
                audio += count if modality == "AUDIO" else 0
                image += count if modality == "IMAGE" else 0
    return audio, image
