"""The simulated Interactions API: questions in, steps out, whole or as named events, remembered by id.

Bodies are in snake_case and errors have codes of their own.
Source: Interactions API, types of google-genai 3.4.0.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from gateway.simulator.answers import SSE_TYPE, Answer, json_answer
from gateway.simulator.belongings import Belonging, Belongings, timestamp
from gateway.simulator.error_bodies import interaction_error
from gateway.simulator.field_names import RefusedError
from gateway.simulator.phrases import pieces_of

_FIELDS = frozenset(
    (
        "model agent input system_instruction tools generation_config response_format response_modalities "
        "previous_interaction_id store stream background cached_content service_tier safety_settings "
        "continuation_token response_mime_type webhook_config"
    ).split()
)


def interact(
    belongings: Belongings,
    generate: Callable[[str, object, str], dict[str, Any]],
    body: object,
    project: str,
    now_s: float,
) -> Answer:
    """Answer the making of an interaction. Raises RefusedError."""
    fields = _read(body)
    before = fields.get("previous_interaction_id")
    if before:
        belongings.get(f"interactions/{before}", project)
    prompt = {"contents": [{"role": "user", "parts": [{"text": _text(fields["input"])}]}]}
    reply = generate(str(fields["model"]), prompt, project)
    interaction = _interaction(f"v1_{belongings.new_id('interactions')}", fields, reply, now_s)
    if fields.get("store") is not False:
        belongings.add(f"interactions/{interaction['id']}", Belonging(project, interaction))
    if fields.get("stream") is not True:
        return json_answer(interaction)
    pieces = tuple(
        f"event: {name}\n".encode() + b"data: " + orjson.dumps(event) + b"\n\n"
        for name, event in _events(interaction)
    )
    return Answer(200, SSE_TYPE, (*pieces, b"event: done\ndata: [DONE]\n\n"), streamed=True)


def _read(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise RefusedError(interaction_error(400, "invalid_request", "The body must be an object."))
    for name in body:
        if name not in _FIELDS:
            message = f"Unknown parameter '{name}'."
            raise RefusedError(interaction_error(400, "parameter_unknown", message))
    if not body.get("model") or not body.get("input"):
        message = "'model' (or 'agent') and 'input' are required."
        raise RefusedError(interaction_error(400, "invalid_request", message))
    return {**body, "model": str(body["model"]).removeprefix("models/")}


def _text(given: Any) -> str:
    """The last words of an input: a string, contents, or steps with contents."""
    if isinstance(given, str):
        return given
    parts = given if isinstance(given, list) else [given]
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    steps = [_text(part["content"]) for part in parts if part.get("content")]
    return "\n".join(texts) or (steps[-1] if steps else " ")


def _interaction(
    interaction_id: str, fields: dict[str, Any], reply: dict[str, Any], now_s: float
) -> dict[str, Any]:
    parts = reply["candidates"][0]["content"]["parts"]
    text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
    counts = reply["usageMetadata"]
    return {
        "id": interaction_id,
        "object": "interaction",
        "model": fields["model"],
        "status": "completed",
        "created": timestamp(now_s),
        "updated": timestamp(now_s),
        "steps": [{"type": "model_output", "content": [{"type": "text", "text": text}]}],
        "usage": {
            "total_input_tokens": counts["promptTokenCount"],
            "total_output_tokens": counts.get("candidatesTokenCount", 0),
            "total_thought_tokens": counts.get("thoughtsTokenCount", 0),
            "total_cached_tokens": 0,
            "total_tool_use_tokens": 0,
            "total_tokens": counts["totalTokenCount"],
        },
    }


def _events(interaction: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a stream by their names; the text comes in pieces."""
    begun = {name: value for name, value in interaction.items() if name not in ("steps", "usage")}
    text = interaction["steps"][0]["content"][0]["text"]
    events: list[dict[str, Any]] = [
        {"event_type": "interaction.created", "interaction": {**begun, "status": "in_progress"}},
        {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}},
        *(
            {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": piece}}
            for piece in pieces_of(text)
        ),
        {"event_type": "step.stop", "index": 0},
        {"event_type": "interaction.completed", "interaction": {**begun, "usage": interaction["usage"]}},
    ]
    for number, event in enumerate(events, start=1):
        yield event["event_type"], {**event, "event_id": str(number)}
