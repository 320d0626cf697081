"""OpenAI's Responses API by its own SDK; the simulator refuses a history whose calls lost a signature."""

import json
from collections.abc import Sequence
from typing import Any

import openai
import pydantic
import pytest
from openai.types.responses import (
    Response,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseReasoningItem,
)

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL, NO_MODEL, THINKING_MODEL, async_openai_client

QUESTION = "What is a gateway?"
LOOP_QUESTION = "What are the weather and the time in Paris?"
ENCRYPTED = "reasoning.encrypted_content"
PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAA"
    "AABJRU5ErkJggg=="
)
TOOLS: list[Any] = [
    {
        "type": "function",
        "name": name,
        "description": f"Tells the {what} in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "A city's name."}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    }
    for name, what in (("get_weather", "weather"), ("get_time", "time"))
]


class Weather(pydantic.BaseModel):
    """The weather in a city."""

    city: str
    degrees: float


def calls_of(response: Response) -> list[ResponseFunctionToolCall]:
    return [item for item in response.output if isinstance(item, ResponseFunctionToolCall)]


def results_for(calls: Sequence[ResponseFunctionToolCall]) -> list[Any]:
    return [
        {
            "type": "function_call_output",
            "call_id": call.call_id,
            "output": json.dumps({"for": call.name}),
        }
        for call in calls
    ]


def only_known_fields(items: Sequence[Any]) -> list[Any]:
    """Write output items as a client does that keeps nothing but what OpenAI's documents name."""
    known = {"id", "type", "status", "role", "content", "summary", "encrypted_content"}
    known |= {"call_id", "name", "arguments"}
    return [
        {name: value for name, value in item.model_dump(exclude_none=True).items() if name in known}
        for item in items
    ]


def test_a_question_is_answered(openai_sdk: openai.OpenAI) -> None:
    response = openai_sdk.responses.create(
        model=MODEL,
        instructions="Be short.",
        input=QUESTION,
        temperature=0.7,
        max_output_tokens=4000,
        metadata={"for": "a test"},
    )

    assert (response.object, response.status, response.model) == ("response", "completed", MODEL)
    assert response.id.startswith("resp_")
    assert QUESTION in response.output_text
    assert (response.instructions, response.temperature) == ("Be short.", 0.7)
    assert (response.max_output_tokens, response.metadata) == (4000, {"for": "a test"})
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0


@pytest.mark.parametrize("model", [MODEL, THINKING_MODEL])
def test_a_stream_is_put_together_by_the_helper(openai_sdk: openai.OpenAI, model: str) -> None:
    whole = openai_sdk.responses.create(model=model, input=QUESTION, reasoning={"summary": "auto"})
    with openai_sdk.responses.stream(model=model, input=QUESTION, reasoning={"summary": "auto"}) as stream:
        events = list(stream)
        final = stream.get_final_response()

    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 3
    assert "".join(deltas) == final.output_text == whole.output_text
    assert [item.type for item in final.output] == [item.type for item in whole.output]
    assert [event.sequence_number for event in events] == sorted(event.sequence_number for event in events)
    assert final.usage is not None
    assert final.usage.output_tokens > 0


def test_thoughts_are_a_reasoning_item(openai_sdk: openai.OpenAI) -> None:
    response = openai_sdk.responses.create(
        model=THINKING_MODEL, input=QUESTION, reasoning={"effort": "high", "summary": "detailed"}
    )

    reasoning = response.output[0]
    assert isinstance(reasoning, ResponseReasoningItem)
    assert "The user wants to know" in reasoning.summary[0].text
    assert reasoning.encrypted_content is None
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens > 0


def test_an_answer_is_parsed_into_a_model(openai_sdk: openai.OpenAI) -> None:
    response = openai_sdk.responses.parse(model=MODEL, input="The weather in Paris?", text_format=Weather)

    assert isinstance(response.output_parsed, Weather)


@pytest.mark.parametrize("model", [MODEL, THINKING_MODEL, "gemini-2.5-flash-lite"])
@pytest.mark.parametrize("way", ["extras", "known fields", "encrypted", "previous id", "references"])
def test_parallel_calls_go_round_the_loop(openai_sdk: openai.OpenAI, model: str, way: str) -> None:
    question: dict[str, Any] = {"role": "user", "content": LOOP_QUESTION}
    more: dict[str, Any] = {"store": False, "include": [ENCRYPTED]} if way == "encrypted" else {}
    first = openai_sdk.responses.create(model=model, input=[question], tools=TOOLS, **more)  # type: ignore[list-item]  # plain dicts
    calls = calls_of(first)

    assert [call.name for call in calls] == ["get_weather", "get_time"]
    assert all(isinstance(json.loads(call.arguments)["city"], str) for call in calls)
    assert len({call.call_id for call in calls}) == 2

    if way == "previous id":
        second = openai_sdk.responses.create(
            model=model, input=results_for(calls), tools=TOOLS, previous_response_id=first.id
        )
    else:
        echoed = {
            "extras": list(first.output),
            "known fields": only_known_fields(first.output),
            "encrypted": only_known_fields(first.output),
            "references": [{"type": "item_reference", "id": item.id} for item in first.output],
        }[way]
        history: list[Any] = [question, *echoed, *results_for(calls)]
        second = openai_sdk.responses.create(model=model, input=history, tools=TOOLS, **more)

    assert calls_of(second) == []
    assert "get_weather" in second.output_text
    assert "get_time" in second.output_text


def test_calls_are_streamed_with_their_arguments(openai_sdk: openai.OpenAI) -> None:
    with openai_sdk.responses.stream(model=MODEL, input=LOOP_QUESTION, tools=TOOLS) as stream:
        events = list(stream)
        final = stream.get_final_response()

    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert [json.loads(event.arguments) for event in done] == [
        json.loads(call.arguments) for call in calls_of(final)
    ]
    with openai_sdk.responses.stream(
        model=MODEL, input=results_for(calls_of(final)), tools=TOOLS, previous_response_id=final.id
    ) as stream:
        assert "get_time" in stream.get_final_response().output_text


def test_a_conversation_goes_on_from_a_kept_response(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.text("Hello, Ada."), times=1)
    fake_upstream.reply(gemini_replies.text("It is Ada."))
    first = openai_on_fake.responses.create(model=MODEL, instructions="One.", input="My name is Ada.")
    second = openai_on_fake.responses.create(
        model=MODEL, instructions="Two.", input="What is my name?", previous_response_id=first.id
    )
    third = openai_on_fake.responses.create(model=MODEL, input="And now?", previous_response_id=second.id)

    sent = fake_upstream.requests[-1].json
    texts = [part["text"] for content in sent["contents"] for part in content["parts"]]
    assert texts == [
        "My name is Ada.",
        first.output_text,
        "What is my name?",
        second.output_text,
        "And now?",
    ]
    assert "systemInstruction" not in sent
    assert third.previous_response_id == second.id


def test_a_kept_response_is_shown_listed_and_forgotten(openai_sdk: openai.OpenAI) -> None:
    made = openai_sdk.responses.create(
        model=MODEL,
        input=[{"role": "user", "content": "One"}, {"role": "user", "content": QUESTION}],
    )

    assert openai_sdk.responses.retrieve(made.id) == made
    items = list(openai_sdk.responses.input_items.list(made.id, order="asc", limit=1))
    assert [item.content[0].text for item in items if item.type == "message"] == ["One", QUESTION]  # type: ignore[union-attr]  # texts
    openai_sdk.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError, match="not found"):
        openai_sdk.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError, match="not found") as caught:
        openai_sdk.responses.create(model=MODEL, input="More", previous_response_id=made.id)
    assert caught.value.code == "previous_response_not_found"


