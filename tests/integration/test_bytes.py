"""What needs no change is not changed, either way; what must not travel on stays behind."""

from typing import Any

import orjson
import pytest

from tests.fakes import gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    BEARER,
    GEMINI_BODY,
    MODEL,
    array,
    call,
    chat,
    native,
    record_of,
    sse,
)
from tests.integration.conftest import Lasting
from tests.integration.running import KEYS, TOKEN, RunningGateway

BIG = "QUJD" * (5 * 1024 * 1024 // 4)
PICTURE = gemini_replies.response([{"inlineData": {"mimeType": "image/png", "data": BIG}}])
ODD_REPLIES = {
    "spaces": b'  {\n "candidates" :[ {"content":{"parts":[{"text":"a"}]}, "finishReason":"STOP"} ] }\n\n',
    "snake_case": b'{"candidates":[{"content":{"parts":[{"inline_data":{"mime_type":"a/b","data":""}}]},'
    b'"finish_reason":"STOP"}],"usage_metadata":{"prompt_token_count":3}}',
    "unknown": b'{"zz":{"deep":[1,2,{"x":null}]},"candidates":[{"new":1e400,"content":{"parts":[{"text":"a",'
    b'"odd":true}]},"finishReason":"FUTURE_REASON"}]}',
    "integers": b'{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":1,"safetyRatings":'
    b'[{"category":10,"probability":1}]}]}',
    "unicode": '{"candidates":[{"content":{"parts":[{"text":"你好 \\u4f60 \U0001f600 \\ud83d\\ude00"}]},'
    '"finishReason":"STOP"}]}'.encode(),
    "doubled": b'{"candidates":[],"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}',
    "big": orjson.dumps(PICTURE),
}
JSON_TYPE = {"Content-Type": "application/json; charset=UTF-8"}


@pytest.fixture
def fake_upstream(lasting: Lasting) -> FakeUpstream:
    """The module's upstream, without the script of the test before."""
    lasting.upstream.forget()
    return lasting.upstream


@pytest.fixture
def gateway(lasting: Lasting, fake_upstream: FakeUpstream) -> RunningGateway:
    return lasting.gateway


@pytest.mark.parametrize("name", [name for name in ODD_REPLIES if name != "unknown"])
def test_a_whole_answer_passes_as_it_came(
    gateway: RunningGateway, fake_upstream: FakeUpstream, name: str
) -> None:
    fake_upstream.reply(ODD_REPLIES[name], headers=JSON_TYPE)

    answer = native(gateway, query="?%24alt=json%3Benum-encoding%3Dint")

    assert answer.status == 200
    assert answer.body == ODD_REPLIES[name]
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert fake_upstream.requests[0].query == "%24alt=json%3Benum-encoding%3Dint"


@pytest.mark.parametrize("name", ODD_REPLIES)
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"], ids=["crlf", "lf"])
def test_events_pass_as_they_came(
    gateway: RunningGateway, fake_upstream: FakeUpstream, name: str, line_end: bytes
) -> None:
    one_line = ODD_REPLIES[name].strip().replace(b"\n", b" ").replace(b"1e400", b"1e40")
    first = b"data: " + orjson.dumps(gemini_replies.response([{"text": "a"}], finish=None)) + line_end * 2
    body = first + b"data: " + one_line + line_end * 2
    pieces: list[bytes | float] = [body[:3], body[3:200], 0.01, body[200:-3], 0.01, body[-3:-1], body[-1:]]
    fake_upstream.stream([*pieces])

    answer = sse(gateway)

    assert answer.status == 200
    assert answer.body == body
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-accel-buffering"] == "no"
    assert fake_upstream.requests[0].query == "alt=sse"


@pytest.mark.parametrize("name", ODD_REPLIES)
def test_an_array_passes_as_it_came(gateway: RunningGateway, fake_upstream: FakeUpstream, name: str) -> None:
    element = ODD_REPLIES[name].replace(b"1e400", b"1e40")
    body = b"[" + orjson.dumps(gemini_replies.response([{"text": "a"}], finish=None)) + b"\r\n,\r\n"
    body += element + b"\r\n]\n"
    fake_upstream.reply(body, headers=JSON_TYPE)

    answer = array(gateway)

    assert answer.status == 200
    assert answer.body == body
    assert fake_upstream.requests[0].query == ""


def test_an_array_cut_at_odd_places_passes_as_it_came(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    events = gemini_replies.text_events("a", "b, c", '] } "')
    fake_upstream.stream(events, delay_s=0.01)
    expected = b"[" + b",\r\n".join(orjson.dumps(e, option=orjson.OPT_INDENT_2) + b"\r\n" for e in events)

    assert array(gateway).body == expected + b"]"


@pytest.mark.parametrize(
    "body",
    [
        b'{ "contents" : [ {"parts":[{"text":"\\u4f60 \xe4\xbd\xa0"}]} ], "contents": [], "zz":1.50 }\r\n',
        b'{"contents":[{"parts":[{"text":"' + b"x" * 3_000_000 + b'"}]}]}',
        b"\n\t{}",
    ],
    ids=["odd", "long", "bare"],
)
@pytest.mark.parametrize("verb", ["generateContent", "countTokens", "embedContent", "streamGenerateContent"])
def test_a_request_reaches_the_upstream_as_it_was_sent(
    gateway: RunningGateway, fake_upstream: FakeUpstream, body: bytes, verb: str
) -> None:
    answer = native(gateway, verb, body=body)

    assert answer.status == 200
    seen = fake_upstream.requests[0]
    assert seen.body == body
    assert seen.path == f"/v1beta/models/{MODEL}:{verb}"


def test_a_body_of_50_megabytes_passes(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    body = b'{"contents":[{"parts":[{"inlineData":{"data":"' + b"QUJD" * (50 * 1024 * 256) + b'"}}]}]}'

    answer = native(gateway, body=body)

    assert answer.status == 200
    assert fake_upstream.requests[0].body == body
    assert record_of(gateway, answer.request_id).request_bytes == len(body)


TRICKS = {
    "authorization": f"Bearer {TOKEN}",
    "x-goog-api-key": "client-secret-1",
    "x-api-key": "client-secret-2",
    "api-key": "client-secret-3",
    "cookie": "session=client-secret-4",
    "proxy-authorization": "Basic client-secret-5",
    "x-forwarded-for": "10.0.0.1",
    "forwarded": "for=10.0.0.1",
    "origin": "https://client-secret-6.example",
    "referer": "https://client-secret-7.example",
    "x-stainless-lang": "client-secret-8",
    "sec-fetch-mode": "cors",
    "accept-encoding": "br",
    "user-agent": "client-secret-9",
    "x-http-method-override": "DELETE",
    "x-goog-user-project": "client-secret-10",
    "te": "trailers",
    "x-goog-api-client": "google-genai-sdk/3.4.0",
    "x-server-timeout": "60",
}
ALLOWED = {
    "host",
    "content-length",
    "content-type",
    "accept",
    "accept-encoding",
    "user-agent",
    "x-goog-api-key",
    "x-goog-api-client",
    "x-server-timeout",
}


@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent"])
def test_the_upstream_sees_the_pools_key_and_nothing_of_the_clients(
    gateway: RunningGateway, fake_upstream: FakeUpstream, verb: str
) -> None:
    query = (
        f"?key={TOKEN}&alt=sse&%6bey=client-secret-11&access_token=client-secret-12&a=b%20c"
        "&$key=client-secret-13&oauth_token=client-secret-14&KEY=client-secret-15&keys=kept"
    )

    answer = native(gateway, verb, query=query, headers=TRICKS)

    assert answer.status == 200
    seen = fake_upstream.requests[0]
    assert seen.headers["x-goog-api-key"] in KEYS
    assert [name for name, _ in seen.header_list].count("x-goog-api-key") == 1
    assert set(seen.headers) <= ALLOWED
    assert "client-secret" not in str(seen.header_list)
    assert TOKEN not in str(seen.header_list)
    assert seen.headers["x-goog-api-client"] == "google-genai-sdk/3.4.0"
    assert seen.headers["x-server-timeout"] == "60"
    assert seen.query == "alt=sse&a=b%20c&keys=kept"
    if verb == "streamGenerateContent":
        assert seen.headers["accept-encoding"] == "identity"


def test_a_chat_call_takes_nothing_of_the_client_along_but_its_words(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    answer = chat(gateway, headers=TRICKS)

    assert answer.status == 200
    seen = fake_upstream.requests[0]
    assert set(seen.headers) <= ALLOWED
    assert "client-secret" not in str(seen.header_list)
    assert seen.query == ""
    assert seen.path == f"/v1beta/models/{MODEL}:generateContent"


@pytest.mark.parametrize("value", ["\x80\xff", "a\tb", "x" * 3000])
def test_a_header_no_upstream_can_be_sent_does_no_harm(
    gateway: RunningGateway, fake_upstream: FakeUpstream, value: str
) -> None:
    answer = native(gateway, headers={**BEARER, "x-goog-api-client": value})

    assert answer.status in (200, 400)
    assert native(gateway).status == 200


def test_other_verbs_and_a_special_model_list_pass_as_they_came(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    listed = b'{"models" : [ {"name":"models/a", "odd":1} ], "nextPageToken":"t"}\n'
    fake_upstream.reply(listed, verb="list", headers=JSON_TYPE)
    embedded = b'{ "embeddings": [ {"values":[0.10, 1e-3]} ] }'
    fake_upstream.reply(embedded, verb="batchEmbedContents", headers=JSON_TYPE)

    models = call(gateway, "/v1beta/models?fields=models&pageToken=x%3D", None, method="GET")
    embeddings = native(gateway, "batchEmbedContents", body=b'{"requests":[]}')

    assert models.body == listed
    assert fake_upstream.requests[0].query == "fields=models&pageToken=x%3D"
    assert embeddings.body == embedded


def test_the_usage_of_native_streams_is_recorded(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    answers: list[Any] = [native(gateway), sse(gateway), array(gateway), chat(gateway)]

    for answer in answers:
        record = record_of(gateway, answer.request_id)
        assert (record.prompt_tokens, record.completion_tokens, record.total_tokens) == (8, 5, 13)
        assert record.response_bytes == len(answer.body)
        assert record.first_token_ms is not None
    assert fake_upstream.requests[0].body == GEMINI_BODY
