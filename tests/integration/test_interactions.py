"""The Interactions API: passed on, streamed with its own events, refused in its own words, counted."""

import orjson
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import MODEL, Answer, call, record_of
from tests.integration.conftest import Lasting, StartGateway
from tests.integration.running import TOKEN, RunningGateway

USAGE = {"total_input_tokens": 3, "total_output_tokens": 4, "total_thought_tokens": 5, "total_tokens": 12}
DONE = b"event: done\ndata: [DONE]\n\n"


def event(kind: str, **fields: object) -> bytes:
    data = orjson.dumps({"event_type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


CREATED = event("interaction.created", interaction={"id": "v1_abc", "status": "in_progress"}, event_id="1")
DELTA = event("step.delta", index=0, delta={"type": "text", "text": "hello"}, event_id="2")
COMPLETED = event("interaction.completed", interaction={"id": "v1_abc", "usage": USAGE}, event_id="3")


@pytest.fixture
def fake_upstream(lasting: Lasting) -> FakeUpstream:
    lasting.upstream.forget()
    return lasting.upstream


@pytest.fixture
def gateway(lasting: Lasting, fake_upstream: FakeUpstream) -> RunningGateway:
    return lasting.gateway


def interact(gateway: RunningGateway, path: str = "/v1beta/interactions", **fields: object) -> Answer:
    body = orjson.dumps({"model": MODEL, "input": "hi", **fields})
    return call(gateway, path, body, headers={"x-goog-api-key": TOKEN})


@pytest.mark.parametrize(
    "path", ["/v1/interactions", "/v1beta/interactions", "/gemini/v1beta/v1beta/interactions"]
)
def test_an_interaction_is_passed_on_and_counted(
    gateway: RunningGateway, fake_upstream: FakeUpstream, path: str
) -> None:
    came = {"steps": [{"content": [{"type": "text", "text": "x"}]}], "id": "v1_abc", "usage": USAGE}
    fake_upstream.reply(came)

    answer = interact(gateway, path)

    assert answer.json == came
    record = record_of(gateway, answer.request_id)
    assert (record.operation, record.model) == ("interactions", MODEL)
    assert (record.prompt_tokens, record.completion_tokens, record.thought_tokens) == (3, 4, 5)


def test_a_stream_keeps_its_event_names_and_its_last_mark(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream([CREATED, DELTA, COMPLETED, DONE], form="sse")

    answer = interact(gateway, stream=True)

    assert answer.body == CREATED + DELTA + COMPLETED + DONE
    assert answer.headers["content-type"] == "text/event-stream"
    assert record_of(gateway, answer.request_id).total_tokens == 12


def test_a_streamed_interaction_goes_on_with_its_key(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream([CREATED, COMPLETED, DONE], form="sse")

    for _ in range(4):
        interact(gateway, stream=True, previous_interaction_id="v1_abc")
        call(gateway, "/v1beta/interactions/v1_abc", None, method="GET", headers={"x-goog-api-key": TOKEN})

    assert len({seen.key for seen in fake_upstream.requests}) == 1


def test_a_broken_stream_ends_with_an_error_in_its_own_shape(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream([CREATED, DELTA], form="sse", then="reset")

    answer = interact(gateway, stream=True)

    assert answer.complete
    assert answer.body.startswith(CREATED + DELTA)
    error, done = answer.body.removeprefix(CREATED + DELTA).split(b"\n\n")[:2]
    assert error.startswith(b"event: error\ndata: ")
    assert orjson.loads(error.partition(b"data: ")[2])["error"]["code"] == "internal"
    assert done + b"\n\n" == DONE


@pytest.mark.parametrize(
    ("code", "status", "attempts"),
    [
        ("invalid_request", 400, 1),
        ("model_not_found", 404, 1),
        ("permission_denied", 403, 1),
        ("payment_required", 402, 3),
        ("rate_limit_exceeded", 429, 3),
        ("quota_exceeded", 429, 3),
    ],
)
def test_its_own_error_codes_are_understood(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, code: str, status: int, attempts: int
) -> None:
    message = "You do not have permission to access" if status == 403 else "It is so."
    gateway = start_gateway(BASE_URL=fake_upstream.url)
    fake_upstream.reply({"error": {"code": code, "message": message}}, status=status)

    answer = interact(gateway)

    assert answer.attempts == attempts
    assert isinstance(answer.error["code"], str)
    if attempts == 1:
        assert (answer.status, answer.error["code"]) == (status, code)
    else:
        assert answer.status in (429, 503)


def test_bad_input_is_refused_with_a_word_for_a_code(gateway: RunningGateway) -> None:
    answer = call(gateway, "/v1beta/interactions", b"[]", headers={"x-goog-api-key": TOKEN})

    assert answer.status == 400
    assert answer.error["message"]


def test_a_task_that_goes_on_by_itself_is_not_begun_twice(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.truncate({"id": "v1_abc"}, times=2)

    once = interact(gateway, background=True)
    asked = len(fake_upstream.requests)
    again = interact(gateway)

    assert (once.status, asked) == (502, 1)
    assert again.attempts == 2


def test_a_stream_may_be_taken_up_again(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream([DELTA, COMPLETED, DONE], form="sse")

    answer = call(
        gateway,
        "/v1beta/interactions/v1_abc?stream=true&last_event_id=1",
        None,
        method="GET",
        headers={"x-goog-api-key": TOKEN},
    )

    assert answer.body == DELTA + COMPLETED + DONE
    assert fake_upstream.requests[0].query == "stream=true&last_event_id=1"
