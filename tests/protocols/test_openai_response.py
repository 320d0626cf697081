"""A whole reply's short way; what replies become is in tests/golden/openai."""

import itertools
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols.context import ReplyContext
from gateway.protocols.openai_response import translate_reply

TEXT = st.sampled_from(["", "a", "日本", None, 1])
PART = st.fixed_dictionaries(
    {},
    optional={
        "text": TEXT,
        "thought": st.booleans(),
        "thoughtSignature": st.sampled_from(["c2ln", "", None, 1]),
        "functionCall": st.just({"name": "f", "args": {}}),
        "inlineData": st.just({"mimeType": "image/png", "data": "AAAA"}),
        "videoMetadata": st.just({}),
    },
) | st.sampled_from(["text", None])
TEXT_PART = st.fixed_dictionaries({"text": TEXT}, optional={"thoughtSignature": st.just("c2ln")})
CONTENT = st.fixed_dictionaries(
    {"parts": st.lists(TEXT_PART, max_size=1) | st.lists(PART, max_size=2) | st.sampled_from(["t", None])},
    optional={"role": st.just("model")},
)
CANDIDATE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"finishReason": st.sampled_from(["STOP", "STOP", "SAFETY", "MAX_TOKENS", 1, None])},
    optional={
        "content": CONTENT | st.sampled_from([None, "text"]),
        "index": st.sampled_from([0, 1, True, None]),
        "finishMessage": st.just("why"),
        "safetyRatings": st.just([]),
        "avgLogprobs": st.just(-1.0),
    },
)


def translated(candidates: list[dict[str, Any]], **chosen: Any) -> bytes:
    numbers = itertools.count(1)
    context = ReplyContext(
        client_model="gemini-3.5-flash", new_id=lambda: str(next(numbers)), tool_names={}, **chosen
    )
    reply = {"candidates": candidates}
    return orjson.dumps(translate_reply(reply, context, completion_id="chatcmpl-1", created_s=1))


@settings(max_examples=500, deadline=None)
@given(st.lists(CANDIDATE, min_size=1, max_size=2), st.booleans(), st.booleans(), st.booleans())
def test_a_plain_text_by_its_short_way_is_what_the_long_way_makes_of_it(
    candidates: list[dict[str, Any]], show_thoughts: bool, keep_text: bool, list_sources: bool
) -> None:
    chosen = {"show_thoughts": show_thoughts, "keep_text": keep_text, "list_sources": list_sources}
    unusual = [{**candidate, "groundingMetadata": None} for candidate in candidates]

    assert translated(candidates, **chosen) == translated(unusual, **chosen)


def test_a_text_with_its_signature_is_plain() -> None:
    part = {"text": "a", "thoughtSignature": "c2ln"}
    answer = translated([{"content": {"parts": [part]}, "finishReason": "STOP"}])

    message = orjson.loads(answer)["choices"][0]["message"]
    assert message["content"] == "a"
    assert message["extra_content"] == {"google": {"thought_signature": "c2ln"}}
