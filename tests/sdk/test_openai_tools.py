"""The full tool loop of OpenAI's SDK: the simulator refuses a history whose calls lost their signatures."""

import json
from collections.abc import Sequence
from typing import Any

import openai
import pydantic
import pytest
from openai.types.chat import ChatCompletionMessage, ChatCompletionMessageFunctionToolCall

from tests.fakes import gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL, THINKING_MODEL, async_openai_client

QUESTION = "What are the weather and the time in Paris?"
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Tells the {what} in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "description": "A city's name."}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
    for name, what in (("get_weather", "weather"), ("get_time", "time"))
]


class GetWeather(pydantic.BaseModel):
    """Tells the weather in a city."""

    city: str


def calls_of(message: ChatCompletionMessage) -> list[ChatCompletionMessageFunctionToolCall]:
    calls = message.tool_calls or []
    assert all(isinstance(call, ChatCompletionMessageFunctionToolCall) for call in calls)
    return [call for call in calls if isinstance(call, ChatCompletionMessageFunctionToolCall)]


def results_for(calls: Sequence[Any]) -> list[Any]:
    return [
        {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"for": call.function.name})}
        for call in calls
    ]


def only_known_fields(message: ChatCompletionMessage) -> dict[str, Any]:
    """Write a message as a client does that keeps nothing but what OpenAI's documents name."""
    return {
        "role": "assistant",
        "content": message.content,
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in calls_of(message)
        ],
    }


@pytest.mark.parametrize("model", [MODEL, THINKING_MODEL, "gemini-2.5-flash-lite"])
@pytest.mark.parametrize("keeps_extras", [True, False])
def test_parallel_calls_go_round_the_loop(openai_sdk: openai.OpenAI, model: str, keeps_extras: bool) -> None:
    question = {"role": "user", "content": QUESTION}
    first = openai_sdk.chat.completions.create(model=model, messages=[question], tools=TOOLS)  # type: ignore[list-item]  # plain dicts
    message = first.choices[0].message
    calls = calls_of(message)

    assert first.choices[0].finish_reason == "tool_calls"
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert all(isinstance(json.loads(call.function.arguments)["city"], str) for call in calls)
    assert len({call.id for call in calls}) == 2

    echoed = message if keeps_extras else only_known_fields(message)
    history: list[Any] = [question, echoed, *results_for(calls)]
    second = openai_sdk.chat.completions.create(model=model, messages=history, tools=TOOLS)

    assert second.choices[0].finish_reason == "stop"
    assert "get_weather" in (second.choices[0].message.content or "")
    assert "get_time" in (second.choices[0].message.content or "")


def test_two_steps_of_calls_keep_their_signatures(openai_sdk: openai.OpenAI) -> None:
    history: list[Any] = [{"role": "user", "content": "The weather, please."}]
    for follow_up in ("And the time?", "And the weather again?"):
        answer = openai_sdk.chat.completions.create(model=MODEL, messages=history, tools=TOOLS)
        message = answer.choices[0].message
        history += [only_known_fields(message), *results_for(calls_of(message))]
        answer = openai_sdk.chat.completions.create(model=MODEL, messages=history, tools=TOOLS)
        assert answer.choices[0].finish_reason == "stop"
        history += [answer.choices[0].message, {"role": "user", "content": follow_up}]


def test_calls_are_streamed_so_that_the_helper_puts_them_together(openai_sdk: openai.OpenAI) -> None:
    with openai_sdk.chat.completions.stream(
        model=MODEL, messages=[{"role": "user", "content": QUESTION}], tools=TOOLS
    ) as stream:
        message = stream.get_final_completion().choices[0].message
    calls = calls_of(message)

    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    history: list[Any] = [
        {"role": "user", "content": QUESTION},
        only_known_fields(message),
        *results_for(calls),
    ]
    with openai_sdk.chat.completions.stream(model=MODEL, messages=history, tools=TOOLS) as stream:
        answer = stream.get_final_completion()
    assert "get_time" in (answer.choices[0].message.content or "")


