"""Vercel's AI SDK, which many chat programs are built on, over the strict simulator."""

import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import NO_MODEL
from tests.sdk.flows import Flows, run_javascript

QUESTION = "What is a gateway?"


@pytest.fixture(scope="module")
def ai_sdk(house: RunningGateway) -> Flows:
    return run_javascript("ai_sdk", house.url)


@pytest.fixture(params=["openai", "responses", "compatible", "google"])
def provider(request: pytest.FixtureRequest) -> str:
    """Name the provider whose flows are judged."""
    return str(request.param)


def test_a_question_is_answered(ai_sdk: Flows, provider: str) -> None:
    whole = ai_sdk[f"{provider} whole"]

    assert QUESTION in whole["text"]
    assert whole["finishReason"] == "stop"
    assert whole["tokens"] > whole["thoughts"] > 0
    if provider != "openai":  # which keeps no thoughts of chat completions
        assert "The user wants to know" in whole["reasoning"]


def test_a_stream_brings_the_same_answer_in_pieces(ai_sdk: Flows, provider: str) -> None:
    streamed = ai_sdk[f"{provider} streamed"]

    assert streamed["text"] == ai_sdk[f"{provider} whole"]["text"]
    assert streamed["pieces"] > 3
    assert streamed["tokens"] == ai_sdk[f"{provider} whole"]["tokens"]


@pytest.mark.parametrize("flow", ["loop", "streamedLoop"])
def test_parallel_calls_go_round_the_loop(ai_sdk: Flows, provider: str, flow: str) -> None:
    loop = ai_sdk[f"{provider} {flow}"]

    assert loop["steps"] == 2
    assert "blue weather in string" in loop["text"]
    assert "blue time in string" in loop["text"]


def test_a_picture_is_understood(ai_sdk: Flows, provider: str) -> None:
    assert "What is in it?" in ai_sdk[f"{provider} picture"]


def test_texts_are_embedded(ai_sdk: Flows, provider: str) -> None:
    assert ai_sdk[f"{provider} vectors"] == [3072, 3072]


def test_an_unknown_model_is_told(ai_sdk: Flows, provider: str) -> None:
    error = ai_sdk[f"{provider} error"]

    assert (error["name"], error["status"]) == ("AI_APICallError", 404)
    assert NO_MODEL in error["message"]


@pytest.mark.parametrize("name", ["openai", "responses", "google"])
def test_structure_comes_as_asked(ai_sdk: Flows, name: str) -> None:
    assert set(ai_sdk[f"{name} structured"]) == {"city", "degrees"}


@pytest.mark.parametrize("name", ["openai", "google"])
def test_pictures_are_painted(ai_sdk: Flows, name: str) -> None:
    assert ai_sdk[f"{name} painted"] == "image/png"


@pytest.mark.parametrize("name", ["responses", "google"])
def test_a_search_brings_its_sources(ai_sdk: Flows, name: str) -> None:
    assert ai_sdk[f"{name} searched"] == 2


def test_a_conversation_of_responses_goes_on_by_references(ai_sdk: Flows) -> None:
    conversation = ai_sdk["responses conversation"]

    assert conversation["steps"] == 2
    assert "blue weather in string" in conversation["text"]
