"""Anthropic's SDK through the gateway to a strict Gemini, which refuses calls that lost their signatures."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic.types import Message, ThinkingBlock, ToolUseBlock

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.conftest import StartGateway
from tests.integration.running import TOKEN, RunningGateway
from tests.sdk.clients import MODEL, NO_MODEL, THINKING_MODEL

QUESTION: Any = [{"role": "user", "content": "What is a gateway?"}]
LOOP_QUESTION: Any = {"role": "user", "content": "What are the weather and the time in Paris?"}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
THINKING: Any = {"type": "enabled", "budget_tokens": 2000}
TOOLS: list[Any] = [
    {
        "name": name,
        "description": f"Tells the {what} in a city.",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "A city's name."}},
            "required": ["city"],
        },
    }
    for name, what in (("get_weather", "weather"), ("get_time", "time"))
]


def client_of(gateway: RunningGateway, *, max_retries: int = 2) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=TOKEN, base_url=gateway.url, max_retries=max_retries)


@pytest.fixture
def sdk(house: RunningGateway) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client as its users make it, over the simulated Gemini."""
    with client_of(house) as client:
        yield client


@pytest.fixture
def on_fake(gateway: RunningGateway) -> Iterator[anthropic.Anthropic]:
    """The same over the scriptable upstream; it does not retry, so that a test counts calls."""
    with client_of(gateway, max_retries=0) as client:
        yield client


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def calls_of(message: Message) -> list[ToolUseBlock]:
    return [block for block in message.content if isinstance(block, ToolUseBlock)]


def results_for(message: Message) -> Any:
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": f'{{"for": "{call.name}"}}'}
        for call in calls_of(message)
    ]
    return {"role": "user", "content": results}


def test_a_question_is_answered(sdk: anthropic.Anthropic) -> None:
    message = sdk.messages.create(
        model=MODEL,
        max_tokens=4000,
        system="Be short.",
        messages=QUESTION,
        extra_body={"temperature": 0.7},  # which current Claude models do not take
    )

    assert (message.type, message.role, message.model) == ("message", "assistant", MODEL)
    assert message.id.startswith("msg_")
    assert "What is a gateway?" in text_of(message)
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0


def test_a_stream_is_put_together_by_the_helper(sdk: anthropic.Anthropic) -> None:
    whole = sdk.messages.create(model=MODEL, max_tokens=4000, messages=QUESTION)
    with sdk.messages.stream(model=MODEL, max_tokens=4000, messages=QUESTION) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()

    assert len(pieces) > 3
    assert "".join(pieces) == text_of(final) == text_of(whole)
    assert final.stop_reason == "end_turn"
    assert final.usage.input_tokens == whole.usage.input_tokens
    assert final.usage.output_tokens == whole.usage.output_tokens


def test_thoughts_are_a_block_of_their_own(sdk: anthropic.Anthropic) -> None:
    message = sdk.messages.create(model=THINKING_MODEL, max_tokens=4000, messages=QUESTION, thinking=THINKING)

    thinking = message.content[0]
    assert isinstance(thinking, ThinkingBlock)
    assert "The user wants to know" in thinking.thinking
    assert thinking.signature


@pytest.mark.parametrize("model", [MODEL, THINKING_MODEL, "gemini-2.5-flash-lite", "claude-sonnet-5"])
@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_calls_go_round_the_loop(sdk: anthropic.Anthropic, model: str, streamed: bool) -> None:
    def ask(messages: Any) -> Message:
        fields: dict[str, Any] = {"model": model, "max_tokens": 4000, "tools": TOOLS, "messages": messages}
        if model == THINKING_MODEL:
            fields["thinking"] = THINKING
        if not streamed:
            made: Message = sdk.messages.create(**fields)
            return made
        with sdk.messages.stream(**fields) as stream:
            return stream.get_final_message()

    first = ask([LOOP_QUESTION])
    calls = calls_of(first)
    assert first.stop_reason == "tool_use"
    assert [call.name for call in calls] == ["get_weather", "get_time"]
    assert all(isinstance(call.input["city"], str) for call in calls)
    assert len({call.id for call in calls}) == 2

    echoed = [block.model_dump() for block in first.content]
    second = ask([LOOP_QUESTION, {"role": "assistant", "content": echoed}, results_for(first)])
    assert second.stop_reason == "end_turn"
    assert second.model == model
    assert "get_weather" in text_of(second)
    assert "get_time" in text_of(second)


def test_the_signature_itself_comes_back(on_fake: anthropic.Anthropic, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.parallel_calls(), times=1)
    fake_upstream.reply(gemini_replies.text())
    first = on_fake.messages.create(model=MODEL, max_tokens=100, messages=[LOOP_QUESTION], tools=TOOLS)
    history: Any = [LOOP_QUESTION, {"role": "assistant", "content": first.content}, results_for(first)]
    on_fake.messages.create(model=MODEL, max_tokens=100, messages=history, tools=TOOLS)

    _, model_turn, results = fake_upstream.requests[-1].json["contents"]
    assert [part.get("thoughtSignature") for part in model_turn["parts"]] == [gemini_replies.SIGNATURE, None]
    assert [part["functionResponse"]["name"] for part in results["parts"]] == [
        part["functionCall"]["name"] for part in model_turn["parts"]
    ]


