"""The old completions through a whole gateway: streams that break say so, each choice fails over alone."""

import orjson

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import MODEL, Answer, call, record_of
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway


def complete(gateway: RunningGateway, path: str = "/v1/completions", **fields: object) -> Answer:
    return call(gateway, path, orjson.dumps({"model": MODEL, "prompt": "hi", **fields}))


def test_a_stream_that_breaks_says_so(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream(gemini_replies.text_events("Hello", " there")[:1], then="cut")

    answer = complete(gateway, stream=True)

    first, last = answer.events
    assert orjson.loads(first)["choices"][0]["text"] == "Hello"
    assert orjson.loads(last)["error"]["code"] == "stream_truncated"


def test_a_stream_moves_to_another_key_before_its_first_text(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.rate_minute(), times=1)

    answer = complete(gateway, stream=True)

    assert answer.events[-1] == b"[DONE]"
    assert answer.attempts == 2
    assert record_of(gateway, answer.request_id).operation == "completions"


def test_one_choice_that_fails_is_tried_again_alone(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.rate_minute(), times=1)

    answer = complete(gateway, n=2)

    assert answer.status == 200
    assert [choice["index"] for choice in answer.json["choices"]] == [0, 1]
    assert len(fake_upstream.requests) == 3


def test_the_bare_path_and_azures_serve_too(gateway: RunningGateway) -> None:
    bare = complete(gateway, "/completions")
    azure = call(gateway, f"/openai/deployments/{MODEL}/completions", orjson.dumps({"prompt": "hi"}))

    assert (bare.status, azure.status) == (200, 200)
    assert azure.json["model"] == MODEL


def test_a_fake_stream_says_that_the_call_lives(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(FAKE_STREAM_ENABLED="true", FAKE_STREAM_EMPTY_DATA_INTERVAL_SECONDS="1")
    fake_upstream.reply(gemini_replies.text("Hello."), delay_s=1.3, verb="generateContent")

    answer = complete(gateway, stream=True)

    texts = [orjson.loads(event)["choices"][0]["text"] for event in answer.events[:-1]]
    assert texts[0] == ""
    assert "".join(texts) == "Hello."
    assert answer.events[-1] == b"[DONE]"


def test_a_fake_stream_that_fails_says_so(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(
        FAKE_STREAM_ENABLED="true", FAKE_STREAM_EMPTY_DATA_INTERVAL_SECONDS="1", MAX_RETRIES="0"
    )
    fake_upstream.error(gemini_errors.internal(), delay_s=1.3)

    answer = complete(gateway, stream=True)

    assert orjson.loads(answer.events[-1])["error"]["type"] == "server_error"
