"""Response requests → chat requests; what goes upstream of them is in tests/golden/openai_responses_requests.

request.json           the client's body (always)
earlier.json           the items of the responses before it
referenced.json        the items that were found for its references, by their ids
options.json, attachments.json   as in test_golden
upstream_request.json  the model asked and the body sent, or
error.json             what the client is told instead (param, code and the message)
"""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.genai import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.responses import Response

from gateway.errors import BadRequest
from gateway.protocols.context import ChatOptions
from gateway.protocols.openai_request import encode_body, translate_chat
from gateway.protocols.remote_media import file_ids, remote_urls
from gateway.protocols.responses_places import Place, client_param
from gateway.protocols.responses_request import (
    ResponseRequest,
    earlier_wanted,
    read_response_request,
    renamed,
)
from tests.protocols.test_golden import attachments, read

CASES = Path(__file__).parents[1] / "golden" / "openai_responses_requests"


def cases_with(name: str) -> list[Any]:
    return [pytest.param(found.parent, id=found.parent.name) for found in sorted(CASES.glob(f"*/{name}"))]


def read_or(case: Path, name: str, unsaid: Any) -> Any:
    return read(case, name) if (case / name).exists() else unsaid


def sent(case: Path) -> Any:
    request = read_response_request(
        read(case, "request.json"),
        earlier=read_or(case, "earlier.json", []),
        referenced=read_or(case, "referenced.json", {}),
    )
    options = ChatOptions(
        new_id=lambda: "new", **{"show_thoughts": False, **read_or(case, "options.json", {})}
    )
    try:
        call = translate_chat(request.chat, options=options, attachments=attachments(case))
    except BadRequest as error:
        raise renamed(error, request) from None
    return {"model": call.model, "body": orjson.loads(encode_body(call.body))}


@pytest.mark.parametrize("case", cases_with("upstream_request.json"))
def test_a_request_is_sent_as_the_case_says(case: Path) -> None:
    assert sent(case) == read(case, "upstream_request.json")


@pytest.mark.parametrize("case", cases_with("error.json"))
def test_a_request_is_refused_in_the_clients_words(case: Path) -> None:
    with pytest.raises(BadRequest) as refused:
        sent(case)

    expected = {"status": 400, **read(case, "error.json")}
    told = refused.value
    assert {
        "param": told.param,
        "code": told.code,
        "message": told.message,
        "status": told.status,
    } == expected


@pytest.mark.parametrize("case", cases_with("upstream_request.json"))
def test_what_is_sent_has_the_fields_that_googles_sdk_knows(case: Path) -> None:
    body = read(case, "upstream_request.json")["body"]

    for content in [*body["contents"], body.get("systemInstruction", {})]:
        types.Content.model_validate(content)
    config = body.get("generationConfig", {})
    config.pop("imageConfig", None)  # the SDK knows it elsewhere
    types.GenerationConfig.model_validate(config)
    types.ToolConfig.model_validate(body.get("toolConfig", {}))
    for tool in body.get("tools", []):
        types.Tool.model_validate(tool)


def test_every_case_is_checked() -> None:
    folders = [folder for folder in CASES.iterdir() if folder.is_dir()]

    assert len(folders) > 100
    assert [
        folder.name
        for folder in folders
        if not {"upstream_request.json", "error.json"} & {file.name for file in folder.iterdir()}
    ] == []


def request_of(**body: Any) -> ResponseRequest:
    return read_response_request({"model": "gemini-3.5-flash", "input": "Hello", **body})


