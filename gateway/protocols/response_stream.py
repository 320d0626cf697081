"""Gemini's reply or streamed events → a Response object, or the events of a Responses stream.

One `ResponseTranslation` serves one attempt's answer. Both forms read the answer part by part into the same
`OutputItems`, so that a stream's last event holds the object a whole answer is.
"""

from collections.abc import Callable, Mapping

import orjson

from gateway.protocols.citations import annotations, queries_of, sources_list
from gateway.protocols.context import ReplyContext
from gateway.protocols.error_bodies import Problem
from gateway.protocols.media import sound_link
from gateway.protocols.openai_choice import Delta
from gateway.protocols.reply_parts import AnswerReader
from gateway.protocols.reply_signs import more_text
from gateway.protocols.response_events import EventWriter
from gateway.protocols.response_items import NO_NAMESPACES, OutputItems
from gateway.protocols.response_object import (
    INCOMPLETE_REASONS,
    ResponseFacts,
    response_error,
    response_object,
)
from gateway.protocols.shapes import JsonObject
from gateway.protocols.told_before import ToldBefore
from gateway.protocols.usage import response_usage_of
from gateway.values import remaker

MAX_KEPT_CHARS = 128 * 1024 * 1024
"""What a response may hold, as a whole reply may: its last event repeats all of it. One that is longer ends
there, as if the model had reached its limit."""
_with_images = remaker(ReplyContext, "images")


