"""A Responses translation as tests make it, and what an OpenAI client reads out of its bytes."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.protocols.context import ReplyContext
from gateway.protocols.error_bodies import Problem
from gateway.protocols.response_stream import ResponseTranslation
from gateway.protocols.told_before import ToldBefore

RESPONSE_ID = "resp_00c0ffee"
CREATED_S = 1_790_000_000
ECHOED: dict[str, Any] = {
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
HOSTED = {"fileData": {"mimeType": "image/png", "fileUri": "https://pictures.example/1.png"}}
CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}
BROKEN_OFF = Problem(502, "Google's answer broke off.", "truncated")
TERMINAL = {"response.completed", "response.incomplete", "response.failed"}


def context(**changed: Any) -> ReplyContext:
    numbers = itertools.count(1)
    chosen: dict[str, Any] = {"tool_names": {}, "keep_text": True, **changed}
    return ReplyContext(client_model="gemini-3.5-flash", new_id=lambda: f"new{next(numbers)}", **chosen)


def translation(
    *,
    encrypted: bool = False,
    keep: Callable[[dict[str, Any]], None] | None = None,
    told: ToldBefore | None = None,
    wall_s: Callable[[], float] | None = None,
    **changed: Any,
) -> ResponseTranslation:
    return ResponseTranslation(
        context(**changed),
        response_id=RESPONSE_ID,
        created_s=CREATED_S,
        echoed=ECHOED,
        encrypted=encrypted,
        keep=keep,
        told=told or ToldBefore(),
        wall_s=wall_s,
    )


def reply(*parts: dict[str, Any], finish: str | None = "STOP", **beside: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, **beside}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate]}


def piece(*parts: dict[str, Any]) -> dict[str, Any]:
    return reply(*parts, finish=None)


def thought(text: str, **beside: Any) -> dict[str, Any]:
    return {"text": text, "thought": True, **beside}


def grounding(*supports: tuple[int, int]) -> dict[str, Any]:
    return {
        "webSearchQueries": ["who", "when"],
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [
            {"segment": {"startIndex": start, "endIndex": end}, "groundingChunkIndices": [0]}
            for start, end in supports
        ],
    }


def streamed(translated: ResponseTranslation, *events: dict[str, Any]) -> list[dict[str, Any]]:
    return read(b"".join(map(translated.event, events)) + translated.end())


def whole(translated: ResponseTranslation, answer: dict[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = orjson.loads(translated.whole(answer))
    Response.model_validate(response)
    return response


def read(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream, or of its beginning, each found to be one that the SDK declares."""
    blocks = data.split(b"\n\n")
    assert blocks.pop() == b""
    events = []
    for block in blocks:
        name, _, line = block.partition(b"\n")
        event: dict[str, Any] = orjson.loads(line.removeprefix(b"data: "))
        assert name.removeprefix(b"event: ").decode() == event["type"]
        assert EVENT.validate_python(event).type == event["type"]
        events.append(event)
    return events


def told(events: Sequence[dict[str, Any]]) -> list[str]:
    """The events' types, short."""
    return [event["type"].removeprefix("response.") for event in events]


def check_stream(events: Sequence[dict[str, Any]]) -> None:
    """A whole stream keeps the order that clients rely on, and its parts say the same as its end."""
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert [event["type"] in TERMINAL for event in events] == [False] * (len(events) - 1) + [True]
    output = events[-1]["response"]["output"]
    added = [event for event in events if event["type"] == "response.output_item.added"]
    done = [event for event in events if event["type"] == "response.output_item.done"]
    steps = [event["type"].rpartition(".")[2] for event in events if "item" in event]
    assert steps == ["added", "done"] * len(output), "an item is done before the next"
    assert [event["output_index"] for event in added] == list(range(len(output)))
    assert [event["output_index"] for event in done] == list(range(len(output)))
    assert [event["item"]["id"] for event in added] == [item["id"] for item in output]
    assert [_uncited(event["item"]) for event in done] == [_uncited(item) for item in output]
    for number, item in enumerate(output):
        own = [event for event in events if event.get("output_index") == number]
        assert own[0]["type"] == "response.output_item.added"
        assert all(event.get("item_id", item["id"]) == item["id"] for event in own)
        assert _texts(own) == _texts_of(item)


def _uncited(item: dict[str, Any]) -> dict[str, Any]:
    """An item without what may come when it is done: citations."""
    if item["type"] != "message":
        return item
    return {**item, "content": [{**part, "annotations": []} for part in item["content"]]}


_DELTAS = {
    "response.output_text.delta",
    "response.refusal.delta",
    "response.reasoning_summary_text.delta",
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
}
_DONES = {
    "response.output_text.done": "text",
    "response.refusal.done": "refusal",
    "response.reasoning_summary_text.done": "text",
    "response.function_call_arguments.done": "arguments",
    "response.custom_tool_call_input.done": "input",
}


def _texts(own: Sequence[dict[str, Any]]) -> tuple[str, list[str]]:
    """What an item's deltas make together, and what its last word was."""
    deltas = "".join(event["delta"] for event in own if event["type"] in _DELTAS)
    return deltas, [event[_DONES[event["type"]]] for event in own if event["type"] in _DONES]


def _texts_of(item: dict[str, Any]) -> tuple[str, list[str]]:
    pieces = item.get("content", item.get("summary", [item]))
    texts = [
        piece[name] for piece in pieces for name in ("text", "refusal", "arguments", "input") if name in piece
    ]
    return "".join(texts), texts


def accumulated(events: Sequence[dict[str, Any]]) -> Response:
    """What the SDK's own accumulator has of the items' texts, from the deltas alone; it raises as it does."""
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in events:
        state.handle_event(EVENT.validate_python(event))
    snapshot = state._ResponseStreamState__current_snapshot  # type: ignore[attr-defined]
    assert isinstance(snapshot, Response)
    return snapshot
