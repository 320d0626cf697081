"""OpenAI's SDK for JavaScript asks for responses through the gateway to a strict Gemini."""

import pytest

from tests.integration.running import RunningGateway
from tests.sdk.flows import Flows, run_javascript

QUESTION = "What is a gateway?"


@pytest.fixture(scope="module")
def responses(house: RunningGateway) -> Flows:
    return run_javascript("openai_responses", house.url)


def test_a_question_is_answered(responses: Flows) -> None:
    whole = responses["whole"]

    assert (whole["object"], whole["status"]) == ("response", "completed")
    assert QUESTION in whole["text"]
    assert whole["usage"]["total_tokens"] > 0


def test_a_stream_brings_the_same_answer_in_pieces(responses: Flows) -> None:
    kinds = responses["streamed"]["kinds"]

    assert responses["streamed"]["text"] == responses["whole"]["text"]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert kinds.count("response.output_text.delta") > 3
    assert responses["helper"]["heard"] == responses["helper"]["text"]


def test_parallel_calls_go_round_the_loop(responses: Flows) -> None:
    loop = responses["loop"]

    assert loop["names"] == ["get_weather", "get_time"]
    assert "get_time" in loop["text"]


def test_a_conversation_goes_on_from_a_kept_response(responses: Flows) -> None:
    previous = responses["previous"]

    assert "get_weather" in previous["text"]
    assert previous["shown"] == previous["text"]


def test_an_answer_is_parsed(responses: Flows) -> None:
    assert responses["parsed"] == ["city", "degrees"]


def test_an_unknown_model_is_told(responses: Flows) -> None:
    assert responses["error"]["status"] == 404
