"""Batches: OpenAI's lines become Gemini's and back, in any cut; operations become batch objects."""

from itertools import count, pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.protocols.context import ChatOptions
from gateway.protocols.model_suffixes import ModelChoices
from gateway.protocols.openai_batch_lines import (
    BatchRequests,
    BatchResults,
    looks_like_requests,
)
from gateway.protocols.openai_batches import (
    BatchNote,
    batch_id,
    batch_name,
    batch_object,
    batch_request,
    read_note,
    read_wish,
    results_file,
)

MODEL = "gemini-3.5-flash"
URL = "/v1/chat/completions"
CHOICES = ModelChoices(search=frozenset({MODEL}))
OPTIONS = ChatOptions(show_thoughts=False, new_id=lambda: "id", models=CHOICES)
WISH = {"endpoint": URL, "input_file_id": "file-a"}
REPLY = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello."}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 3, "totalTokenCount": 5},
    "responseId": "r1",
}


def request(custom_id: str, **more: Any) -> bytes:
    body = {"model": MODEL, "messages": [{"role": "user", "content": f"Question {custom_id}"}], **more}
    return orjson.dumps({"custom_id": custom_id, "method": "POST", "url": URL, "body": body})


def pieces(text: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


def parsed(text: bytes) -> list[Any]:
    return [orjson.loads(line) for line in text.splitlines()]


# Requests.


@given(cuts=st.lists(st.integers(0, 2000), max_size=12), ended=st.booleans())
def test_requests_are_translated_in_any_cut(cuts: list[int], ended: bool) -> None:
    text = b"\n".join([request("1", temperature=0.5), b"", request("2")]) + (b"\r\n" if ended else b"")
    lines = BatchRequests(OPTIONS)

    sent = parsed(b"".join(map(lines.feed, pieces(text, cuts))) + lines.end())

    assert [each["key"] for each in sent] == ["1", "2"]
    assert sent[0]["request"]["contents"] == [{"role": "user", "parts": [{"text": "Question 1"}]}]
    assert sent[0]["request"]["generationConfig"]["temperature"] == 0.5
    assert (lines.model, lines.client_model, lines.lines) == (MODEL, MODEL, 2)


def test_the_suffix_of_a_model_is_read() -> None:
    lines = BatchRequests(OPTIONS)

    (sent,) = parsed(lines.feed(request("1", model=f"{MODEL}-search") + b"\n"))

    assert (lines.model, lines.client_model) == (MODEL, f"{MODEL}-search")
    assert sent["request"]["tools"] == [{"googleSearch": {}}]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "Line 2 of the batch file: it is not valid JSON"),
        (b"[]", "Line 2 .*'line'"),
        (b"{}", "Line 2 .*'custom_id'"),
        (request("1"), "Line 2 .*'1' stands twice"),
        (request("2").replace(b'"POST"', b'"GET"'), "Line 2 .*must be POST"),
        (request("2").replace(b"/v1/chat/", b"/v1/"), "Line 2 .*the url must be"),
        (request("2", model="gemini-3.8-flash"), f"Line 2 .*one model, and this one began with {MODEL}"),
        (request("2", messages=[]), "Line 2 .*messages"),
        (request("2", tools=[{"type": "custom", "custom": {"name": "run"}}]), "Line 2 .*In a batch, tools"),
        (request("2", functions=[{"name": "f", "parameters": {"type": "object"}}]), "Line 2 .*In a batch"),
        (
            request(
                "2",
                messages=[
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "http://a.example/b.png"}}],
                    }
                ],
            ),
            "Line 2 .*cannot be fetched",
        ),
    ],
)
def test_a_bad_line_is_named(line: bytes, why: str) -> None:
    lines = BatchRequests(OPTIONS)
    lines.feed(request("1") + b"\n")

    with pytest.raises(BadRequest, match=why) as caught:
        lines.feed(line + b"\n")

    assert caught.value.param == "file"


@pytest.mark.parametrize("text", [b"", b"\n \n"])
def test_a_file_without_requests_is_refused(text: bytes) -> None:
    lines = BatchRequests(OPTIONS)
    lines.feed(text)

    with pytest.raises(BadRequest, match="holds no requests"):
        lines.end()


@pytest.mark.parametrize(
    ("first", "is_batch"),
    [
        (request("1"), True),
        (b"\n " + request("1"), True),
        (b'{"messages": []}', False),
        (b"%PDF-", False),
        (b"", False),
    ],
)
def test_a_batch_s_file_is_known_by_its_beginning(first: bytes, is_batch: bool) -> None:
    assert looks_like_requests(first) == is_batch


# Results.


RESULTS = b"\n".join(
    [
        orjson.dumps({"key": "1", "response": REPLY}),
        orjson.dumps({"key": "2", "error": {"code": 400, "message": "Bad argument."}}),
        orjson.dumps({"key": "3", "status": {"code": 8, "message": "Quota."}}),
        b"not json",
        orjson.dumps({"key": "5", "response": {"promptFeedback": {"blockReason": "SAFETY"}}}),
    ]
)


def results(*, errors: bool, cuts: list[int] | None = None) -> list[Any]:
    numbers = count(1)
    lines = BatchResults(MODEL, lambda: f"n{next(numbers)}", created_s=100, errors=errors)
    return parsed(b"".join(map(lines.feed, pieces(RESULTS, cuts or []))) + lines.end())


