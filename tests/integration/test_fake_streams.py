"""Streams asked for whole, on the wire: what leaves while the upstream thinks, and what is kept of it."""

import http.client
from typing import Any

import orjson
import pytest

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    BEARER,
    GEMINI_BODY,
    MODEL,
    array,
    chat,
    chat_body,
    connected,
    record_of,
    sse,
)
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

FAKE = {"FAKE_STREAM_ENABLED": "true", "FAKE_STREAM_EMPTY_DATA_INTERVAL_SECONDS": "0.1"}
PATHS = {
    "chat": ("/v1/chat/completions", chat_body(stream=True)),
    "sse": (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", GEMINI_BODY),
    "array": (f"/v1beta/models/{MODEL}:streamGenerateContent", GEMINI_BODY),
}
FORMS = pytest.mark.parametrize("form", PATHS)


def begin(connection: http.client.HTTPConnection, form: str) -> None:
    path, body = PATHS[form]
    connection.request("POST", path, body, {"content-type": "application/json", **BEARER})


@FORMS
def test_beats_leave_while_the_upstream_thinks_and_the_answer_when_it_has(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, form: str
) -> None:
    gate = fake_upstream.gate()
    fake_upstream.reply(gemini_replies.text("Hello"), gate=gate)

    with connected(start_gateway(**FAKE)) as connection:
        begin(connection, form)
        response = connection.getresponse()
        gate.wait_reached()
        beats = response.read1()
        gate.release()
        rest = response.read()

    assert response.status == 200
    assert fake_upstream.requests[0].verb == "generateContent"
    assert fake_upstream.requests[0].query == ""
    if form == "array":
        assert beats.startswith(b"[")
        assert beats[1:].strip() == b""
        assert [text_of(event) for event in orjson.loads(beats + rest)] == ["Hello"]
    else:
        assert beats.startswith(b"data: {")
        assert b"Hello" not in beats
        assert b"Hello" in rest


def text_of(event: dict[str, Any]) -> str:
    return str(event["candidates"][0]["content"]["parts"][0]["text"])


def test_a_client_that_leaves_while_it_waits_ends_the_call(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.hang()
    gateway = start_gateway(**FAKE)

    with connected(gateway) as connection:
        begin(connection, "chat")
        connection.getresponse().read1()
    connection.close()

    (asked,) = fake_upstream.wait_for(1)
    assert fake_upstream.connection_closed_after(asked) is not None


def test_the_record_tells_what_the_client_was_told(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(**FAKE)
    fake_upstream.error(gemini_errors.invalid_argument("No."), delay_s=0.3, times=1)

    failed = record_of(gateway, chat(gateway, stream=True).request_id)
    good = record_of(gateway, chat(gateway, stream=True).request_id)

    assert (failed.status, failed.outcome, failed.stream) == (400, "client_error", True)
    assert failed.first_token_ms is None
    assert (good.status, good.outcome, good.stream) == (200, "success", True)
    assert good.completion_tokens


def test_what_is_not_a_stream_is_asked_as_ever(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(**FAKE, STREAM_OPTIMIZER_ENABLED="true")

    answer = chat(gateway)

    assert answer.json["choices"][0]["message"]["content"] == "Hello from the fake upstream."


@pytest.mark.parametrize("ask", [sse, array], ids=["sse", "array"])
def test_a_native_stream_says_all_that_the_whole_answer_said(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, ask: Any
) -> None:
    reply = gemini_replies.text("Hello", novelty={"of": ["tomorrow", 1.5, None]})
    fake_upstream.reply(reply)

    answer = ask(start_gateway(**FAKE))

    events = answer.json if ask is array else [orjson.loads(event) for event in answer.events]
    assert events == [reply]


def test_switching_it_acts_on_the_next_call(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    def switch(on: bool) -> None:
        gateway.on_loop(
            lambda now: now.live.swap(now.live.current.model_copy(update={"fake_stream_enabled": on}))
        )

    for on in (False, True, False):
        switch(on)
        assert chat(gateway, stream=True).status == 200

    verbs = [seen.verb for seen in fake_upstream.requests]
    assert verbs == ["streamGenerateContent", "generateContent", "streamGenerateContent"]
