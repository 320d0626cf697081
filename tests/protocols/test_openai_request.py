"""Properties of the chat translation; what becomes of each field is in tests/golden/openai."""

import copy
import itertools
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.protocols.context import ChatOptions
from gateway.protocols.openai_request import ChatCall, encode_body, translate_chat
from gateway.protocols.openai_response import translate_reply

OPTIONS = ChatOptions(show_thoughts=True, new_id=lambda: "new")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", "tool", "text", "function", "auto", "gemini-3.5-flash", "data:,"])
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "type text role content url function name arguments id tool_calls image_url file file_data "
                "google thinking_config parameters schema json_schema mode tools extra_content".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = (
    "model messages tools tool_choice functions function_call temperature top_p top_k seed n stop max_tokens "
    "max_completion_tokens presence_penalty frequency_penalty logprobs top_logprobs response_format stream "
    "stream_options modalities audio reasoning_effort service_tier extra_body google parallel_tool_calls "
    "web_search_options"
).split()
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"])},
    optional={
        "content": ANY_JSON,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "id": st.sampled_from(["a", "b"]) | ANY_JSON,
                    "function": ANY_JSON
                    | st.fixed_dictionaries(
                        {"name": st.text(max_size=70), "arguments": st.sampled_from(["", "{}", "[]", "{"])}
                    ),
                    "extra_content": ANY_JSON,
                },
            )
            | ANY_JSON,
            max_size=3,
        ),
        "function_call": ANY_JSON,
        "tool_call_id": st.sampled_from(["a", "b"]) | ANY_JSON,
        "name": ANY_JSON,
        "refusal": ANY_JSON,
        "extra_content": ANY_JSON,
    },
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=8) | st.fixed_dictionaries(
    {
        "model": st.sampled_from(["gemini-2.5-flash", "gemini-3.5-flash", "gemma-3-27b-it"]),
        "messages": st.lists(MESSAGE, max_size=5),
    },
    optional=dict.fromkeys(FIELDS[2:], ANY_JSON),
)


def translated_or_refused(
    body: dict[str, Any], options: ChatOptions = OPTIONS
) -> tuple[ChatCall | None, BadRequest | None]:
    try:
        return translate_chat(body, options=options), None
    except BadRequest as refused:
        return None, refused


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(BODIES)
def test_any_object_becomes_a_call_or_a_bad_request(body: dict[str, Any]) -> None:
    body = orjson.loads(orjson.dumps(body))
    call, refused = translated_or_refused(body)
    if call is None:
        assert refused is not None
        assert refused.param
        return

    sent = orjson.loads(encode_body(call.body))
    assert sent["contents"][0]["role"] == "user"
    assert all(content["parts"] for content in sent["contents"])
    roles = [content["role"] for content in sent["contents"]]
    assert all(before != after for before, after in itertools.pairwise(roles))
    assert call.model


PLAIN_MESSAGE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "user", "assistant", "system", "developer", "tool"]),
        "content": st.sampled_from(
            ["Hello", "Go on", "", None, ["a"], "![x](data:image/png;base64,iVBORw0KGgo=)"]
        ),
    },
    optional={
        "name": st.just("Ann"),
        "refusal": st.sampled_from([None, "no"]),
        "tool_calls": st.sampled_from([None, []]),
        "extra_content": st.sampled_from([None, {"google": {"thought_signature": "c2ln"}}]),
    },
)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(["gemini-2.5-flash", "gemini-3.5-flash", "gemma-3-27b-it", "gemini-3-search", "tts"]),
    st.lists(PLAIN_MESSAGE, max_size=5) | ANY_JSON,
    st.dictionaries(st.sampled_from(FIELDS[6:]), SCALARS, max_size=3),
    st.booleans(),
)
def test_plain_texts_by_their_short_way_are_what_the_long_way_makes_of_them(
    model: str, messages: object, fields: dict[str, Any], show_thoughts: bool
) -> None:
    options = replace(OPTIONS, show_thoughts=show_thoughts)
    body = {**fields, "model": model, "messages": messages}
    unusual = {"service_tier": None, **copy.deepcopy(body)}

    short, refused_at_once = translated_or_refused(body, options)
    long, refused = translated_or_refused(unusual, options)

    assert str(refused_at_once) == str(refused)
    assert (short and replace(short, is_plain=False)) == long


