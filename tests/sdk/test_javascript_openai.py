"""OpenAI's SDK for JavaScript chats through the gateway to a strict Gemini."""

import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL, NO_MODEL
from tests.sdk.flows import Flows, run_javascript

QUESTION = "What is a gateway?"


@pytest.fixture(scope="module")
def chat(house: RunningGateway) -> Flows:
    return run_javascript("openai_chat", house.url)


def test_a_question_is_answered(chat: Flows) -> None:
    whole = chat["whole"]

    assert (whole["object"], whole["model"], whole["role"]) == ("chat.completion", MODEL, "assistant")
    assert QUESTION in whole["text"]
    assert whole["finish"] == "stop"
    usage = whole["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert whole["requestId"] == whole["header"]


def test_a_stream_brings_the_same_answer_in_pieces(chat: Flows) -> None:
    streamed = chat["streamed"]

    assert streamed["text"] == chat["whole"]["text"] == chat["streamHelper"]["heard"]
    assert streamed["pieces"] > 3
    assert (streamed["role"], streamed["finish"], streamed["ids"]) == ("assistant", "stop", 1)
    assert streamed["usages"] == 0
    assert chat["streamHelper"]["text"] == streamed["text"]


def test_usage_comes_last_when_asked_for(chat: Flows) -> None:
    streamed = chat["streamedUsage"]

    assert streamed["choices"] == []
    assert streamed["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    assert streamed["early"] == 0


def test_a_stream_may_be_left_in_the_middle(chat: Flows) -> None:
    assert chat["abortedStream"]


def test_every_base_address_answers(chat: Flows) -> None:
    assert chat["bases"] == dict.fromkeys(chat["bases"], chat["whole"]["text"])
    assert chat["azure"] == {"model": MODEL, "text": chat["whole"]["text"]}


@pytest.mark.parametrize("flow", ["toolLoop", "toolLoopThinking", "toolLoopKnownFields"])
def test_parallel_calls_go_round_the_loop(chat: Flows, flow: str) -> None:
    loop = chat[flow]

    assert loop["finish"] == "tool_calls"
    assert loop["names"] == ["get_weather", "get_time"]
    assert loop["cities"] == ["string", "string"]
    assert loop["ids"] == 2
    assert "get_weather" in loop["answer"]
    assert "get_time" in loop["answer"]


def test_calls_are_streamed_so_that_the_helper_puts_them_together(chat: Flows) -> None:
    streamed = chat["streamedCalls"]

    assert streamed["names"] == ["get_weather", "get_time"]
    assert streamed["cities"] == ["string", "string"]
    assert "get_time" in streamed["answer"]


def test_the_tool_runner_calls_the_functions_itself(chat: Flows) -> None:
    assert chat["toolRunner"]["asked"] == ["weather in string", "time in string"]
    assert "blue weather" in chat["toolRunner"]["answer"]
    assert "blue time" in chat["toolRunner"]["answer"]


def test_a_tool_choice_forces_or_forbids_calls(chat: Flows) -> None:
    assert chat["toolChoice"] == {"none": [], "required": ["get_weather"], "named": ["get_time"]}


def test_zod_gets_what_its_schema_says(chat: Flows) -> None:
    assert set(chat["parsed"]) == {"city", "degrees", "words"}
    assert set(chat["parsedArguments"]) == {"city"}


def test_json_without_a_schema_is_json(chat: Flows) -> None:
    assert isinstance(chat["jsonObject"], dict)


def test_thoughts_come_beside_the_answer(chat: Flows) -> None:
    reasoning = chat["reasoning"]

    assert "The user wants to know" in reasoning["thoughts"]
    assert reasoning["streamed"] == reasoning["thoughts"]
    assert "The user wants to know" not in reasoning["text"]
    assert reasoning["tokens"] > 0


def test_a_picture_is_understood(chat: Flows) -> None:
    assert "What is in this picture?" in chat["picture"]


def test_a_search_brings_its_sources(chat: Flows) -> None:
    assert {citation["type"] for citation in chat["webSearch"]} == {"url_citation"}


def test_models_are_listed_and_found(chat: Flows) -> None:
    assert MODEL in chat["models"]["listed"]
    assert chat["models"]["found"] == MODEL


@pytest.mark.parametrize(
    ("case", "kind", "status", "words"),
    [
        ("token", "AuthenticationError", 401, "access token"),
        ("model", "NotFoundError", 404, NO_MODEL),
        ("streamed", "NotFoundError", 404, NO_MODEL),
        ("body", "BadRequestError", 400, "temperature"),
        ("route", "NotFoundError", 404, "/v1/nothing"),
    ],
)
def test_errors_are_of_the_class_they_should_be(
    chat: Flows, case: str, kind: str, status: int, words: str
) -> None:
    error = chat["errors"][case]

    assert (error["name"], error["status"]) == (kind, status)
    assert words in error["message"]
