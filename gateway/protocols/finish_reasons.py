"""Why a candidate ended: Gemini's finishReason and blockReason in OpenAI's words.

Called by the unary and the streamed reply translation. New reasons appear often; unknown ones are a stop.
"""

from gateway.protocols.reason_names import FINISH_REASONS
from gateway.protocols.shapes import JsonObject

_LENGTH = frozenset({"MAX_TOKENS", "CONTINUATION"})
_FILTERED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "LANGUAGE",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "ESCALATION",
        "MODEL_ARMOR",
    }
)


def reason_name(reason: object) -> str | None:
    """The reason's name, also for its number; None while the candidate has not ended."""
    if isinstance(reason, int) and not isinstance(reason, bool):
        reason = FINISH_REASONS[reason] if 0 <= reason < len(FINISH_REASONS) else "OTHER"
    if not isinstance(reason, str) or reason in ("", "FINISH_REASON_UNSPECIFIED"):
        return None
    return reason


def openai_finish(reason: str | None, *, called: bool, legacy_calls: bool = False) -> str:
    """OpenAI's finish_reason: stop, length, content_filter, tool_calls or function_call.

    reason  a name as `reason_name` gives it
    called  the reply holds at least one function call
    """
    if reason in _LENGTH:
        return "length"
    if reason in _FILTERED:
        return "content_filter"
    if called:
        return "function_call" if legacy_calls else "tool_calls"
    return "stop"


def is_filtered(reason: str | None) -> bool:
    return reason in _FILTERED


def block_text(reply: JsonObject) -> str | None:
    """Words for a blocked prompt (promptFeedback.blockReason), or None when the prompt was not blocked."""
    feedback = reply.get("promptFeedback")
    if not isinstance(feedback, dict):
        return None
    reason = feedback.get("blockReason")
    if not reason:
        return None
    return _sentence("The prompt was blocked", reason, feedback.get("blockReasonMessage"))


def withheld_text(reason: str, message: object) -> str:
    """Words for an answer of which nothing could be given."""
    return _sentence("The answer was withheld", reason, message)


def _sentence(start: str, reason: object, message: object) -> str:
    text = f"{start} by Gemini: {reason}"
    return f"{text}. {message}" if isinstance(message, str) and message else f"{text}."
