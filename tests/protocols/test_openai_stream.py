"""The stream and the whole reply say the same; what each chunk looks like is in tests/golden/openai."""

import itertools
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway.protocols.context import ReplyContext
from gateway.protocols.error_bodies import Problem
from gateway.protocols.openai_response import translate_reply
from gateway.protocols.openai_stream import DONE, ChatStream
from gateway.protocols.reply_signs import more_text


def context(**changed: Any) -> ReplyContext:
    numbers = itertools.count(1)
    chosen: dict[str, Any] = {"keep_text": True, **changed}
    return ReplyContext(
        client_model="gemini-3.5-flash", new_id=lambda: str(next(numbers)), tool_names={}, **chosen
    )


def stream(context: ReplyContext) -> ChatStream:
    return ChatStream(context, completion_id="chatcmpl-1", created_s=1)


def chunks_of(data: bytes) -> list[dict[str, Any]]:
    assert data.endswith(DONE)
    blocks = data.removesuffix(DONE).split(b"\n\n")
    assert blocks.pop() == b""
    return [orjson.loads(block.removeprefix(b"data: ")) for block in blocks]


def joined(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """What a client puts together from the deltas of one choice."""
    message: dict[str, Any] = {"content": "", "reasoning_content": "", "tool_calls": []}
    finishes = []
    for chunk in chunks:
        assert chunk["id"] == "chatcmpl-1"
        for choice in chunk["choices"]:
            delta = choice["delta"]
            for name in ("content", "reasoning_content"):
                message[name] += delta.get(name) or ""
            for call in delta.get("tool_calls", []):
                assert call.pop("index") == len(message["tool_calls"])
                message["tool_calls"].append(call)
            for name in ("refusal", "annotations", "extra_content"):
                if name in delta:
                    assert name not in message
                    message[name] = delta[name]
            if choice["finish_reason"] is not None:
                finishes.append(choice["finish_reason"])
    assert len(finishes) == 1
    return {**message, "finish_reason": finishes[0]}


def whole(reply: dict[str, Any], context: ReplyContext) -> dict[str, Any]:
    translated = translate_reply(reply, context, completion_id="chatcmpl-1", created_s=1)
    choice = orjson.loads(orjson.dumps(translated))["choices"][0]
    message = choice["message"]
    kept = {name: message[name] for name in ("annotations", "extra_content") if name in message}
    if message["refusal"] is not None:
        kept["refusal"] = message["refusal"]
    return {
        "content": message["content"] or "",
        "reasoning_content": message.get("reasoning_content", ""),
        "tool_calls": message.get("tool_calls", []),
        "finish_reason": choice["finish_reason"],
        **kept,
    }


TEXT = st.text(max_size=12)


def part(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(members)


SIGNATURE = st.just("c2ln")
CALL = st.fixed_dictionaries({"name": TEXT, "args": st.just({"a": 1})})
PARTS = st.lists(
    part(text=TEXT)
    | part(text=TEXT, thoughtSignature=SIGNATURE)
    | part(text=TEXT, thought=st.just(True))
    | part(functionCall=CALL)
    | part(functionCall=CALL, thoughtSignature=SIGNATURE)
    | part(executableCode=st.fixed_dictionaries({"language": st.just("PYTHON"), "code": TEXT}))
    | part(inlineData=st.just({"mimeType": "image/png", "data": "AAAA"})),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(st.data(), PARTS, st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]), st.booleans())
def test_the_deltas_of_any_split_are_the_whole_reply(
    data: st.DataObject, parts: list[dict[str, Any]], reason: str, single: bool
) -> None:
    pieces: list[dict[str, Any]] = []
    for part in parts:
        text = part.get("text", "")
        if len(text) > 1 and "thoughtSignature" not in part:
            cut = data.draw(st.integers(0, len(text)))
            pieces += [{**part, "text": text[:cut]}, {**part, "text": text[cut:]}]
        else:
            pieces.append(part)
    events: list[dict[str, Any]] = []
    while pieces:
        count = data.draw(st.integers(1, len(pieces)))
        events.append({"candidates": [{"content": {"parts": pieces[:count]}}]})
        pieces = pieces[count:]
    events.append({"candidates": [{"finishReason": reason}]})
    reply = {"candidates": [{"content": {"parts": parts}, "finishReason": reason}]}

    translated = stream(context(single_call=single))
    sent = b"".join(translated.event(event) for event in events)

    assert translated.finished
    assert joined(chunks_of(sent + translated.end())) == whole(reply, context(single_call=single))


ONE_TEXT = st.lists(part(text=TEXT), min_size=1, max_size=1)
CANDIDATE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"content": st.fixed_dictionaries({"parts": ONE_TEXT | PARTS}, optional={"role": st.just("model")})},
    optional={
        "index": st.sampled_from([0, 0, 1, False, None, "0"]),
        "finishReason": st.sampled_from(["STOP", "", None]),
        "safetyRatings": st.just([]),
        "groundingMetadata": st.just({"webSearchQueries": ["q"]}),
        "logprobsResult": st.just({"chosenCandidates": [{"token": "a", "logProbability": -1}]}),
    },
)
ONE_CANDIDATE = st.lists(CANDIDATE, min_size=1, max_size=1)
EVENT = st.fixed_dictionaries(
    {"candidates": ONE_CANDIDATE | st.lists(CANDIDATE, max_size=2)},
    optional={
        "usageMetadata": st.sampled_from([None, {"promptTokenCount": 1}, {"candidatesTokenCount": 2}]),
        "promptFeedback": st.just({"blockReason": "SAFETY"}),
        "modelVersion": TEXT,
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENT, max_size=6), st.booleans(), st.booleans())
def test_more_text_by_its_short_way_is_what_the_long_way_makes_of_it(
    events: list[dict[str, Any]], keep_text: bool, include_usage: bool
) -> None:
    short, long = (
        stream(context(keep_text=keep_text, include_usage=include_usage)),
        stream(context(keep_text=keep_text, include_usage=include_usage)),
    )
    for event in events:
        unusual = {**event, "candidates": [{**each, "nobodyKnows": 1} for each in event["candidates"]]}
        assert more_text(unusual) == ""
        assert short.event(event) == long.event(unusual)
    assert short.usage == long.usage
    assert short.end() == long.end()


