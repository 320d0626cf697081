"""OpenAI's old completions: a prompt as a chat of one message, and its answer as text alone.

Pure; the chat translation does the work. Called by handlers/openai_completions.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from gateway.protocols.context import ChatOptions
from gateway.protocols.fields import (
    as_str,
    missing,
    optional_bool,
    optional_int32,
    optional_str,
    unsupported,
    wrong_type,
    wrong_value,
)
from gateway.protocols.openai_choice import ChoiceReader, Delta
from gateway.protocols.openai_request import ChatCall, translate_chat
from gateway.protocols.openai_stream import DONE
from gateway.protocols.shapes import JsonObject
from gateway.protocols.usage import Usage, openai_usage, read_usage

MAX_CHOICES = 64
_BETWEEN = (
    "You are given what stands before and what stands behind a gap in a text. Answer with nothing but the "
    "text that fills the gap: no quotation marks, no explanation, no code fence."
)
_NOT_PASSED = ("prompt", "suffix", "echo", "best_of", "n", "logprobs", "messages", "tools", "functions")


@dataclass(frozen=True, slots=True)
class CompletionCall:
    """One choice of a completion: a chat of its own, because current models answer once a call.

    echoed   stands before the answer's own text
    """

    chat: ChatCall
    index: int
    echoed: str


def read_completion(
    body: JsonObject, *, options: ChatOptions, known: Container[str]
) -> Sequence[CompletionCall]:
    """Translate a request into the calls for its choices. Raises BadRequest.

    options, known   as for `translate_chat`

    Source: OpenAI completions reference (legacy).
    """
    prompts = _prompts(body.get("prompt"))
    count = optional_int32(body, "n") or 1
    if not 1 <= count * len(prompts) <= MAX_CHOICES:
        raise wrong_value("n", f"at most {MAX_CHOICES} choices can be made, of all prompts together.")
    suffix = optional_str(body, "suffix") or ""
    is_echoed = optional_bool(body, "echo") or False
    silent = replace(options, show_thoughts=False)  # there is no place for thoughts
    return [
        CompletionCall(
            translate_chat(_chat_body(body, prompt, suffix), options=silent, known=known),
            index,
            prompt if is_echoed else "",
        )
        for index, prompt in enumerate(prompt for prompt in prompts for _ in range(count))
    ]


class CompletionWriter:
    """Writes the answer of some choices, whole or as a stream. Never raises on what an upstream sends.

    completion_id   the whole id, `cmpl-…`
    """

    __slots__ = ("_calls", "_head", "_readers", "_usages")

    def __init__(self, calls: Sequence[CompletionCall], *, completion_id: str, created_s: int) -> None:
        self._calls = calls
        self._head: JsonObject = {
            "id": completion_id,
            "object": "text_completion",
            "created": created_s,
            "model": calls[0].chat.context.client_model,
        }
        self._readers: dict[int, ChoiceReader] = {}
        self._usages: dict[int, object] = {}

    def whole(self, replies: Sequence[JsonObject]) -> bytes:
        """The answer made of one reply for each choice."""
        choices = []
        for call, reply in zip(self._calls, replies, strict=True):
            delta = self._take(call, reply)
            finish = self._readers[call.index].finish()
            choices.append(_choice(call, call.echoed + delta.text, delta.logprobs, finish))
        return orjson.dumps({**self._head, "choices": choices, "usage": self._usage()})

    def event(self, call: CompletionCall, reply: JsonObject) -> bytes:
        """The chunk for one upstream event of a choice, b"" when it adds nothing."""
        is_first = call.index not in self._readers
        delta = self._take(call, reply)
        text = call.echoed + delta.text if is_first else delta.text
        return self._chunk([_choice(call, text, delta.logprobs, None)]) if text else b""

    def end(self) -> bytes:
        """The last chunks: every choice's finish reason, the usage if it was asked for, and [DONE]."""
        out = []
        for call in self._calls:
            reader = self._readers.get(call.index) or ChoiceReader(call.chat.context)
            out.append(self._chunk([_choice(call, "", None, reader.finish())]))
        if self._calls[0].chat.context.include_usage:
            out.append(self._chunk([], usage=self._usage()))
        return b"".join((*out, DONE))

    def beat(self) -> bytes:
        """A chunk that adds nothing, for a client that waits."""
        return self._chunk([_choice(self._calls[0], "", None, None)])

    def _take(self, call: CompletionCall, reply: JsonObject) -> Delta:
        reader = self._readers.setdefault(call.index, ChoiceReader(call.chat.context))
        if reply.get("usageMetadata") is not None:
            self._usages[call.index] = reply["usageMetadata"]
        candidates = reply.get("candidates")
        candidate = candidates[0] if isinstance(candidates, list) and candidates else None
        if isinstance(candidate, dict):
            return reader.take(candidate)
        if reply.get("promptFeedback"):
            reader.reason = "SAFETY"  # a blocked prompt: nothing else will come
        return Delta()

    def _usage(self) -> Mapping[str, object]:
        usages = [read_usage(usage) for usage in self._usages.values()]
        total = Usage(
            prompt=sum(usage.prompt for usage in usages),
            completion=sum(usage.completion for usage in usages),
            thoughts=sum(usage.thoughts for usage in usages),
            cached=sum(usage.cached for usage in usages),
            tool_use=sum(usage.tool_use for usage in usages),
        )
        return openai_usage(total)

    def _chunk(self, choices: list[JsonObject], *, usage: object = None) -> bytes:
        chunk = {**self._head, "choices": choices}
        if self._calls[0].chat.context.include_usage:
            chunk["usage"] = usage
        return b"data: " + orjson.dumps(chunk) + b"\n\n"


def _prompts(value: object) -> Sequence[str]:
    if value is None:
        raise missing("prompt")
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise wrong_type("prompt", "a string or an array of strings", value)
    if not value:
        raise wrong_value("prompt", "the array is empty.")
    if isinstance(value[0], int | list):
        raise unsupported(
            "prompt", "This gateway takes text, not token ids: Gemini's models have other tokens."
        )
    return [as_str(item, f"prompt[{at}]") for at, item in enumerate(value)]


def _chat_body(body: JsonObject, prompt: str, suffix: str) -> JsonObject:
    chat = {name: value for name, value in body.items() if name not in _NOT_PASSED}
    messages = [{"role": "user", "content": prompt}]
    if suffix:
        gap = f"<before>{prompt}</before>\n<behind>{suffix}</behind>"
        messages = [{"role": "system", "content": _BETWEEN}, {"role": "user", "content": gap}]
    chat["messages"] = messages
    wanted = optional_int32(body, "logprobs")
    if wanted is not None:
        chat |= {"logprobs": True, "top_logprobs": wanted}
    return chat


def _choice(call: CompletionCall, text: str, logprobs: JsonObject | None, finish: str | None) -> JsonObject:
    return {
        "text": text,
        "index": call.index,
        "logprobs": None if logprobs is None else _old_logprobs(logprobs, len(call.echoed)),
        "finish_reason": finish,
    }


def _old_logprobs(logprobs: JsonObject, offset: int) -> JsonObject:
    """Chat's logprobs in the columns the old route has."""
    old: JsonObject = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for token in logprobs["content"]:
        old["tokens"].append(token["token"])
        old["token_logprobs"].append(token["logprob"])
        old["top_logprobs"].append({top["token"]: top["logprob"] for top in token["top_logprobs"]})
        old["text_offset"].append(offset)
        offset += len(token["token"])
    return old