def test_what_is_not_to_be_kept_is_not(openai_sdk: openai.OpenAI) -> None:
    made = openai_sdk.responses.create(model=MODEL, input=QUESTION, store=False)

    assert getattr(made, "store") is False  # noqa: B009  the SDK's type does not name it
    with pytest.raises(openai.NotFoundError):
        openai_sdk.responses.retrieve(made.id)


def test_pictures_and_files_are_understood(openai_sdk: openai.OpenAI) -> None:
    content: Any = [
        {"type": "input_text", "text": "What is in it?"},
        {"type": "input_image", "image_url": PNG, "detail": "auto"},
        {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="},
    ]
    response = openai_sdk.responses.create(model=MODEL, input=[{"role": "user", "content": content}])

    assert "What is in it?" in response.output_text


def test_a_search_brings_its_sources(openai_sdk: openai.OpenAI) -> None:
    response = openai_sdk.responses.create(model=MODEL, input="Who won?", tools=[{"type": "web_search"}])

    (message,) = (item for item in response.output if isinstance(item, ResponseOutputMessage))
    cited = message.content[0].annotations  # type: ignore[union-attr]  # a text
    assert [each.title for each in cited] == ["example.com", "example.org"]  # type: ignore[union-attr]  # addresses
    assert "web_search_call" in {item.type for item in response.output}


def test_a_custom_tool_goes_round_the_loop(openai_sdk: openai.OpenAI) -> None:
    tools: list[Any] = [{"type": "custom", "name": "run_code", "description": "Runs code."}]
    first = openai_sdk.responses.create(model=MODEL, input="Please run the code.", tools=tools)
    (call,) = (item for item in first.output if item.type == "custom_tool_call")

    assert (call.name, bool(call.input)) == ("run_code", True)
    result: Any = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "2"}
    second = openai_sdk.responses.create(
        model=MODEL, input=[result], tools=tools, previous_response_id=first.id
    )
    assert "run_code" in second.output_text