def test_a_plain_event_takes_the_short_way() -> None:
    event = {"candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}, "index": 0}]}

    assert more_text(event) == "a"


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**63) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "content parts text thought functionCall name args id inlineData mimeType data finishReason "
                "index groundingMetadata groundingSupports groundingChunks segment startIndex web uri "
                "logprobsResult chosenCandidates topCandidates executableCode codeExecutionResult "
                "thoughtSignature".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)
REPLIES = st.fixed_dictionaries(
    {},
    optional={
        "candidates": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "content": st.fixed_dictionaries({"parts": st.lists(ANY_JSON, max_size=3) | ANY_JSON})
                    | ANY_JSON,
                    "finishReason": ANY_JSON,
                    "index": ANY_JSON,
                    "groundingMetadata": ANY_JSON,
                    "logprobsResult": ANY_JSON,
                },
            )
            | ANY_JSON,
            max_size=3,
        )
        | ANY_JSON,
        "usageMetadata": ANY_JSON,
        "promptFeedback": ANY_JSON | st.fixed_dictionaries({"blockReason": ANY_JSON}),
    },
)


@settings(max_examples=300, deadline=None)
@given(REPLIES)
def test_nothing_an_upstream_sends_breaks_the_translation(reply: dict[str, Any]) -> None:
    translated = stream(context(include_usage=True))

    chunks = chunks_of(translated.event(reply) + translated.end())
    unary = orjson.dumps(translate_reply(reply, context(), completion_id="c", created_s=1))

    for chunk in chunks:
        ChatCompletionChunk.construct(**chunk)
    assert chunks[-1]["choices"] == []
    assert orjson.loads(unary)["choices"]


def test_a_reply_is_what_the_sdk_types_say() -> None:
    reply = {
        "candidates": [
            {
                "content": {"parts": [{"text": "x"}, {"functionCall": {"name": "f", "args": {}}}]},
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1},
    }
    translated = stream(context(include_usage=True))

    ChatCompletion.model_validate(translate_reply(reply, context(), completion_id="c", created_s=1))
    for chunk in chunks_of(translated.event(reply) + translated.end()):
        ChatCompletionChunk.model_validate(chunk)


def test_a_broken_stream_says_so_and_does_not_pretend_to_be_done() -> None:
    translated = stream(context())
    translated.event({"candidates": [{"content": {"parts": [{"text": "x"}]}}]})

    assert not translated.finished
    block = translated.broken(Problem(502, "It broke\noff.", "truncated"))

    assert block == (
        b'data: {"error":{"message":"It broke\\noff.","type":"server_error",'
        b'"param":null,"code":"stream_truncated"}}\n\n'
    )


@pytest.mark.parametrize("reason", ["FINISH_REASON_UNSPECIFIED", 0, None, ""])
def test_an_unspecified_reason_is_no_end(reason: object) -> None:
    translated = stream(context())
    translated.event({"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": reason}]})

    assert not translated.finished


def test_the_last_usage_wins() -> None:
    translated = stream(context())
    for count in (1, 2, 3):
        translated.event({"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": count}})

    assert (translated.usage.completion, translated.usage.prompt) == (3, 5)


def test_the_official_sdk_puts_a_stream_together() -> None:
    translated = stream(context(include_usage=True))
    events: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}, {"text": "Look"}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "ing."}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}}]},
        {
            "candidates": [
                {"content": {"parts": [{"functionCall": {"name": "g", "args": {}}}]}, "finishReason": "STOP"}
            ],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7},
        },
    ]
    sent = b"".join(translated.event(event) for event in events) + translated.end()

    together = ChatCompletionStreamState()
    for chunk in chunks_of(sent):
        together.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    completion = together.get_final_completion()

    message = completion.choices[0].message
    assert message.content == "Looking."
    assert message.tool_calls is not None
    assert [(call.function.name, call.function.arguments) for call in message.tool_calls] == [
        ("f", '{"a":1}'),
        ("g", "{}"),
    ]
    assert len({call.id for call in message.tool_calls}) == 2
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.usage is not None
    assert completion.usage.total_tokens == 7
