"""Calls whose answers go over a stage: beats before content, pictures on their way to a host, a pace."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from gateway.protocols.media import Media
from gateway.relay.plan import Framing, Plan
from gateway.relay.shaping import Shape, shaped
from gateway.streaming.pacing import Pace
from gateway.upstream.transport import FailureCause, TransportFailure
from tests.control.waiting import until
from tests.fakes import gemini_errors, gemini_replies
from tests.relay.bench import Bench
from tests.relay.clients import (
    Client,
    chat_translation,
    plan,
    read_as_google,
    read_as_openai,
    text_of_google,
    text_of_openai,
)

RAW, ARRAY = plan(Framing.EVENTS), plan(Framing.ARRAY)
CHAT, CHAT_WHOLE = (
    plan(Framing.EVENTS, translation=chat_translation),
    plan(Framing.WHOLE, translation=chat_translation),
)
REPLY = orjson.dumps(gemini_replies.text("Hello"))
FAKE = Shape(beat_every_s=0.01)
BAD = gemini_errors.invalid_argument("Request contains an invalid argument.")
FORMS = pytest.mark.parametrize("the_plan", [RAW, ARRAY, CHAT], ids=["sse", "array", "chat"])


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + b"\r\n\r\n" for event in events)


def read(the_plan: Plan, body: bytes) -> list[Any]:
    if the_plan.framing is Framing.ARRAY:
        parsed = orjson.loads(body)
        assert isinstance(parsed, list)
        return parsed
    return read_as_openai(body) if the_plan.dialect == "openai" else read_as_google(body)


def text(the_plan: Plan, events: Sequence[Any]) -> str:
    return text_of_openai(events) if the_plan.dialect == "openai" else text_of_google(events)


def refuse(bench: Bench, error: Any) -> None:
    bench.answer(orjson.dumps(error.body), status=error.status)


# Fake streaming.


@FORMS
async def test_the_upstream_is_asked_whole_and_the_client_told_a_stream(the_plan: Plan) -> None:
    bench = Bench()
    _, client = bench.begin(shaped(the_plan, Shape(beat_every_s=5.0)))
    request = bench.transport.sent[0].request

    bench.answer(REPLY)

    events = read(the_plan, client.body)
    assert (request.url.rpartition(":")[2], request.stream) == ("generateContent", False)
    assert text(the_plan, events) == "Hello"
    assert client.finished
    wanted = "application/json" if the_plan is ARRAY else "text/event-stream"
    assert dict(client.headers)["content-type"].startswith(wanted)
    assert (bench.record.outcome, bench.record.stream) == ("success", True)


@FORMS
async def test_a_call_may_move_to_another_key_while_its_client_hears_beats(the_plan: Plan) -> None:
    bench = Bench()
    _, client = bench.begin(shaped(the_plan, FAKE))

    await until(lambda: len(client.writes) > 2)
    refuse(bench, gemini_errors.rate_minute())
    beats = len(client.writes)
    await until(lambda: len(client.writes) > beats)
    bench.answer(REPLY)

    assert text(the_plan, read(the_plan, client.body)) == "Hello"
    assert (client.status, client.finished) == (200, True)
    assert [attempt.failure_kind for attempt in bench.record.attempts] == ["rate_minute", None]


@FORMS
async def test_an_error_after_beats_is_told_in_the_stream(the_plan: Plan) -> None:
    bench = Bench()
    _, client = bench.begin(shaped(the_plan, FAKE))

    await until(lambda: len(client.writes) > 1)
    refuse(bench, BAD)

    events = read(the_plan, client.body)
    assert "error" in events[-1]
    assert "[DONE]" not in events
    assert text(the_plan, events) == ""
    assert (client.status, client.finished) == (200, True)
    assert (bench.record.status, bench.record.outcome) == (400, "client_error")
    assert bench.observer.streams == 0


@FORMS
async def test_an_error_known_before_the_first_beat_has_its_true_status(the_plan: Plan) -> None:
    bench = Bench()
    _, client = bench.begin(shaped(the_plan, Shape(beat_every_s=5.0)))

    refuse(bench, BAD)

    assert client.status == 400
    assert dict(client.headers)["content-type"].startswith("application/json")
    parsed = orjson.loads(client.body)
    assert "error" in (parsed[0] if the_plan is ARRAY else parsed)


async def test_a_call_without_a_key_says_so_after_its_beats() -> None:
    bench = Bench("key-1")
    _, client = bench.begin(shaped(CHAT, FAKE))

    await until(lambda: len(client.writes) > 1)
    refuse(bench, gemini_errors.api_key_invalid())

    assert read_as_openai(client.body)[-1]["error"]["code"] == "no_usable_key"


async def test_beats_end_with_the_call() -> None:
    bench = Bench()
    _, client = bench.begin(shaped(CHAT, FAKE))
    await until(lambda: client.writes)

    bench.answer(REPLY)
    written = len(client.writes)
    await asyncio.sleep(0.05)

    assert len(client.writes) == written


async def test_a_client_that_leaves_hears_no_more_beats() -> None:
    bench = Bench()
    call, client = bench.begin(shaped(CHAT, FAKE))
    await until(lambda: client.writes)

    call.gone()
    written = len(client.writes)
    await asyncio.sleep(0.05)

    assert len(client.writes) == written
    assert bench.transport.sent[0].cancelled
    assert bench.record.outcome == "client_closed"


async def test_a_client_that_does_not_read_is_not_told_more() -> None:
    bench = Bench()
    call, client = bench.begin(shaped(RAW, FAKE))
    client.keeps_up = False
    await until(lambda: client.writes)
    written = len(client.writes)
    await asyncio.sleep(0.05)
    assert len(client.writes) == written

    call.drained()

    await until(lambda: len(client.writes) > written)


async def test_an_empty_answer_is_tried_again_and_then_told_to_native_callers() -> None:
    for the_plan, told in ((RAW, "STOP"), (CHAT, None)):
        bench = Bench()
        _, client = bench.begin(shaped(the_plan, Shape(beat_every_s=5.0)))
        empty = orjson.dumps(gemini_replies.response([{"text": ""}]))
        tries = 0
        while not client.finished:
            bench.answer(empty)
            tries += 1
            await asyncio.sleep(0)

        assert tries == 2
        if told is None:
            assert client.status == 502
        else:
            assert read_as_google(client.body)[0]["candidates"][0]["finishReason"] == told


@FORMS
@pytest.mark.parametrize("shape", [Shape(beat_every_s=5.0), None], ids=["fake", "as it comes"])
async def test_an_answer_that_is_whole_is_whatever_becomes_of_its_connection(
    the_plan: Plan, shape: Shape | None
) -> None:
    bench = Bench()
    _, client = bench.begin(the_plan if shape is None else shaped(the_plan, shape))
    reply = gemini_replies.text("Hello")
    came = REPLY if shape else orjson.dumps([reply]) if the_plan is ARRAY else sse(reply)

    bench.answer(came, end=False)
    bench.transport.sent[0].sink.fail(TransportFailure(FailureCause.RESET, "gone"))

    events = read(the_plan, client.body)
    assert text(the_plan, events) == "Hello"
    assert not any(isinstance(event, dict) and "error" in event for event in events)
    assert (client.finished, bench.record.outcome, len(bench.transport.sent)) == (True, "success", 1)


# Pictures.


@dataclass(slots=True)
class Hosts:
    """An image host that answers when the test says so."""

    asked: list[Media] = field(default_factory=list)
    answers: list[asyncio.Future[str | None]] = field(default_factory=list)

    async def __call__(self, picture: Media) -> str | None:
        self.asked.append(picture)
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    @property
    def shape(self) -> Shape:
        return Shape(host=self)


PICTURE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
ADDRESS = "https://host.example/1.png"
INSIDE = "![image](data:image/png;base64,AAAA)"
PAINTED = gemini_replies.response([PICTURE])
EVENTS = [
    gemini_replies.response([{"text": "See: "}], finish=None),
    gemini_replies.response([PICTURE], finish=None),
    gemini_replies.response([{"text": " Nice."}]),
]


async def test_a_picture_of_a_whole_answer_is_told_by_its_address() -> None:
    bench, hosts = Bench(), Hosts()
    _, client = bench.begin(shaped(CHAT_WHOLE, hosts.shape))

    bench.answer(orjson.dumps(gemini_replies.response([{"text": "See: "}, PICTURE])))
    await until(lambda: hosts.answers)
    assert not client.status
    hosts.answers[0].set_result(ADDRESS)
    await until(lambda: client.finished)

    assert orjson.loads(client.body)["choices"][0]["message"]["content"] == f"See: ![image]({ADDRESS})"
    assert hosts.asked == [Media("image/png", "AAAA")]
    assert bench.record.outcome == "success"


async def test_an_answer_without_pictures_does_not_wait() -> None:
    bench, hosts = Bench(), Hosts()
    _, client = bench.begin(shaped(CHAT_WHOLE, hosts.shape))

    bench.answer(REPLY)

    assert client.finished


@pytest.mark.parametrize("ended", [False, True], ids=["streaming", "ended"])
async def test_what_stands_behind_a_picture_waits_for_it(ended: bool) -> None:
    bench, hosts = Bench(), Hosts()
    _, client = bench.begin(shaped(CHAT, hosts.shape))
    transfer = bench.transport.sent[0]

    bench.answer(*(sse(event) for event in EVENTS), end=ended)
    await until(lambda: hosts.answers)
    assert text_of_openai(read_as_openai(client.body)) == "See: "
    assert (transfer.paused, client.finished) == (True, False)
    hosts.answers[0].set_result(ADDRESS)
    await until(lambda: "Nice" in client.body.decode())
    assert not transfer.paused or ended
    if not ended:
        transfer.sink.end()

    events = read_as_openai(client.body)
    assert text_of_openai(events) == f"See: ![image]({ADDRESS}) Nice."
    assert (events[-1], client.finished) == ("[DONE]", True)


async def test_pictures_of_one_event_are_put_away_together_and_stay_in_order() -> None:
    bench, hosts = Bench(), Hosts()
    _, client = bench.begin(shaped(CHAT, hosts.shape))
    draft = {**PICTURE, "thought": True}

    bench.answer(sse(gemini_replies.response([draft, PICTURE, {"text": " and "}, PICTURE])))
    await until(lambda: len(hosts.answers) == 2)
    hosts.answers[1].set_result(ADDRESS)
    await asyncio.sleep(0)
    assert not client.status
    hosts.answers[0].set_result(None)
    await until(lambda: client.finished)

    assert text_of_openai(read_as_openai(client.body)) == f"{INSIDE} and ![image]({ADDRESS})"


async def test_a_stream_that_breaks_before_its_picture_has_a_place_moves_on() -> None:
    bench, hosts = Bench(), Hosts()
    _, client = bench.begin(shaped(CHAT, hosts.shape))

    bench.answer(sse(EVENTS[1]), end=False)
    await until(lambda: hosts.answers)
    bench.transport.sent[0].sink.fail(TransportFailure(FailureCause.RESET, "gone"))
    await until(lambda: len(bench.transport.sent) == 2)
    assert hosts.answers[0].cancelled()
    bench.answer(sse(*EVENTS[2:]))

    assert text_of_openai(read_as_openai(client.body)) == " Nice."
    assert client.finished


async def test_a_stream_that_breaks_after_content_keeps_its_picture_inside() -> None:
    bench, hosts = Bench(), Hosts()
    _, client = bench.begin(shaped(CHAT, hosts.shape))

    bench.answer(*(sse(event) for event in EVENTS[:2]), end=False)
    await until(lambda: hosts.answers)
    bench.transport.sent[0].sink.fail(TransportFailure(FailureCause.RESET, "gone"))

    events = read_as_openai(client.body)
    assert text_of_openai(events) == f"See: {INSIDE}"
    assert "error" in events[-1]
    assert bench.record.outcome == "broken"


@pytest.mark.parametrize("the_plan", [CHAT, CHAT_WHOLE], ids=["stream", "whole"])
async def test_a_client_that_leaves_takes_its_pictures_along(the_plan: Plan) -> None:
    bench, hosts = Bench(), Hosts()
    call, _ = bench.begin(shaped(the_plan, hosts.shape))
    bench.answer(sse(PAINTED) if the_plan is CHAT else orjson.dumps(PAINTED))
    await until(lambda: hosts.answers)

    call.gone()
    await asyncio.sleep(0)

    assert hosts.answers[0].cancelled()
    assert bench.record.outcome == "client_closed"


@pytest.mark.logs_errors("the fault is meant")
@pytest.mark.parametrize("the_plan", [CHAT, CHAT_WHOLE], ids=["stream", "whole"])
async def test_a_host_that_raises_is_a_fault_of_ours_and_nobody_waits(the_plan: Plan) -> None:
    async def broken(_: Media) -> str | None:
        raise RuntimeError("a fault of ours")

    bench = Bench()
    _, client = bench.begin(shaped(the_plan, Shape(host=broken)))

    bench.answer(sse(PAINTED) if the_plan is CHAT else orjson.dumps(PAINTED))
    await until(lambda: client.finished)

    assert client.status == 500
    assert bench.record.failure_kind == "gateway_fault"


async def test_pictures_of_native_callers_stay_inside() -> None:
    assert shaped(RAW, Hosts().shape) is RAW


# The pace.


SLOW = Shape(pace=Pace(0.02, 0.02, short_text=5, long_text=50, chunk_size=5))
FROZEN = Shape(pace=Pace(1.0, 1.0, short_text=1, long_text=2, chunk_size=1))


@FORMS
async def test_text_leaves_in_pieces_over_time(the_plan: Plan) -> None:
    bench = Bench()
    _, client = bench.begin(shaped(the_plan, SLOW))
    reply = gemini_replies.text("Hello")
    began_s = bench.engine.loop.time()

    bench.answer(b"[" + orjson.dumps(reply) + b"]" if the_plan is ARRAY else sse(reply))
    first = text_written(client)
    assert "H" in first
    assert "ello" not in first
    assert not client.finished
    await until(lambda: client.finished)

    assert bench.engine.loop.time() - began_s >= 0.08
    assert text(the_plan, read(the_plan, client.body)) == "Hello"
    assert bench.record.outcome == "success"


def text_written(client: Client) -> str:
    return client.body.decode()


async def test_a_client_that_does_not_keep_up_is_waited_for() -> None:
    bench = Bench()
    call, client = bench.begin(shaped(CHAT, SLOW))
    client.keeps_up = False

    bench.answer(sse(gemini_replies.text("Hello")))
    written = len(client.writes)
    await asyncio.sleep(0.15)
    assert len(client.writes) == written
    assert not client.finished
    client.keeps_up = True
    call.drained()
    await until(lambda: client.finished)

    assert text_of_openai(read_as_openai(client.body)) == "Hello"


async def test_an_error_is_not_held_up_by_the_pace() -> None:
    bench = Bench()
    _, client = bench.begin(shaped(CHAT, FROZEN))

    bench.answer(sse(gemini_replies.text("Hello", finish=None)), end=False)
    bench.transport.sent[0].sink.fail(TransportFailure(FailureCause.RESET, "gone"))

    events = read_as_openai(client.body)
    assert text_of_openai(events) == "Hello"
    assert "error" in events[-1]


async def test_a_tool_call_is_not_held_up_by_the_pace() -> None:
    bench = Bench()
    _, client = bench.begin(shaped(CHAT, FROZEN))

    bench.answer(
        sse(
            gemini_replies.response([{"text": "Let me see"}], finish=None),
            gemini_replies.response([{"functionCall": {"name": "look", "args": {}}}]),
        )
    )

    events = read_as_openai(client.body)
    assert client.finished
    assert text_of_openai(events) == "Let me see"
    assert any(choice["delta"].get("tool_calls") for event in events[:-1] for choice in event["choices"])


async def test_a_client_that_leaves_ends_the_pacing() -> None:
    bench = Bench()
    call, client = bench.begin(shaped(CHAT, SLOW))
    bench.answer(sse(gemini_replies.text("Hello")))

    call.gone()
    written = len(client.writes)
    await asyncio.sleep(0.06)

    assert len(client.writes) == written
    assert bench.record.outcome == "client_closed"


async def test_other_plans_keep_as_they_are() -> None:
    everything = Shape(beat_every_s=1.0, pace=SLOW.pace, host=Hosts())
    for other in (
        plan(Framing.WHOLE),
        plan(Framing.WHOLE, translation=chat_translation, generates=False),
        plan(Framing.EVENTS, generates=False),
    ):
        assert shaped(other, everything) is other


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("alt=sse", ""),
        ("alt=sse&foo=1", "foo=1"),
        ("$alt=json;enum-encoding=int", "$alt=json;enum-encoding=int"),
        ("%24alt=json&alt=sse", "%24alt=json"),
    ],
)
def test_a_whole_answer_is_not_asked_for_as_a_stream(query: str, asked: str) -> None:
    assert shaped(plan(Framing.EVENTS, query=query), FAKE).query == asked