# What a Response repeats where the client says nothing.
UNSAID: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}
SCHEMA_FORMAT = {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": True}


def test_a_response_repeats_the_defaults() -> None:
    assert request_of().echoed == UNSAID
    assert request_of(**dict.fromkeys(UNSAID)).echoed == UNSAID


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"instructions": "Be brief."}, "Be brief."),
        ({"max_output_tokens": 64.0}, 64),
        ({"max_tool_calls": 3}, 3),
        ({"metadata": {"a": "b"}}, {"a": "b"}),
        ({"parallel_tool_calls": False}, False),
        ({"previous_response_id": "resp_1"}, "resp_1"),
        ({"prompt_cache_key": "k"}, "k"),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"effort": "low", "summary": "auto"}),
        ({"safety_identifier": "s"}, "s"),
        ({"service_tier": "flex"}, "flex"),
        ({"service_tier": "auto"}, "default"),
        ({"service_tier": "fast"}, "priority"),
        ({"store": False}, False),
        ({"temperature": 0}, 0),
        ({"text": {"format": SCHEMA_FORMAT}}, {"format": SCHEMA_FORMAT, "verbosity": "medium"}),
        ({"tool_choice": "required"}, "required"),
        ({"tools": [{"type": "web_search"}]}, [{"type": "web_search"}]),
        ({"tools": [FUNCTION]}, [{**FUNCTION, "description": None}]),
        ({"top_logprobs": 2}, 2),
        ({"top_p": 0.5}, 0.5),
        ({"truncation": "auto"}, "auto"),
        ({"user": "u"}, "u"),
    ],
)
def test_a_response_repeats_what_was_said(said: dict[str, Any], told: object) -> None:
    (name,) = said

    assert request_of(**said).echoed == {**UNSAID, name: told}


@pytest.mark.parametrize("case", cases_with("upstream_request.json"))
def test_what_a_response_repeats_has_the_types_of_openais_sdk(case: Path) -> None:
    body = read(case, "request.json")
    if "googleSearch" in str(body.get("tools")):
        body["tools"] = []  # Gemini's own form is none of OpenAI's
    request = read_response_request(
        body, earlier=read_or(case, "earlier.json", []), referenced=read_or(case, "referenced.json", {})
    )

    if "url_context" not in str(request.echoed["tools"]):
        Response.model_validate(
            {
                "id": "resp_1",
                "object": "response",
                "created_at": 1,
                "model": "m",
                "output": [],
                **request.echoed,
            }
        )
    assert request.echoed.keys() == UNSAID.keys()


def test_responses_are_kept_unless_the_client_says_not_to() -> None:
    assert request_of().keeps
    assert not request_of(store=False).keeps


def test_signatures_are_given_where_encrypted_reasoning_is_wanted() -> None:
    assert request_of(include=["reasoning.encrypted_content"]).encrypted
    assert not request_of(include=["file_search_call.results"]).encrypted


def test_a_text_alone_is_translated_by_the_short_way() -> None:
    options = ChatOptions(show_thoughts=False, new_id=lambda: "new")
    parts = [
        {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
    ]

    assert translate_chat(request_of(instructions="Be brief.").chat, options=options).is_plain
    assert translate_chat(request_of(input=parts).chat, options=options).is_plain


def test_media_of_items_are_found_where_a_chats_are_looked_for() -> None:
    output = [{"type": "input_file", "file_url": "https://example.org/b.pdf"}]
    messages = request_of(
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "https://example.org/a.png"},
                    {"type": "input_image", "file_id": "file-a"},
                ],
            },
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": output},
        ]
    ).chat["messages"]

    assert remote_urls(messages) == ("https://example.org/a.png", "https://example.org/b.pdf")
    assert file_ids(messages) == ("file-a",)


def test_calls_in_a_row_are_one_message_with_the_text_before_them() -> None:
    request = request_of(
        input=[
            {"role": "user", "content": "Go."},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I do."}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "web_search_call", "id": "ws_1"},
            {"type": "custom_tool_call", "call_id": "b", "name": "g", "input": "x"},
            {"type": "function_call_output", "call_id": "a", "output": "1"},
            {"type": "custom_tool_call_output", "call_id": "b", "output": "2"},
        ]
    )

    assert request.chat["messages"] == [
        {"role": "user", "content": "Go."},
        {
            "role": "assistant",
            "content": "I do.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "custom", "custom": {"name": "g", "input": "x"}},
            ],
        },
        {"role": "tool", "content": "1", "tool_call_id": "a"},
        {"role": "tool", "content": "2", "tool_call_id": "b"},
    ]
    assert [place.item for place in request.places] == ["input[0]", "input[1]", "input[5]", "input[6]"]
    assert request.places[1].calls == ["input[2]", "input[4]"]


def test_a_text_is_listed_as_a_message() -> None:
    assert request_of(input="Hello").input == [
        {
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_text", "text": "Hello"}],
        }
    ]


