"""Errors as OpenAI's SDK raises them: the class by status, words for a person, no needless retries."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, RunningGateway
from tests.sdk.clients import MODEL, NO_MODEL, async_openai_client, openai_client


def ask(client: openai.OpenAI, model: str = MODEL) -> object:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}])


def test_a_wrong_token_is_an_authentication_error(house: RunningGateway) -> None:
    with (
        openai.OpenAI(api_key="sk-wrong-token", base_url=f"{house.url}/v1") as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        ask(client)

    assert caught.value.code == "invalid_api_key"
    assert "access token" in caught.value.message
    assert "sk-wrong-token" not in caught.value.message


def test_an_unknown_model_is_not_found(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        ask(openai_sdk, NO_MODEL)

    assert caught.value.code == "model_not_found"
    assert NO_MODEL in caught.value.message
    assert caught.value.request_id


def test_an_unknown_model_is_not_found_by_name_either(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=NO_MODEL):
        openai_sdk.models.retrieve(NO_MODEL)


@pytest.mark.parametrize(
    "messages", [[], [{"role": "nobody", "content": "Hi"}], [{"role": "user", "content": 7}], "Hi"]
)
def test_messages_that_make_no_sense_are_a_bad_request(openai_sdk: openai.OpenAI, messages: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        openai_sdk.chat.completions.create(
            model=MODEL,
            messages=messages,
        )

    assert caught.value.param is not None
    assert caught.value.param.startswith("messages")
    assert caught.value.type == "invalid_request_error"


def test_what_google_refuses_is_a_bad_request_in_its_words(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="temperature"):
        openai_sdk.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Hi"}], temperature=9.0
        )


def test_a_refused_stream_raises_before_its_first_chunk(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        openai_sdk.chat.completions.create(
            model=NO_MODEL, messages=[{"role": "user", "content": "Hi"}], stream=True
        )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda client: client.conversations.create(), "previous_response_id"),
        (lambda client: client.moderations.create(input="x"), "no method that only judges"),
        (lambda client: client.fine_tuning.jobs.list(), "cannot be tuned"),
    ],
    ids=["conversations", "moderations", "fine_tuning"],
)
def test_what_is_not_offered_says_why(
    openai_sdk: openai.OpenAI, call: Callable[[openai.OpenAI], object], words: str
) -> None:
    with pytest.raises(openai.NotFoundError, match=words) as caught:
        call(openai_sdk)

    assert caught.value.code == "not_offered"


def test_a_used_up_quota_is_a_rate_limit(openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_minute())

    with pytest.raises(openai.RateLimitError) as caught:
        ask(openai_on_fake)

    assert caught.value.code == "rate_limit_exceeded"
    assert int(caught.value.response.headers["retry-after"]) >= 1
    assert {seen.key for seen in fake_upstream.requests} == set(KEYS)


def test_the_sdk_does_not_multiply_the_pool_s_own_tries(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.rate_minute())

    with openai_client(gateway) as client, pytest.raises(openai.RateLimitError):
        ask(client)

    assert len(fake_upstream.requests) == len(KEYS)


def test_an_overloaded_model_is_a_server_error_in_words(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.overloaded())
    gateway = start_gateway(MAX_RETRIES="0")  # further tries would wait for the model to come back

    with openai_client(gateway) as client, pytest.raises(openai.InternalServerError) as caught:
        ask(client)

    assert caught.value.status_code == 503
    assert "overloaded" in caught.value.message


def test_the_pool_s_dead_keys_are_not_the_client_s_fault(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.api_key_invalid())

    with pytest.raises(openai.InternalServerError) as caught:
        ask(openai_on_fake)

    assert caught.value.status_code == 503
    assert caught.value.code == "no_usable_key"
    assert not any(key in str(caught.value) for key in KEYS)


def test_a_failing_key_is_replaced_without_a_word(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.leaked(), key=KEYS[0])
    fake_upstream.error(gemini_errors.rate_day(), key=KEYS[1])

    answers = [ask(openai_on_fake) for _ in range(3)]

    assert len(answers) == 3
    assert [seen.key for seen in fake_upstream.requests].count(KEYS[0]) <= 1


def test_a_stream_that_breaks_raises_what_went_wrong(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream([*gemini_replies.text_events("One", "two", "three")[:2]], then="reset")

    with openai_on_fake.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hi"}], stream=True
    ) as stream:
        seen: list[str] = []
        with pytest.raises(openai.APIError) as caught:
            seen.extend(chunk.choices[0].delta.content or "" for chunk in stream)

    assert caught.value.message
    assert len(fake_upstream.requests) == 1, "a stream that has begun may not move to another key"


def test_a_blocked_prompt_ends_by_the_content_filter(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.blocked_prompt())

    answer = openai_on_fake.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])

    assert answer.choices[0].finish_reason == "content_filter"


async def test_the_async_client_raises_the_same(house: RunningGateway) -> None:
    async with async_openai_client(house) as client:
        with pytest.raises(openai.NotFoundError, match=NO_MODEL):
            await client.chat.completions.create(model=NO_MODEL, messages=[{"role": "user", "content": "Hi"}])
