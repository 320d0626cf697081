"""Google's SDK for JavaScript talks through the gateway in its own dialect."""

import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL, NO_MODEL
from tests.sdk.flows import Flows, run_javascript

QUESTION = "What is a gateway?"


@pytest.fixture(scope="module")
def google(house: RunningGateway) -> Flows:
    return run_javascript("google_genai", house.url)


def test_a_question_is_answered(google: Flows) -> None:
    whole = google["whole"]

    assert QUESTION in whole["text"]
    assert whole["model"] == MODEL
    assert whole["usage"]["totalTokenCount"] > 0
    assert whole["id"]


def test_a_stream_brings_the_answer_in_pieces(google: Flows) -> None:
    streamed = google["streamed"]

    assert QUESTION in streamed["text"]
    assert streamed["pieces"] > 2
    assert streamed["finish"] == "STOP"
    assert streamed["thoughts"] > 0


def test_every_base_address_and_version_answers(google: Flows) -> None:
    text = google["whole"]["text"]

    assert len(google["bases"]) == 21
    assert all(answers == [text, text] for answers in google["bases"].values())


def test_the_token_may_come_as_bearer(google: Flows) -> None:
    assert QUESTION in google["bearer"]


def test_a_configured_call_arrives_as_it_was_meant(google: Flows) -> None:
    assert "The user wants to know" in "".join(google["configured"])


def test_a_search_brings_its_sources(google: Flows) -> None:
    assert google["search"] == 2


def test_both_kinds_of_schema_are_followed(google: Flows) -> None:
    old, standard = google["structured"]

    assert set(old) == {"city", "degrees"}
    assert set(standard) == {"city"}


def test_functions_are_called_and_their_signatures_come_back(google: Flows) -> None:
    assert google["functions"]["names"] == ["get_weather", "get_time"]
    assert "blue get_weather" in google["functions"]["answer"]
    assert "blue get_time" in google["functions"]["answer"]
    assert google["forcedFunction"] == ["get_time"]


def test_the_sdk_calls_functions_itself(google: Flows) -> None:
    automatic = google["automaticFunctions"]

    assert "blue get_time" in automatic["answer"]
    assert automatic["streamed"] == automatic["answer"]
    assert automatic["history"] == 3


def test_a_chat_remembers_with_signatures(google: Flows) -> None:
    chat = google["chat"]

    assert "blue get_weather" in chat["first"]
    assert "What did I ask?" in chat["second"]
    assert "blue get_weather" in chat["third"]


def test_tokens_are_counted_and_texts_embedded(google: Flows) -> None:
    assert google["tokens"] > 0
    assert google["vectors"] == [[3072], [768, 768, 768]]


def test_models_are_listed_by_pages_and_found(google: Flows) -> None:
    listed = google["models"]["listed"]

    assert f"models/{MODEL}" in listed
    assert len(listed) == len(set(listed)) > 3
    assert google["models"]["found"] == f"models/{MODEL}"
    assert google["modelsOnSharedPath"] == listed


@pytest.mark.parametrize(
    ("case", "status", "words"),
    [
        ("token", 401, "UNAUTHENTICATED"),
        ("model", 404, NO_MODEL),
        ("streamed", 404, NO_MODEL),
        ("body", 400, "temperature"),
    ],
)
def test_errors_come_in_google_s_words(google: Flows, case: str, status: int, words: str) -> None:
    error = google["errors"][case]

    assert (error["name"], error["status"]) == ("ApiError", status)
    assert words in error["message"]
