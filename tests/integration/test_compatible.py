"""`/openai/v1` relayed to Google's compatible endpoint: bytes as they are, pool and honesty as everywhere."""

import base64
import struct
from typing import Any

import orjson
import pytest

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.script import SeenRequest
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    BEARER,
    MODEL,
    Answer,
    assert_untouched,
    call,
    connected,
    key_state,
    kinds_of,
    read_answer,
    record_of,
)
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, RunningGateway

# Odd spacing and fields nobody knows: it must arrive byte by byte.
BODY = (
    b'{ "model":"models/gemini-3.5-flash",  "messages":[{"role":"user","content":"hi"}],'
    b' "top_k": 3, "brand_new": {"x":[1.0,2e3]} }'
)
STREAMED = BODY.replace(b'"top_k": 3', b'"stream": true')
USAGE = {"prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 33}
JSON_TYPE = {"content-type": "application/json"}


def relayed(seen: SeenRequest) -> bool:
    return "/openai/" in seen.path


def completion(text: str | None = "Hello.", finish: str = "stop") -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return orjson.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": USAGE})


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return orjson.dumps({"id": "x", "object": "chat.completion.chunk", "choices": [choice], **more})


def stream(*payloads: bytes) -> list[bytes]:
    return [b"data: %b\r\n\r\n" % payload for payload in payloads]


GOOD = stream(
    chunk({"role": "assistant", "content": "Hel"}), chunk({"content": "lo."}), chunk({}, "stop", usage=USAGE)
)
DONE = stream(b"[DONE]")


def chat(gateway: RunningGateway, body: bytes = BODY, path: str = "/openai/v1/chat/completions") -> Answer:
    return call(gateway, path, body)


def test_body_and_answer_are_the_same_bytes_and_the_key_is_a_bearer(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(completion(), headers=JSON_TYPE)

    answer = chat(gateway)

    assert answer.body == completion()
    (seen,) = fake_upstream.requests
    assert (seen.method, seen.path, seen.query) == ("POST", "/v1beta/openai/chat/completions", "")
    assert seen.body == BODY
    assert seen.headers["authorization"].removeprefix("Bearer ") in KEYS
    assert "x-goog-api-key" not in seen.headers
    record = record_of(gateway, answer.request_id)
    assert (record.dialect, record.operation, record.model) == ("openai", "chat", MODEL)
    assert (record.prompt_tokens, record.completion_tokens, record.thought_tokens) == (8, 5, 20)


def test_a_stream_is_passed_on_event_by_event(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream([*GOOD, *DONE], form="sse")

    answer = chat(gateway, STREAMED)

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.events == [event[6:].strip() for event in (*GOOD, *DONE)]
    assert record_of(gateway, answer.request_id).total_tokens == 33


def test_an_error_is_taken_out_of_its_array_with_its_true_status(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    refusal = gemini_errors.unknown_field("brand_new")
    fake_upstream.reply(orjson.dumps([refusal.body]), status=400, headers=JSON_TYPE)

    answer = chat(gateway)

    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert 'Unknown name "brand_new"' in answer.error["message"]
    assert_untouched(gateway)


@pytest.mark.parametrize("body", [BODY, STREAMED])
def test_it_moves_to_another_key_before_the_first_content(
    gateway: RunningGateway, fake_upstream: FakeUpstream, body: bytes
) -> None:
    quota = gemini_errors.rate_minute()
    fake_upstream.reply(orjson.dumps([quota.body]), status=429, headers=JSON_TYPE, times=1)
    if body is BODY:
        fake_upstream.reply(completion(), headers=JSON_TYPE)
    else:
        fake_upstream.stream([*GOOD, *DONE], form="sse")

    answer = chat(gateway, body)

    assert (answer.status, answer.attempts) == (200, 2)
    record = record_of(gateway, answer.request_id)
    assert kinds_of(record) == ["rate_minute", None]
    # What it learned is known for the native calls of that model, too.
    states = [bucket.model for secret in KEYS for bucket in key_state(gateway, secret).buckets]
    assert states == [MODEL]


def test_a_dead_key_is_found_out_here_too(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    invalid = gemini_errors.api_key_invalid()
    fake_upstream.reply(orjson.dumps([invalid.body]), status=400, headers=JSON_TYPE, times=1)
    fake_upstream.reply(completion(), headers=JSON_TYPE)

    assert chat(gateway).attempts == 2
    assert sorted(key_state(gateway, secret).state.value for secret in KEYS) == ["active", "active", "dead"]


ENDINGS = {
    "error": (
        stream(orjson.dumps([{"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}])),
        "end",
    ),
    "cut": ([], "cut"),
    "inside": ([b'data: {"choices": [{"del'], "end"),
    "no end": ([], "end"),
}


@pytest.mark.parametrize(("rest", "then"), ENDINGS.values(), ids=ENDINGS.keys())
def test_what_breaks_after_content_says_so(
    gateway: RunningGateway, fake_upstream: FakeUpstream, rest: list[bytes], then: Any
) -> None:
    gate = fake_upstream.gate()
    fake_upstream.stream([*GOOD[:2], gate, *rest], form="sse", then=then)

    with connected(gateway) as connection:
        connection.request("POST", "/openai/v1/chat/completions", STREAMED, {**BEARER, **JSON_TYPE})
        response = connection.getresponse()  # the head comes with the first content
        gate.release()
        answer = read_answer(response)

    assert answer.events[:2] == [event[6:].strip() for event in GOOD[:2]]
    error = orjson.loads(answer.events[-1])["error"]
    assert error["type"] == "server_error"
    assert len(answer.events) == 3
    assert len(fake_upstream.requests) == 1
    assert record_of(gateway, answer.request_id).outcome == "broken"


def test_a_stream_without_its_last_mark_gets_one(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream(GOOD, form="sse")

    assert chat(gateway, STREAMED).events[-1] == b"[DONE]"


@pytest.mark.parametrize("body", [BODY, STREAMED])
def test_an_empty_answer_is_tried_again_and_then_given_as_it_is(
    gateway: RunningGateway, fake_upstream: FakeUpstream, body: bytes
) -> None:
    if body is BODY:
        fake_upstream.reply(completion(None), headers=JSON_TYPE)
    else:
        fake_upstream.stream([*stream(chunk({"role": "assistant"}), chunk({}, "stop")), *DONE], form="sse")

    answer = chat(gateway, body)

    assert answer.status == 200
    assert b'"finish_reason":"stop"' in answer.body
    assert len(fake_upstream.requests) == 2


def test_a_filtered_answer_is_the_true_one(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(completion(None, "content_filter"), headers=JSON_TYPE)

    answer = chat(gateway)

    assert answer.body == completion(None, "content_filter")
    assert record_of(gateway, answer.request_id).outcome == "blocked"


REFUSALS = {
    "kind of key": (401, orjson.dumps([gemini_errors.token_type_unsupported().body])),
    "not there": (404, b"<html><title>Error 404 (Not Found)!!1</title></html>"),
}


@pytest.mark.parametrize(("status", "refusal"), REFUSALS.values(), ids=REFUSALS.keys())
@pytest.mark.parametrize("body", [BODY, STREAMED])
def test_a_chat_the_endpoint_refuses_is_translated_and_no_key_is_blamed(
    gateway: RunningGateway, fake_upstream: FakeUpstream, body: bytes, status: int, refusal: bytes
) -> None:
    fake_upstream.reply(refusal, status=status, when=relayed)

    answer = chat(gateway, body)

    assert answer.status == 200
    assert answer.attempts == 2
    assert [relayed(seen) for seen in fake_upstream.requests] == [True, False]
    assert_untouched(gateway)


def test_a_chat_that_cannot_be_translated_at_once_says_where_to_go(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(b"<html></html>", status=404, when=relayed)
    picture = {"type": "image_url", "image_url": {"url": "http://pictures.example/a.png"}}
    body = {"model": MODEL, "messages": [{"role": "user", "content": [picture]}]}

    answer = chat(gateway, orjson.dumps(body))

    assert answer.status == 503
    assert "use /v1 instead" in answer.error["message"]
    assert_untouched(gateway)


def test_embeddings_are_relayed_and_else_translated(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    theirs = b'{"object":"list", "data":[], "model":"m", "usage":{"prompt_tokens":3,"total_tokens":3}}'
    fake_upstream.reply(theirs, headers=JSON_TYPE, when=relayed, times=1)
    fake_upstream.reply(*[b"<html></html>"], status=404, when=relayed)
    body = orjson.dumps({"model": "gemini-embedding-001", "input": "hi", "encoding_format": "base64"})

    first = call(gateway, "/openai/v1/embeddings", body)
    second = call(gateway, "/openai/v1/embeddings", body)

    assert first.body == theirs
    record = record_of(gateway, first.request_id)
    assert (record.operation, record.prompt_tokens) == ("embeddings", 3)
    packed = base64.b64decode(second.json["data"][0]["embedding"])
    assert len(struct.unpack("<3f", packed)) == 3
    assert_untouched(gateway)


def test_pictures_are_painted_with_the_paid_key(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(PAID_KEY="AIza-the-paid-one-000000001")
    painted = orjson.dumps({"created": 1, "data": [{"b64_json": gemini_replies.PNG_BASE64}]})
    fake_upstream.reply(painted, headers=JSON_TYPE)
    body = b'{"model":"imagen-4.0-generate-001","prompt":"A kitten","odd":1}'

    answer = call(gateway, "/openai/v1/images/generations", body)

    assert answer.body == painted
    (seen,) = fake_upstream.requests
    assert seen.body == body
    assert seen.headers["authorization"] == "Bearer AIza-the-paid-one-000000001"


def test_models_are_googles_own_list(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    listed = b'{"object":"list","data":[{"id":"models/a","object":"model","owned_by":"google"}]}'
    fake_upstream.reply(listed, headers=JSON_TYPE, when=lambda seen: seen.path == "/v1beta/openai/models")
    one = b'{"id":"models/a","object":"model","owned_by":"google"}'
    fake_upstream.reply(one, headers=JSON_TYPE, when=lambda seen: seen.path == "/v1beta/openai/models/a")

    assert call(gateway, "/openai/v1/models", None, method="GET").body == listed
    assert call(gateway, "/openai/v1/models/models%2Fa", None, method="GET").body == one


def test_models_are_listed_where_the_endpoint_is_missing(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(b"<html></html>", status=404, when=relayed)

    answer = call(gateway, "/openai/v1/models", None, method="GET")

    assert MODEL in [model["id"] for model in answer.json["data"]]


def test_what_google_has_not_is_translated(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    body = orjson.dumps({"model": MODEL, "prompt": "hi"})

    answer = call(gateway, "/openai/v1/completions", body)

    assert answer.json["object"] == "text_completion"
    assert not relayed(fake_upstream.requests[0])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/hf/v1/chat/completions",
        "/v1beta/openai/chat/completions",
        "/openai/chat/completions",
    ],
)
def test_the_other_addresses_are_translated(
    gateway: RunningGateway, fake_upstream: FakeUpstream, path: str
) -> None:
    assert chat(gateway, BODY.replace(b'"top_k": 3,', b""), path).status == 200

    assert fake_upstream.requests[0].verb == "generateContent"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b'{"model": 3}', 400), (b'{"model": "a/b"}', 400), (b"{}", 400)],
)
def test_what_cannot_be_read_is_refused_in_openais_words(
    gateway: RunningGateway, fake_upstream: FakeUpstream, body: bytes, status: int
) -> None:
    answer = chat(gateway, body)

    assert (answer.status, answer.error["type"]) == (status, "invalid_request_error")
    assert fake_upstream.requests == []


def test_the_clients_query_and_credentials_stay_here(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(completion(), headers=JSON_TYPE)
    token = BEARER["authorization"].removeprefix("Bearer ")

    answer = call(
        gateway, f"/openai/v1/chat/completions?api-version=1&key={token}", BODY, headers={"x-api-key": token}
    )

    assert answer.status == 200
    (seen,) = fake_upstream.requests
    assert token not in str((seen.header_list, seen.query))
