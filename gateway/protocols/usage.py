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


def read_usage(usage_metadata: object) -> Usage:
    """Read a reply's usageMetadata; anything missing or odd counts 0.

    Some backends count thoughts inside candidatesTokenCount, or tool results inside promptTokenCount; the
    total shows it, and they are taken out again.
    """
    if not isinstance(usage_metadata, dict):
        return NO_USAGE
    prompt = _count(usage_metadata, "promptTokenCount")
    completion = _count(usage_metadata, "candidatesTokenCount")
    thoughts = _count(usage_metadata, "thoughtsTokenCount")
    tool_use = _count(usage_metadata, "toolUsePromptTokenCount")
    total = _count(usage_metadata, "totalTokenCount")
    excess = prompt + completion + thoughts + tool_use - total if total else 0
    if excess > 0 and excess in (thoughts, thoughts + tool_use):
        completion = max(0, completion - thoughts)
    if excess > 0 and excess != thoughts and excess in (tool_use, thoughts + tool_use):
        prompt = max(0, prompt - tool_use)
    prompt_details = usage_metadata.get("promptTokensDetails")
    completion_details = usage_metadata.get("candidatesTokensDetails")
    return Usage(
        prompt=prompt,
        completion=completion,
        thoughts=thoughts,
        cached=_count(usage_metadata, "cachedContentTokenCount"),
        tool_use=tool_use,
        total=total or prompt + completion + thoughts + tool_use,
        prompt_audio=_modality(prompt_details, "AUDIO"),
        prompt_image=_modality(prompt_details, "IMAGE"),
        completion_audio=_modality(completion_details, "AUDIO"),
        completion_image=_modality(completion_details, "IMAGE"),
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


def _count(source: JsonObject, name: str) -> int:
    value = source.get(name, 0)
    return value if type(value) is int and value > 0 else 0


def _modality(details: object, modality: str) -> int:
    if not isinstance(details, list):
        return 0
    return sum(
        _count(detail, "tokenCount")
        for detail in details
        if isinstance(detail, dict) and detail.get("modality") == modality
    )
