"""A native stream that came whole at once is judged as one that came event by event."""

from typing import Any

import orjson
import pytest

from gateway.protocols.failures import Failure
from gateway.relay.plan import Framing
from tests.fakes import gemini_replies as replies
from tests.relay.clients import Served, plan, serve

HELLO, WORLD, END = replies.text_events("Hello", " world", ".")
SIGNED_END = replies.response([{"text": "", "thoughtSignature": "c2lnbmVk"}], finish_reason="STOP")
SECOND = {**HELLO, "candidates": [{**HELLO["candidates"][0], "index": 1}]}
STREAMS: dict[str, list[Any]] = {
    "as usual": [HELLO, WORLD, END],
    "an event alone": [END],
    "an empty end": [HELLO, replies.response([{"text": ""}], finish_reason="STOP")],
    "a signed end": [HELLO, SIGNED_END],
    "signed in the middle": [HELLO, *replies.function_call_events(), WORLD, END],
    "an end of nothing but its reason": [
        HELLO,
        {"candidates": [{"finishReason": "STOP"}], "usageMetadata": replies.usage()},
    ],
    "a thought first": replies.thinking_events(),
    "a call": [HELLO, *replies.function_call_events()],
    "two candidates": [HELLO, SECOND, END],
    "an end of another candidate": [
        HELLO,
        {**END, "candidates": [{**END["candidates"][0], "index": 1}]},
    ],
    "no end": [HELLO, WORLD],
    "no usage at the end": [HELLO, {"candidates": END["candidates"]}],
    "usage behind the end": [HELLO, END, {"usageMetadata": replies.usage(9, 9)}],
    "blocked at the end": [HELLO, replies.safety()],
    "a blocked prompt behind content": [
        HELLO,
        {**replies.blocked_prompt(), "usageMetadata": replies.usage()},
    ],
    "a blocked prompt": [replies.blocked_prompt()],
    "a malformed call": [HELLO, replies.malformed_function_call()],
    "limited": [HELLO, replies.account_limited()],
    "too long": [HELLO, replies.max_tokens()],
    "empty": [replies.empty()],
    "an error": [replies.stream_error()],
    "an error behind content": [HELLO, replies.stream_error()],
    "an error before the end": [HELLO, replies.stream_error(), END],
    "the word": [HELLO, replies.text('data: {"error": "is a word"}'), END],
    "many": [HELLO, *[WORLD] * 400, END],
}


def written(events: list[Any], line_end: bytes = b"\r\n") -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + line_end * 2 for event in events)


def outcome(served: Served, failure: Failure | None) -> tuple[Any, ...]:
    delivery, client = served.delivery, served.client
    return failure, delivery.failure, delivery.signs, client.body, client.finished, served.outlet.committed


def at_once(came: bytes) -> tuple[Any, ...]:
    served = serve(plan(Framing.EVENTS))
    return outcome(served, served.delivery.end(came))


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"], ids=["crlf", "lf"])
def test_a_burst_ends_as_the_same_events_one_by_one(name: str, line_end: bytes) -> None:
    came = written(STREAMS[name], line_end)

    served = serve(plan(Framing.EVENTS))
    served.feed(came)
    failure = served.delivery.failure or served.delivery.end()

    assert at_once(came) == outcome(served, failure)


def test_a_burst_without_its_last_blank_line_ends_as_its_events_do() -> None:
    came = written([HELLO, WORLD, END])[:-4]

    served = serve(plan(Framing.EVENTS))
    served.feed(came)

    assert at_once(came) == outcome(served, served.delivery.end())


def test_a_burst_cut_anywhere_is_not_taken_for_a_whole_stream() -> None:
    came = written([HELLO, END])
    whole_from = len(came) - 4

    for cut in range(1, len(came)):
        failure = at_once(came[:cut])[0]
        assert (failure is None) is (cut >= whole_from), cut
