"""Fake streams and paced streams as the official SDKs see them: beats, the whole answer, honest errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.script import SeenRequest
from tests.fakes.upstream import FakeUpstream
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, RunningGateway
from tests.sdk.clients import MODEL, google_client, openai_client

QUESTION = "What is a gateway?"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
ANSWER = "A gateway — 网关 — lets one thing through to another, like a door. 👨‍👩‍👧‍👦"
FAKE = {"FAKE_STREAM_ENABLED": "true", "FAKE_STREAM_EMPTY_DATA_INTERVAL_SECONDS": "0.1"}
PACED = {"STREAM_OPTIMIZER_ENABLED": "true", "STREAM_MIN_DELAY": "0.002", "STREAM_MAX_DELAY": "0.004"}
BOTH = {**FAKE, **PACED}
SHAPES = pytest.mark.parametrize("settings", [FAKE, PACED, BOTH], ids=["fake", "paced", "both"])
SLOW_S = 0.35


@contextmanager
def openai_on(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai_client(gateway, max_retries=0) as client:
        yield client


def answer_late(fake_upstream: FakeUpstream, reply: dict[str, Any], **match: Any) -> None:
    """Answer after beats have gone out, in the form the gateway asks for."""

    def whole(seen: SeenRequest) -> bool:
        return seen.verb == "generateContent"

    fake_upstream.reply(reply, delay_s=SLOW_S, when=whole, **match)
    fake_upstream.stream([reply], **match)


THINKING = gemini_replies.response([{"text": "hm", "thought": True}, {"text": ANSWER}])


@SHAPES
def test_openai_reads_thoughts_text_finish_and_usage(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, settings: dict[str, str]
) -> None:
    answer_late(fake_upstream, THINKING)

    with openai_on(start_gateway(**settings)) as client:
        chunks = list(
            client.chat.completions.create(
                model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
            )
        )

    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == ANSWER
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "hm"
    assert [delta.role for delta in deltas if delta.role] == ["assistant"]
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert len({chunk.id for chunk in chunks}) == 1
    if "FAKE_STREAM_ENABLED" in settings:
        assert [delta.content for delta in deltas[:2]] == ["", ""]


@SHAPES
def test_openais_stream_helper_puts_the_answer_together(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, settings: dict[str, str]
) -> None:
    call = {"functionCall": {"name": "look_up", "args": {"word": "gateway"}}}
    answer_late(fake_upstream, gemini_replies.response([{"text": ANSWER}, call]))

    tools: Any = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
    with (
        openai_on(start_gateway(**settings)) as client,
        client.chat.completions.stream(model=MODEL, messages=MESSAGES, tools=tools) as stream,
    ):
        message = stream.get_final_completion().choices[0].message

    assert (message.role, message.content) == ("assistant", ANSWER)
    assert message.tool_calls is not None
    (made,) = message.tool_calls
    assert (made.function.name, made.function.arguments) == ("look_up", '{"word":"gateway"}')


@SHAPES
def test_a_response_is_put_together_whatever_the_beats(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, settings: dict[str, str]
) -> None:
    call = {"functionCall": {"name": "look_up", "args": {"word": "gateway"}}}
    answer_late(
        fake_upstream, gemini_replies.response([{"text": "hm", "thought": True}, {"text": ANSWER}, call])
    )

    tools: Any = [{"type": "function", "name": "look_up", "parameters": {"type": "object"}, "strict": False}]
    with (
        openai_on(start_gateway(**settings)) as client,
        client.responses.stream(model=MODEL, input=QUESTION, tools=tools) as stream,
    ):
        events = list(stream)
        response = stream.get_final_response()

    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
    assert response.output_text == ANSWER
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events].count("response.created") == 1
    if "FAKE_STREAM_ENABLED" in settings:
        assert [event.type for event in events].count("response.in_progress") > 1


def test_a_response_that_is_refused_after_beats_has_failed(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.invalid_argument("No such thing."), delay_s=SLOW_S)

    with openai_on(start_gateway(**FAKE)) as client:
        events = list(client.responses.create(model=MODEL, input=QUESTION, stream=True))

    assert events[0].type == "response.created"
    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    assert "No such thing" in events[-1].response.error.message


@SHAPES
@pytest.mark.parametrize("path", ["", "/gemini/v1beta"])
def test_google_reads_the_whole_answer(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, settings: dict[str, str], path: str
) -> None:
    answer_late(fake_upstream, THINKING)

    with google_client(start_gateway(**settings), path) as client:
        chunks = list(client.models.generate_content_stream(model=MODEL, contents=QUESTION))

    parts = [
        part
        for chunk in chunks
        for candidate in chunk.candidates or []
        if candidate.content is not None
        for part in candidate.content.parts or []
    ]
    assert "".join(part.text or "" for part in parts if not part.thought) == ANSWER
    assert "".join(part.text or "" for part in parts if part.thought) == "hm"
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP
    assert chunks[-1].usage_metadata is not None


def test_google_calls_functions_by_itself_over_a_fake_stream(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    def get_weather(city: str) -> str:
        """Tells the weather in a city."""
        return f"blue over {city}"

    call = {"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}
    fake_upstream.reply(gemini_replies.response([call]), delay_s=SLOW_S, times=1)
    fake_upstream.reply(gemini_replies.text("It is blue."), delay_s=SLOW_S)

    with google_client(start_gateway(**FAKE)) as client:
        chunks = client.models.generate_content_stream(
            model=MODEL, contents="Paris?", config=types.GenerateContentConfig(tools=[get_weather])
        )
        told = "".join(chunk.text or "" for chunk in chunks)

    assert told == "It is blue."
    assert len(fake_upstream.requests) == 2


def test_another_key_takes_over_while_the_sdk_waits(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.rate_day(), delay_s=SLOW_S, key=KEYS[0])
    fake_upstream.reply(gemini_replies.text(ANSWER))

    with openai_on(start_gateway(**FAKE)) as client:
        for _ in KEYS:
            chunks = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
            told = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
            assert "".join(told) == ANSWER

    assert len(fake_upstream.requests) == len(KEYS) + 1


@pytest.mark.parametrize("delay_s", [0.0, SLOW_S], ids=["at once", "after beats"])
def test_a_refusal_is_raised_before_and_after_beats(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, delay_s: float
) -> None:
    fake_upstream.error(gemini_errors.invalid_argument("No such thing."), delay_s=delay_s)
    gateway = start_gateway(**FAKE)

    with openai_on(gateway) as client, pytest.raises(openai.APIError, match="No such thing") as caught:
        list(client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))
    with google_client(gateway) as google, pytest.raises(errors.ClientError, match="No such thing") as native:
        list(google.models.generate_content_stream(model=MODEL, contents=QUESTION))

    assert isinstance(caught.value, openai.BadRequestError) is (delay_s == 0)
    assert (native.value.code, native.value.status) == (400, "INVALID_ARGUMENT")


def test_a_paced_stream_that_breaks_raises_after_all_that_came(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream([gemini_replies.text(ANSWER, finish=None)], then="reset")
    settings = {**PACED, "STREAM_MIN_DELAY": "0.5", "STREAM_MAX_DELAY": "0.5"}
    told: list[str] = []

    def listen(client: openai.OpenAI) -> None:
        for chunk in client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True):
            told.extend(choice.delta.content or "" for choice in chunk.choices)

    with openai_on(start_gateway(**settings)) as client, pytest.raises(openai.APIError):
        listen(client)

    assert "".join(told) == ANSWER


async def test_the_async_clients_read_them_too(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    answer_late(fake_upstream, gemini_replies.text(ANSWER))
    gateway = start_gateway(**BOTH)

    async with openai.AsyncOpenAI(api_key="sk-test-token", base_url=f"{gateway.url}/v1") as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        told = [choice.delta.content or "" async for chunk in stream for choice in chunk.choices]
    async with genai.Client(
        api_key="sk-test-token", http_options=types.HttpOptions(base_url=gateway.url)
    ).aio as google:
        chunks = await google.models.generate_content_stream(model=MODEL, contents=QUESTION)
        native = [chunk.text or "" async for chunk in chunks]

    assert "".join(told) == "".join(native) == ANSWER
