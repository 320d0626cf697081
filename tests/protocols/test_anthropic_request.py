"""Messages requests → chat requests; what goes upstream of them is in tests/golden/anthropic_requests.

request.json           the client's body (always)
options.json, attachments.json   as in test_golden
upstream_request.json  the model asked and the body sent, or
error.json             what the client is told instead (param, code and the message)
"""

from pathlib import Path
from typing import Any

import orjson
import pytest
from google.genai import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.protocols.anthropic_places import Place, client_param
from gateway.protocols.anthropic_request import (
    MessagesRequest,
    read_count_request,
    read_messages_request,
    renamed,
)
from gateway.protocols.context import ChatOptions
from gateway.protocols.openai_request import encode_body, translate_chat
from gateway.protocols.remote_media import file_ids, remote_urls
from tests.protocols.messages import translation, whole
from tests.protocols.responses import reply, thought
from tests.protocols.test_golden import attachments, read

CASES = Path(__file__).parents[1] / "golden" / "anthropic_requests"


def cases_with(name: str) -> list[Any]:
    return [pytest.param(found.parent, id=found.parent.name) for found in sorted(CASES.glob(f"*/{name}"))]


def sent(case: Path) -> Any:
    request = read_messages_request(read(case, "request.json"))
    chosen = read(case, "options.json") if (case / "options.json").exists() else {}
    options = ChatOptions(new_id=lambda: "new", **{"show_thoughts": False, **chosen})
    try:
        call = translate_chat(request.chat, options=options, attachments=attachments(case))
    except BadRequest as error:
        raise renamed(error, request) from None
    assert call.stream == request.stream
    return {"model": call.model, "body": orjson.loads(encode_body(call.body))}


@pytest.mark.parametrize("case", cases_with("upstream_request.json"))
def test_a_request_is_sent_as_the_case_says(case: Path) -> None:
    assert sent(case) == read(case, "upstream_request.json")


@pytest.mark.parametrize("case", cases_with("error.json"))
def test_a_request_is_refused_in_the_clients_words(case: Path) -> None:
    with pytest.raises(BadRequest) as refused:
        sent(case)

    told = refused.value
    assert {
        "param": told.param,
        "code": told.code,
        "message": told.message,
        "status": told.status,
    } == {"status": 400, **read(case, "error.json")}


@pytest.mark.parametrize("case", cases_with("upstream_request.json"))
def test_what_is_sent_has_the_fields_that_googles_sdk_knows(case: Path) -> None:
    body = read(case, "upstream_request.json")["body"]

    for content in [*body["contents"], body.get("systemInstruction", {})]:
        types.Content.model_validate(content)
    types.GenerationConfig.model_validate(body.get("generationConfig", {}))
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


def request_of(**body: Any) -> MessagesRequest:
    hello = [{"role": "user", "content": "Hello"}]
    return read_messages_request({"model": "gemini-3.5-flash", "max_tokens": 64, "messages": hello, **body})


def test_what_is_counted_needs_no_limit() -> None:
    body = {"model": "gemma-3-27b-it", "messages": [{"role": "user", "content": "Hello"}]}

    assert read_count_request(body).chat == body


def test_several_calls_are_refused_where_the_client_wants_one() -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}}
    choice = {"type": "any", "disable_parallel_tool_use": True}
    options = ChatOptions(show_thoughts=False, new_id=lambda: "new")

    call = translate_chat(request_of(tools=[tool], tool_choice=choice).chat, options=options)

    assert call.context.single_call


def test_thoughts_are_shown_where_they_are_asked_for() -> None:
    options = ChatOptions(show_thoughts=True, new_id=lambda: "new")

    def shows(**said: Any) -> bool:
        return translate_chat(request_of(**said).chat, options=options).context.show_thoughts

    assert not shows()
    assert not shows(thinking={"type": "adaptive", "display": "omitted"})
    assert shows(thinking={"type": "adaptive"})
    assert shows(extra_body={"google": {"thinking_config": {"include_thoughts": True}}})


@pytest.mark.parametrize("in_ids", [True, False])
def test_a_message_that_comes_back_is_what_the_model_said(in_ids: bool) -> None:
    called = {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2lnbmVk"}
    answer = reply(thought("I ponder."), {"text": "I look."}, thought("Hm."), called)
    content = whole(translation(signatures_in_ids=in_ids), answer)["content"]
    result = {"type": "tool_result", "tool_use_id": content[-1]["id"], "content": "done"}
    messages = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": content},
        {"role": "user", "content": [result]},
    ]
    options = ChatOptions(show_thoughts=True, new_id=lambda: "new")

    call = translate_chat(request_of(messages=messages).chat, options=options)

    assert call.body["contents"][1:] == [
        {"role": "model", "parts": [{"text": "I look."}, called]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "c", "name": "f", "response": {"output": "done"}}}],
        },
    ]


def test_media_are_found_where_a_chats_are_looked_for() -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    document = {"type": "document", "source": {"type": "url", "url": "https://example.org/b.pdf"}}
    file = {"type": "image", "source": {"type": "file", "file_id": "file-a"}}
    messages = request_of(
        messages=[
            {"role": "user", "content": [picture, file]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c", "content": [document]}],
            },
        ]
    ).chat["messages"]

    assert remote_urls(messages) == ("https://example.org/a.png", "https://example.org/b.pdf")
    assert file_ids(messages) == ("file-a",)


