"""Streams of the Responses API on their way: what tells of a break; beats and the answer are one stream."""

import functools
from typing import Any

import orjson
import pytest

from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure, FailureKind
from gateway.protocols.told_before import ToldBefore
from gateway.relay.plan import Framing, Plan
from gateway.relay.shaping import Shape, shaped
from gateway.streaming.pacing import Pace
from tests.control.waiting import until
from tests.fakes import gemini_errors, gemini_replies
from tests.protocols.responses import accumulated, check_stream, read, told, translation
from tests.relay.bench import Bench
from tests.relay.clients import plan, serve

TEXT = 'Hello wörld — 你好 "quoted" \n\n end.'
CAME = b"".join(
    b"data: %b\r\n\r\n" % orjson.dumps(event) for event in gemini_replies.text_events(TEXT[:9], TEXT[9:])
)
NETWORK = Failure(kind=FailureKind.NETWORK, message="reset")
PACE = Pace(0.002, 0.004, short_text=5, long_text=12, chunk_size=4)


def the_plan(framing: Framing = Framing.EVENTS) -> Plan:
    return plan(framing, translation=functools.partial(translation, told=ToldBefore(), keep_text=False))


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


@pytest.mark.parametrize("shape", [None, Shape(pace=PACE)], ids=["as it comes", "paced"])
@pytest.mark.parametrize("failure", [None, NETWORK], ids=["closed", "reset"])
def test_a_stream_cut_at_any_byte_is_complete_or_has_failed(
    shape: Shape | None, failure: Failure | None
) -> None:
    ends = set()
    for cut in range(0, len(CAME) + 1, 3):
        served = serve(the_plan() if shape is None else shaped(the_plan(), shape))
        assert served.feed(CAME[:cut]) is None
        served.close(failure)
        if not served.outlet.committed:
            assert served.client.writes == []
            continue
        events = read(served.client.body)
        accumulated(events)
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        ends.add(events[-1]["type"])
        if events[-1]["type"] == "response.failed":
            assert TEXT.startswith(text_of(events))
            assert events[-1]["response"]["output"][0]["content"][0]["text"] == text_of(events)
        else:
            check_stream(events)
            assert text_of(events) == TEXT

    assert ends == {"response.failed"} if failure else {"response.failed", "response.completed"}


def test_an_error_event_after_content_is_told_in_the_stream_of_responses() -> None:
    served = serve(the_plan())
    first = CAME.index(b"\r\n\r\n") + 4

    failure = served.feed(CAME[:first], b"data: %b\r\n\r\n" % orjson.dumps(gemini_replies.stream_error()))
    served.close(failure)

    assert told(read(served.client.body))[-2:] == ["output_text.delta", "failed"]


class Wordless:
    """A translation that has no words for a break."""

    def whole(self, reply: dict[str, Any]) -> bytes:
        return b""

    def event(self, reply: dict[str, Any]) -> bytes:
        return b"some"

    def end(self) -> bytes:
        return b""


def test_a_break_that_the_translation_does_not_tell_is_told_as_the_plan_says() -> None:
    served = serve(plan(Framing.EVENTS, translation=Wordless))
    served.feed(CAME[: CAME.index(b"\r\n\r\n") + 4])

    served.delivery.break_off(Problem(502, "It broke off.", "truncated"))

    assert served.client.body.startswith(b'somedata: {"error":{"message":"It broke off."')


def refuse(bench: Bench, error: Any) -> None:
    bench.answer(orjson.dumps(error.body), status=error.status)


@pytest.mark.parametrize("pace", [None, PACE], ids=["at once", "paced"])
async def test_beats_and_the_answer_of_another_key_are_one_stream(pace: Pace | None) -> None:
    bench = Bench()
    _, client = bench.begin(shaped(the_plan(), Shape(beat_every_s=0.01, pace=pace)))

    await until(lambda: len(client.writes) > 1)
    refuse(bench, gemini_errors.rate_minute())
    beats = len(client.writes)
    await until(lambda: len(client.writes) > beats)
    bench.answer(orjson.dumps(gemini_replies.text(TEXT)))
    await until(lambda: client.finished)

    events = read(client.body)
    check_stream(events)
    accumulated(events)
    assert text_of(events) == TEXT
    assert told(events)[:4] == ["created", "in_progress", "in_progress", "in_progress"]


async def test_an_error_after_beats_ends_the_same_stream() -> None:
    bench = Bench()
    _, client = bench.begin(shaped(the_plan(), Shape(beat_every_s=0.01)))

    await until(lambda: len(client.writes) > 1)
    refuse(bench, gemini_errors.invalid_argument("Request contains an invalid argument."))

    events = read(client.body)
    assert (events[0]["type"], events[-1]["type"]) == ("response.created", "response.failed")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["response"]["error"]["code"] == "invalid_prompt"
