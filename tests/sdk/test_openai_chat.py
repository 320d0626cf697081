"""OpenAI's SDK talks through the gateway to a strict Gemini: questions and answers, whole and streamed."""

from typing import Any

import openai
import pydantic
import pytest

from tests.fakes.gemini_replies import PNG_BASE64
from tests.integration.running import TOKEN, RunningGateway
from tests.sdk.clients import MODEL, THINKING_MODEL, async_openai_client, openai_client

QUESTION = "What is a gateway?"


class Weather(pydantic.BaseModel):
    """A structured answer."""

    city: str
    degrees: float
    words: list[str]


def test_a_question_is_answered(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": QUESTION}], temperature=0.7
    )

    assert answer.object == "chat.completion"
    assert answer.model == MODEL
    assert answer.choices[0].message.role == "assistant"
    assert QUESTION in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


@pytest.mark.parametrize("path", ["/v1", "/hf/v1", "/openai/v1", "", "/v1beta/openai/"])
def test_every_base_address_answers(house: RunningGateway, path: str) -> None:
    with openai_client(house, path) as client:
        answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": QUESTION}])

    assert answer.choices[0].message.content


def test_azure_clients_reach_the_model_of_their_deployment(house: RunningGateway) -> None:
    with openai.AzureOpenAI(api_key=TOKEN, azure_endpoint=house.url, api_version="2024-10-21") as client:
        answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": QUESTION}])

    assert answer.model == MODEL


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_lead_a_conversation_of_many_turns(openai_sdk: openai.OpenAI, role: str) -> None:
    answer = openai_sdk.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": role, "content": "Be brief."},  # type: ignore[misc, list-item]  # either of two typed dicts
            {"role": "user", "content": "My name is Ada."},
            {"role": "assistant", "content": "Hello Ada."},
            {"role": "user", "content": "What is my name?"},
        ],
    )

    assert "What is my name?" in (answer.choices[0].message.content or "")


def test_a_message_of_the_sdk_may_be_sent_back_whole(openai_sdk: openai.OpenAI) -> None:
    first = openai_sdk.chat.completions.create(
        model=THINKING_MODEL, messages=[{"role": "user", "content": QUESTION}]
    )
    second = openai_sdk.chat.completions.create(
        model=THINKING_MODEL,
        messages=[
            {"role": "user", "content": QUESTION},
            first.choices[0].message.model_dump(),  # type: ignore[list-item]  # as most programs do it
            {"role": "user", "content": "And then?"},
        ],
    )

    assert "And then?" in (second.choices[0].message.content or "")


def test_an_image_as_data_url_is_understood(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.chat.completions.create(
        model=MODEL,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is in this picture?"},
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{PNG_BASE64}", "detail": "low"},
                    },
                ],
            }
        ],
    )

    assert "What is in this picture?" in (answer.choices[0].message.content or "")


def test_a_stream_brings_the_answer_in_pieces(openai_sdk: openai.OpenAI) -> None:
    with openai_sdk.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": QUESTION}], stream=True
    ) as stream:
        chunks = list(stream)

    texts = [chunk.choices[0].delta.content for chunk in chunks]
    assert len([text for text in texts if text]) > 1
    assert QUESTION in "".join(text or "" for text in texts)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert not any(chunk.usage for chunk in chunks)


