"""One candidate of a reply, read piece by piece: what a unary reply and a stream have in common.

A `ChoiceReader` is fed candidates (one for a unary reply, one an event for a stream) and gives what is new in
OpenAI's terms. What upstreams send is not trusted to have its documented types.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.protocols import signatures
from gateway.protocols.citations import CitedText
from gateway.protocols.context import ReplyContext
from gateway.protocols.finish_reasons import is_filtered, openai_finish, reason_name, withheld_text
from gateway.protocols.shapes import JsonObject, OpenAIToolCall
from gateway.protocols.tools import CUSTOM_INPUT

_OUTCOMES = {"OUTCOME_FAILED": "failed", "OUTCOME_DEADLINE_EXCEEDED": "timed out"}


@dataclass(slots=True)
class Delta:
    """What one piece of a candidate adds.

    images   URLs, when the operator wants them beside the text
    audio    (mime type, base64) pieces
    """

    text: str = ""
    reasoning: str = ""
    calls: list[OpenAIToolCall] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    audio: list[tuple[str, str]] = field(default_factory=list)
    logprobs: JsonObject | None = None


class ChoiceReader:
    """Reads one candidate over a whole reply.

    reason     the finish reason's name, None while the candidate has not ended
    message    Gemini's finishMessage, if any
    signature  the last thought signature outside function calls
    grounding  the last groundingMetadata
    """

    __slots__ = (
        "_context",
        "_ids",
        "_length",
        "calls_seen",
        "cited",
        "grounding",
        "message",
        "produced",
        "reason",
        "signature",
    )

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._ids: set[str] = set()
        self._length = 0
        self.calls_seen = 0
        self.cited = CitedText()
        self.grounding: object = None
        self.message: object = None
        self.produced = False
        self.reason: str | None = None
        self.signature: str | None = None

    def take(self, candidate: JsonObject) -> Delta:
        """Read one candidate object and give what it adds."""
        delta = Delta()
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        if isinstance(parts, list):
            for position, part in enumerate(parts):
                if isinstance(part, dict):
                    self._take_part(part, position, delta)
        if "finishReason" in candidate:
            self.reason = reason_name(candidate["finishReason"]) or self.reason
            self.message = candidate.get("finishMessage", self.message)
        if "groundingMetadata" in candidate:
            self.grounding = candidate["groundingMetadata"]
        if "logprobsResult" in candidate:
            delta.logprobs = openai_logprobs(candidate["logprobsResult"])
        return delta

    def finish(self) -> str:
        return openai_finish(self.reason, called=self.calls_seen > 0, legacy_calls=self._context.legacy_calls)

    def withheld(self) -> str | None:
        """Words for an answer that Google has filtered, None for any other."""
        if self.reason is None or not is_filtered(self.reason):
            return None
        return withheld_text(self.reason, self.message)

    def message_signature(self) -> str | None:
        """The signature to give with the message: only where no call carries one already."""
        return self.signature if self.calls_seen == 0 else None

    def _take_part(self, part: JsonObject, position: int, delta: Delta) -> None:
        text = part.get("text")
        if isinstance(text, str):
            if part.get("thought") is True:
                if self._context.show_thoughts:
                    delta.reasoning += text
                return
            if text:
                if self._context.keep_text:
                    if self._length == 0:
                        self.cited.part_starts[position] = len(self.cited.pieces)
                    self.cited.pieces.append((self._length, text))
                self._add_text(text, delta)
        elif part.get("thought") is True:
            return  # drafts a model draws while thinking are not part of its answer
        elif isinstance(call := part.get("functionCall"), dict):
            self._take_call(call, part, delta)
            return
        else:
            self._take_other(part, delta)
        signature = part.get("thoughtSignature")
        if isinstance(signature, str) and signature:
            self.signature = signature

    def _take_other(self, part: JsonObject, delta: Delta) -> None:
        if isinstance(inline := part.get("inlineData"), dict):
            self._take_inline(inline, delta)
        elif isinstance(stored := part.get("fileData"), dict):
            self._take_stored(stored, delta)
        elif isinstance(code := part.get("executableCode"), dict):
            language = code.get("language")
            self._add_text(_fenced(code.get("code"), _word(language, "python")), delta)
        elif isinstance(result := part.get("codeExecutionResult"), dict):
            outcome = _OUTCOMES.get(_word(result.get("outcome"), "").upper())
            title = f"output ({outcome})" if outcome else "output"
            self._add_text(_fenced(result.get("output"), title), delta)

    def _take_inline(self, inline: JsonObject, delta: Delta) -> None:
        data = inline.get("data")
        if not isinstance(data, str) or not data:
            return
        mime_type = inline.get("mimeType")
        mime_type = mime_type if isinstance(mime_type, str) else "application/octet-stream"
        url = f"data:{mime_type};base64,{data}"
        if mime_type.startswith("audio/"):
            self.produced = True
            delta.audio.append((mime_type, data))
        elif not mime_type.startswith("image/"):
            self._add_text(f"[file]({url})", delta)
        else:
            self._add_picture(url, delta, beside=self._context.images != "markdown")

    def _take_stored(self, stored: JsonObject, delta: Delta) -> None:
        """Something that has an address: of the pictures those that an image host has taken."""
        uri, mime_type = stored.get("fileUri"), stored.get("mimeType")
        if not isinstance(uri, str) or not uri:
            return
        if isinstance(mime_type, str) and mime_type.startswith("image/"):
            self._add_picture(uri, delta, beside=self._context.images == "images")
        else:
            self._add_text(f"[file]({uri})", delta)

    def _add_picture(self, url: str, delta: Delta, *, beside: bool) -> None:
        if beside:
            self.produced = True
            delta.images.append(url)
        else:
            self._add_text(f"![image]({url})", delta)

    def _take_call(self, call: JsonObject, part: JsonObject, delta: Delta) -> None:
        context = self._context
        if self.calls_seen and (context.single_call or context.legacy_calls):
            return
        name = call.get("name")
        name = name if isinstance(name, str) else ""
        signature = part.get("thoughtSignature")
        signature = signature if isinstance(signature, str) and signature else None
        name = context.tool_names.get(name, name)
        args = call.get("args")
        made: OpenAIToolCall = {"index": self.calls_seen, "id": self._call_id(call.get("id"), signature)}
        if name in context.custom_tools:
            made["type"] = "custom"
            made["custom"] = {"name": name, "input": _custom_input(args)}
        else:
            made["type"] = "function"
            made["function"] = {"name": name, "arguments": _arguments(args)}
        if signature is not None:
            made["extra_content"] = signatures.extra_content(signature)
        self.calls_seen += 1
        self.produced = True
        delta.calls.append(made)

    def _call_id(self, given: object, signature: str | None) -> str:
        call_id = given if isinstance(given, str) and given and given not in self._ids else None
        if call_id is None:
            call_id = f"call_{self._context.new_id()}"
        self._ids.add(call_id)
        if signature is not None and self._context.signatures is not None:
            self._context.signatures.note(call_id, signature)
        return signatures.pack_id(call_id, signature) if self._context.signatures_in_ids else call_id

    def _add_text(self, text: str, delta: Delta) -> None:
        delta.text += text
        self._length += len(text)
        self.produced = True


def openai_logprobs(result: object) -> JsonObject | None:
    """logprobsResult → `logprobs`: every chosen token with its alternatives."""
    if not isinstance(result, dict):
        return None
    chosen = result.get("chosenCandidates")
    if not isinstance(chosen, list):
        return None
    tops = result.get("topCandidates")
    tops = tops if isinstance(tops, list) else []
    content: list[JsonObject] = []
    for position, token in enumerate(chosen):
        top = tops[position] if position < len(tops) else None
        alternatives = top.get("candidates") if isinstance(top, dict) else None
        entry = _token(token)
        entry["top_logprobs"] = (
            [_token(other) for other in alternatives] if isinstance(alternatives, list) else []
        )
        content.append(entry)
    return {"content": content, "refusal": None}


def _token(token: object) -> JsonObject:
    source: JsonObject = token if isinstance(token, dict) else {}
    text = source.get("token")
    text = text if isinstance(text, str) else ""
    probability: Any = source.get("logProbability")
    return {
        "token": text,
        "logprob": probability if isinstance(probability, int | float) else 0.0,
        "bytes": list(text.encode("utf-8", "replace")),
    }


def _arguments(args: object) -> str:
    if not isinstance(args, dict):
        return "{}"
    try:
        return orjson.dumps(args).decode("utf-8")
    except orjson.JSONEncodeError:  # nested deeper than orjson writes
        return "{}"


def _custom_input(args: object) -> str:
    """The text of a call to a custom tool; whatever else the model made of it, as JSON."""
    text = args.get(CUSTOM_INPUT) if isinstance(args, dict) else None
    return text if isinstance(text, str) else _arguments(args)


def _fenced(text: object, title: str) -> str:
    """A code block whose fence is longer than any run of back-ticks inside it."""
    body = text if isinstance(text, str) else ""
    fence = "```"
    while fence in body:
        fence += "`"
    ending = "" if body.endswith("\n") else "\n"
    return f"\n{fence}{title}\n{body}{ending}{fence}\n"


def _word(value: object, default: str) -> str:
    return value.lower() if isinstance(value, str) and value.isidentifier() else default
