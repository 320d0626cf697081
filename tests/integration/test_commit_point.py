"""Until the first content a call may move to another key; afterwards it ends honestly, once and for all."""

from collections.abc import Callable
from typing import Any

import openai
import orjson
import pytest
from google import genai
from google.genai import errors, types

from tests.fakes import gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    MODEL,
    Answer,
    array,
    assert_untouched,
    chat,
    kinds_of,
    native,
    record_of,
    sse,
)
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, TOKEN, RunningGateway

Caller = Callable[[RunningGateway], Answer]
RATE = gemini_replies.stream_error(
    429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED"
)
FIRST = gemini_replies.response([{"text": "Once upon"}], finish=None)


def chat_stream(gateway: RunningGateway) -> Answer:
    return chat(gateway, stream=True)


STREAMS = pytest.mark.parametrize("call", [sse, array, chat_stream])


def events_of(answer: Answer) -> list[Any]:
    """The parsed events, whatever the form; `[DONE]` stays text."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        return [event.decode() if event == b"[DONE]" else orjson.loads(event) for event in answer.events]
    parsed = answer.json
    assert isinstance(parsed, list)
    return parsed


def text_of(answer: Answer) -> str:
    """All text of a stream in either dialect."""
    texts = []
    for event in events_of(answer):
        if isinstance(event, dict) and "error" not in event:
            texts += [choice["delta"].get("content") or "" for choice in event.get("choices", [])]
            for candidate in event.get("candidates", []):
                texts += [part.get("text", "") for part in candidate.get("content", {}).get("parts", [])]
    return "".join(texts)


def last_error(answer: Answer) -> Any:
    last = events_of(answer)[-1]
    assert isinstance(last, dict), last
    return last["error"]


@STREAMS
@pytest.mark.parametrize(
    "before", [[], [gemini_replies.response([{"text": ""}], finish=None)]], ids=["first", "later"]
)
def test_an_error_before_content_moves_silently_to_the_next_key(
    gateway: RunningGateway, fake_upstream: FakeUpstream, call: Caller, before: list[dict[str, Any]]
) -> None:
    fake_upstream.stream([*before, RATE], key=KEYS[0])

    answers = [call(gateway) for _ in KEYS]

    for answer in answers:
        assert (answer.status, answer.complete) == (200, True)
        assert text_of(answer) == "Hello from the fake upstream."
    assert sorted(answer.attempts for answer in answers) == [1, 1, 2]
    moved = next(answer for answer in answers if answer.attempts == 2)
    assert kinds_of(record_of(gateway, moved.request_id)) == ["rate_unknown", None]


@STREAMS
@pytest.mark.parametrize("then", ["end", "cut", "reset"])
def test_a_stream_without_content_that_breaks_is_tried_again(
    gateway: RunningGateway, fake_upstream: FakeUpstream, call: Caller, then: Any
) -> None:
    fake_upstream.stream([gemini_replies.response([{"text": ""}], finish=None)], then=then, times=1)

    answer = call(gateway)

    assert (answer.status, answer.attempts) == (200, 2)
    assert text_of(answer) == "Hello from the fake upstream."
    assert_untouched(gateway)


@STREAMS
@pytest.mark.parametrize("ending", ["cut", "reset", "end", "error", "half-event"])
def test_a_stream_that_breaks_after_content_ends_with_an_error_in_the_dialect(
    gateway: RunningGateway, fake_upstream: FakeUpstream, call: Caller, ending: str
) -> None:
    steps: dict[str, tuple[list[Any], Any]] = {
        "cut": ([], "cut"),
        "reset": ([], "reset"),
        "end": ([], "end"),
        "error": ([gemini_replies.stream_error()], "end"),
        "half-event": ([b'data: {"candidates":[{"finishReason":"STOP"'], "end"),
    }
    more, then = steps[ending]
    if ending == "half-event" and call is array:
        more = [b',\r\n{"candidates":[{"finishReason":"STOP"']
    # The pause lets the content leave before the trouble comes.
    fake_upstream.stream([FIRST, 0.05, *more], then=then)

    answer = call(gateway)

    assert (answer.status, answer.complete, answer.attempts) == (200, True, 1)
    assert text_of(answer) == "Once upon"
    error = last_error(answer)
    assert error["message"]
    assert "status" in error if call is not chat_stream else "type" in error
    record = record_of(gateway, answer.request_id)
    assert (record.outcome, len(record.attempts)) == ("broken", 1)
    assert record.failure_kind in ("network", "truncated", "overloaded")
    assert len(fake_upstream.requests) == 1
    assert_untouched(gateway)


@pytest.mark.parametrize("call", [array, chat_stream])
def test_garbage_after_content_ends_the_stream_with_an_error(
    gateway: RunningGateway, fake_upstream: FakeUpstream, call: Caller
) -> None:
    fake_upstream.stream([FIRST, 0.05, b"data: <html>\r\n\r\n"])

    answer = call(gateway)

    assert (answer.status, answer.complete) == (200, True)
    assert text_of(answer) == "Once upon"
    assert last_error(answer)["message"]


@pytest.mark.parametrize("call", [sse, chat_stream])
def test_silence_after_content_ends_the_stream_with_an_error(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, call: Caller
) -> None:
    gateway = start_gateway(IDLE_TIMEOUT_SECONDS="1")
    fake_upstream.stream([FIRST], then="hang")

    answer = call(gateway)

    assert (answer.status, answer.complete) == (200, True)
    assert text_of(answer) == "Once upon"
    assert last_error(answer)["message"]
    assert record_of(gateway, answer.request_id).failure_kind == "timeout"


def test_the_official_sdks_raise_on_a_stream_that_breaks(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream([FIRST, 0.05], then="cut")
    got: list[str | None] = []

    with openai.OpenAI(api_key=TOKEN, base_url=f"{gateway.url}/v1") as client:
        stream = client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "hi"}], stream=True
        )
        with pytest.raises(openai.APIError):
            got.extend(chunk.choices[0].delta.content for chunk in stream)
    options = types.HttpOptions(base_url=f"{gateway.url}/gemini/v1beta")
    with genai.Client(api_key=TOKEN, http_options=options) as google, pytest.raises(errors.APIError):
        got.extend(chunk.text for chunk in google.models.generate_content_stream(model=MODEL, contents="hi"))

    assert "".join(text or "" for text in got) == "Once uponOnce upon"


@pytest.mark.parametrize(
    "reply",
    [gemini_replies.empty(), gemini_replies.malformed_function_call()],
    ids=["empty", "malformed"],
)
def test_an_empty_or_malformed_answer_is_tried_once_more_and_then_told_truly(
    gateway: RunningGateway, fake_upstream: FakeUpstream, reply: dict[str, Any]
) -> None:
    fake_upstream.reply(reply, verb="generateContent")
    fake_upstream.stream([reply])

    unary, events, elements = native(gateway), sse(gateway), array(gateway)
    told, streamed = chat(gateway), chat_stream(gateway)

    assert [each.status for each in (unary, events, elements)] == [200] * 3
    assert [each.attempts for each in (unary, events, elements, told, streamed)] == [2] * 5
    assert unary.json == reply
    assert events_of(events) == [reply]
    assert elements.json == [reply]
    assert [told.status, streamed.status] == [502, 502]
    assert told.error["type"] == "server_error"
    record = record_of(gateway, unary.request_id)
    assert (record.outcome, len(record.attempts)) == ("upstream_error", 2)
    assert_untouched(gateway)


def test_an_empty_answer_is_replaced_by_the_second_try(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    for call in (native, sse, array, chat, chat_stream):
        fake_upstream.forget()
        fake_upstream.reply(gemini_replies.empty(), verb="generateContent", times=1)
        fake_upstream.stream([gemini_replies.empty()], verb="streamGenerateContent", times=1)

        answer = call(gateway)

        assert (answer.status, answer.attempts) == (200, 2)
        assert b"Hello" in answer.body


@pytest.mark.parametrize(
    "reply", [gemini_replies.blocked_prompt(), gemini_replies.safety()], ids=["prompt", "answer"]
)
def test_what_was_blocked_is_told_as_it_is_and_tried_once(
    gateway: RunningGateway, fake_upstream: FakeUpstream, reply: dict[str, Any]
) -> None:
    fake_upstream.reply(reply, verb="generateContent")
    fake_upstream.stream([reply])

    unary, events, elements = native(gateway), sse(gateway), array(gateway)
    told, streamed = chat(gateway), chat_stream(gateway)

    answers = (unary, events, elements, told, streamed)
    assert [(each.status, each.attempts) for each in answers] == [(200, 1)] * 5
    assert unary.json == reply
    assert events_of(events) == [reply]
    assert elements.json == [reply]
    assert told.json["choices"][0]["finish_reason"] == "content_filter"
    finishes = [
        choice["finish_reason"]
        for event in events_of(streamed)
        if isinstance(event, dict)
        for choice in event["choices"]
    ]
    assert finishes[-1] == "content_filter"
    assert record_of(gateway, unary.request_id).outcome == "blocked"
    assert_untouched(gateway)


def test_a_long_whole_answer_that_breaks_is_cut_for_the_client_too(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    body = orjson.dumps(gemini_replies.text("x" * 3_000_000))
    fake_upstream.truncate(body[:2_500_000], missing_bytes=500_000)

    answer = native(gateway)

    assert answer.status == 200
    assert not answer.complete
    assert body.startswith(answer.body)
    assert record_of(gateway, answer.request_id).outcome == "broken"


def test_a_short_whole_answer_that_breaks_is_tried_again(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.truncate(orjson.dumps(gemini_replies.text())[:-20], times=1)

    for call in (native, chat):
        assert call(gateway).status == 200
    assert len(fake_upstream.requests) == 3


@pytest.mark.parametrize("call", [native, chat], ids=["native", "chat"])
def test_an_answer_that_was_whole_before_its_connection_broke_is_not_asked_for_again(
    gateway: RunningGateway, fake_upstream: FakeUpstream, call: Caller
) -> None:
    fake_upstream.truncate(gemini_replies.text())

    assert call(gateway).status == 200
    assert len(fake_upstream.requests) == 1
