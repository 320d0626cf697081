"""Google's SDK talks through the gateway in its own dialect, by every address people give it."""

from collections.abc import Iterator

import pydantic
import pytest
from google import genai
from google.genai import errors, types

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, TOKEN, RunningGateway
from tests.sdk.clients import EMBEDDING_MODEL, MODEL, NO_MODEL, THINKING_MODEL, google_client

QUESTION = "What is a gateway?"


class Weather(pydantic.BaseModel):
    """A structured answer."""

    city: str
    degrees: float


def get_weather(city: str) -> dict[str, str]:
    """Tells the weather in a city.

    Args:
      city: A city's name.
    """
    return {"sky": f"blue over {city}"}


def test_a_question_is_answered(google_sdk: genai.Client) -> None:
    answer = google_sdk.models.generate_content(model=MODEL, contents=QUESTION)

    assert QUESTION in (answer.text or "")
    assert answer.model_version == MODEL
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.total_token_count


@pytest.mark.parametrize("path", ["", "/", "/gemini", "/gemini/v1beta", "/gemini/v1beta/", "/v1beta"])
@pytest.mark.parametrize("api_version", [None, "v1beta"])
def test_every_base_address_answers(house: RunningGateway, path: str, api_version: str | None) -> None:
    with google_client(house, path, api_version=api_version) as client:
        answer = client.models.generate_content(model=MODEL, contents=QUESTION)
        pieces = [
            chunk.text or ""
            for chunk in client.models.generate_content_stream(model=MODEL, contents=QUESTION)
        ]
        count = client.models.count_tokens(model=MODEL, contents=QUESTION)

    assert answer.text == "".join(pieces)
    assert count.total_tokens


def test_the_token_may_come_as_bearer(house: RunningGateway) -> None:
    options = types.HttpOptions(
        base_url=f"{house.url}/gemini/v1beta", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with genai.Client(api_key="no-token-of-this-gateway", http_options=options) as client:
        answer = client.models.generate_content(model=MODEL, contents=QUESTION)

    assert answer.text


def test_a_stream_brings_the_answer_in_pieces(google_sdk: genai.Client) -> None:
    chunks = list(google_sdk.models.generate_content_stream(model=THINKING_MODEL, contents=QUESTION))

    assert len(chunks) > 2
    assert QUESTION in "".join(chunk.text or "" for chunk in chunks)
    last = chunks[-1]
    assert last.candidates
    assert last.candidates[0].finish_reason is types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert last.usage_metadata.thoughts_token_count


def test_a_configured_call_arrives_as_it_was_meant(google_sdk: genai.Client) -> None:
    answer = google_sdk.models.generate_content(
        model=THINKING_MODEL,
        contents=[
            QUESTION,
            types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png"),
        ],
        config=types.GenerateContentConfig(
            system_instruction="Be brief.",
            temperature=0.5,
            max_output_tokens=4000,
            stop_sequences=["never"],
            thinking_config=types.ThinkingConfig(include_thoughts=True),
            safety_settings=[
                types.SafetySetting(
                    category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                    threshold=types.HarmBlockThreshold.BLOCK_NONE,
                )
            ],
        ),
    )

    assert answer.candidates
    assert answer.candidates[0].content is not None
    assert any(part.thought for part in answer.candidates[0].content.parts or [])


def test_a_search_brings_its_sources(google_sdk: genai.Client) -> None:
    answer = google_sdk.models.generate_content(
        model=MODEL,
        contents=QUESTION,
        config=types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())]),
    )

    assert answer.candidates
    grounding = answer.candidates[0].grounding_metadata
    assert grounding is not None
    assert grounding.grounding_chunks


def test_a_structured_answer_is_parsed(google_sdk: genai.Client) -> None:
    answer = google_sdk.models.generate_content(
        model=MODEL,
        contents="The weather in Paris?",
        config=types.GenerateContentConfig(response_mime_type="application/json", response_schema=Weather),
    )

    assert isinstance(answer.parsed, Weather)


@pytest.mark.parametrize("model", [MODEL, THINKING_MODEL])
def test_functions_are_called_by_the_sdk_itself(google_sdk: genai.Client, model: str) -> None:
    answer = google_sdk.models.generate_content(
        model=model,
        contents="The weather in Paris?",
        config=types.GenerateContentConfig(tools=[get_weather]),
    )

    assert "blue over" in (answer.text or "")
    assert answer.automatic_function_calling_history


def test_a_chat_remembers_with_signatures(google_sdk: genai.Client) -> None:
    chat = google_sdk.chats.create(
        model=THINKING_MODEL, config=types.GenerateContentConfig(tools=[get_weather])
    )
    first = chat.send_message("The weather in Paris?")
    second = chat.send_message("What did I ask?")
    pieces = [chunk.text or "" for chunk in chat.send_message_stream("And the weather again?")]

    assert "blue over" in (first.text or "")
    assert "What did I ask?" in (second.text or "")
    assert "blue over" in "".join(pieces)


def test_tokens_are_counted_and_texts_embedded(google_sdk: genai.Client) -> None:
    count = google_sdk.models.count_tokens(model=MODEL, contents=QUESTION)
    one = google_sdk.models.embed_content(model=EMBEDDING_MODEL, contents=QUESTION)
    several = google_sdk.models.embed_content(
        model=EMBEDDING_MODEL,
        contents=["one", "two", "three"],
        config=types.EmbedContentConfig(output_dimensionality=768),
    )

    assert count.total_tokens
    assert one.embeddings
    assert len(one.embeddings[0].values or []) == 3072
    assert [len(embedding.values or []) for embedding in several.embeddings or []] == [768] * 3