def test_streamed_calls_name_id_and_function_once(openai_sdk: openai.OpenAI) -> None:
    with openai_sdk.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": QUESTION}], tools=TOOLS, stream=True
    ) as stream:
        chunks = list(stream)

    deltas = [delta for chunk in chunks for delta in chunk.choices[0].delta.tool_calls or []]
    assert {delta.index for delta in deltas} == {0, 1}
    for index in (0, 1):
        of_call = [delta for delta in deltas if delta.index == index]
        assert len([delta.id for delta in of_call if delta.id]) == 1
        assert len([True for delta in of_call if delta.function and delta.function.name]) == 1
        arguments = "".join((delta.function and delta.function.arguments) or "" for delta in of_call)
        assert "city" in json.loads(arguments)
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_a_tool_choice_forces_or_forbids_calls(openai_sdk: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    create = openai_sdk.chat.completions.create
    forbidden = create(model=MODEL, messages=messages, tools=TOOLS, tool_choice="none")
    required = create(
        model=MODEL, messages=[{"role": "user", "content": "Hi"}], tools=TOOLS, tool_choice="required"
    )
    named = create(
        model=MODEL,
        messages=messages,
        tools=TOOLS,
        tool_choice={"type": "function", "function": {"name": "get_time"}},
    )

    assert forbidden.choices[0].message.tool_calls is None
    assert required.choices[0].finish_reason == "tool_calls"
    assert [call.function.name for call in calls_of(named.choices[0].message)] == ["get_time"]


def test_arguments_are_parsed_into_a_model(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.chat.completions.parse(
        model=MODEL,
        messages=[{"role": "user", "content": "The weather in Paris?"}],
        tools=[openai.pydantic_function_tool(GetWeather)],
    )

    calls = answer.choices[0].message.tool_calls
    assert calls
    assert isinstance(calls[0].function.parsed_arguments, GetWeather)


async def test_the_async_client_goes_round_the_loop(house: RunningGateway) -> None:
    async with async_openai_client(house) as client:
        question: Any = {"role": "user", "content": QUESTION}
        first = await client.chat.completions.create(model=MODEL, messages=[question], tools=TOOLS)
        message = first.choices[0].message
        history: list[Any] = [question, message, *results_for(calls_of(message))]
        second = await client.chat.completions.create(model=MODEL, messages=history, tools=TOOLS)

    assert "get_weather" in (second.choices[0].message.content or "")


@pytest.mark.parametrize("streamed", [False, True])
def test_the_signature_itself_survives_a_client_that_drops_unknown_fields(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream, streamed: bool
) -> None:
    fake_upstream.reply(gemini_replies.parallel_calls(), verb="generateContent", times=1)
    fake_upstream.stream([gemini_replies.parallel_calls()], verb="streamGenerateContent", times=1)
    question: Any = {"role": "user", "content": QUESTION}
    if streamed:
        with openai_on_fake.chat.completions.stream(model=MODEL, messages=[question], tools=TOOLS) as stream:
            message: ChatCompletionMessage = stream.get_final_completion().choices[0].message
    else:
        answer = openai_on_fake.chat.completions.create(model=MODEL, messages=[question], tools=TOOLS)
        message = answer.choices[0].message

    history = [question, only_known_fields(message), *results_for(calls_of(message))]
    openai_on_fake.chat.completions.create(model=MODEL, messages=history, tools=TOOLS)

    _, model_turn, results = fake_upstream.requests[-1].json["contents"]
    assert [part.get("thoughtSignature") for part in model_turn["parts"]] == [gemini_replies.SIGNATURE, None]
    assert [part["functionCall"]["id"] for part in model_turn["parts"]] == ["call-1", "call-2"]
    assert [part["functionResponse"]["id"] for part in results["parts"]] == ["call-1", "call-2"]
    assert [part["functionResponse"]["name"] for part in results["parts"]] == ["get_weather", "get_time"]
