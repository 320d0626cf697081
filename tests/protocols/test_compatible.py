"""What answers of Google's OpenAI-compatible endpoint show, and which failures say nothing of the key."""

from typing import Any

import pytest

from gateway.protocols.compatible import is_endpoints_refusal, read_chat_signs, read_other_signs
from gateway.protocols.failures import classify
from gateway.protocols.reply_signs import NOTHING_SEEN, reply_failure


def chunk(delta: Any, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


@pytest.mark.parametrize(
    ("event", "has_content", "finish"),
    [
        (chunk({"role": "assistant"}), False, None),
        (chunk({"role": "assistant", "content": ""}), False, None),
        (chunk({"content": "Hi"}), True, None),
        (chunk({"reasoning_content": "Hm"}), True, None),
        (chunk({"tool_calls": [{"index": 0}]}), True, None),
        (chunk({"extra_content": {"google": {"thought": True}}}), True, None),
        (chunk({}, "stop"), False, "STOP"),
        (chunk({}, "length"), False, "MAX_TOKENS"),
        (chunk({}, "tool_calls"), False, "STOP"),
        (chunk({}, "content_filter"), False, "SAFETY"),
        (chunk({}, "brand_new"), False, "STOP"),
        (
            {"choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]},
            True,
            "STOP",
        ),
        ({"choices": []}, False, None),
        ({"choices": [3, {"delta": 4, "finish_reason": 5}]}, False, None),
        ({}, False, None),
        ([], False, None),
        (3, False, None),
    ],
)
def test_content_and_end_are_seen(event: object, has_content: bool, finish: str | None) -> None:
    signs = read_chat_signs(event)

    assert (signs.has_content, signs.finish_reason) == (has_content, finish)


def test_an_error_is_seen_bare_and_in_its_array() -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}

    for event in (error, [error]):
        failure = read_chat_signs(event).error
        assert failure is not None
        assert (failure.kind, failure.status) == ("overloaded", 503)


@pytest.mark.parametrize(
    ("finish", "content", "kind"),
    [
        ("stop", "Hi", None),
        ("stop", None, "empty"),
        ("content_filter", None, "blocked"),
        ("length", None, None),
    ],
)
def test_a_whole_answer_is_judged_as_geminis(finish: str, content: str | None, kind: str | None) -> None:
    message = {"role": "assistant", "content": content}
    failure = reply_failure(read_chat_signs({"choices": [{"message": message, "finish_reason": finish}]}))

    assert (None if failure is None else failure.kind) == kind


def test_usage_is_counted_in_geminis_words() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 40,
        "prompt_tokens_details": {"cached_tokens": 4},
    }

    assert read_chat_signs({"usage": usage}).usage == {
        "promptTokenCount": 10,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 25,
        "cachedContentTokenCount": 4,
    }
    counted = {"promptTokenCount": 3, "candidatesTokenCount": 0}
    assert read_other_signs({"usage": {"prompt_tokens": 3, "total_tokens": 3}}).usage == counted
    assert read_other_signs({"data": []}) is read_other_signs([]) is NOTHING_SEEN


@pytest.mark.parametrize(
    ("status", "body", "is_refusal"),
    [
        (401, b'[{"error":{"code":401,"message":"Bad credentials","status":"UNAUTHENTICATED"}}]', True),
        (404, b"<html><title>Error 404 (Not Found)!!1</title></html>", True),
        (404, b'{"error":{"code":404,"message":"no such route"}}', True),
        (404, b'[{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}]', False),
        (400, b'[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]', False),
        (429, b'[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}]', False),
        (403, b'[{"error":{"code":403,"message":"leaked","status":"PERMISSION_DENIED"}}]', False),
        (503, b"", False),
    ],
)
def test_the_endpoints_own_refusals_are_told_from_the_keys(
    status: int, body: bytes, is_refusal: bool
) -> None:
    assert is_endpoints_refusal(classify(status, body)) is is_refusal
