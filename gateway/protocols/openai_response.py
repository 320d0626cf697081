"""A whole Gemini reply → a chat completion.

The streamed form is in openai_stream; what both share, the reading of one candidate, in openai_choice.
"""

from gateway.protocols import signatures
from gateway.protocols.citations import annotations, sources_list
from gateway.protocols.context import ReplyContext
from gateway.protocols.finish_reasons import block_text
from gateway.protocols.media import join_base64, pcm_rate_hz, wav_base64
from gateway.protocols.openai_choice import ChoiceReader, Delta
from gateway.protocols.shapes import (
    ChatCompletion,
    JsonObject,
    OpenAIChoice,
    OpenAIMessage,
    OpenAIToolCall,
)
from gateway.protocols.usage import openai_usage_of

# What a candidate may have beside its content that the client is told, and what a plain text's part has.
_BESIDE_TEXT = frozenset({"groundingMetadata", "logprobsResult"})
_OF_TEXT = frozenset({"text", "thoughtSignature"})


def translate_reply(
    reply: JsonObject, context: ReplyContext, *, completion_id: str, created_s: int
) -> ChatCompletion:
    """Translate one GenerateContentResponse.

    completion_id   the whole id, `chatcmpl-…`
    created_s       Unix time

    Never raises: what is missing or has the wrong type is left out. A blocked prompt becomes a choice with
    empty content, its reason in `refusal`, and finish_reason content_filter.
    """
    candidates = reply.get("candidates")
    choices: list[OpenAIChoice] = []
    for position, candidate in enumerate(candidates if isinstance(candidates, list) else ()):
        if isinstance(candidate, dict):
            index = candidate.get("index")
            if type(index) is not int:
                index = position
            plain = _plain_choice(candidate, index)
            choices.append(plain or _choice(candidate, index, context, created_s))
    if not choices:
        choices.append(_choice_without_candidate(reply))
    return {
        "id": completion_id,
        "object": "chat.completion",
        "created": created_s,
        "model": context.client_model,
        "system_fingerprint": None,
        "choices": choices,
        "usage": openai_usage_of(reply.get("usageMetadata")),
    }


def _plain_choice(candidate: JsonObject, index: int) -> OpenAIChoice | None:
    """What `_choice` makes of a candidate that is but one text and ended as usual; None for any other.

    Nearly all are such, and to see that takes a fifth of reading them.
    """
    if candidate.get("finishReason") != "STOP" or not _BESIDE_TEXT.isdisjoint(candidate):
        return None
    try:
        (part,) = candidate["content"]["parts"]
        text = part["text"]
    except (KeyError, TypeError, ValueError):
        return None
    if type(text) is not str or not _OF_TEXT.issuperset(part):
        return None
    message: OpenAIMessage = {"role": "assistant", "content": text, "refusal": None}
    signature = part.get("thoughtSignature")
    if isinstance(signature, str) and signature:
        message["extra_content"] = signatures.extra_content(signature)
    return {"index": index, "message": message, "logprobs": None, "finish_reason": "stop"}


def _choice(candidate: JsonObject, index: int, context: ReplyContext, created_s: int) -> OpenAIChoice:
    reader = ChoiceReader(context)
    delta = reader.take(candidate)
    if context.list_sources and delta.text:
        delta.text += sources_list(reader.grounding)
    only_calls = bool(delta.calls) and not delta.text
    message: OpenAIMessage = {
        "role": "assistant",
        "content": None if only_calls else delta.text,
        "refusal": None,
    }
    if not reader.produced:
        message["refusal"] = reader.withheld()
    if delta.reasoning:
        message["reasoning_content"] = delta.reasoning
    if delta.calls:
        _add_calls(message, delta.calls, context)
    if reader.grounding is not None and (cited := annotations(reader.grounding, reader.cited)):
        message["annotations"] = cited
    if delta.images:
        message["images"] = [image_entry(url) for url in delta.images]
    if delta.audio:
        message["audio"] = _audio(delta, context, created_s)
    if (signature := reader.message_signature()) is not None:
        message["extra_content"] = signatures.extra_content(signature)
    return {
        "index": index,
        "message": message,
        "logprobs": delta.logprobs,
        "finish_reason": reader.finish(),
    }


def image_entry(url: str) -> JsonObject:
    """A picture beside the text, in the form several gateways have made common."""
    return {"type": "image_url", "image_url": {"url": url}}


def _choice_without_candidate(reply: JsonObject) -> OpenAIChoice:
    refusal = block_text(reply)
    return {
        "index": 0,
        "message": {"role": "assistant", "content": "", "refusal": refusal},
        "logprobs": None,
        "finish_reason": "stop" if refusal is None else "content_filter",
    }


def _add_calls(message: OpenAIMessage, calls: list[OpenAIToolCall], context: ReplyContext) -> None:
    if context.legacy_calls:
        message["function_call"] = calls[0]["function"]
        return
    for call in calls:
        del call["index"]  # it stands in streams only
    message["tool_calls"] = calls


def _audio(delta: Delta, context: ReplyContext, created_s: int) -> JsonObject:
    mime_type = delta.audio[0][0]
    data = join_base64([piece for _, piece in delta.audio])
    rate_hz = pcm_rate_hz(mime_type)
    if rate_hz is not None and context.audio_format != "pcm16":
        data = wav_base64(data, rate_hz)
    # The gateway keeps no audio, so a reference to it expires at once.
    return {"id": f"audio_{context.new_id()}", "data": data, "transcript": "", "expires_at": created_s}