def test_items_are_listed_whole_and_what_was_pointed_at_in_its_place() -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "1"}
    picture = [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}]
    items = [
        {"role": "assistant", "content": "Hi", "id": "msg_1", "status": "incomplete"},
        {"type": "item_reference", "id": "fc_1"},
        output,
        {"type": "message", "role": "user", "content": picture},
    ]

    listed = read_response_request({"model": "m", "input": items}, referenced={"fc_1": call}).input

    assert listed == [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
            "id": "msg_1",
            "status": "incomplete",
        },
        call,
        output,
        {"type": "message", "role": "user", "content": picture, "status": "completed"},
    ]


def test_what_is_listed_and_repeated_outlives_the_translation() -> None:
    body = {
        "model": "gemini-3.5-flash",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}]}],
        "tools": [{**FUNCTION, "parameters": {"definitions": {"A": {}}, "properties": {"b": {}}}}],
        "text": {"format": {**SCHEMA_FORMAT, "schema": {"definitions": {"A": {}}, "type": "object"}}},
    }
    request = read_response_request(body)
    before = copy.deepcopy((request.echoed, request.input))

    translate_chat(request.chat, options=ChatOptions(show_thoughts=True, new_id=lambda: "new"))

    assert (request.echoed, request.input) == before


def test_what_goes_before_is_told() -> None:
    items = [
        {"role": "user", "content": "a"},
        {"type": "item_reference", "id": "msg_1"},
        {"id": "msg_2"},
        {"type": None, "id": "msg_1"},
    ]

    assert earlier_wanted({"input": "a"}) == (None, ())
    assert earlier_wanted({"previous_response_id": ""}) == (None, ())
    assert earlier_wanted({"previous_response_id": "resp_1", "input": items}) == (
        "resp_1",
        ("msg_1", "msg_2"),
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"previous_response_id": 3}, "previous_response_id"),
        ({"input": ["a"]}, "input[0]"),
        ({"input": [{"role": "user"}, {"type": "item_reference"}]}, "input[1].id"),
        ({"input": [{"type": "item_reference", "id": 3}]}, "input[0].id"),
        ({"input": [{"type": 3}]}, "input[0].type"),
    ],
)
def test_what_goes_before_must_be_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        earlier_wanted(body)

    assert refused.value.param == param


PLACES = (
    Place("instructions"),
    Place("input[0]"),
    Place("input[2]", calls=["input[3]", "input[5]"]),
    Place("input[6]", content="output"),
    Place("input[7]", content="result"),
    Place("previous_response_id", calls=["previous_response_id"]),
)


@pytest.mark.parametrize(
    ("param", "known"),
    [
        ("model", "model"),
        ("messages", "input"),
        ("messages[0].content", "instructions"),
        ("messages[1].content[0].image_url", "input[0].content[0].image_url"),
        ("messages[1].role", "input[0].role"),
        ("messages[2].extra_content.google", "input[2].extra_content.google"),
        ("messages[2].tool_calls[1].function.arguments", "input[5].arguments"),
        ("messages[2].tool_calls[0].custom.input", "input[3].input"),
        ("messages[2].tool_calls[0].function", "input[3]"),
        ("messages[2].tool_calls[0].id", "input[3].call_id"),
        ("messages[2].tool_calls[9].id", "input[2].call_id"),
        ("messages[3].content[1].file_id", "input[6].output[1].file_id"),
        ("messages[3].tool_call_id", "input[6].call_id"),
        ("messages[4].content[0].image_url", "input[7].result"),
        ("messages[5].content[0].file_id", "previous_response_id"),
        ("messages[5].tool_calls[0].function.name", "previous_response_id"),
        ("messages[6].content", "messages[6].content"),
        ("max_completion_tokens", "max_output_tokens"),
        ("reasoning_effort", "reasoning.effort"),
        ("response_format", "text.format"),
        ("response_format.type", "text.format.type"),
        ("response_format.json_schema", "text.format"),
        ("response_format.json_schema.schema", "text.format.schema"),
        ("tools[1].function.parameters", "tools[1].parameters"),
        ("tools[1].custom.format", "tools[1].format"),
        ("tools[1].functional", "tools[1].functional"),
        ("tool_choice", "tool_choice"),
        ("tool_choice.function.name", "tool_choice.name"),
        ("tool_choice.allowed_tools.mode", "tool_choice.mode"),
        ("tool_choice.allowed_tools.tools[0].function.name", "tool_choice.tools[0].name"),
        ("tool_choice.allowed_tools.tools[0].custom", "tool_choice.tools[0].name"),
    ],
)
def test_a_field_of_the_chat_is_named_as_the_client_knows_it(param: str, known: str) -> None:
    assert client_param(param, PLACES) == known


