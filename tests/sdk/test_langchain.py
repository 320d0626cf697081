"""LangChain's OpenAI and Google packages, which bring SDKs of their own choice, against a strict Gemini."""

import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import NO_MODEL
from tests.sdk.flows import Flows, run_langchain

QUESTION = "What is a gateway?"


@pytest.fixture(scope="module")
def langchain(house: RunningGateway) -> Flows:
    return run_langchain(house.url)


@pytest.fixture(params=["openai", "responses", "google"])
def package(request: pytest.FixtureRequest) -> str:
    """Name the package whose flows are judged."""
    return str(request.param)


def test_a_question_is_answered(langchain: Flows, package: str) -> None:
    whole = langchain[f"{package} whole"]

    assert QUESTION in whole["text"]
    assert whole["usage"]["total_tokens"] > 0
    assert whole["usage"]["output_token_details"]["reasoning"] > 0


def test_a_stream_brings_the_same_answer_in_pieces(langchain: Flows, package: str) -> None:
    whole, streamed = langchain[f"{package} whole"], langchain[f"{package} streamed"]

    assert streamed["text"] == whole["text"] == langchain[f"{package} streamed_async"]
    assert streamed["pieces"] > 3
    assert streamed["usage"]["output_tokens"] == whole["usage"]["output_tokens"]


@pytest.mark.parametrize("flow", ["loop", "streamed_loop"])
def test_parallel_calls_go_round_the_loop(langchain: Flows, package: str, flow: str) -> None:
    loop = langchain[f"{package} {flow}"]

    assert loop["names"] == ["get_weather", "get_time"]
    assert "blue weather" in loop["answer"]
    assert "blue time" in loop["answer"]


@pytest.mark.parametrize("flow", ["structured", "structured_by_function"])
def test_a_structured_answer_follows_its_schema(langchain: Flows, package: str, flow: str) -> None:
    assert set(langchain[f"{package} {flow}"]) == {"city", "degrees"}


def test_a_picture_is_understood(langchain: Flows, package: str) -> None:
    assert "What is in this picture?" in langchain[f"{package} picture"]


@pytest.mark.parametrize("package", ["openai", "google"])
def test_texts_are_embedded(langchain: Flows, package: str) -> None:
    assert langchain[f"{package} embedded"] == [3072, 3072, 3072]


def test_an_unknown_model_is_known_to_be_unknown(langchain: Flows, package: str) -> None:
    error = langchain[f"{package} error"]

    assert "ModelNotFoundError" in error["names"]
    assert NO_MODEL in error["message"]