@given(cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_results_are_translated_in_any_cut(cuts: list[int]) -> None:
    assert results(errors=False, cuts=cuts) == results(errors=False)
    assert results(errors=True, cuts=cuts) == results(errors=True)


def test_answers_and_errors_are_told_apart() -> None:
    answered, blocked = results(errors=False)
    refused, limited, unreadable = results(errors=True)

    assert answered["custom_id"] == "1"
    assert answered["error"] is None
    assert answered["response"]["status_code"] == 200
    body = answered["response"]["body"]
    assert (body["id"], body["object"], body["model"]) == ("chatcmpl-r1", "chat.completion", MODEL)
    assert body["choices"][0]["message"]["content"] == "Hello."
    assert body["usage"]["total_tokens"] == 5
    assert blocked["response"]["body"]["choices"][0]["finish_reason"] == "content_filter"
    assert refused["response"]["status_code"] == 400
    assert refused["response"]["body"]["error"]["message"] == "Bad argument."
    assert limited["response"]["status_code"] == 429
    assert limited["response"]["body"]["error"]["type"] == "rate_limit_error"
    assert unreadable["response"]["status_code"] == 502


# Batches.


def operation(state: str, **more: Any) -> dict[str, Any]:
    metadata = {
        "model": f"models/{MODEL}",
        "state": f"BATCH_STATE_{state}",
        "createTime": "2026-11-25T10:00:00Z",
        "endTime": "2026-11-25T11:00:00Z",
        "batchStats": {"requestCount": "3", "successfulRequestCount": "2", "failedRequestCount": "1"},
    }
    return {"name": "batches/abc", "metadata": metadata, **more}


@pytest.mark.parametrize(
    ("state", "status", "ended"),
    [
        ("PENDING", "validating", None),
        ("RUNNING", "in_progress", None),
        ("UNHEARD", "in_progress", None),
        ("SUCCEEDED", "completed", "completed_at"),
        ("FAILED", "failed", "failed_at"),
        ("CANCELLED", "cancelled", "cancelled_at"),
        ("EXPIRED", "expired", "expired_at"),
    ],
)
def test_the_state_of_a_batch_is_told(state: str, status: str, ended: str | None) -> None:
    shown = batch_object("batches/abc", BatchNote("file-in"), operation(state), created_s=5)

    assert (shown["id"], shown["status"], shown["input_file_id"]) == ("batch_abc", status, "file-in")
    assert shown["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    ends = {name: shown[name] for name in ("completed_at", "failed_at", "cancelled_at", "expired_at")}
    assert {name for name, at in ends.items() if at} == ({ended} if ended else set())
    assert shown["expires_at"] == shown["created_at"] + 48 * 3600


@pytest.mark.parametrize("where", ["response", "metadata"])
def test_results_and_errors_are_two_files(where: str) -> None:
    done = operation("SUCCEEDED")
    if where == "response":
        done["response"] = {"responsesFile": "files/batch-out"}
    else:
        done["metadata"]["output"] = {"responsesFile": "files/batch-out"}

    shown = batch_object("batches/abc", BatchNote(), done, created_s=5)
    done["metadata"]["batchStats"]["failedRequestCount"] = "0"
    without = batch_object("batches/abc", BatchNote(), done, created_s=5)

    assert results_file(done) == "files/batch-out"
    assert (shown["output_file_id"], shown["error_file_id"]) == ("file-batch-out", "file_errors-batch-out")
    assert without["error_file_id"] is None


def test_a_batch_that_failed_says_why() -> None:
    failed = operation("RUNNING", error={"code": 3, "message": "No such file."})

    shown = batch_object("batches/abc", BatchNote(), failed, created_s=5)

    assert shown["status"] == "failed"
    assert shown["errors"]["data"] == [{"code": "3", "message": "No such file.", "line": None, "param": None}]


def test_an_operation_that_tells_nothing_is_still_a_batch() -> None:
    shown = batch_object("batches/abc", BatchNote("file-in", MODEL, 7, {"a": "b"}), {}, created_s=5)

    assert (shown["status"], shown["created_at"], shown["model"]) == ("in_progress", 5, MODEL)
    assert shown["request_counts"]["total"] == 7
    assert shown["metadata"] == {"a": "b"}


def test_a_wish_becomes_google_s_request() -> None:
    wish = read_wish({**WISH, "completion_window": "24h", "metadata": {"title": "nightly"}})
    note = BatchNote(wish.input_file_id, MODEL, 1, wish.metadata)

    assert orjson.loads(batch_request(note, "files/a")) == {
        "batch": {"displayName": "nightly", "inputConfig": {"fileName": "files/a"}}
    }
    assert read_note(note.text()) == note
    assert read_note("") == read_note("{") == BatchNote()


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({}, "'endpoint'"),
        ({**WISH, "endpoint": "/v1/embeddings"}, "the endpoint must be"),
        ({"endpoint": URL}, "'input_file_id'"),
        ({**WISH, "completion_window": "1h"}, "must be 24h"),
        ({**WISH, "metadata": []}, "'metadata'"),
        ({**WISH, "metadata": {"a": 1}}, "'metadata.a'"),
        ({**WISH, "metadata": {"a": "x" * 513}}, "values 512 characters"),
        ({**WISH, "metadata": {str(n): "x" for n in range(17)}}, "at most 16 pairs"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(wish: dict[str, Any], why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        read_wish(wish)


def test_names_and_ids_are_two_spellings() -> None:
    assert batch_id("batches/abc") == "batch_abc"
    assert batch_name("batch_abc") == "batches/abc"
    assert batch_name("batch_") is batch_name("batches/abc") is batch_name("batch_a/b") is None