def test_a_tool_of_a_namespace_is_named_by_its_place_there() -> None:
    places = ("tools[0].tools[0]", "tools[0].tools[1]", "tools[1]")

    assert client_param("tools[1].function.parameters", PLACES, places) == "tools[0].tools[1].parameters"
    assert client_param("tools[2].custom.format", PLACES, places) == "tools[1].format"
    assert client_param("tools[3].type", PLACES, places) == "tools[3].type"


def test_a_refusal_without_a_field_stays_as_it_is() -> None:
    refused = BadRequest("Something with 'messages' is wrong.", code="invalid_value")

    assert renamed(refused, request_of()) is refused


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", "input_text", "function", "auto", "gemini-3.5-flash", "data:,"])
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "type text role content image_url file_id file_data name arguments id call_id output input "
                "format schema effort summary google thinking_config parameters mode tools".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = [*UNSAID, "include", "stream", "stream_options", "google", "extra_body", "conversation", "prompt"]
IDS = st.sampled_from(["a", "b", "a-ts-00000000-eA"]) | ANY_JSON
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            "message reasoning function_call function_call_output custom_tool_call custom_tool_call_output "
            "image_generation_call web_search_call item_reference computer_call".split()
        )
        | ANY_JSON,
        "role": st.sampled_from(["user", "assistant", "system", "developer"]) | ANY_JSON,
        "content": ANY_JSON,
        "id": IDS,
        "call_id": IDS,
        "name": st.text(max_size=70) | ANY_JSON,
        "arguments": st.sampled_from(["", "{}", "[]", "{"]) | ANY_JSON,
        "input": ANY_JSON,
        "output": ANY_JSON,
        "result": st.just("iVBORw0KGgo=") | ANY_JSON,
        "encrypted_content": st.just("c2ln") | ANY_JSON,
        "extra_content": ANY_JSON,
    },
)
BODIES = st.dictionaries(
    st.sampled_from(["model", "input", *FIELDS]), ANY_JSON, max_size=8
) | st.fixed_dictionaries(
    {
        "model": st.sampled_from(["gemini-2.5-flash", "gemini-3.5-flash", "gemma-3-27b-it"]),
        "input": st.lists(ITEM, max_size=6),
    },
    optional=dict.fromkeys(FIELDS, ANY_JSON),
)


def read_and_sent(body: dict[str, Any]) -> tuple[ResponseRequest | None, BadRequest | None]:
    """The request, and what it is refused for, if it is."""
    request = None
    try:
        _, wanted = earlier_wanted(body)
        found = {item_id: {"role": "user", "content": item_id} for item_id in wanted}
        request = read_response_request(body, referenced=found)
        call = translate_chat(request.chat, options=ChatOptions(show_thoughts=True, new_id=lambda: "new"))
        encode_body(call.body)
    except BadRequest as refused:
        return request, refused if request is None else renamed(refused, request)
    return request, None


CHATS_OWN = ("messages", "response_format", "reasoning_effort", "max_completion_tokens")


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(BODIES)
def test_any_object_is_sent_or_refused_in_the_clients_words(body: dict[str, Any]) -> None:
    request, refused = read_and_sent(orjson.loads(orjson.dumps(body)))

    if refused is not None:
        assert refused.param
        assert not refused.param.startswith(CHATS_OWN)
    if request is not None:
        assert len(request.places) == len(request.chat["messages"])
        assert orjson.dumps([request.echoed, request.input])


@settings(max_examples=80, deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=4))
def test_items_of_responses_before_are_read_as_ones_own(items: list[dict[str, Any]]) -> None:
    def outcome(**given_items: Any) -> tuple[Any, bool]:
        body = {"model": "m", "input": given_items["input"]}
        try:
            request = read_response_request(body, earlier=given_items.get("earlier", ()))
        except BadRequest:
            return None, True
        return request.chat["messages"], False

    items = [item for item in items if item.get("type") != "item_reference" and len(item) > 1]
    last = {"role": "user", "content": "Go on."}

    assert outcome(input=[last], earlier=items) == outcome(input=[*items, last])