PLACES_OF_A_CHAT = (
    Place("system", ["system"]),
    Place("messages[0]", ["messages[0].content[0].title", "messages[0].content[0].source.data"]),
    Place("messages[1]", ["messages[1].content[1].text"], ["messages[1].content[2]"]),
    Place("messages[2].content[0]", ["messages[2].content[0].content[1].source.url"]),
)


@pytest.mark.parametrize(
    ("param", "known"),
    [
        ("model", "model"),
        ("messages", "messages"),
        ("messages[0].content", "system"),
        ("messages[1].content[1].image_url", "messages[0].content[0].source.data"),
        ("messages[1].content[9].image_url", "messages[0]"),
        ("messages[1].role", "messages[0].role"),
        ("messages[2].tool_calls[0].function.arguments", "messages[1].content[2].input"),
        ("messages[2].tool_calls[0].function.name", "messages[1].content[2].name"),
        ("messages[2].tool_calls[0].id", "messages[1].content[2].id"),
        ("messages[2].tool_calls[0].extra_content", "messages[1].content[2]"),
        ("messages[3].content[0].file_url", "messages[2].content[0].content[1].source.url"),
        ("messages[3].tool_call_id", "messages[2].content[0].tool_use_id"),
        ("messages[4].content", "messages[4].content"),
        ("max_completion_tokens", "max_tokens"),
        ("stop", "stop_sequences"),
        ("stop[1]", "stop_sequences[1]"),
        ("reasoning_effort", "output_config.effort"),
        ("response_format", "output_format"),
        ("response_format.type", "output_format.type"),
        ("response_format.json_schema.schema", "output_format.schema"),
        ("tools[0].function.parameters", "tools[2].input_schema"),
        ("tools[0].function.name", "tools[2].name"),
        ("tools[0].function", "tools[2]"),
        ("tools[1].function", "tools[1].function"),
        ("tool_choice.function.name", "tool_choice.name"),
        ("google.thinking_config", "google.thinking_config"),
    ],
)
def test_a_field_of_the_chat_is_named_as_the_client_knows_it(param: str, known: str) -> None:
    assert client_param(param, PLACES_OF_A_CHAT, ["tools[2]"], form="output_format") == known


def test_a_refusal_without_a_field_stays_as_it_is() -> None:
    refused = BadRequest("Something with 'stop' is wrong.", code="invalid_value")

    assert renamed(refused, request_of()) is refused


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["text", "base64", "url", "user", "auto", "enabled", "c2lnbmF0dXJl", "image/png"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "type text content source data media_type url file_id title name input_schema effort format "
                "schema budget_tokens display google thinking_config".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
IDS = st.sampled_from(["a", "b", "", "a-ts-00000000-eA"]) | ANY_JSON
SOURCES = ANY_JSON | st.fixed_dictionaries(
    {"type": st.sampled_from(["base64", "url", "file", "text", "content"])},
    optional=dict.fromkeys(["data", "media_type", "url", "file_id", "content"], ANY_JSON),
)
BLOCKS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            "text image document search_result tool_use tool_result thinking server_tool_use".split()
        )
    },
    optional={
        "text": st.text(max_size=8) | ANY_JSON,
        "source": SOURCES,
        "title": ANY_JSON,
        "content": ANY_JSON,
        "id": IDS,
        "tool_use_id": IDS,
        "name": st.text(max_size=70) | ANY_JSON,
        "input": ANY_JSON,
        "is_error": ANY_JSON,
        "signature": ANY_JSON,
    },
)
MESSAGES = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "system"]),
        "content": st.lists(BLOCKS, max_size=4) | ANY_JSON,
    }
)
FIELDS = (
    "system stream thinking output_config output_format tools tool_choice temperature top_p top_k "
    "stop_sequences mcp_servers google extra_body".split()
)
BODIES = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["gemini-2.5-flash", "gemini-3.5-flash", "gemma-3-27b-it"]) | ANY_JSON,
        "max_tokens": st.just(64) | ANY_JSON,
        "messages": st.lists(MESSAGES, max_size=4) | ANY_JSON,
    },
    optional=dict.fromkeys(FIELDS, ANY_JSON),
)
CHATS_OWN = ("response_format", "reasoning_effort", "max_completion_tokens", "stop[")


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(BODIES)
def test_any_object_is_sent_or_refused_in_the_clients_words(body: dict[str, Any]) -> None:
    request = None
    try:
        request = read_messages_request(orjson.loads(orjson.dumps(body)))
        call = translate_chat(request.chat, options=ChatOptions(show_thoughts=True, new_id=lambda: "new"))
        encode_body(call.body)
    except BadRequest as error:
        refused = error if request is None else renamed(error, request)
        assert refused.param
        assert not refused.param.startswith(CHATS_OWN)
        assert "tool_call" not in refused.param
    if request is not None:
        assert len(request.places) == len(request.chat["messages"])
