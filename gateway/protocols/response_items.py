"""The output items of a Response, put together from pieces of the answer; each step is told as an event.

Called by response_stream, which reads the pieces and writes the events. What the object around the items
holds is in response_object.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson

from gateway.protocols.response_ids import output_item_id
from gateway.protocols.shapes import Annotation, JsonObject, OpenAIToolCall
from gateway.protocols.signatures import extra_content

Tell = Callable[[str, JsonObject], None]
"""Takes an event: its type, and its members but for the type and the sequence number."""

NO_NAMESPACES: Mapping[str, tuple[str, str]] = MappingProxyType({})
_NAMED = ("namespace", "name")
_FORMATS = frozenset({"png", "jpeg", "webp"})


@dataclass(slots=True)
class _Item:
    """An item that has been begun.

    place    the members by which events point at it
    shown    as the response shows it
    pieces   its text so far
    begins   where a message's text begins in the text of the whole answer, in characters
    place_json   a message's place, as members of a JSON object
    """

    place: JsonObject
    shown: JsonObject
    pieces: list[str] = field(default_factory=list)
    begins: int = 0
    place_json: bytes = b""


class OutputItems:
    """The items of one response, in the order the model gave their content: each is done before the next.

    With `encrypted`, thought signatures stand in reasoning items too, where `responses_items` looks for them:
    a call's in the one before it, a text's, which comes last, in one behind its message. Where the model
    gave no thoughts there, an item without any is made.

    encrypted   signatures go into `encrypted_content` of reasoning items too
    namespaces  of the functions that have one: the name they are called by → (namespace, name)
    output      the items so far; texts of one that is not done are put into it by `stop`
    signature   the last one of a text, until the item it belongs to is done
    """

    __slots__ = (
        "_encrypted",
        "_message",
        "_messages",
        "_namespaces",
        "_reasoning",
        "_response_id",
        "_said_chars",
        "_tell",
        "output",
        "signature",
    )

    def __init__(
        self,
        response_id: str,
        tell: Tell,
        *,
        encrypted: bool,
        namespaces: Mapping[str, tuple[str, str]] = NO_NAMESPACES,
    ) -> None:
        self._response_id = response_id
        self._tell = tell
        self._encrypted = encrypted
        self._namespaces = namespaces
        self._reasoning: _Item | None = None  # that more thoughts are added to
        self._message: _Item | None = None  # that more text is added to
        self._messages: list[_Item] = []
        self._said_chars = 0
        self.output: list[JsonObject] = []
        self.signature: str | None = None

    @property
    def is_speaking(self) -> bool:
        """True while the last item is a message that more text is added to."""
        return self._message is not None

    def think(self, text: str) -> None:
        """Add to a summary of the model's thoughts."""
        reasoning = self._reasoning
        if reasoning is None:
            self._finish()
            reasoning = self._reasoning = self._add_reasoning()
            self._tell_at(reasoning, "response.reasoning_summary_part.added", part=_summary(""))
        reasoning.pieces.append(text)
        self._tell_at(reasoning, "response.reasoning_summary_text.delta", delta=text)

    def say(self, text: str, logprobs: Sequence[JsonObject] = ()) -> None:
        """Add to the text of the answer."""
        message = self._message or self._add_message()
        message.pieces.append(text)
        self._said_chars += len(text)
        message.shown["content"][0]["logprobs"].extend(logprobs)
        self._tell_at(message, "response.output_text.delta", delta=text, logprobs=logprobs)

    def say_on(self, text: str) -> bytes:
        """Add to the message that is open; nothing is told: gives the event's members as JSON, and its end.

        For the event that nearly all of a stream are: `say` takes five times as long.
        """
        message = self._message
        if message is None:
            raise ValueError("no message is open")
        message.pieces.append(text)
        self._said_chars += len(text)
        return b'%b,"delta":%b,"logprobs":[]}' % (message.place_json, orjson.dumps(text))

    def call(self, call: OpenAIToolCall) -> None:
        """Add a call of a function or of a custom tool."""
        extra = call.get("extra_content")
        self.signature = None  # as in chat, a text's is not given where a call may carry one
        self._finish(next_signature=extra["google"]["thought_signature"] if extra else None)
        custom = call.get("custom")
        if custom is not None:
            member, family, text = "input", "response.custom_tool_call_input", custom["input"]
            item: JsonObject = {"type": "custom_tool_call", **self._named(custom["name"]), "input": text}
            finished = {"input": text}
        else:
            member, family = "arguments", "response.function_call_arguments"
            named, text = self._named(call["function"]["name"]), call["function"]["arguments"]
            item = {"type": "function_call", **named, "arguments": text}
            finished = {"arguments": text, "name": named["name"]}
        item = {**item, "call_id": call["id"], "status": "completed"}
        if extra:
            item["extra_content"] = extra
        added = self._add("fc" if custom is None else "ctc", item, begun_as={member: ""})
        if text:
            self._tell_at(added, f"{family}.delta", delta=text)
        self._tell_at(added, f"{family}.done", **finished)
        self._done(added)

    def _named(self, name: str) -> JsonObject:
        """The members that name a tool."""
        namespaced = self._namespaces.get(name)
        return {"name": name} if namespaced is None else dict(zip(_NAMED, namespaced, strict=True))

    def show(self, mime_type: str, data: str, signature: str | None) -> None:
        """Add a picture, in base64."""
        self._finish(next_signature=signature)
        item: JsonObject = {"type": "image_generation_call", "status": "completed", "result": data}
        kind = mime_type.removeprefix("image/")
        if kind in _FORMATS:
            item["output_format"] = kind
        if signature is not None:
            item["extra_content"] = extra_content(signature)
        added = self._add("ig", item, begun_as={"result": None})
        for step in ("in_progress", "generating", "completed"):
            self._tell_at(added, f"response.image_generation_call.{step}")
        self._done(added)

    def search(self, queries: Sequence[str]) -> None:
        """Add what was searched for; none is no search."""
        if not queries:
            return
        action = {"type": "search", "query": queries[0], "queries": queries}
        item: JsonObject = {"type": "web_search_call", "status": "completed", "action": action}
        added = self._add("ws", item, begun_as={})
        for step in ("in_progress", "searching", "completed"):
            self._tell_at(added, f"response.web_search_call.{step}")
        self._done(added)

    def refuse(self, text: str) -> None:
        """Add a message that says why there is no answer."""
        self._finish()
        item: JsonObject = {"type": "message", "status": "completed", "role": "assistant", "content": []}
        added = self._add("msg", item, begun_as={})
        part = {"type": "refusal", "refusal": text}
        added.shown["content"] = [part]
        added.place["content_index"] = 0
        self._tell_at(added, "response.content_part.added", part={**part, "refusal": ""})
        self._tell_at(added, "response.refusal.delta", delta=text)
        self._tell_at(added, "response.refusal.done", refusal=text)
        self._tell_at(added, "response.content_part.done", part=part)
        self._done(added)

    def annotate(self, found: Sequence[Annotation]) -> None:
        """Put citations on the messages they belong to; they count characters of the whole answer's text.

        Called once, at the end: by then a message before a call is done, and is cited all the same.
        """
        if not self._messages:
            return
        begins = [message.begins for message in self._messages]
        for annotation in found:
            cited = annotation["url_citation"]
            at = max(bisect_right(begins, cited["start_index"]) - 1, 0)
            message = self._messages[at]
            ends = begins[at + 1] if at + 1 < len(begins) else self._said_chars
            told = {
                "type": "url_citation",
                "start_index": max(cited["start_index"] - message.begins, 0),
                "end_index": max(min(cited["end_index"], ends) - message.begins, 0),
                "url": cited["url"],
                "title": cited["title"],
            }
            annotations: list[JsonObject] = message.shown["content"][0]["annotations"]
            self._tell_at(
                message,
                "response.output_text.annotation.added",
                annotation_index=len(annotations),
                annotation=told,
            )
            annotations.append(told)

    def end(self, *, is_whole: bool) -> None:
        """There is no more: finish the last item."""
        self._finish(status="completed" if is_whole else "incomplete")

    def stop(self) -> None:
        """The answer broke off: put what has come of the open items into them, and tell nothing."""
        if self._reasoning is not None:
            self._reasoning.shown["summary"] = [_summary("".join(self._reasoning.pieces))]
        if self._message is not None:
            self._message.shown["content"][0]["text"] = "".join(self._message.pieces)
            self._message.shown["status"] = "incomplete"

    def _add(self, prefix: str, item: JsonObject, *, begun_as: JsonObject) -> _Item:
        """Add an item.

        item       as it will be shown, but for its id
        begun_as   the members that are different at its beginning; a status is `in_progress` there
        """
        index = len(self.output)
        item_id = output_item_id(prefix, self._response_id, index)
        shown = {"id": item_id, **item}
        begun = {**shown, **begun_as}
        if "status" in begun:
            begun["status"] = "in_progress"
        self.output.append(shown)
        self._tell("response.output_item.added", {"output_index": index, "item": begun})
        return _Item({"item_id": item_id, "output_index": index}, shown)

    def _done(self, item: _Item) -> None:
        self._tell(
            "response.output_item.done", {"output_index": item.place["output_index"], "item": item.shown}
        )

    def _add_reasoning(self) -> _Item:
        item: JsonObject = {"type": "reasoning", "summary": []}
        if self._encrypted:
            item["encrypted_content"] = None
        added = self._add("rs", item, begun_as={})
        added.place["summary_index"] = 0
        return added

    def _add_message(self) -> _Item:
        self._finish_reasoning(None)
        part: JsonObject = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        item: JsonObject = {
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [part],
        }
        added = self._message = self._add("msg", item, begun_as={"content": []})
        added.begins = self._said_chars
        added.place["content_index"] = 0
        added.place_json = orjson.dumps(added.place)[1:-1]
        self._messages.append(added)
        self._tell_at(added, "response.content_part.added", part=part)
        return added

    def _finish(self, *, status: str = "completed", next_signature: str | None = None) -> None:
        """Make the way free for the next item: the one that is open is done.

        status           a message's
        next_signature   of the item that follows
        """
        own, self.signature = self.signature, None
        if self._reasoning is not None:
            self._finish_reasoning(next_signature or own)
            return
        if self._message is not None:
            self._finish_message(self._message, own, status)
            self._message = None
        for signature in (own, next_signature):
            if signature is not None and self._encrypted:
                bearing = self._add_reasoning()
                bearing.shown["encrypted_content"] = signature
                self._done(bearing)

    def _finish_reasoning(self, signature: str | None) -> None:
        reasoning = self._reasoning
        if reasoning is None:
            return
        self._reasoning = None
        text = "".join(reasoning.pieces)
        self._tell_at(reasoning, "response.reasoning_summary_text.done", text=text)
        self._tell_at(reasoning, "response.reasoning_summary_part.done", part=_summary(text))
        reasoning.shown["summary"] = [_summary(text)]
        if self._encrypted:
            reasoning.shown["encrypted_content"] = signature
        self._done(reasoning)

    def _finish_message(self, message: _Item, signature: str | None, status: str) -> None:
        part = message.shown["content"][0]
        part["text"] = "".join(message.pieces)
        message.pieces.clear()
        self._tell_at(message, "response.output_text.done", text=part["text"], logprobs=part["logprobs"])
        self._tell_at(message, "response.content_part.done", part=part)
        message.shown["status"] = status
        if signature is not None:
            message.shown["extra_content"] = extra_content(signature)
        self._done(message)

    def _tell_at(self, item: _Item, kind: str, **members: Any) -> None:
        self._tell(kind, {**item.place, **members})


def _summary(text: str) -> JsonObject:
    return {"type": "summary_text", "text": text}
