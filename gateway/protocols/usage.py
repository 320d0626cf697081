"""Token counts: Gemini's usageMetadata read once, and OpenAI's usage made of it.

Every token is counted exactly once: the parts of `Usage` never overlap. Called by the reply translations and
the relay.
"""

from dataclasses import replace

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


def read_usage(usage_metadata: object) -> Usage:
    """Read a reply's usageMetadata; anything missing or odd counts 0."""
    counts = read_counts(usage_metadata)
    if not isinstance(usage_metadata, dict):
        return counts
    prompt_audio = prompt_image = completion_audio = completion_image = 0
    if details := usage_metadata.get("promptTokensDetails"):
        prompt_audio, prompt_image = _modalities(details)
    if details := usage_metadata.get("candidatesTokensDetails"):
        completion_audio, completion_image = _modalities(details)
    if not (prompt_audio or prompt_image or completion_audio or completion_image):
        return counts
    return replace(
        counts,
        prompt_audio=prompt_audio,
        prompt_image=prompt_image,
        completion_audio=completion_audio,
        completion_image=completion_image,
    )


def read_counts(usage_metadata: object) -> Usage:
    """The same without how much of it was sound or picture: what is recorded of every call.

    Some backends count thoughts inside candidatesTokenCount, or tool results inside promptTokenCount; the
    total shows it, and they are taken out again.
    """
    if not isinstance(usage_metadata, dict):
        return NO_USAGE
    get = usage_metadata.get
    prompt = _count(get("promptTokenCount"))
    completion = _count(get("candidatesTokenCount"))
    thoughts = _count(get("thoughtsTokenCount"))
    tool_use = _count(get("toolUsePromptTokenCount"))
    total = _count(get("totalTokenCount"))
    excess = prompt + completion + thoughts + tool_use - total if total else 0
    if excess > 0:
        if excess in (thoughts, thoughts + tool_use):
            completion = max(0, completion - thoughts)
        if excess != thoughts and excess in (tool_use, thoughts + tool_use):
            prompt = max(0, prompt - tool_use)
    return Usage(
        prompt,
        completion,
        thoughts,
        _count(get("cachedContentTokenCount")),
        tool_use,
        total or prompt + completion + thoughts + tool_use,
    )


def openai_usage(usage: Usage) -> JsonObject:
    """OpenAI's `usage`: tool results count as prompt, thoughts as completion, and the sum is the total."""
    prompt_tokens = usage.prompt + usage.tool_use
    completion_tokens = usage.completion + usage.thoughts
    prompt_details = {"cached_tokens": usage.cached, "audio_tokens": usage.prompt_audio}
    completion_details = {
        "reasoning_tokens": usage.thoughts,
        "audio_tokens": usage.completion_audio,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    if usage.prompt_image:
        prompt_details["image_tokens"] = usage.prompt_image
    if usage.completion_image:
        completion_details["image_tokens"] = usage.completion_image
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": completion_details,
    }


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has, where nobody counted them.

    Source: Gemini API, tokens guide: some four characters of English make a token; of scripts beyond Latin
    most characters are one.
    """
    plain = len(text.encode("ascii", "ignore"))
    return max(1, plain // 4 + len(text) - plain)


def _count(said: object) -> int:
    return said if type(said) is int and said > 0 else 0


def _modalities(details: object) -> tuple[int, int]:
    """How many tokens are sound, and how many picture."""
    audio = image = 0
    for detail in details if isinstance(details, list) else ():
        modality = detail.get("modality") if isinstance(detail, dict) else None
        if modality in ("AUDIO", "IMAGE"):
            count = _count(detail.get("tokenCount"))
            audio += count if modality == "AUDIO" else 0
            image += count if modality == "IMAGE" else 0
    return audio, image