def test_models_are_listed_by_pages_and_found(google_sdk: genai.Client) -> None:
    names = [model.name for model in google_sdk.models.list(config={"page_size": 3})]
    found = google_sdk.models.get(model=MODEL)

    assert f"models/{MODEL}" in names
    assert len(names) == len(set(names)) > 3
    assert found.name == f"models/{MODEL}"
    assert found.supported_actions
    assert "generateContent" in found.supported_actions


@pytest.mark.parametrize("path", ["", "/gemini/v1beta"])
def test_model_lists_on_shared_paths_are_google_s(house: RunningGateway, path: str) -> None:
    with google_client(house, path) as client:
        assert f"models/{MODEL}" in [model.name for model in client.models.list()]
        assert client.models.get(model=MODEL).name == f"models/{MODEL}"


async def test_the_async_client_does_all_of_it(house: RunningGateway) -> None:
    async with google_client(house).aio as client:
        answer = await client.models.generate_content(model=MODEL, contents=QUESTION)
        stream = await client.models.generate_content_stream(model=MODEL, contents=QUESTION)
        pieces = [chunk.text or "" async for chunk in stream]
        count = await client.models.count_tokens(model=MODEL, contents=QUESTION)
        embedded = await client.models.embed_content(model=EMBEDDING_MODEL, contents=QUESTION)
        names = [model.name async for model in await client.models.list()]
        chat = client.chats.create(model=MODEL, config=types.GenerateContentConfig(tools=[get_weather]))
        called = await chat.send_message("The weather in Paris?")
        with pytest.raises(errors.ClientError):
            await client.models.generate_content(model=NO_MODEL, contents=QUESTION)

    assert answer.text == "".join(pieces)
    assert count.total_tokens
    assert embedded.embeddings
    assert f"models/{MODEL}" in names
    assert "blue over" in (called.text or "")


# Errors.


def test_a_wrong_token_is_a_client_error(house: RunningGateway) -> None:
    options = types.HttpOptions(base_url=f"{house.url}/gemini/v1beta")
    with (
        genai.Client(api_key="sk-wrong-token", http_options=options) as client,
        pytest.raises(errors.ClientError) as caught,
    ):
        client.models.generate_content(model=MODEL, contents=QUESTION)

    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
    assert "access token" in (caught.value.message or "")
    assert "sk-wrong-token" not in str(caught.value)


def _ask(client: genai.Client, model: str, *, streamed: bool) -> Iterator[object]:
    if streamed:
        yield from client.models.generate_content_stream(model=model, contents=QUESTION)
    else:
        yield client.models.generate_content(model=model, contents=QUESTION)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_unknown_model_is_not_found_in_google_s_words(google_sdk: genai.Client, streamed: bool) -> None:
    with pytest.raises(errors.ClientError) as caught:
        list(_ask(google_sdk, NO_MODEL, streamed=streamed))

    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    assert NO_MODEL in (caught.value.message or "")


def test_a_bad_request_is_refused_in_google_s_words(google_sdk: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as caught:
        google_sdk.models.generate_content(
            model=MODEL, contents=QUESTION, config=types.GenerateContentConfig(temperature=9)
        )

    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert "temperature" in (caught.value.message or "")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_used_up_quota_is_a_client_error(
    google_on_fake: genai.Client, fake_upstream: FakeUpstream, streamed: bool
) -> None:
    fake_upstream.error(gemini_errors.rate_day())

    with pytest.raises(errors.ClientError) as caught:
        list(_ask(google_on_fake, MODEL, streamed=streamed))

    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert {seen.key for seen in fake_upstream.requests} == set(KEYS)


def test_an_overloaded_model_is_a_server_error(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.overloaded())
    gateway = start_gateway(MAX_RETRIES="0")

    with google_client(gateway) as client, pytest.raises(errors.ServerError) as caught:
        client.models.generate_content(model=MODEL, contents=QUESTION)

    assert (caught.value.code, caught.value.status) == (503, "UNAVAILABLE")
    assert "overloaded" in (caught.value.message or "")


def test_dead_keys_are_not_the_client_s_fault(
    google_on_fake: genai.Client, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.suspended(KEYS[0]))

    with pytest.raises(errors.ServerError) as caught:
        google_on_fake.models.generate_content(model=MODEL, contents=QUESTION)

    assert (caught.value.code, caught.value.status) == (503, "UNAVAILABLE")
    assert not any(key in str(caught.value) for key in KEYS)


def test_a_stream_that_breaks_raises_after_its_first_pieces(
    google_on_fake: genai.Client, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream(gemini_replies.text_events("One", "two", "three")[:2], then="reset")

    seen: list[object] = []
    with pytest.raises(errors.APIError) as caught:
        seen.extend(_ask(google_on_fake, MODEL, streamed=True))

    assert caught.value.code == 502
    assert len(fake_upstream.requests) == 1


def test_fields_nobody_knows_yet_pass_both_ways(
    google_on_fake: genai.Client, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.text(novelty={"of": "tomorrow"}))

    answer = google_on_fake.models.generate_content(
        model=MODEL,
        contents=QUESTION,
        config=types.GenerateContentConfig(http_options=types.HttpOptions(extra_body={"newField": [1]})),
    )

    assert fake_upstream.requests[0].json["newField"] == [1]
    assert answer.sdk_http_response is not None