def test_a_stream_tells_the_usage_when_asked(openai_sdk: openai.OpenAI) -> None:
    with openai_sdk.chat.completions.create(
        model=THINKING_MODEL,
        messages=[{"role": "user", "content": QUESTION}],
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        chunks = list(stream)

    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert chunks[-1].choices == []
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens
    assert usage.completion_tokens > usage.completion_tokens_details.reasoning_tokens


def test_the_stream_helper_puts_the_answer_together(openai_sdk: openai.OpenAI) -> None:
    with openai_sdk.chat.completions.stream(
        model=MODEL, messages=[{"role": "user", "content": QUESTION}]
    ) as stream:
        kinds = {event.type for event in stream}
        answer = stream.get_final_completion()

    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert QUESTION in (answer.choices[0].message.content or "")


def test_thoughts_come_beside_the_answer(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.chat.completions.create(
        model=THINKING_MODEL, messages=[{"role": "user", "content": QUESTION}], reasoning_effort="high"
    )

    message = answer.choices[0].message
    assert "The user wants to know" in message.model_extra["reasoning_content"]  # type: ignore[index]  # there are extras
    assert "The user wants to know" not in (message.content or "")


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh"])
@pytest.mark.parametrize("model", [MODEL, THINKING_MODEL, "gemini-2.5-flash-lite", "gemini-3.1-pro-preview"])
def test_every_reasoning_effort_suits_every_model(openai_sdk: openai.OpenAI, model: str, effort: Any) -> None:
    answer = openai_sdk.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": QUESTION}],
        reasoning_effort=effort,
    )

    assert answer.choices[0].message.content


def test_a_stop_sequence_ends_the_answer_before_it(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": QUESTION}], stop=["gateway"]
    )

    assert "gateway" not in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_on_tokens_cuts_the_answer(openai_sdk: openai.OpenAI, name: str) -> None:
    answer = openai_sdk.chat.completions.create(  # type: ignore[call-overload]  # the name of a parameter varies
        model=MODEL, messages=[{"role": "user", "content": QUESTION}], **{name: 5}
    )

    assert answer.choices[0].finish_reason == "length"


def test_plain_fields_are_taken_and_unknown_ones_ignored(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": QUESTION}],
        temperature=1.5,
        top_p=0.5,
        seed=7,
        presence_penalty=0.5,
        frequency_penalty=0.5,
        user="someone",
        store=False,
        metadata={"a": "b"},
        extra_body={"something_new": {"of": "tomorrow"}},
    )

    assert answer.choices[0].message.content


def test_a_structured_answer_is_parsed(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "The weather in Paris?"}], response_format=Weather
    )

    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, Weather)


def test_a_structured_answer_is_parsed_from_a_stream(openai_sdk: openai.OpenAI) -> None:
    with openai_sdk.chat.completions.stream(
        model=MODEL, messages=[{"role": "user", "content": "The weather in Paris?"}], response_format=Weather
    ) as stream:
        answer = stream.get_final_completion()

    assert isinstance(answer.choices[0].message.parsed, Weather)


def test_json_without_a_schema_is_json(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Answer in JSON."}],
        response_format={"type": "json_object"},
    )

    assert pydantic.TypeAdapter(dict[str, object]).validate_json(answer.choices[0].message.content or "")


def test_models_are_listed_and_found(openai_sdk: openai.OpenAI) -> None:
    models = list(openai_sdk.models.list())
    found = openai_sdk.models.retrieve(MODEL)

    assert {MODEL, THINKING_MODEL} <= {model.id for model in models}
    assert all(model.object == "model" and model.created and model.owned_by for model in models)
    assert found.id == MODEL


def test_a_model_is_found_by_the_name_google_gives_it(openai_sdk: openai.OpenAI) -> None:
    assert openai_sdk.models.retrieve(f"models/{MODEL}").id == MODEL


async def test_the_async_client_asks_and_streams(house: RunningGateway) -> None:
    async with async_openai_client(house) as client:
        answer = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}]
        )
        stream = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}], stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        names = [model.id async for model in client.models.list()]

    assert answer.choices[0].message.content == "".join(pieces)
    assert MODEL in names


async def test_the_async_stream_helper_puts_the_answer_together(house: RunningGateway) -> None:
    async with (
        async_openai_client(house) as client,
        client.chat.completions.stream(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}]
        ) as stream,
    ):
        answer = await stream.get_final_completion()

    assert QUESTION in (answer.choices[0].message.content or "")