@given(st.text(min_size=1, max_size=70), st.text(min_size=1, max_size=70))
def test_function_names_are_fit_distinct_and_come_back(first: str, second: str) -> None:
    body = {
        "model": "gemini-3.5-flash",
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"type": "function", "function": {"name": name}} for name in {first, second}],
    }

    call = translate_chat(body, options=OPTIONS)

    tools = call.body.get("tools", [])
    sent = [declared["name"] for tool in tools for declared in tool.get("functionDeclarations", [])]
    assert all(len(name) <= 64 and name.isascii() for name in sent)
    assert len(set(sent)) == len(sent)
    returned = {call.context.tool_names.get(name, name) for name in sent}
    assert returned == {first, second} - {"googleSearch", "google_search"}


def test_a_body_nested_too_deeply_is_a_bad_request() -> None:
    arguments = '{"a":' * 300 + "1" + "}" * 300
    call = translate_chat(
        {
            "model": "gemini-3.5-flash",
            "messages": [
                {"role": "user", "content": "x"},
                {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]},
            ],
        },
        options=OPTIONS,
    )

    with pytest.raises(BadRequest, match="too deeply"):
        encode_body(call.body)


def test_a_schema_nested_too_deeply_is_a_bad_request() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(500):
        schema = {"type": "array", "items": schema}

    with pytest.raises(BadRequest, match="levels deep") as refused:
        translate_chat(
            {
                "model": "gemini-3.5-flash",
                "messages": [{"role": "user", "content": "x"}],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}],
            },
            options=OPTIONS,
        )
    assert refused.value.param == "tools[0].function.parameters"


@pytest.mark.parametrize(
    ("body", "stream", "include_usage"),
    [
        ({}, False, False),
        ({"stream": None, "stream_options": None}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
    ],
)
def test_the_call_tells_how_the_client_wants_its_answer(
    body: dict[str, Any], stream: bool, include_usage: bool
) -> None:
    call = translate_chat(
        {"model": "models/gemini-3.5-flash", "messages": [{"role": "user", "content": "x"}], **body},
        options=OPTIONS,
    )

    assert (call.stream, call.context.include_usage) == (stream, include_usage)
    assert (call.model, call.context.client_model) == ("gemini-3.5-flash", "models/gemini-3.5-flash")


@pytest.mark.parametrize("kept", [("id", "type", "function", "extra_content"), ("id", "type", "function")])
def test_a_signature_comes_back_through_a_client_that_may_drop_unknown_fields(kept: tuple[str, ...]) -> None:
    question: dict[str, Any] = {"role": "user", "content": "Paris?"}
    asked = translate_chat({"model": "gemini-3.5-flash", "messages": [question]}, options=OPTIONS)
    part = {"functionCall": {"id": "fc1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln+/9hYmM="}
    reply = translate_reply(
        {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]},
        asked.context,
        completion_id="c",
        created_s=1,
    )
    (call,) = orjson.loads(orjson.dumps(reply))["choices"][0]["message"]["tool_calls"]

    again = translate_chat(
        {
            "model": "gemini-3.5-flash",
            "messages": [
                question,
                {"role": "assistant", "tool_calls": [{name: call[name] for name in kept}]},
                {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
            ],
        },
        options=OPTIONS,
    )

    assert again.body["contents"][1]["parts"] == [part]
    assert again.body["contents"][2]["parts"] == [
        {"functionResponse": {"id": "fc1", "name": "f", "response": {"output": "sunny"}}}
    ]
