"""Gemini's reply or streamed events → Anthropic's Message, or the events of a Messages stream.

One `MessagesTranslation` serves one attempt's answer. Both forms read the answer part by part into
`ContentBlocks`, so that a stream adds up to the Message a whole answer is.
"""

from types import MappingProxyType

import orjson

from gateway.protocols.anthropic_blocks import BlockList, ContentBlocks, MessageEvents
from gateway.protocols.citations import annotations, queries_of, sources_list, sources_of
from gateway.protocols.context import ReplyContext
from gateway.protocols.error_bodies import Problem
from gateway.protocols.error_dialects import anthropic_error_event
from gateway.protocols.media import sound_link
from gateway.protocols.openai_choice import Delta
from gateway.protocols.reply_parts import AnswerReader
from gateway.protocols.reply_signs import more_text
from gateway.protocols.shapes import JsonObject
from gateway.protocols.told_before import ToldBefore
from gateway.protocols.usage import anthropic_usage_of
from gateway.values import remaker

MAX_CITED_CHARS = 150
"""As Anthropic's own citations, of which each repeats what it cites."""
_STOP_REASONS = {"length": "max_tokens", "content_filter": "refusal", "tool_calls": "tool_use"}
_NO_OUTPUT = MappingProxyType({"output_tokens": 0, "output_tokens_details": {"thinking_tokens": 0}})
_with_images = remaker(ReplyContext, "images")


