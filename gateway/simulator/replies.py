"""The simulated model's answer to a prompt that passed the checks: parts, finish reason, usage, grounding.

Pure and deterministic. `compose` decides what is said; `whole_reply` and `stream_events` write it as one
GenerateContentResponse or as a stream of them.
Source: Gemini API, GenerateContentResponse; where signatures and calls stand in a stream as documented.
"""

import html
import re
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.simulator.checks import Prompt
from gateway.simulator.example_values import example_value
from gateway.simulator.media import picture_chunks, speech_chunks
from gateway.simulator.phrases import (
    echo,
    pick,
    pieces_of,
    plain_answer,
    thought_pieces,
    tool_answer,
    web_answer,
)
from gateway.simulator.signatures import sign
from gateway.simulator.world import Output, SimulatedModel

Part = dict[str, Any]

_MEDIA_CHARS = 5160
_MODALITIES = {Output.PICTURES: "IMAGE", Output.SPEECH: "AUDIO"}
_NAME_WORDS = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{3,}")


@dataclass(frozen=True, slots=True)
class Composition:
    """An answer.

    chunks          the new parts of each event, thoughts first
    finish_reason   of the last event
    grounding       groundingMetadata, or None
    """

    chunks: tuple[tuple[Part, ...], ...]
    finish_reason: str
    grounding: dict[str, Any] | None
    model: SimulatedModel
    prompt_tokens: int
    thoughts_tokens: int
    response_id: str


def token_count(size: int) -> int:
    """Estimate tokens from bytes or characters."""
    return size // 4 + 1


def compose(prompt: Prompt, model: SimulatedModel, *, seed: int, ordinal: int) -> Composition:
    """Decide what the model says.

    ordinal   the number of this generation: ids differ by it, words do not
    """
    question = next((turn.text for turn in reversed(prompt.turns) if turn.role == "user" and turn.text), "")
    thinks = model.thinks or bool(prompt.thinking.get("includeThoughts"))
    shown = thought_pieces(question) if prompt.thinking.get("includeThoughts") else []
    thoughts_tokens = 40 + pick(seed, "thoughts", question) % 160 if thinks else 0
    thoughts = [({"text": piece, "thought": True},) for piece in shown]
    limit = prompt.config.get("maxOutputTokens")
    budget = None if limit is None else max(0, int(limit) - thoughts_tokens)

    grounding = None
    finish_reason = "STOP"
    calls = _calls(prompt, question, model, seed=seed, ordinal=ordinal)
    chunks: list[tuple[Part, ...]]
    if model.output is Output.PICTURES:
        chunks = picture_chunks(prompt.config, question, model)
    elif model.output is Output.SPEECH:
        chunks = speech_chunks(prompt.config, question, prompt.system)
    elif calls:
        # Calls arrive whole, all in one event; the stop comes after them in an event of its own.
        chunks = [tuple(calls), ({"text": ""},)]
    else:
        text = _text(prompt, question, seed=seed)
        text, finish_reason = _bounded(text, budget, prompt.config.get("stopSequences", []))
        if prompt.searches:
            grounding = _grounding(question, text)
        chunks = [({"text": piece},) for piece in pieces_of(text)] if text else [()]
        if model.generation >= 3 and thinks and text:
            signature = sign(seed, f"{model.id}\n{question}")
            chunks.append(({"text": "", "thoughtSignature": signature},))
    return Composition(
        chunks=(*thoughts, *chunks),
        finish_reason=finish_reason,
        grounding=grounding,
        model=model,
        prompt_tokens=token_count(prompt.size_bytes),
        thoughts_tokens=thoughts_tokens,
        response_id=f"sim{pick(seed, 'response', ordinal):016x}",
    )


def stream_events(composition: Composition) -> list[dict[str, Any]]:
    """Write the answer as the events of a stream; usage counts up, the last event bears the finish."""
    events = []
    said = 0
    thought = 0
    last = len(composition.chunks) - 1
    for number, parts in enumerate(composition.chunks):
        if parts and parts[0].get("thought"):
            thought += 1
        said += _said(parts)
        # Thoughts are counted as far as they have been shown; all of them once the answer begins.
        share = composition.thoughts_tokens if said or number == last else thought * 20
        events.append(
            _response(composition, list(parts), said, min(share, composition.thoughts_tokens), number == last)
        )
    return events


def whole_reply(composition: Composition) -> dict[str, Any]:
    """Write the answer as one response; neighbouring texts of a kind become one part."""
    parts: list[Part] = []
    for part in (part for chunk in composition.chunks for part in chunk):
        before = parts[-1] if parts else None
        if "text" in part and before and "text" in before and before.get("thought") == part.get("thought"):
            parts[-1] = {**before, **part, "text": before["text"] + part["text"]}
        elif part != {"text": ""}:
            parts.append(part)
    said = sum(map(_said, composition.chunks))
    return _response(composition, parts, said, composition.thoughts_tokens, True)


