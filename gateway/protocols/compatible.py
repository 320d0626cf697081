"""Google's own form of OpenAI's API: what its answers show, and the failures that say nothing of a key.

Nothing is translated here: requests and answers travel as they are, and are only read. Pure; called by
handlers/openai_compatible and through the plan by the relay.
"""

from dataclasses import replace
from typing import Any

from gateway.protocols.failures import Failure, FailureKind, classify_error
from gateway.protocols.reply_signs import NOTHING_SEEN, ReplySigns, opened
from gateway.protocols.shapes import JsonObject

DONE = b"[DONE]"
# OpenAI's words for the ends of an answer, in those of Gemini that the relay judges by.
_FINISHED = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "function_call": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
}
_NO_CONTENT = frozenset({"role", "refusal", "annotations"})


def read_chat_signs(event: object) -> ReplySigns:
    """What a chat completion or one of its chunks shows. Never raises, whatever the types inside.

    event   the parsed JSON; also a one-element list, in which this endpoint wraps its errors
    """
    event = opened(event)
    if not isinstance(event, dict):
        return NOTHING_SEEN
    if (error := event.get("error")) is not None:
        return ReplySigns(error=classify_error(error))
    has_content = False
    finish_reason: str | None = None
    choices = event.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        message = choice.get("delta") or choice.get("message")
        if isinstance(message, dict):
            has_content = has_content or _has_content(message)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            finish_reason = _FINISHED.get(reason, "STOP")
    usage = event.get("usage")
    return ReplySigns(
        has_content=has_content,
        finish_reason=finish_reason,
        usage=_usage_metadata(usage) if isinstance(usage, dict) else None,
    )


def read_other_signs(reply: object) -> ReplySigns:
    """What an answer shows that is no chat's: what it used."""
    usage = reply.get("usage") if isinstance(reply, dict) else None
    return replace(NOTHING_SEEN, usage=_usage_metadata(usage)) if isinstance(usage, dict) else NOTHING_SEEN


def is_endpoints_refusal(failure: Failure) -> bool:
    """True where this endpoint itself refuses, whatever the key may do elsewhere.

    It is reported to refuse newer kinds of keys with a 401 at times; and an upstream that is not Google's may
    not have it at all: its 404 names no model.
    """
    if failure.status == 401:
        return True
    return failure.kind is FailureKind.NOT_FOUND and "models/" not in failure.message


def _has_content(message: JsonObject) -> bool:
    return any(bool(value) for name, value in message.items() if name not in _NO_CONTENT)


def _usage_metadata(usage: JsonObject) -> JsonObject:
    """The counts in Gemini's words; what the total has beyond the two are thoughts."""
    prompt = _count(usage, "prompt_tokens") or _count(usage, "input_tokens")
    completion = _count(usage, "completion_tokens") or _count(usage, "output_tokens")
    total = _count(usage, "total_tokens")
    metadata = {"promptTokenCount": prompt, "candidatesTokenCount": completion}
    if total > prompt + completion:
        metadata["thoughtsTokenCount"] = total - prompt - completion
    details = usage.get("prompt_tokens_details")
    if isinstance(details, dict) and (cached := _count(details, "cached_tokens")):
        metadata["cachedContentTokenCount"] = cached
    return metadata


def _count(source: dict[str, Any], name: str) -> int:
    value = source.get(name)
    return value if type(value) is int and value > 0 else 0
