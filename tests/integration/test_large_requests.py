"""Large requests: settings, signatures and translation act on them as on small ones, to the byte."""

import base64
import http.client
import random
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from gateway.protocols.long_texts import LONG_BYTES
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import BEARER, MODEL, Answer, call, chat, native, read_answer
from tests.integration.conftest import StartGateway
from tests.integration.running import WAIT_S, RunningGateway

DATA = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(900_000)).decode()
STRICT = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_LOW_AND_ABOVE"}]


def native_body(*parts: Any) -> bytes:
    return orjson.dumps({"contents": [{"role": "user", "parts": list(parts)}]})


def picture(data: str = DATA) -> Any:
    return {"inlineData": {"mimeType": "image/png", "data": data}}


def shown(address: str) -> Any:
    return {"type": "image_url", "image_url": {"url": address}}


def chat_with(gateway: RunningGateway, *parts: Any, **fields: Any) -> Answer:
    return chat(gateway, messages=[{"role": "user", "content": list(parts)}], **fields)


def sent(upstream: FakeUpstream) -> Any:
    return upstream.requests[-1].json


def test_a_setting_adds_to_a_large_native_body_and_leaves_the_rest(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(SAFETY_SETTINGS=orjson.dumps(STRICT).decode())
    body = native_body({"text": "look"}, picture())

    assert native(gateway, body=body).status == 200

    assert sent(fake_upstream) == {**orjson.loads(body), "safetySettings": STRICT}


def test_a_refused_addition_is_taken_back_from_a_large_native_body(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(TOOLS_CODE_EXECUTION_ENABLED="true")
    body = native_body({"text": "x" * 200_000})
    refusal = gemini_errors.invalid_argument(f"Code execution is not enabled for models/{MODEL}")
    fake_upstream.error(refusal, times=1)

    assert native(gateway, body=body).status == 200

    first, second = fake_upstream.requests
    assert first.json == {**orjson.loads(body), "tools": [{"codeExecution": {}}]}
    assert second.body == body


def test_a_large_native_body_is_tried_again_as_it_was(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    body = native_body(picture())
    fake_upstream.error(gemini_errors.overloaded(), times=1)

    answer = native(gateway, body=body)

    assert (answer.status, answer.attempts) == (200, 2)
    assert [request.body for request in fake_upstream.requests] == [body, body]


def test_a_conversation_with_a_large_signature_stays_with_its_key(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    signature = base64.b64encode(random.Random(9).randbytes(2 * LONG_BYTES)).decode()
    signed = gemini_replies.response([{"text": "hi", "thoughtSignature": signature}])
    fake_upstream.reply(orjson.dumps(signed))
    body = native_body({"text": "hi", "thoughtSignature": signature}, picture(), {"text": 'a "word"' * 9000})

    native(gateway)
    for _ in range(4):
        assert native(gateway, body=body).status == 200

    assert len({request.key for request in fake_upstream.requests}) == 1


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"contents":[{"parts":[{"text":"' + b"x" * 100_000 + b'"}]}', "not valid JSON"),
        (b'{"contents":["' + b"x" * 100_000 + b'" 1]}', "not valid JSON"),
        (b'["' + b"x" * 100_000 + b'"]', "must be a JSON object"),
        (b'{"a":"' + b"x" * 100_000, "not valid JSON"),
    ],
)
@pytest.mark.parametrize("path", [f"/v1beta/models/{MODEL}:generateContent", "/v1/chat/completions"])
def test_large_nonsense_is_refused_with_where_it_stands(
    gateway: RunningGateway, fake_upstream: FakeUpstream, path: str, body: bytes, complaint: str
) -> None:
    answer = call(gateway, path, body)

    assert answer.status == 400
    assert complaint in answer.error["message"]
    if complaint == "not valid JSON" and body.endswith(b"1]}"):
        assert "column 100017" in answer.error["message"]
    assert fake_upstream.requests == []


def test_a_large_picture_of_a_chat_arrives_whole(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    text = {"type": "text", "text": "look"}

    assert chat_with(gateway, text, shown("data:image/png;base64," + DATA)).status == 200

    assert (
        sent(fake_upstream)["contents"] == orjson.loads(native_body({"text": "look"}, picture()))["contents"]
    )


@pytest.mark.parametrize(
    ("address", "arrived"),
    [
        ("data:image/jpg;base64," + DATA, {"mimeType": "image/jpeg", "data": DATA}),
        ("data:;base64," + DATA, {"mimeType": "image/png", "data": DATA}),
        ("data:image/png;base64," + "\n".join(DATA[i : i + 76] for i in range(0, len(DATA), 76)), None),
        (DATA, None),
    ],
    ids=["a type's other spelling", "no type", "lines", "bare"],
)
def test_what_is_mended_in_a_small_picture_is_mended_in_a_large_one(
    gateway: RunningGateway, fake_upstream: FakeUpstream, address: str, arrived: Any
) -> None:
    assert chat_with(gateway, shown(address)).status == 200

    (part,) = sent(fake_upstream)["contents"][0]["parts"]
    assert part == {"inlineData": arrived or {"mimeType": "image/png", "data": DATA}}


def test_a_large_chat_is_mended_and_keeps_its_picture(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.level_unsupported("LOW"), times=1)

    answer = chat_with(gateway, shown("data:image/png;base64," + DATA), reasoning_effort="low")

    assert (answer.status, answer.attempts) == (200, 2)
    assert len({request.body for request in fake_upstream.requests}) == 2
    for request in fake_upstream.requests:
        assert request.json["contents"][0]["parts"] == [picture()]


def test_a_large_picture_whose_base64_is_wrong_is_the_upstreams_to_refuse(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.invalid_argument("Base64 decoding failed"))

    answer = chat_with(gateway, shown("data:image/png;base64," + DATA + "!"))

    assert (answer.status, answer.error["message"]) == (400, "Base64 decoding failed")


@pytest.mark.parametrize("step", [1_000, 70_000, 1_000_000])
def test_a_large_request_in_chunks_arrives_whole_and_the_connection_serves_on(
    gateway: RunningGateway, fake_upstream: FakeUpstream, step: int
) -> None:
    body = native_body(picture())
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=WAIT_S)
    try:
        for is_chunked in (True, False, True):
            pieces = (body[place : place + step] for place in range(0, len(body), step))
            headers = {**BEARER} if is_chunked else {**BEARER, "content-length": str(len(body))}
            path = f"/v1beta/models/{MODEL}:generateContent"
            connection.request("POST", path, pieces, headers, encode_chunked=is_chunked)
            assert read_answer(connection.getresponse()).status == 200
    finally:
        connection.close()

    assert [request.body for request in fake_upstream.requests] == [body] * 3