def test_a_tool_choice_forces_or_forbids_calls(sdk: anthropic.Anthropic) -> None:
    def ask(choice: Any) -> Message:
        return sdk.messages.create(
            model=MODEL,
            max_tokens=4000,
            messages=[LOOP_QUESTION],
            tools=TOOLS,
            tool_choice=choice,
        )

    assert calls_of(ask({"type": "none"})) == []
    assert [call.name for call in calls_of(ask({"type": "tool", "name": "get_time"}))] == ["get_time"]
    assert len(calls_of(ask({"type": "auto", "disable_parallel_tool_use": True}))) == 1


def test_pictures_and_documents_are_understood(sdk: anthropic.Anthropic) -> None:
    content: Any = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
        {"type": "text", "text": "What is in it?"},
    ]
    message = sdk.messages.create(
        model=MODEL, max_tokens=4000, messages=[{"role": "user", "content": content}]
    )

    assert "What is in it?" in text_of(message)


def test_tokens_are_counted(sdk: anthropic.Anthropic) -> None:
    short = sdk.messages.count_tokens(model=MODEL, messages=QUESTION)
    long = sdk.messages.count_tokens(model=MODEL, messages=QUESTION, system="One by one. " * 50, tools=TOOLS)

    assert 0 < short.input_tokens < long.input_tokens


def test_the_models_are_listed(sdk: anthropic.Anthropic) -> None:
    names = [model.id for model in sdk.models.list(limit=5)]

    assert MODEL in names
    assert len(names) == len(set(names)) > 5
    assert sdk.models.retrieve(MODEL).id == MODEL


def test_the_operator_says_what_serves_anthropics_models(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.text())
    gateway = start_gateway(CLAUDE_MODELS='{"haiku": "gemini-small", "opus": "models/gemini-big"}')

    with client_of(gateway) as client:
        for name in ("claude-haiku-5", "claude-opus-5[1m]"):
            answer = client.messages.create(model=name, max_tokens=10, messages=QUESTION)
            assert answer.model == name
        with pytest.raises(anthropic.NotFoundError, match="CLAUDE_MODELS"):
            client.messages.create(model="claude-sonnet-5", max_tokens=10, messages=QUESTION)

    assert [seen.model for seen in fake_upstream.requests] == ["gemini-small", "gemini-big"]


def test_an_end_by_the_limit_and_a_refusal_are_told(
    on_fake: anthropic.Anthropic, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.max_tokens(), times=1)
    fake_upstream.reply(gemini_replies.blocked_prompt())

    short = on_fake.messages.create(model=MODEL, max_tokens=10, messages=QUESTION)
    refused = on_fake.messages.create(model=MODEL, max_tokens=10, messages=QUESTION)

    assert short.stop_reason == "max_tokens"
    assert refused.stop_reason == "refusal"


def test_mistakes_and_faults_are_raised_in_anthropics_words(
    sdk: anthropic.Anthropic, on_fake: anthropic.Anthropic, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.rate_minute())

    with pytest.raises(anthropic.NotFoundError):
        sdk.messages.create(model=NO_MODEL, max_tokens=10, messages=QUESTION)
    wrong: Any = [{"role": "user", "content": 7}]
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        sdk.messages.create(model=MODEL, max_tokens=10, messages=wrong)
    with pytest.raises(anthropic.RateLimitError) as caught:
        on_fake.messages.create(model=MODEL, max_tokens=10, messages=QUESTION)
    assert caught.value.body["error"]["type"] == "rate_limit_error"  # type: ignore[index]  # an object
    with (
        anthropic.Anthropic(api_key="sk-wrong", base_url=sdk.base_url) as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        stranger.messages.create(model=MODEL, max_tokens=10, messages=QUESTION)


def test_a_stream_that_breaks_raises(on_fake: anthropic.Anthropic, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream(gemini_replies.text_events("Half a sen", "tence.")[:1], then="cut")
    told: list[str] = []

    def listen() -> None:
        with on_fake.messages.stream(model=MODEL, max_tokens=100, messages=QUESTION) as stream:
            told.extend(stream.text_stream)

    with pytest.raises(anthropic.APIStatusError):
        listen()
    assert "".join(told) == "Half a sen"


def test_beats_are_pings_and_a_late_refusal_is_raised(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.text("Late."), delay_s=0.35, times=1)
    fake_upstream.error(gemini_errors.invalid_argument("No such thing."), delay_s=0.35)
    gateway = start_gateway(FAKE_STREAM_ENABLED="true", FAKE_STREAM_EMPTY_DATA_INTERVAL_SECONDS="0.1")

    with client_of(gateway, max_retries=0) as client:
        stream = client.messages.create(model=MODEL, max_tokens=10, messages=QUESTION, stream=True)
        kinds = [event.type for event in stream]
        with pytest.raises(anthropic.APIStatusError, match="No such thing"):
            list(client.messages.create(model=MODEL, max_tokens=10, messages=QUESTION, stream=True))

    assert kinds.count("message_start") == 1
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")


async def test_the_async_client_streams(house: RunningGateway) -> None:
    async with (
        anthropic.AsyncAnthropic(api_key=TOKEN, base_url=house.url) as client,
        client.messages.stream(model=MODEL, max_tokens=4000, messages=QUESTION) as stream,
    ):
        assert "What is a gateway?" in await stream.get_final_text()
