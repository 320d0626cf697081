"""What a Response repeats of its request, each member of it; the API's default where nothing was said.

Called by responses_request, which reads the same members for the chat.
Source: OpenAI API reference, Responses, the Response object.
"""

from gateway.protocols.fields import (
    optional_bool,
    optional_int,
    optional_int32,
    optional_number,
    optional_object,
    optional_str,
    wrong_type,
    wrong_value,
)
from gateway.protocols.responses_tools import told_tools
from gateway.protocols.shapes import JsonObject

MOST_LOGPROBS = 20
_TIERS = {"auto": "default", "fast": "priority"}


def read_echoed(body: JsonObject) -> JsonObject:
    """The members of a Response that repeat the request's. Raises BadRequest."""
    return {
        "background": False,
        "instructions": optional_str(body, "instructions"),
        "max_output_tokens": optional_int32(body, "max_output_tokens"),
        "max_tool_calls": optional_int(body, "max_tool_calls"),
        "metadata": _metadata(body),
        "parallel_tool_calls": _or(optional_bool(body, "parallel_tool_calls"), True),
        "previous_response_id": optional_str(body, "previous_response_id") or None,
        "prompt_cache_key": optional_str(body, "prompt_cache_key"),
        "reasoning": _reasoning(body),
        "safety_identifier": optional_str(body, "safety_identifier"),
        "service_tier": _tier(body),
        "store": _or(optional_bool(body, "store"), True),
        "temperature": _or(optional_number(body, "temperature"), 1.0),
        "text": _text(body),
        "tool_choice": _or(body.get("tool_choice"), "auto"),
        "tools": told_tools(body),
        "top_logprobs": _top_logprobs(body),
        "top_p": _or(optional_number(body, "top_p"), 1.0),
        "truncation": _truncation(body),
        "user": optional_str(body, "user"),
    }


def _reasoning(body: JsonObject) -> JsonObject:
    said = optional_object(body, "reasoning") or {}
    within = "reasoning."
    summary = optional_str(said, "summary", within=within)
    return {
        "effort": optional_str(said, "effort", within=within),
        "summary": summary or optional_str(said, "generate_summary", within=within),
    }


def _text(body: JsonObject) -> JsonObject:
    said = optional_object(body, "text") or {}
    form = optional_object(said, "format", within="text.")
    verbosity = optional_str(said, "verbosity", within="text.")
    return {"format": {"type": "text"} if form is None else form, "verbosity": verbosity or "medium"}


def _metadata(body: JsonObject) -> JsonObject:
    metadata = optional_object(body, "metadata") or {}
    for text in metadata.values():
        if not isinstance(text, str):
            raise wrong_type("metadata", "an object of strings", text)
    return metadata


def _tier(body: JsonObject) -> str:
    tier = optional_str(body, "service_tier") or "auto"
    return _TIERS.get(tier, tier)


def _top_logprobs(body: JsonObject) -> int:
    count = optional_int(body, "top_logprobs") or 0
    if not 0 <= count <= MOST_LOGPROBS:
        raise wrong_value("top_logprobs", f"expected an integer from 0 to {MOST_LOGPROBS}.")
    return count


def _truncation(body: JsonObject) -> str:
    truncation = optional_str(body, "truncation") or "disabled"
    if truncation not in ("auto", "disabled"):
        raise wrong_value("truncation", "supported values are 'auto' and 'disabled'.")
    return truncation


def _or(said: object, unsaid: object) -> object:
    return unsaid if said is None else said
