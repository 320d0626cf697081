"""Streams on their way to a client: any cut of the bytes in, never a wrong byte out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.failures import Failure, FailureKind
from gateway.relay.plan import Framing, Plan
from gateway.relay.shaping import Shape, shaped
from gateway.streaming.pacing import Pace
from tests.fakes import gemini_replies
from tests.relay.clients import (
    Served,
    chat_translation,
    plan,
    read_as_google,
    read_as_openai,
    serve,
    text_of_google,
    text_of_openai,
)

PIECES = ("Hello", " wörld — 你好", ' with "quotes" \\ and \n\n blank lines', " end.")
WHOLE_TEXT = "".join(PIECES)
EVENTS = gemini_replies.text_events(*PIECES)
NETWORK = Failure(kind=FailureKind.NETWORK, message="reset")


def sse_bytes(events: Sequence[dict[str, Any]] = EVENTS, line_end: bytes = b"\r\n") -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + line_end * 2 for event in events)


def array_bytes(events: Sequence[dict[str, Any]] = EVENTS) -> bytes:
    elements = [orjson.dumps(event, option=orjson.OPT_INDENT_2) + b"\r\n" for event in events]
    return b"[" + b",\r\n".join(elements) + b"]"


def read_array(body: bytes) -> list[Any]:
    parsed = orjson.loads(body)
    assert isinstance(parsed, list)
    return parsed


RAW, CHAT, ARRAY = (
    plan(Framing.EVENTS),
    plan(Framing.EVENTS, translation=chat_translation),
    plan(Framing.ARRAY),
)
Reader = Callable[[bytes], list[Any]]
PACED = Shape(pace=Pace(0.002, 0.004, short_text=5, long_text=12, chunk_size=4))
FAKE = Shape(beat_every_s=5.0)
BOTH = replace(PACED, beat_every_s=5.0)
WHOLE_REPLY = orjson.dumps(gemini_replies.text(WHOLE_TEXT), option=orjson.OPT_INDENT_2)
FORMS = {
    "sse-crlf": (RAW, sse_bytes(), read_as_google, text_of_google),
    "sse-lf": (RAW, sse_bytes(line_end=b"\n"), read_as_google, text_of_google),
    "chat": (CHAT, sse_bytes(), read_as_openai, text_of_openai),
    "array": (ARRAY, array_bytes(), read_array, text_of_google),
    "paced-sse": (shaped(RAW, PACED), sse_bytes(), read_as_google, text_of_google),
    "paced-chat": (shaped(CHAT, PACED), sse_bytes(), read_as_openai, text_of_openai),
    "paced-array": (shaped(ARRAY, PACED), array_bytes(), read_array, text_of_google),
    "fake-sse": (shaped(RAW, FAKE), WHOLE_REPLY, read_as_google, text_of_google),
    "fake-chat": (shaped(CHAT, FAKE), WHOLE_REPLY, read_as_openai, text_of_openai),
    "fake-array": (shaped(ARRAY, FAKE), WHOLE_REPLY, read_array, text_of_google),
    "fake-paced-chat": (shaped(CHAT, BOTH), WHOLE_REPLY, read_as_openai, text_of_openai),
}


def is_told_broken(events: Sequence[Any]) -> bool:
    return bool(events) and isinstance(events[-1], dict) and "error" in events[-1]


def is_told_whole(events: Sequence[Any], the_plan: Plan) -> bool:
    if the_plan.dialect == "openai":
        return events[-1] == "[DONE]" and any(
            choice["finish_reason"] == "stop" for event in events[:-1] for choice in event["choices"]
        )
    return "finishReason" in events[-1]["candidates"][0]


def check_honest(
    served: Served, the_plan: Plan, read: Reader, text_of: Callable[[Sequence[Any]], str]
) -> None:
    """What was sent is readable, its text a beginning of the true text, and its end says which it is."""
    if not served.outlet.committed:
        assert served.client.writes == []
        return
    assert served.client.finished
    events = read(served.client.body)
    text = text_of(events)
    assert WHOLE_TEXT.startswith(text)
    assert text, "committed without content"
    if is_told_broken(events):
        assert "[DONE]" not in events
    else:
        assert text == WHOLE_TEXT
        assert is_told_whole(events, the_plan)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("failure", [None, NETWORK], ids=["closed", "reset"])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_stream_cut_at_any_byte_is_never_passed_off_as_whole(
    form: str, failure: Failure | None, step: int
) -> None:
    the_plan, came, read, text_of = FORMS[form]
    for cut in range(0, len(came) + 1, 1 if step > 1 else 5):
        served = serve(the_plan)
        seen = served.feed(*(came[at : min(at + step, cut)] for at in range(0, cut, step)))
        assert seen is None
        served.close(failure)
        check_honest(served, the_plan, read, text_of)


def candidate(index: int, text: str, *, finish: str | None = None) -> dict[str, Any]:
    event = gemini_replies.response([{"text": text}], finish=finish)
    event["candidates"][0]["index"] = index
    return event


TWO = [
    candidate(0, "Hello"),
    candidate(1, "Hallo"),
    candidate(0, " end.", finish="STOP"),
    candidate(1, " Ende."),
    candidate(1, "", finish="STOP"),
]


ASKS_TWO = rb'{"generationConfig":{"candidate\u0043ount":2}}'


@pytest.mark.parametrize(
    "the_plan", [RAW, replace(RAW, body=ASKS_TWO), ARRAY, CHAT, shaped(RAW, PACED), shaped(CHAT, PACED)]
)
@pytest.mark.parametrize("step", [1, 10_000])
def test_the_end_of_one_candidate_is_not_taken_for_the_end_of_all(the_plan: Plan, step: int) -> None:
    is_array = the_plan.framing is Framing.ARRAY
    came = array_bytes(TWO) if is_array else sse_bytes(TWO)
    whole_from = len(array_bytes(TWO)) - 3 if is_array else len(came) - 4  # only blanks and a bracket follow
    for cut in range(0, len(came) + 1, 1 if step > 1 else 7):
        served = serve(the_plan)
        assert served.feed(*(came[at : min(at + step, cut)] for at in range(0, cut, step))) is None
        served.close(None)
        if served.outlet.committed:
            body = served.client.body
            reader = (
                read_array if is_array else read_as_openai if the_plan.dialect == "openai" else read_as_google
            )
            assert is_told_broken(reader(body)) is (cut < whole_from), cut


@pytest.mark.parametrize("form", ["sse-crlf", "sse-lf", "array"])
@given(data=st.data())
def test_native_bytes_leave_as_they_came_however_they_were_cut(form: str, data: st.DataObject) -> None:
    the_plan, came, _, _ = FORMS[form]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(came) - 1), max_size=12)))
    served = serve(the_plan)

    served.feed(*(came[a:b] for a, b in zip([0, *cuts], [*cuts, len(came)], strict=True)))
    served.close(None)

    assert served.client.body == came
    assert served.delivery.failure is None
    assert served.delivery.signs.finish_reason == "STOP"
    assert served.delivery.signs.usage == gemini_replies.usage()


@given(data=st.data())
def test_a_chat_stream_is_the_same_however_its_source_was_cut(data: st.DataObject) -> None:
    came = sse_bytes()
    cuts = sorted(data.draw(st.sets(st.integers(1, len(came) - 1), max_size=12)))
    served, whole = serve(CHAT), serve(CHAT)
    whole.feed(came)
    whole.close(None)

    served.feed(*(came[a:b] for a, b in zip([0, *cuts], [*cuts, len(came)], strict=True)))
    served.close(None)

    assert served.client.body == whole.client.body
    assert text_of_openai(read_as_openai(served.client.body)) == WHOLE_TEXT


@given(junk=st.binary(min_size=1, max_size=60), at=st.integers(0, len(sse_bytes())))
def test_junk_in_the_middle_never_makes_a_chat_stream_unreadable(junk: bytes, at: int) -> None:
    came = sse_bytes()
    served = serve(CHAT)

    failure = served.feed(came[:at], junk, came[at:])
    served.close(failure)

    if served.outlet.committed:
        events = read_as_openai(served.client.body)
        assert is_told_broken(events) or events[-1] == "[DONE]"


@pytest.mark.parametrize("form", ["sse", "chat", "array"])
def test_an_error_event_before_content_writes_nothing(form: str) -> None:
    the_plan = {"sse": RAW, "chat": CHAT, "array": ARRAY}[form]
    events = [gemini_replies.response([{"text": ""}], finish=None), gemini_replies.stream_error()]
    served = serve(the_plan)

    failure = served.feed(array_bytes(events) if form == "array" else sse_bytes(events))

    assert failure is not None
    assert failure.kind is FailureKind.OVERLOADED
    assert served.client.status == 0


def test_an_error_event_after_content_is_passed_to_native_callers_as_it_came() -> None:
    came = sse_bytes([EVENTS[0], gemini_replies.stream_error()])
    served = serve(RAW)

    served.feed(sse_bytes([EVENTS[0]]), came[len(sse_bytes([EVENTS[0]])) :])
    served.close(None)

    assert served.client.body == came
    assert served.delivery.failure is not None
    assert served.delivery.failure.kind is FailureKind.OVERLOADED


@pytest.mark.parametrize("the_plan", [CHAT, ARRAY], ids=["chat", "array"])
def test_an_error_event_after_content_ends_the_stream_in_the_dialect(the_plan: Plan) -> None:
    served = serve(the_plan)
    both = [EVENTS[0], gemini_replies.stream_error()]
    came, first = (
        (array_bytes(both), len(array_bytes([EVENTS[0]])) - 1)
        if the_plan is ARRAY
        else (sse_bytes(both), len(sse_bytes([EVENTS[0]])))
    )

    failure = served.feed(came[:first], came[first:])
    served.close(failure)

    events = (read_array if the_plan is ARRAY else read_as_openai)(served.client.body)
    assert is_told_broken(events)
    assert len(events) >= 2


@pytest.mark.parametrize(
    "last",
    [gemini_replies.malformed_function_call(), gemini_replies.account_limited(), gemini_replies.safety()],
    ids=["malformed", "limited", "safety"],
)
@pytest.mark.parametrize("form", ["sse", "chat", "array"])
def test_a_bad_end_after_content_is_the_models_own_and_is_known_to_us(
    last: dict[str, Any], form: str
) -> None:
    the_plan = {"sse": RAW, "chat": CHAT, "array": ARRAY}[form]
    events = [EVENTS[0], last]
    came = array_bytes(events) if form == "array" else sse_bytes(events)
    served = serve(the_plan)

    served.feed(came[:400], came[400:])
    served.close(None)

    reason = last["candidates"][0]["finishReason"]
    kinds = {"SAFETY": FailureKind.BLOCKED, "PUP_LIMITED_DISABLED": FailureKind.ACCOUNT_LIMITED}
    assert served.delivery.failure is not None
    assert served.delivery.failure.kind is kinds.get(reason, FailureKind.MALFORMED)
    assert served.client.finished
    if the_plan is not CHAT:
        assert served.client.body == came


def test_integer_enums_and_snake_case_are_understood_at_the_end() -> None:
    for last in (
        b'{"candidates":[{"content":{"parts":[{"text":"."}]},"finishReason":1}]}',
        b'{"candidates":[{"content":{"parts":[{"text":"."}]},"finish_reason":"STOP"}]}',
    ):
        came = sse_bytes([EVENTS[0]]) + b"data: " + last + b"\r\n\r\n"
        served = serve(RAW)

        served.feed(came[:300], came[300:])
        served.close(None)

        assert served.client.body == came


def test_what_follows_a_finish_reason_may_be_longer_than_the_tail_that_is_kept() -> None:
    last = gemini_replies.text(".", groundingMetadata={"searchEntryPoint": "x" * 100_000})
    came = sse_bytes([EVENTS[0], last])
    served = serve(RAW)

    served.feed(*(came[at : at + 5000] for at in range(0, len(came), 5000)))
    served.close(None)

    assert served.client.body == came


@pytest.mark.parametrize("the_plan", [RAW, CHAT, ARRAY], ids=["sse", "chat", "array"])
def test_a_picture_of_megabytes_passes(the_plan: Plan) -> None:
    data = "QUJD" * (5 * 1024 * 1024 // 4)
    part = {"inlineData": {"mimeType": "image/png", "data": data}}
    events = [EVENTS[0], gemini_replies.response([part])]
    came = array_bytes(events) if the_plan is ARRAY else sse_bytes(events)
    served = serve(the_plan)

    served.feed(*(came[at : at + 16384] for at in range(0, len(came), 16384)))
    served.close(None)

    assert served.client.finished
    if the_plan is CHAT:
        assert data[-1000:] in text_of_openai(read_as_openai(served.client.body))
    else:
        assert served.client.body == came


def test_a_torn_picture_is_closed_before_the_error() -> None:
    came = sse_bytes([EVENTS[0]]) + b'data: {"candidates":[{"content":{"parts":[{"inlineData":{"data":"'
    served = serve(RAW)

    served.feed(came, *[b"QUJD" * 4096] * 40)
    served.close(NETWORK)

    assert served.client.body.startswith(came)
    last = served.client.body.replace(b"\r\n", b"\n").rstrip().rpartition(b"\n\n")[2]
    assert "error" in orjson.loads(last.removeprefix(b"data: "))


@pytest.mark.parametrize("the_plan", [RAW, ARRAY], ids=["sse", "array"])
def test_an_empty_stop_can_be_given_to_native_callers_as_it_came(the_plan: Plan) -> None:
    came = (array_bytes if the_plan is ARRAY else sse_bytes)([gemini_replies.empty()])
    served = serve(the_plan)
    served.feed(came)

    failure = served.delivery.end()

    assert failure is not None
    assert failure.kind is FailureKind.EMPTY
    assert served.client.status == 0
    assert served.delivery.release()
    assert served.client.body == came


@pytest.mark.parametrize("came", [b"", b"<html>", b"data: {}\r\n\r\n", b"[", b"[]", b"data: {\r\n\r\n"])
@pytest.mark.parametrize("the_plan", [RAW, ARRAY, CHAT], ids=["sse", "array", "chat"])
def test_what_is_no_answer_is_never_released(the_plan: Plan, came: bytes) -> None:
    served = serve(the_plan)
    failure = served.feed(came) or served.delivery.end()

    assert failure is not None
    assert not served.delivery.release()
    assert served.client.status == 0


def test_a_blocked_prompt_is_the_true_answer() -> None:
    came = sse_bytes([gemini_replies.blocked_prompt()])
    for the_plan in (RAW, CHAT):
        served = serve(the_plan)
        served.feed(came)

        assert served.delivery.end() is None
        assert served.client.status == 200
        assert served.delivery.failure is not None
        assert served.delivery.failure.kind is FailureKind.BLOCKED
        if the_plan is RAW:
            assert served.client.body == came


def test_a_stream_without_content_is_given_up_before_it_fills_the_memory() -> None:
    nothing = b"data: " + orjson.dumps({"usageMetadata": {}, "modelVersion": "x" * 1_000_000}) + b"\r\n\r\n"
    served = serve(RAW)

    failure = served.feed(*[nothing] * 70)

    assert failure is not None
    assert failure.kind is FailureKind.MALFORMED
