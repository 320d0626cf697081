"""OpenAI's SDK at `/openai/v1`, relayed to a simulated endpoint of Google's with all its quirks."""

import base64
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import EMBEDDING_MODEL, MODEL, NO_MODEL, THINKING_MODEL, openai_client


@pytest.fixture
def relayed_sdk(house: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai_client(house, "/openai/v1") as client:
        yield client


def ask(client: openai.OpenAI, **more: Any) -> Any:
    more.setdefault("model", MODEL)
    return client.chat.completions.create(messages=[{"role": "user", "content": "Hello"}], **more)


def test_a_chat_is_answered(relayed_sdk: openai.OpenAI) -> None:
    answer = ask(relayed_sdk, seed=7, max_completion_tokens=500)

    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens > 0


def test_a_chat_streams_with_its_usage(relayed_sdk: openai.OpenAI) -> None:
    chunks = list(ask(relayed_sdk, stream=True, stream_options={"include_usage": True}))

    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert "Hello" in text
    assert chunks[-1].usage.total_tokens > 0


def test_tools_and_thinking_pass(relayed_sdk: openai.OpenAI) -> None:
    weather = {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
    answer = ask(
        relayed_sdk,
        model=THINKING_MODEL,
        tools=[weather],
        tool_choice="required",
        extra_body={"extra_body": {"google": {"thinking_config": {"thinking_level": "low"}}}},
    )

    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"


def test_a_field_google_does_not_know_is_its_own_refusal(relayed_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(relayed_sdk, extra_body={"brand_new": 1})

    # Out of its array: the SDK shows no message of one.
    assert 'Unknown name "brand_new"' in caught.value.message


def test_an_unknown_model_is_not_found(relayed_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=NO_MODEL):
        ask(relayed_sdk, model=NO_MODEL)
    with pytest.raises(openai.NotFoundError, match=NO_MODEL):
        relayed_sdk.models.retrieve(NO_MODEL)


def test_models_have_googles_names(relayed_sdk: openai.OpenAI) -> None:
    listed = [model.id for model in relayed_sdk.models.list()]

    assert f"models/{MODEL}" in listed
    assert relayed_sdk.models.retrieve(f"models/{MODEL}").id == f"models/{MODEL}"


def test_embeddings_and_pictures_pass(relayed_sdk: openai.OpenAI) -> None:
    vectors = relayed_sdk.embeddings.create(model=EMBEDDING_MODEL, input=["one", "two"])
    painted = relayed_sdk.images.generate(
        model="gemini-3.1-flash-image", prompt="A kitten", response_format="b64_json", n=1
    )

    assert [len(entry.embedding) for entry in vectors.data] == [3072, 3072]
    assert painted.data
    assert base64.b64decode(painted.data[0].b64_json or "").startswith(b"\x89PNG")


def test_what_google_has_not_works_all_the_same(relayed_sdk: openai.OpenAI) -> None:
    spoken = relayed_sdk.audio.speech.create(
        model="tts-1", voice="alloy", input="Hello.", response_format="wav"
    )
    completed = relayed_sdk.completions.create(model=MODEL, prompt="Hello")

    assert spoken.content.startswith(b"RIFF")
    assert completed.choices[0].text
