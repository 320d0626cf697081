"""Gemini's good answers, ready made: whole ones for `fake.reply`, lists of events for `fake.stream`.

Shapes as in GenerateContentResponse; keep them small, tests that need more add it in place.
"""

from typing import Any

MODEL = "gemini-3.5-flash"
SIGNATURE = "RmFrZVNpZ25hdHVyZU9mQVRob3VnaHQ="

# One pixel, transparent.
PNG_BASE64 = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

Event = dict[str, Any]


def usage(prompt: int = 8, candidates: int = 5, thoughts: int = 0) -> dict[str, Any]:
    """Build usageMetadata; counts of 0 are left out, as Google does."""
    counts: dict[str, Any] = {"promptTokenCount": prompt, "totalTokenCount": prompt + candidates + thoughts}
    if candidates:
        counts["candidatesTokenCount"] = candidates
    if thoughts:
        counts["thoughtsTokenCount"] = thoughts
    counts["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": prompt}]
    return counts


def response(
    parts: list[dict[str, Any]] | None,
    *,
    finish: str | None = "STOP",
    model: str = MODEL,
    usage_metadata: dict[str, Any] | None = None,
    **candidate_more: Any,
) -> Event:
    """Build one GenerateContentResponse with one candidate; parts None leaves `content` out."""
    candidate: dict[str, Any] = {}
    if parts is not None:
        candidate["content"] = {"parts": parts, "role": "model"}
    if finish is not None:
        candidate["finishReason"] = finish
    candidate["index"] = 0
    candidate.update(candidate_more)
    return {
        "candidates": [candidate],
        "usageMetadata": usage_metadata or usage(),
        "modelVersion": model,
        "responseId": "fake-response-1",
    }


def text(answer: str = "Hello from the fake upstream.", **more: Any) -> Event:
    return response([{"text": answer}], **more)


def text_events(*pieces: str, model: str = MODEL) -> list[Event]:
    """Build a stream of these pieces; the last event bears the finish reason."""
    pieces = pieces or ("Hello", " from the", " fake upstream.")
    return [
        response([{"text": piece}], finish="STOP" if number == len(pieces) else None, model=model)
        for number, piece in enumerate(pieces, start=1)
    ]


def thinking(thought: str = "Let me think.", answer: str = "42") -> Event:
    parts: list[Event] = [{"text": thought, "thought": True}, {"text": answer, "thoughtSignature": SIGNATURE}]
    return response(parts, usage_metadata=usage(thoughts=20))


def thinking_events(thought: str = "Let me think.", answer: str = "42") -> list[Event]:
    """Build a stream whose last event is only an empty text with the signature."""
    counts = usage(thoughts=20)
    return [
        response(
            [{"text": thought, "thought": True}], finish=None, usage_metadata=usage(candidates=0, thoughts=20)
        ),
        response([{"text": answer}], finish=None, usage_metadata=counts),
        response([{"text": "", "thoughtSignature": SIGNATURE}], usage_metadata=counts),
    ]


def function_call(
    name: str = "get_weather",
    args: dict[str, Any] | None = None,
    *,
    call_id: str | None = "call-1",
    signature: str | None = SIGNATURE,
) -> Event:
    return response([call_part(name, args, call_id=call_id, signature=signature)])


def function_call_events(
    name: str = "get_weather", args: dict[str, Any] | None = None, *, call_id: str | None = "call-1"
) -> list[Event]:
    """Build a stream with the call whole in one event and the finish reason in the next."""
    return [response([call_part(name, args, call_id=call_id)], finish=None), response([{"text": ""}])]


def call_part(
    name: str = "get_weather",
    args: dict[str, Any] | None = None,
    *,
    call_id: str | None = "call-1",
    signature: str | None = SIGNATURE,
) -> dict[str, Any]:
    call: dict[str, Any] = {"name": name, "args": {"city": "Paris"} if args is None else args}
    if call_id is not None:
        call["id"] = call_id
    return {"functionCall": call} | ({"thoughtSignature": signature} if signature else {})


def parallel_calls(*names: str) -> Event:
    """Build several calls in one reply: only the first bears a signature."""
    parts = [
        call_part(name, call_id=f"call-{number}", signature=SIGNATURE if number == 1 else None)
        for number, name in enumerate(names or ("get_weather", "get_time"), start=1)
    ]
    return response(parts)


def blocked_prompt(reason: str = "PROHIBITED_CONTENT") -> Event:
    """Build the 200 of a prompt that was refused: no candidates at all."""
    return {
        "promptFeedback": {"blockReason": reason},
        "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8},
        "modelVersion": MODEL,
        "responseId": "fake-response-1",
    }


def safety() -> Event:
    """Build an answer stopped by the safety filter, without content."""
    ratings = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]
    return response(None, finish="SAFETY", safetyRatings=ratings)


def empty() -> Event:
    """Build the normal stop with nothing in it."""
    return response(None, usage_metadata=usage(candidates=0))


def malformed_function_call() -> Event:
    message = "Malformed function call: print(default_api.get_weather(city='Paris')"
    return response(None, finish="MALFORMED_FUNCTION_CALL", finishMessage=message)


def max_tokens(answer: str = "Cut off in the") -> Event:
    return response([{"text": answer}], finish="MAX_TOKENS")


def account_limited() -> Event:
    """Build the 200 that means the account is limited for policy violations."""
    return response(None, finish="PUP_LIMITED_DISABLED")


def image(caption: str = "Here is your picture.") -> Event:
    parts: list[Event] = [{"text": caption}, {"inlineData": {"mimeType": "image/png", "data": PNG_BASE64}}]
    return response(parts, model="gemini-3.1-flash-image")


def grounded(answer: str = "Rain, 16 °C.") -> Event:
    grounding = {
        "webSearchQueries": ["weather paris"],
        "groundingChunks": [{"web": {"uri": "https://example.com/paris", "title": "example.com"}}],
        "groundingSupports": [
            {
                "segment": {"startIndex": 0, "endIndex": len(answer.encode()), "text": answer},
                "groundingChunkIndices": [0],
            }
        ],
    }
    return response([{"text": answer}], groundingMetadata=grounding)


def stream_error(
    code: int = 503, message: str = "The model is overloaded.", name: str = "UNAVAILABLE"
) -> Event:
    """Build the error event that may stand in the middle of a stream."""
    return {"error": {"code": code, "message": message, "status": name}}


def model(name: str = MODEL, *methods: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": list(methods or ("generateContent", "countTokens")),
    }


def models(*names: str) -> dict[str, Any]:
    return {"models": [model(name) for name in names or (MODEL, "gemini-3.1-pro-preview")]}


def count_tokens(total: int = 8) -> dict[str, Any]:
    return {"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}


def embedding(*values: float) -> dict[str, Any]:
    return {"embedding": {"values": list(values or (0.1, 0.2, 0.3))}}


def embeddings(count: int = 1) -> dict[str, Any]:
    return {"embeddings": [{"values": [0.1, 0.2, 0.3]} for _ in range(count)]}