def test_a_tool_of_a_namespace_is_called_by_both_its_names(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    tools: list[Any] = [{"type": "namespace", "name": "crm", "description": "Customers.", "tools": TOOLS}]
    fake_upstream.reply(gemini_replies.parallel_calls("crm__get_weather", "crm__get_time"), times=1)
    fake_upstream.reply(gemini_replies.text())
    first = openai_on_fake.responses.create(model=MODEL, input=LOOP_QUESTION, tools=tools)
    calls = calls_of(first)

    assert [(call.namespace, call.name) for call in calls] == [("crm", "get_weather"), ("crm", "get_time")]
    history: list[Any] = [{"role": "user", "content": LOOP_QUESTION}, *first.output, *results_for(calls)]
    openai_on_fake.responses.create(model=MODEL, input=history, tools=tools)
    sent = fake_upstream.requests[-1].json["contents"]
    assert [part["functionCall"]["name"] for part in sent[1]["parts"]] == [
        "crm__get_weather",
        "crm__get_time",
    ]


def test_a_painted_picture_is_an_item_of_its_own(openai_sdk: openai.OpenAI) -> None:
    response = openai_sdk.responses.create(model="gemini-3.1-flash-image", input="A kitten")

    (picture,) = (item for item in response.output if item.type == "image_generation_call")
    assert picture.status == "completed"
    assert picture.result
    assert picture.result.startswith("iVBOR")


def test_input_tokens_are_counted(openai_sdk: openai.OpenAI) -> None:
    short = openai_sdk.responses.input_tokens.count(model=MODEL, input="One")
    long = openai_sdk.responses.input_tokens.count(model=MODEL, input="One and many more words " * 20)

    assert short.object == "response.input_tokens"
    assert 0 < short.input_tokens < long.input_tokens


def test_an_end_by_the_limit_is_incomplete(
    openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.max_tokens())

    response = openai_on_fake.responses.create(model=MODEL, input=QUESTION)

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": 7}]}]}, "input[0]"),
        ({"input": QUESTION, "background": True}, "background"),
        ({"input": QUESTION, "tools": [{"type": "file_search", "vector_store_ids": []}]}, "tools[0]"),
        ({"input": QUESTION, "max_output_tokens": "many"}, "max_output_tokens"),
    ],
    ids=["part", "background", "tool", "number"],
)
def test_a_mistake_is_named(openai_sdk: openai.OpenAI, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        openai_sdk.responses.create(model=MODEL, **fields)

    assert (caught.value.param or "").startswith(param)


def test_an_unknown_model_and_a_used_up_quota_are_told(
    openai_sdk: openai.OpenAI, openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.rate_minute())

    with pytest.raises(openai.NotFoundError):
        openai_sdk.responses.create(model=NO_MODEL, input=QUESTION, stream=True)
    with pytest.raises(openai.RateLimitError) as caught:
        openai_on_fake.responses.create(model=MODEL, input=QUESTION)
    assert int(caught.value.response.headers["retry-after"]) >= 1


def test_a_stream_that_breaks_says_so(openai_on_fake: openai.OpenAI, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream(gemini_replies.text_events("Half a sen", "tence.")[:1], then="cut")

    with openai_on_fake.responses.create(model=MODEL, input=QUESTION, stream=True) as stream:
        events = list(stream)

    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "failed"
    assert events[-1].response.error is not None
    assert events[-1].response.output_text == "Half a sen"


async def test_the_async_client_streams(house: RunningGateway) -> None:
    async with async_openai_client(house) as client:
        stream = await client.responses.create(model=MODEL, input=QUESTION, stream=True)
        kinds = [event.type async for event in stream]

    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