class MessagesTranslation:
    """One attempt's answer on its way to a Message: `whole`, or `event` for each and then `end` or `broken`.

    context        of the chat request that was sent; pictures go into the text
    message_id     the whole id, `msg_…`
    told           what beats have told the client; the same for all attempts of a call
    shows_search   a search is told in blocks of its own, too: to clients that asked for that tool, as others
                   might take it for a call of theirs

    Never raises on what an upstream sends: what is missing or has the wrong type is left out.
    Source: Anthropic API, Messages reference and streaming; the SDKs' accumulators want `message_start` first
    and a block begun before its deltas, and take a stream that merely ends for a whole one.
    """

    __slots__ = (
        "_answer",
        "_audio",
        "_blocks",
        "_context",
        "_events",
        "_has_begun",
        "_message_id",
        "_searches",
        "_shows_search",
        "_told",
    )

    def __init__(
        self, context: ReplyContext, *, message_id: str, told: ToldBefore, shows_search: bool = False
    ) -> None:
        self._context = context = _with_images(context, "markdown")
        self._message_id = message_id
        self._told = told
        self._shows_search = shows_search
        self._searches = 0
        self._answer = AnswerReader(context)
        self._events = MessageEvents()
        self._blocks = ContentBlocks(self._events)
        self._has_begun = False
        self._audio: list[tuple[str, str]] = []

    def whole(self, reply: JsonObject) -> bytes:
        """The Message as JSON. A blocked prompt, and an answer withheld, is a text that says so."""
        listed = BlockList()
        self._blocks = ContentBlocks(listed)
        self._read(reply)
        stop = self._ended()
        return orjson.dumps({**self._message(listed.content), **stop, "usage": self._usage()})

    def event(self, reply: JsonObject) -> bytes:
        """The events for one upstream event; the first one opens the stream."""
        if not self._context.keep_text and (text := more_text(reply)):
            return self.more(text, reply)
        self._answer.count(reply)
        self._begin()
        self._read(reply)
        return self._events.written()

    def more(self, text: str, reply: JsonObject) -> bytes:
        """The events for one that is but more text of the first candidate (`reply_signs.more_text`)."""
        if self._context.keep_text:  # the reader places citations in it
            return self.event(reply)
        self._answer.count(reply)
        if self._blocks.is_speaking:
            return self._events.more_text(text)
        self._begin()
        self._answer.choice.produced = True
        self._blocks.say(text)
        return self._events.written()

    def end(self) -> bytes:
        """The last events: the open block ends, then the message does."""
        self._begin()
        stop = self._ended()
        self._events.tell("message_delta", {"delta": stop, "usage": self._usage()})
        self._events.tell("message_stop", {})
        return self._events.written()

    def broken(self, problem: Problem) -> bytes:
        """The `error` event, on which the SDKs raise; nothing may follow it. It may be all of the stream."""
        return anthropic_error_event(problem)

    def beat(self) -> bytes:
        """What tells a client that waits that its call lives: a ping, behind the opening."""
        self._told.events += 2 if self._begin() else 1
        self._events.tell("ping", {})
        return self._events.written()

    def _begin(self) -> bool:
        """Open the stream, unless that is done, here or by a beat; true when it is done now."""
        if self._has_begun or self._told.events:
            return False
        self._has_begun = True
        # What has been counted of the answer is told at the end, once: some programs add both up.
        usage = {**anthropic_usage_of(self._answer.usage_metadata), **_NO_OUTPUT}
        stop = {"stop_reason": None, "stop_sequence": None}
        self._events.tell("message_start", {"message": {**self._message([]), **stop, "usage": usage}})
        return True

    def _message(self, content: list[JsonObject]) -> JsonObject:
        return {
            "id": self._message_id,
            "type": "message",
            "role": "assistant",
            "model": self._context.client_model,
            "content": content,
        }

    def _usage(self) -> JsonObject:
        usage = anthropic_usage_of(self._answer.usage_metadata)
        if self._searches:
            usage["server_tool_use"] = {"web_search_requests": self._searches, "web_fetch_requests": 0}
        return usage

    def _read(self, reply: JsonObject) -> None:
        """Read a reply or an event of one."""
        for delta in self._answer.read(reply):
            self._take(delta)

    def _take(self, delta: Delta) -> None:
        """Add what one part of the answer adds: it is of one kind."""
        blocks = self._blocks
        if delta.reasoning:
            blocks.think(delta.reasoning)
        if delta.text:
            blocks.say(delta.text)
        for call in delta.calls:
            blocks.call(call)
        self._audio += delta.audio

    def _ended(self) -> JsonObject:
        """Say what stands under the text and end it; gives the members that say why the message stops.

        A call goes before all other reasons: clients carry it out, or not, by the stop_reason. What Gemini
        stopped at is not known, so there is no stop_sequence.
        """
        reader = self._answer.choice
        withheld = reader.withheld()
        reason = _STOP_REASONS.get(reader.finish(), "end_turn")
        if reader.calls_seen:
            reason = "tool_use"
        elif (words := self._answer.refusal()) is not None:
            withheld, reason = words, "refusal"
            self._blocks.say(words)
        self._end_text()
        self._blocks.end()
        details = {"type": "refusal", "category": None, "explanation": withheld}
        return {
            "stop_reason": reason,
            "stop_sequence": None,
            "stop_details": details if reason == "refusal" else None,
        }

    def _end_text(self) -> None:
        """Say what stands under the text: sound, which has no place of its own, and the sources.

        Of a text that a call follows they are left out: when they come, its block has ended.
        """
        reader, blocks = self._answer.choice, self._blocks
        if self._audio:
            blocks.say(sound_link(self._audio))
        if not blocks.is_speaking:
            return
        if self._context.list_sources and (listed := sources_list(reader.grounding)):
            blocks.say(listed)
        for annotation in annotations(reader.grounding, reader.cited):
            cited = annotation["url_citation"]
            start = cited["start_index"]
            blocks.cite(
                {
                    "type": "web_search_result_location",
                    "url": cited["url"],
                    "title": cited["title"],
                    "encrypted_index": "",
                    # Google tells which words of the answer a source is for, and none of the source's.
                    "cited_text": reader.cited.passage(
                        start, min(cited["end_index"], start + MAX_CITED_CHARS)
                    ),
                }
            )
        if self._shows_search and (queries := queries_of(reader.grounding)):
            self._searches = len(queries)
            search_id = f"srvtoolu_{self._context.new_id()}"
            blocks.search(search_id, "; ".join(queries), sources_of(reader.grounding))