def _response(
    composition: Composition, parts: list[Part], said: int, thoughts: int, last: bool
) -> dict[str, Any]:
    content: dict[str, Any] = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    candidate: dict[str, Any] = {"content": content}
    if last:
        candidate["finishReason"] = composition.finish_reason
    candidate["index"] = 0
    if last and composition.grounding is not None:
        candidate["groundingMetadata"] = composition.grounding
    answered = token_count(said) if said else 0
    usage: dict[str, Any] = {"promptTokenCount": composition.prompt_tokens}
    if answered:
        usage["candidatesTokenCount"] = answered
        if modality := _MODALITIES.get(composition.model.output):
            usage["candidatesTokensDetails"] = [{"modality": modality, "tokenCount": answered}]
    usage["totalTokenCount"] = composition.prompt_tokens + answered + thoughts
    usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": composition.prompt_tokens}]
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": composition.model.id,
        "responseId": composition.response_id,
    }


def _said(parts: tuple[Part, ...]) -> int:
    """Count the characters that are the answer's own; a picture is worth a thousand words."""
    return sum(
        len(part.get("text") or "")
        + len(str(part.get("functionCall") or ""))
        + (_MEDIA_CHARS if "inlineData" in part else 0)
        for part in parts
        if not part.get("thought")
    )


def _text(prompt: Prompt, question: str, *, seed: int) -> str:
    responses = prompt.turns[-1].having("functionResponse")
    if responses:
        answers = [
            tool_answer(question, each["name"], orjson.dumps(each.get("response", {})).decode())
            for each in (part["functionResponse"] for part in responses)
        ]
        return "\n".join(answers)
    if prompt.config.get("responseMimeType") == "application/json":
        schema = prompt.config.get("responseJsonSchema") or prompt.config.get("responseSchema")
        value = example_value(schema, question) if schema else {"answer": plain_answer(seed, question)}
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return web_answer(question) if prompt.searches else plain_answer(seed, question)


def _bounded(text: str, budget_tokens: int | None, stops: list[str]) -> tuple[str, str]:
    for stop in stops:
        text = text.partition(stop)[0] if stop else text
    if budget_tokens is not None and token_count(len(text)) > budget_tokens:
        return text[: max(0, budget_tokens - 1) * 4], "MAX_TOKENS"
    return text, "STOP"


def _calls(prompt: Prompt, question: str, model: SimulatedModel, *, seed: int, ordinal: int) -> list[Part]:
    """Make the calls the last user text asks for; the first bears the signature."""
    if prompt.mode == "NONE" or prompt.turns[-1].having("functionResponse"):
        return []
    names = [name for name in prompt.functions if not prompt.allowed or name in prompt.allowed]
    asked = [name for name in names if _asks_for(question, prompt.functions[name])]
    if prompt.mode == "ANY":
        asked = asked or names[:1]
    parts: list[Part] = []
    for number, name in enumerate(asked):
        declaration = prompt.functions[name]
        schema = declaration.get("parametersJsonSchema") or declaration.get("parameters")
        call: dict[str, Any] = {"name": name, "args": example_value(schema, question) if schema else {}}
        part: Part = {"functionCall": call}
        if model.generation >= 3:
            call["id"] = f"{pick(seed, 'call', ordinal, number):016x}"[:8]
            if number == 0:
                part["thoughtSignature"] = sign(seed, f"{name}\n{question}\n{ordinal}")
        parts.append(part)
    return parts


def _asks_for(question: str, declaration: dict[str, Any]) -> bool:
    """Say whether the text mentions a function: a word of its name, or a long one of its description."""
    asked = question.lower()
    name_words = [word.lower() for word in _NAME_WORDS.findall(declaration["name"])]
    described = re.findall(r"[a-z]{5,}|[\u4e00-\u9fff]{2}", str(declaration.get("description") or "").lower())
    return any(word in asked for word in name_words if word not in ("get", "set", "the")) or any(
        word in asked for word in described if word not in ("about", "given", "current", "which", "there")
    )


def _grounding(question: str, text: str) -> dict[str, Any]:
    """Build groundingMetadata for the whole text; the indices are of UTF-8 bytes, as Google's are."""
    query = echo(question).lower()
    redirect = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/SIMULATED-"
    return {
        "searchEntryPoint": {"renderedContent": f'<div class="container">{html.escape(query)}</div>'},
        "groundingChunks": [
            {"web": {"uri": f"{redirect}{number}", "title": title}}
            for number, title in enumerate(("example.com", "example.org"), start=1)
        ],
        "groundingSupports": [
            {
                "segment": {"startIndex": 0, "endIndex": len(text.encode()), "text": text},
                "groundingChunkIndices": [0, 1],
            }
        ],
        "webSearchQueries": [query],
    }
