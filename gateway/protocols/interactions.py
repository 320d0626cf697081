"""What must be read of the Interactions API: which model, whether it streams, how it ends, what it used.

Bodies and answers are passed on as they come; their names are in snake_case. Pure.
Source: Interactions API, types of google-genai 3.4.0.
"""

from typing import Any

from gateway.protocols.shapes import JsonObject

_NOT_THE_END = frozenset({"interaction.created", "interaction.status_update", "interaction.in_progress"})
_USAGE = (
    ("promptTokenCount", "total_input_tokens"),
    ("candidatesTokenCount", "total_output_tokens"),
    ("thoughtsTokenCount", "total_thought_tokens"),
    ("toolUsePromptTokenCount", "total_tool_use_tokens"),
    ("cachedContentTokenCount", "total_cached_tokens"),
    ("totalTokenCount", "total_tokens"),
)


def model_of(body: JsonObject) -> str:
    """The model that an interaction asks, or the agent, which stands in a model's place; "" for neither."""
    for name in ("model", "agent"):
        value = body.get(name)
        if isinstance(value, str) and value:
            return value.removeprefix("models/")
    return ""


def is_streamed(body: JsonObject) -> bool:
    return body.get("stream") is True


def ended_by(event: JsonObject) -> bool:
    """Whether this event of a stream, being the last, was meant to be it."""
    kind = event.get("event_type")
    return isinstance(kind, str) and kind.startswith("interaction.") and kind not in _NOT_THE_END


def usage_metadata(usage: Any) -> JsonObject | None:
    """An interaction's usage in the form and names of a generation's; None for none."""
    if not isinstance(usage, dict):
        return None
    return {gemini: usage[name] for gemini, name in _USAGE if isinstance(usage.get(name), int)}
