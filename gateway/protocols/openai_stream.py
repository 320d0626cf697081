"""Gemini's streamed events → the bytes of a chat completion stream.

One `ChatStream` serves one call. The constant bytes of a chunk are built once, so that a plain text event
costs some microseconds. The relay decides when a stream has ended well (`end`) or broke (`broken`).
"""

import orjson

from gateway.protocols import signatures
from gateway.protocols.citations import annotations, sources_list
from gateway.protocols.context import ReplyContext
from gateway.protocols.error_bodies import Problem, openai_error_event
from gateway.protocols.finish_reasons import block_text
from gateway.protocols.openai_choice import ChoiceReader, Delta
from gateway.protocols.openai_response import image_entry
from gateway.protocols.reply_signs import more_text
from gateway.protocols.shapes import JsonObject
from gateway.protocols.usage import Usage, openai_usage_of, read_usage

DONE = b"data: [DONE]\n\n"
MAX_CHOICES = 128


class ChatStream:
    """Translates one stream: `event` for each upstream event, then once `end` or `broken`.

    completion_id   the whole id, `chatcmpl-…`; every chunk carries it
    created_s       Unix time; every chunk carries it

    Never raises on what an upstream sends: what is missing or has the wrong type is left out.
    Source: OpenAI chat completions streaming; SDKs concatenate repeated ids and names, so each is sent once.
    """

    __slots__ = (
        "_after_text",
        "_audio_id",
        "_before_text",
        "_choices",
        "_context",
        "_head",
        "_plain",
        "_refusal",
        "_tail",
        "_usage_metadata",
    )

    def __init__(self, context: ReplyContext, completion_id: str, created_s: int) -> None:
        self._context = context
        self._head = b"".join(
            (
                b'data: {"id":',
                orjson.dumps(completion_id),
                b',"object":"chat.completion.chunk","created":%d,"model":' % created_s,
                orjson.dumps(context.client_model),
                b',"system_fingerprint":null,"choices":[',
            )
        )
        self._tail = b',"usage":null}\n\n' if context.include_usage else b"}\n\n"
        self._before_text = self._head + b'{"index":0,"delta":{"content":'
        self._after_text = b'},"logprobs":null,"finish_reason":null}]' + self._tail
        self._plain: ChoiceReader | None = None  # the first choice, where more text of it is nothing but text
        self._choices: dict[int, ChoiceReader] = {}
        self._usage_metadata: object = None
        self._refusal: str | None = None
        self._audio_id = ""

    @property
    def usage(self) -> Usage:
        """What the upstream has counted so far."""
        return read_usage(self._usage_metadata)

    @property
    def finished(self) -> bool:
        """True once every choice has its finish reason, or the prompt was blocked: `end` tells the truth."""
        if self._refusal is not None:
            return True
        return bool(self._choices) and all(reader.reason for reader in self._choices.values())

    def event(self, reply: JsonObject) -> bytes:
        """The chunks for one upstream event: none, one or several `data:` blocks."""
        usage_metadata = reply.get("usageMetadata")
        if usage_metadata is not None:
            self._usage_metadata = usage_metadata
        if self._plain is not None and (text := more_text(reply)):
            return self.more(text, reply)
        candidates = reply.get("candidates")
        if not isinstance(candidates, list) or not candidates:
            self._refusal = block_text(reply) or self._refusal
            return b""
        out: list[bytes] = []
        for candidate in candidates:
            if isinstance(candidate, dict):
                self._take(candidate, out)
        return b"".join(out)

    def more(self, text: str, reply: JsonObject) -> bytes:
        """The chunk for an event that is but more text of the first choice (`reply_signs.more_text`)."""
        if self._plain is None:
            return self.event(reply)
        usage_metadata = reply.get("usageMetadata")
        if usage_metadata is not None:
            self._usage_metadata = usage_metadata
        self._plain.produced = True
        return self._before_text + orjson.dumps(text) + self._after_text

    def end(self) -> bytes:
        """The last chunks: citations, finish reasons, the usage if the client asked for it, and [DONE]."""
        out: list[bytes] = []
        if not self._choices:
            self._open(0, out)
        for index in sorted(self._choices):
            self._end_choice(index, self._choices[index], out)
        if self._context.include_usage:
            out += (self._head, b'],"usage":', orjson.dumps(openai_usage_of(self._usage_metadata)), b"}\n\n")
        out.append(DONE)
        return b"".join(out)

    def beat(self) -> bytes:
        """A chunk that adds nothing, for a client that waits.

        Not a comment: programs that read the lines by hand take each for JSON. Not the first chunk: helpers
        would put its role together with the true one's ("assistantassistant"). Nor one without choices.
        """
        out: list[bytes] = []
        self._chunk(0, b'{"content":""}', out)
        return b"".join(out)

    def broken(self, problem: Problem) -> bytes:
        """The block that tells the client its stream broke; nothing may follow it, [DONE] would be a lie."""
        return openai_error_event(problem)

    def _take(self, candidate: JsonObject, out: list[bytes]) -> None:
        index = candidate.get("index", 0)
        if type(index) is not int or not 0 <= index < MAX_CHOICES:
            index = 0
        reader = self._choices.get(index)
        if reader is None:
            reader = self._open(index, out)
        delta = reader.take(candidate)
        if delta.reasoning:
            self._chunk(index, b'{"reasoning_content":%b}' % orjson.dumps(delta.reasoning), out)
        if delta.text or delta.logprobs is not None:
            self._chunk(index, b'{"content":%b}' % orjson.dumps(delta.text), out, logprobs=delta.logprobs)
        if delta.calls or delta.images or delta.audio:
            self._rich_chunks(index, delta, out)

    def _open(self, index: int, out: list[bytes]) -> ChoiceReader:
        reader = self._choices[index] = ChoiceReader(self._context)
        self._chunk(index, b'{"role":"assistant","content":""}', out)
        if index == 0 and not self._context.keep_text:
            self._plain = reader
        return reader

    def _rich_chunks(self, index: int, delta: Delta, out: list[bytes]) -> None:
        for call in delta.calls:
            changed = (
                {"function_call": call["function"]} if self._context.legacy_calls else {"tool_calls": [call]}
            )
            self._chunk(index, orjson.dumps(changed), out)
        if delta.images:
            changed_images = {"images": [image_entry(url) for url in delta.images]}
            self._chunk(index, orjson.dumps(changed_images), out)
        for _, data in delta.audio:
            if not self._audio_id:
                self._audio_id = f"audio_{self._context.new_id()}"
            self._chunk(index, orjson.dumps({"audio": {"id": self._audio_id, "data": data}}), out)

    def _end_choice(self, index: int, reader: ChoiceReader, out: list[bytes]) -> None:
        finish = reader.finish()
        if self._refusal is not None and not reader.produced:
            finish = "content_filter"
            self._chunk(index, orjson.dumps({"refusal": self._refusal}), out)
        elif not reader.produced and (refusal := reader.withheld()) is not None:
            self._chunk(index, orjson.dumps({"refusal": refusal}), out)
        if self._context.list_sources and reader.cited.pieces and (sources := sources_list(reader.grounding)):
            self._chunk(index, b'{"content":%b}' % orjson.dumps(sources), out)
        if cited := annotations(reader.grounding, reader.cited):
            self._chunk(index, orjson.dumps({"annotations": cited}), out)
        if (signature := reader.message_signature()) is not None:
            extra = {"extra_content": signatures.extra_content(signature)}
            self._chunk(index, orjson.dumps(extra), out)
        self._chunk(index, b"{}", out, finish=b'"%b"' % finish.encode("ascii"))

    def _chunk(
        self,
        index: int,
        delta: bytes,
        out: list[bytes],
        *,
        logprobs: JsonObject | None = None,
        finish: bytes = b"null",
    ) -> None:
        out += (
            self._head,
            b'{"index":%d,"delta":' % index,
            delta,
            b',"logprobs":' + (b"null" if logprobs is None else orjson.dumps(logprobs)),
            b',"finish_reason":',
            finish,
            b"}]",
            self._tail,
        )
