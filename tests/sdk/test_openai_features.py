"""OpenAI's client and what Gemini does its own way: suffix models, sources, custom tools, signatures."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL, openai_client
from tests.sdk.simulated import KEYS, SimulatedUpstream, small_world
from tests.sdk.test_openai_tools import QUESTION, TOOLS, calls_of, only_known_fields, results_for

PLACEHOLDER = "skip_thought_signature_validator"
CUSTOM: Any = {"type": "custom", "custom": {"name": "run_code", "description": "Runs code."}}


@pytest.fixture(scope="module")
def searching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    """The client of a gateway whose SEARCH_MODELS has the model of these tests."""
    settings = {"API_KEYS": ",".join(KEYS), "SEARCH_MODELS": MODEL}
    with (
        SimulatedUpstream(small_world()) as upstream,
        RunningGateway(tmp_path_factory.mktemp("searching"), upstream.url, settings) as gateway,
        openai_client(gateway) as client,
    ):
        yield client


@pytest.mark.parametrize("suffix", ["-search", "-search-non-thinking", "-non-thinking-search"])
def test_a_search_model_names_its_sources_twice(searching: openai.OpenAI, suffix: str) -> None:
    answer = searching.chat.completions.create(
        model=MODEL + suffix, messages=[{"role": "user", "content": "Who won? 谁赢了？"}]
    )

    message = answer.choices[0].message
    text, rule, sources = (message.content or "").partition("\n\n---\n\n")
    assert answer.model == MODEL + suffix
    assert rule
    assert "[example.com](https://" in sources
    cited = [annotation.url_citation for annotation in message.annotations or []]
    assert [citation.title for citation in cited] == ["example.com", "example.org"]
    assert (cited[0].start_index, cited[0].end_index) == (0, len(text))


def test_a_streamed_search_brings_the_sources_last(searching: openai.OpenAI) -> None:
    with searching.chat.completions.stream(
        model=f"{MODEL}-search", messages=[{"role": "user", "content": "Who won?"}]
    ) as stream:
        content = stream.get_final_completion().choices[0].message.content or ""

    assert content.count("\n\n---\n\n") == 1
    assert content.endswith(")\n")


def test_the_model_list_has_the_twin_of_a_search_model(searching: openai.OpenAI) -> None:
    names = [model.id for model in searching.models.list()]

    assert names.index(f"{MODEL}-search") == names.index(MODEL) + 1
    assert searching.models.retrieve(f"{MODEL}-search").id == f"{MODEL}-search"


def test_a_custom_tool_goes_round_the_loop(openai_sdk: openai.OpenAI) -> None:
    question: Any = {"role": "user", "content": "Please run the code."}
    first = openai_sdk.chat.completions.create(model=MODEL, messages=[question], tools=[CUSTOM])
    message = first.choices[0].message
    (call,) = message.tool_calls or []

    assert call.type == "custom"
    assert call.custom.name == "run_code"
    assert call.custom.input
    assert first.choices[0].finish_reason == "tool_calls"
    history: list[Any] = [question, message, {"role": "tool", "tool_call_id": call.id, "content": "2"}]
    second = openai_sdk.chat.completions.create(model=MODEL, messages=history, tools=[CUSTOM])
    assert "run_code" in (second.choices[0].message.content or "")


def test_an_answer_that_was_begun_is_gone_on_with(openai_sdk: openai.OpenAI) -> None:
    begun: list[Any] = [
        {"role": "user", "content": "Count."},
        {"role": "assistant", "content": "One, two,"},
    ]

    answer = openai_sdk.chat.completions.create(model=MODEL, messages=begun)

    assert answer.choices[0].message.content


@pytest.mark.parametrize("kept_chars", [40, 64])
def test_a_signature_survives_a_client_that_cuts_ids_short(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream, kept_chars: int
) -> None:
    fake_upstream.reply(gemini_replies.parallel_calls(), verb="generateContent", times=1)
    question: Any = {"role": "user", "content": QUESTION}
    answer = openai_on_fake.chat.completions.create(model=MODEL, messages=[question], tools=TOOLS)
    message = answer.choices[0].message

    echoed: Any = only_known_fields(message)
    results = results_for(calls_of(message))
    for call in echoed["tool_calls"]:
        call["id"] = call["id"][:kept_chars]
    for result in results:
        result["tool_call_id"] = result["tool_call_id"][:kept_chars]
    openai_on_fake.chat.completions.create(model=MODEL, messages=[question, echoed, *results], tools=TOOLS)

    parts = fake_upstream.requests[-1].json["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [gemini_replies.SIGNATURE, None]


def test_a_signature_that_another_account_made_is_replaced_once(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.parallel_calls(), verb="generateContent", times=1)
    fake_upstream.error(gemini_errors.signature_corrupted(), times=1)
    question: Any = {"role": "user", "content": QUESTION}
    answer = openai_on_fake.chat.completions.create(model=MODEL, messages=[question], tools=TOOLS)
    message = answer.choices[0].message

    history = [question, message, *results_for(calls_of(message))]
    again = openai_on_fake.chat.completions.create(model=MODEL, messages=history, tools=TOOLS)

    assert again.choices[0].message.content
    signatures = [
        [part.get("thoughtSignature") for part in seen.json["contents"][1]["parts"]]
        for seen in fake_upstream.requests[1:]
    ]
    assert signatures == [[gemini_replies.SIGNATURE, None], [PLACEHOLDER, None]]


def test_a_placeholder_that_is_refused_is_not_tried_again(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.signature_corrupted())
    call: Any = {"id": "c", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    history: list[Any] = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "noon"},
    ]

    with pytest.raises(openai.BadRequestError, match="signature"):
        openai_on_fake.chat.completions.create(model=MODEL, messages=history, tools=TOOLS)

    assert len(fake_upstream.requests) == 1


def test_a_file_goes_with_the_question(openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream) -> None:
    file: Any = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQ="}
    uploaded: Any = {"file_id": "files/abc-1"}
    openai_on_fake.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "user", "content": [{"type": "file", "file": file}, {"type": "file", "file": uploaded}]}
        ],
    )

    pdf, stored = fake_upstream.requests[-1].json["contents"][0]["parts"]
    assert pdf == {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0xLjQ="}}
    assert stored["fileData"]["fileUri"].endswith("/v1beta/files/abc-1")
