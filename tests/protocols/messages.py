"""A Messages translation as tests make it, and what an Anthropic client reads out of its bytes."""

from collections.abc import Sequence
from typing import Any

import orjson
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.parsed_message import ParsedMessage
from pydantic import TypeAdapter

from gateway.protocols.anthropic_stream import MessagesTranslation
from gateway.protocols.told_before import ToldBefore
from tests.protocols.responses import context

MESSAGE_ID = "msg_00c0ffee"
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def translation(
    *, told: ToldBefore | None = None, shows_search: bool = False, **changed: Any
) -> MessagesTranslation:
    return MessagesTranslation(
        context(**changed), message_id=MESSAGE_ID, told=told or ToldBefore(), shows_search=shows_search
    )


def streamed(translated: MessagesTranslation, *events: dict[str, Any]) -> list[dict[str, Any]]:
    return read(b"".join(map(translated.event, events)) + translated.end())


def whole(translated: MessagesTranslation, answer: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(translated.whole(answer))
    Message.model_validate(message)
    return message


def read(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream, or of its beginning, each one that the SDK declares or passes over."""
    blocks = data.split(b"\n\n")
    assert blocks.pop() == b""
    events = []
    for block in blocks:
        name, _, line = block.partition(b"\n")
        event: dict[str, Any] = orjson.loads(line.removeprefix(b"data: "))
        assert name.removeprefix(b"event: ").decode() == event["type"]
        assert event == {"type": "ping"} or EVENT.validate_python(event).type == event["type"]
        events.append(event)
    return events


def check_stream(events: Sequence[dict[str, Any]]) -> None:
    """A whole stream keeps the order that clients rely on: start, one block after the other, end."""
    kinds = [event["type"] for event in events if event["type"] != "ping"]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert events[0]["message"]["content"] == []
    index, is_open = -1, False
    for event, kind in zip(events[1:-2], kinds[1:-2], strict=True):
        assert kind in {"content_block_start", "content_block_delta", "content_block_stop"}
        assert is_open == (kind != "content_block_start")
        is_open = kind != "content_block_stop"
        index += kind == "content_block_start"
        assert event["index"] == index
    assert not is_open


def accumulated(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The message as the SDK's own accumulator puts it together from the events; it raises as it does."""
    snapshot: ParsedMessage[Any] | None = None
    texts: dict[int, bytes] = {}
    for event in events:
        if event["type"] != "ping":
            read_event = EVENT.validate_python(event)
            snapshot = accumulate_event(event=read_event, current_snapshot=snapshot, json_bufs=texts)
    assert snapshot is not None
    return snapshot.to_dict()