class ResponseTranslation:
    """One attempt's answer on its way to a Response: `whole`, or `event` for each and then `end` or `broken`.

    context       of the chat request that was sent
    response_id   the whole id, `resp_…`
    created_s     Unix time
    echoed        the members of the Response that repeat the request
    encrypted     thought signatures go into `encrypted_content` of reasoning items
    keep          is handed the finished Response, before the client
    told          what beats have told the client; the same for all attempts of a call
    wall_s        Unix time for `completed_at`; None leaves it out
    namespaces    as for OutputItems

    Never raises on what an upstream sends: what is missing or has the wrong type is left out.
    Source: OpenAI, Responses streaming events; the SDK's accumulator wants `response.created` first, items
    and parts added before their deltas, and a last event.
    """

    __slots__ = (
        "_answer",
        "_audio",
        "_context",
        "_events",
        "_facts",
        "_has_begun",
        "_items",
        "_keep",
        "_kept_chars",
        "_logprobs",
        "_signature",
        "_told",
        "_wall_s",
    )

    def __init__(
        self,
        context: ReplyContext,
        *,
        response_id: str,
        created_s: int,
        echoed: JsonObject,
        encrypted: bool,
        keep: Callable[[JsonObject], None] | None,
        told: ToldBefore,
        wall_s: Callable[[], float] | None = None,
        namespaces: Mapping[str, tuple[str, str]] = NO_NAMESPACES,
    ) -> None:
        self._context = context = _with_images(context, "inside")
        self._facts = ResponseFacts(response_id, created_s, context.client_model, echoed)
        self._keep = keep
        self._told = told
        self._wall_s = wall_s
        self._answer = AnswerReader(context)
        # The writer knows nobody: an answer's translation is freed as soon as it is let go.
        self._events = EventWriter()
        tell = self._events.tell
        self._items = OutputItems(response_id, tell, encrypted=encrypted, namespaces=namespaces)
        self._has_begun = False
        self._kept_chars = 0
        self._signature: str | None = None  # the last of a text that has been given
        self._logprobs: list[JsonObject] = []  # that wait for their text
        self._audio: list[tuple[str, str]] = []

    def whole(self, reply: JsonObject) -> bytes:
        """The Response as JSON. A blocked prompt, and an answer withheld, is a message that refuses."""
        self._events.is_silent = True
        self._read(reply)
        return orjson.dumps(self._ended())

    def event(self, reply: JsonObject) -> bytes:
        """The events for one upstream event; the first ones open the stream."""
        if not self._context.keep_text and (text := more_text(reply)):
            return self.more(text, reply)
        self._begin()
        self._read(reply)
        return self._events.written()

    def more(self, text: str, reply: JsonObject) -> bytes:
        """The events for one that is but more text of the first candidate (`reply_signs.more_text`)."""
        if self._context.keep_text:  # the reader places citations in it
            return self.event(reply)
        self._begin()
        self._answer.count(reply)
        if not self._has_room(len(text)):
            return self._events.written()
        self._answer.choice.produced = True
        items = self._items
        if items.is_speaking and not self._logprobs:
            return self._events.more_text(items.say_on(text))
        items.say(text, self._waiting_logprobs())
        return self._events.written()

    def end(self) -> bytes:
        """The last events: whatever is open is done, then the response is, completed or incomplete."""
        self._begin()
        response = self._ended()
        self._events.tell(f"response.{response['status']}", {"response": response})
        return self._events.written()

    def broken(self, problem: Problem) -> bytes:
        """`response.failed`, with what has come; nothing may follow it. It may be all of the stream."""
        self._begin()
        self._items.stop()
        response = response_object(
            self._facts,
            "failed",
            output=self._items.output,
            usage=response_usage_of(self._answer.usage_metadata),
            error=response_error(problem),
        )
        self._events.tell("response.failed", {"response": response})
        return self._events.written()

    def beat(self) -> bytes:
        """What tells a client that waits that its response is being made; it counts as told."""
        if not self._begin():
            self._events.tell("response.in_progress", {"response": self._as_begun()})
        self._told.events = self._events.number
        return self._events.written()

    def _begin(self) -> bool:
        """Open the stream, unless that is done; true for one that nothing has been told of yet."""
        if self._has_begun:
            return False
        self._has_begun = True
        self._events.number = self._told.events
        if self._events.number:
            return False  # a beat has opened it
        response = self._as_begun()
        self._events.tell("response.created", {"response": response})
        self._events.tell("response.in_progress", {"response": response})
        return True

    def _as_begun(self) -> orjson.Fragment:
        return orjson.Fragment(orjson.dumps(response_object(self._facts, "in_progress")))

    def _read(self, reply: JsonObject) -> None:
        """Read a reply or an event of one."""
        for delta in self._answer.read(reply):
            self._take(delta)

    def _take(self, delta: Delta) -> None:
        """Add what one part of the answer adds: it is of one kind."""
        if delta.logprobs is not None:
            self._logprobs += delta.logprobs["content"]
        signature = self._fresh_signature()
        if not self._has_room(_size(delta)):
            return
        items = self._items
        if delta.reasoning:
            items.think(delta.reasoning)
        if delta.text:
            items.say(delta.text, self._waiting_logprobs())
        for call in delta.calls:
            items.call(call)
        for url in delta.images:
            mime_type, _, data = url.removeprefix("data:").partition(";base64,")
            items.show(mime_type, data, signature)
        self._audio += delta.audio
        if signature is not None and not delta.images:
            items.signature = signature

    def _fresh_signature(self) -> str | None:
        """The signature of the part just read, unless it is a call's or stands behind one."""
        signature = self._answer.choice.message_signature()
        if signature == self._signature:
            return None
        self._signature = signature
        return signature

    def _waiting_logprobs(self) -> list[JsonObject]:
        waiting, self._logprobs = self._logprobs, []
        return waiting

    def _has_room(self, chars: int) -> bool:
        self._kept_chars += chars
        return self._kept_chars <= MAX_KEPT_CHARS

    def _ended(self) -> JsonObject:
        """The finished Response, handed to whoever keeps it."""
        reader, items = self._answer.choice, self._items
        incomplete = INCOMPLETE_REASONS.get(reader.finish())
        if not self._has_room(0):
            incomplete = INCOMPLETE_REASONS["length"]
        if (refusal := self._answer.refusal()) is not None:
            incomplete = INCOMPLETE_REASONS["content_filter"]
            items.refuse(refusal)
        self._end_text()
        items.annotate(annotations(reader.grounding, reader.cited))
        items.end(is_whole=incomplete is None)
        items.search(queries_of(reader.grounding))
        wall_s = self._wall_s if incomplete is None else None
        response = response_object(
            self._facts,
            "completed" if incomplete is None else "incomplete",
            output=items.output,
            usage=response_usage_of(self._answer.usage_metadata),
            completed_s=None if wall_s is None else int(wall_s()),
            incomplete=incomplete,
        )
        if self._keep is not None:
            self._keep(response)
        return response

    def _end_text(self) -> None:
        """Say what stands under the text: sound, which has no place of its own, and the sources."""
        if self._audio:
            self._items.say(sound_link(self._audio))
        if not self._items.is_speaking:
            return
        listed = sources_list(self._answer.choice.grounding) if self._context.list_sources else ""
        if listed or self._logprobs:
            self._items.say(listed, self._waiting_logprobs())


def _size(delta: Delta) -> int:
    """How many characters a piece brings."""
    size = len(delta.text) + len(delta.reasoning)
    for call in delta.calls:
        custom = call.get("custom")
        size += len(custom["input"] if custom is not None else call["function"]["arguments"])
    return size + sum(map(len, delta.images)) + sum(len(data) for _, data in delta.audio)
