"""What a reply shows, and the 200s that are failures."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols.failures import FailureKind
from gateway.protocols.reply_signs import (
    NOTHING_SEEN,
    ReplySigns,
    end_seen,
    more_text,
    read_signs,
    reply_failure,
    stream_failure,
)
from gateway.protocols.signatures import PLACEHOLDER

K = FailureKind


def reply(*parts: object, finish: object = "STOP") -> dict[str, object]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}]}


@pytest.mark.parametrize(
    "part",
    [
        {"text": "hi"},
        {"text": "let me think", "thought": True},
        {"functionCall": {"name": "f", "args": {}}},
        {"function_call": {"name": "f"}},
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {"fileData": {"fileUri": "https://…"}},
        {"toolCall": {"toolType": "X"}},
    ],
)
def test_each_kind_of_part_is_content(part: dict[str, object]) -> None:
    signs = read_signs(reply(part))
    assert signs.has_content
    assert reply_failure(signs) is None


@pytest.mark.parametrize(
    "part",
    [{"text": ""}, {"text": "", "thoughtSignature": "abc"}, {"thought": True}, {}, {"text": None}, "x", None],
)
def test_signatures_and_blanks_are_not_content(part: object) -> None:
    signs = read_signs(reply(part))
    assert not signs.has_content
    failure = reply_failure(signs)
    assert failure is not None
    assert failure.kind is K.EMPTY


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({}, K.EMPTY),
        ({"candidates": []}, K.EMPTY),
        ({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 3}}, K.EMPTY),
        ({"candidates": [{"finishReason": "OTHER"}]}, K.EMPTY),
        (reply(finish="MALFORMED_FUNCTION_CALL"), K.MALFORMED),
        (reply({"text": "x"}, finish="MALFORMED_FUNCTION_CALL"), K.MALFORMED),
        (reply(finish="MALFORMED_RESPONSE"), K.MALFORMED),
        (reply(finish="UNEXPECTED_TOOL_CALL"), K.MALFORMED),
        (reply(finish=10), K.MALFORMED),
        (reply(finish="PUP_LIMITED_DISABLED"), K.ACCOUNT_LIMITED),
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, K.BLOCKED),
        ({"prompt_feedback": {"block_reason": 1}}, K.BLOCKED),
        (reply(finish="SAFETY"), K.BLOCKED),
        (reply({"text": "half"}, finish="RECITATION"), K.BLOCKED),
        (reply(finish="IMAGE_SAFETY"), K.BLOCKED),
        (reply(finish=3), K.BLOCKED),
        ({"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}, K.OVERLOADED),
        ([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}], K.RATE_UNKNOWN),
    ],
)
def test_a_200_that_failed_is_told(event: object, kind: FailureKind) -> None:
    failure = reply_failure(read_signs(event))
    assert failure is not None
    assert failure.kind is kind


@pytest.mark.parametrize(
    "event",
    [
        reply({"text": "hi"}),
        reply({"text": "hi"}, finish=1),
        reply({"text": "hi"}, finish="A_REASON_OF_TOMORROW"),
        reply({"text": "hi"}, finish=None),
        reply(finish="MAX_TOKENS"),
        reply(finish=2),
        reply(finish="CONTINUATION"),
    ],
)
def test_a_true_answer_is_no_failure(event: object) -> None:
    assert reply_failure(read_signs(event)) is None


def test_finish_reasons_are_names_whatever_the_encoding() -> None:
    assert read_signs(reply(finish=1)).finish_reason == "STOP"
    assert read_signs(reply(finish=99)).finish_reason == "FINISH_REASON_99"
    assert read_signs({"candidates": [{"finish_reason": "STOP"}]}).finish_reason == "STOP"


def test_usage_is_found_in_both_spellings() -> None:
    assert read_signs({"usageMetadata": {"totalTokenCount": 3}}).usage == {"totalTokenCount": 3}
    assert read_signs({"usage_metadata": {"totalTokenCount": 3}}).usage == {"totalTokenCount": 3}


def test_the_worst_end_of_several_candidates_counts() -> None:
    event = {"candidates": [{"finishReason": "STOP"}, {"finishReason": "SAFETY"}, {"finishReason": "STOP"}]}
    assert read_signs(event).finish_reason == "SAFETY"


def test_a_stream_is_the_sum_of_its_events() -> None:
    signs = NOTHING_SEEN
    for event in (
        {"candidates": [{"content": {"parts": [{"text": "Hel"}]}}], "usageMetadata": {"totalTokenCount": 1}},
        {"candidates": [{"content": {"parts": [{"text": "lo"}]}}]},
        reply({"text": ""}) | {"usageMetadata": {"totalTokenCount": 9}},
    ):
        signs = signs.merged(read_signs(event))
    told = ReplySigns(True, "STOP", usage={"totalTokenCount": 9}, begun=1, done=1)
    assert signs == told
    assert signs.ended
    assert stream_failure(signs) is None


def test_a_stream_without_an_end_is_truncated() -> None:
    signs = read_signs({"candidates": [{"content": {"parts": [{"text": "Once"}]}}]})
    failure = stream_failure(signs)
    assert failure is not None
    assert failure.kind is K.TRUNCATED


def test_a_stream_with_nothing_in_it_is_empty() -> None:
    failure = stream_failure(NOTHING_SEEN)
    assert failure is not None
    assert failure.kind is K.EMPTY


def test_a_stream_that_broke_off_with_an_error_tells_the_error() -> None:
    begun = read_signs({"candidates": [{"content": {"parts": [{"text": "Once"}]}}]})
    failure = stream_failure(begun.merged(read_signs({"error": {"code": 500, "message": "oops"}})))
    assert failure is not None
    assert (failure.kind, failure.status) == (K.INTERNAL, 500)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b'data: {"candidates":[{"finishReason":"STOP"}]}\r\n\r\n', True),
        (b'"finishReason" : 1,', True),
        (b'"promptFeedback": {"blockReason": "SAFETY"}', True),
        (b'data: {"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}', False),
        (json.dumps({"text": 'the "finishReason": "STOP" field'}).encode(), False),
        (b"", False),
    ],
)
def test_the_end_is_seen_in_raw_bytes(tail: bytes, *, expected: bool) -> None:
    assert end_seen(tail) is expected


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "candidates",
                    "content",
                    "parts",
                    "text",
                    "finishReason",
                    "promptFeedback",
                    "blockReason",
                    "error",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(HOSTILE)
def test_no_event_makes_it_fail(event: object) -> None:
    signs = read_signs(event)
    reply_failure(signs)
    stream_failure(signs)
    more_text(event)


PART = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(["", "a", None, 1]),
        "thought": st.booleans(),
        "thoughtSignature": st.just("c2ln"),
        "functionCall": st.just({"name": "f"}),
    },
)
CANDIDATE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"content": st.fixed_dictionaries({"parts": st.lists(PART, max_size=2)}) | st.none()},
    optional={
        "index": st.sampled_from([0, 1, -1, 500, None, True, "1"]),
        "finishReason": st.sampled_from(["STOP", "SAFETY", None]),
        "finish_reason": st.just("STOP"),
        "safetyRatings": st.just([]),
        "continuationToken": st.just("t"),
    },
)
PLAIN_PART = st.fixed_dictionaries(
    {"text": st.sampled_from(["a", "", None])},
    optional={
        "thoughtSignature": st.sampled_from(["c2ln", "", None, 1, PLACEHOLDER]),
        "thought_signature": st.just("c25h"),
        "thought": st.just(True),
    },
)
PLAIN_CANDIDATE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"content": st.fixed_dictionaries({"parts": st.lists(PLAIN_PART, min_size=1, max_size=1)})},
    optional={
        "index": st.sampled_from([0, 0.0, False, 1, None]),
        "finishReason": st.sampled_from(["STOP", "STOP", "MAX_TOKENS", 1]),
        "finish_reason": st.just("SAFETY"),
        "avgLogprobs": st.just(-1.0),
    },
)
PLAIN_EVENT = st.fixed_dictionaries(
    {"candidates": st.lists(PLAIN_CANDIDATE, min_size=1, max_size=1)},
    optional={
        "usageMetadata": st.sampled_from([{"promptTokenCount": 1}, None, 1]),
        "usage_metadata": st.just({"promptTokenCount": 2}),
        "error": st.none(),
    },
)
EVENT = st.fixed_dictionaries(
    {"candidates": st.lists(CANDIDATE, max_size=2)},
    optional={
        "usageMetadata": st.sampled_from([{"promptTokenCount": 1}, None, 1]),
        "usage_metadata": st.just({"promptTokenCount": 2}),
        "promptFeedback": st.just({"blockReason": "SAFETY"}),
        "error": st.sampled_from([None, {"code": 500}]),
        "modelVersion": st.just("m"),
    },
)


@settings(max_examples=500)
@given(EVENT)
def test_an_event_that_is_but_more_text_shows_nothing_but_content_and_usage(event: dict[str, Any]) -> None:
    if more_text(event):
        usage = event.get("usageMetadata")
        shown = ReplySigns(has_content=True, usage=usage if isinstance(usage, dict) else None, begun=1)
        assert read_signs(event) == shown


@settings(max_examples=500)
@given(EVENT | PLAIN_EVENT)
def test_a_plain_answer_shows_by_its_short_way_what_the_long_way_sees(event: dict[str, Any]) -> None:
    assert read_signs(event) == read_signs({"promptFeedback": None, **event})


@pytest.mark.parametrize("beside", [{}, {"index": 0}, {"index": 0, "safetyRatings": []}])
def test_more_text_is_seen_beside_what_says_nothing_of_it(beside: dict[str, Any]) -> None:
    event = {"candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}, **beside}]}

    assert more_text({**event, "usageMetadata": {"promptTokenCount": 1}, "modelVersion": "m"}) == "a"
