"""Embeddings as OpenAI's SDK asks for them: base64 unless told otherwise, lists, dimensions."""

import math

import openai
import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import EMBEDDING_MODEL, NO_MODEL, async_openai_client


def test_one_text_has_one_vector(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.embeddings.create(model=EMBEDDING_MODEL, input="A kitten in a garden")

    (entry,) = answer.data
    assert len(entry.embedding) == 3072
    assert math.hypot(*entry.embedding) == pytest.approx(1, abs=1e-4)
    assert answer.model == EMBEDDING_MODEL
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


def test_base64_and_numbers_are_the_same_vector(openai_sdk: openai.OpenAI) -> None:
    packed = openai_sdk.embeddings.create(model=EMBEDDING_MODEL, input="one")  # the SDK asks for base64
    plain = openai_sdk.embeddings.create(model=EMBEDDING_MODEL, input="one", encoding_format="float")

    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)


@pytest.mark.parametrize("model", [EMBEDDING_MODEL, "gemini-embedding-2"])
def test_fewer_dimensions_have_length_one_too(openai_sdk: openai.OpenAI, model: str) -> None:
    answer = openai_sdk.embeddings.create(model=model, input=["one", "two"], dimensions=256)

    assert [len(entry.embedding) for entry in answer.data] == [256, 256]
    for entry in answer.data:
        assert math.hypot(*entry.embedding) == pytest.approx(1, abs=1e-5)
    assert answer.data[0].embedding != answer.data[1].embedding


async def test_more_texts_than_a_batch_holds(house: RunningGateway) -> None:
    texts = [f"text {number}" for number in range(230)]
    async with async_openai_client(house) as client:
        answer = await client.embeddings.create(model=EMBEDDING_MODEL, input=texts, dimensions=8)
        last = await client.embeddings.create(model=EMBEDDING_MODEL, input=texts[-1], dimensions=8)

    assert [entry.index for entry in answer.data] == list(range(230))
    assert answer.data[-1].embedding == last.data[0].embedding


def test_token_ids_are_refused_in_words_that_help(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="token ids") as caught:
        openai_sdk.embeddings.create(model=EMBEDDING_MODEL, input=[[1, 2], [3]])

    assert caught.value.param == "input"


def test_what_the_model_refuses_is_told(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="output_dimensionality"):
        openai_sdk.embeddings.create(model=EMBEDDING_MODEL, input="x", dimensions=4096)
    with pytest.raises(openai.NotFoundError, match=NO_MODEL):
        openai_sdk.embeddings.create(model=NO_MODEL, input="x")
