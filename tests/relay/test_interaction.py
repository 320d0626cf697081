"""The event stream of an interaction: its bytes as they came, its id learned, honest at its end."""

import itertools
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.error_bodies import problem_after_failure
from gateway.protocols.error_dialects import interaction_error, interaction_error_event
from gateway.protocols.failures import FailureKind
from gateway.relay.plan import Framing, Passage, Plan
from tests.relay.clients import Served, plan, serve
from tests.relay.test_passing import seeing

SSE = (b"Content-Type: text/event-stream",)
DONE = b"event: done\ndata: [DONE]\n\n"
USAGE = {"total_input_tokens": 3, "total_output_tokens": 4, "total_tokens": 7}


def event(kind: str, **fields: object) -> bytes:
    data = orjson.dumps({"event_type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


CREATED = event("interaction.created", interaction={"id": "v1_abc", "status": "in_progress"}, event_id="e1")
DELTA = event("step.delta", index=0, delta={"type": "text", "text": "hello"})
COMPLETED = event("interaction.completed", interaction={"id": "v1_abc", "usage": USAGE})
ERROR = event("error", error={"code": "quota_exceeded", "message": "No more today."})
WHOLE = CREATED + DELTA * 3 + COMPLETED + DONE


def interaction(passage: Passage | None = None) -> Plan:
    made = plan(Framing.NAMED_EVENTS, passage=passage or Passage())
    return replace(made, error_body=interaction_error, error_tail=interaction_error_event)


def served(*chunks: bytes, passage: Passage | None = None) -> tuple[Served, object]:
    one = serve(interaction(passage), headers=SSE)
    return one, one.feed(*chunks)


@given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=10))
def test_any_cut_leaves_the_bytes_as_they_came(cuts: list[int]) -> None:
    made, passage = seeing()
    edges = [0, *sorted(cuts), len(WHOLE)]

    one, failure = served(*(WHOLE[a:b] for a, b in itertools.pairwise(edges)), passage=passage)

    assert failure is None
    assert one.delivery.end() is None
    assert one.delivery.failure is None
    assert one.client.body == WHOLE
    assert one.client.finished
    assert made[0].events[0]["interaction"]["id"] == "v1_abc"
    assert made[0].ended
    assert one.delivery.signs.usage == {
        "promptTokenCount": 3,
        "candidatesTokenCount": 4,
        "totalTokenCount": 7,
    }


def test_the_first_event_is_the_commit_point() -> None:
    one, _ = served(CREATED[:20])
    assert not one.outlet.committed

    one.feed(CREATED[20:])

    assert one.client.body == CREATED
    assert dict(one.client.headers)["content-type"] == "text/event-stream"


def test_an_error_before_anything_else_is_the_call_s_failure() -> None:
    one, failure = served(ERROR)

    assert getattr(failure, "kind", None) is FailureKind.RATE_DAY
    assert not one.outlet.committed


def test_the_upstream_s_own_error_in_mid_stream_is_the_end() -> None:
    one, _ = served(CREATED + DELTA, ERROR)

    assert one.delivery.end() is None

    assert one.delivery.failure is not None
    assert one.delivery.failure.kind is FailureKind.RATE_DAY
    assert one.client.body == CREATED + DELTA + ERROR


@pytest.mark.parametrize("came", [CREATED, CREATED + DELTA, CREATED + DELTA + DELTA[:9]])
def test_a_stream_that_breaks_off_says_so_in_its_own_words(came: bytes) -> None:
    one, _ = served(came)
    failure = one.delivery.end()
    assert failure is not None
    assert failure.kind is FailureKind.TRUNCATED
    one.delivery.break_off(problem_after_failure(failure.kind.value, status=200, message=failure.message))

    assert one.client.body.endswith(DONE)
    blocks = one.client.body.split(b"\n\n")
    last = orjson.loads(blocks[-3].partition(b"data: ")[2])
    assert last["event_type"] == "error"
    assert last["error"]["message"]


@pytest.mark.parametrize("came", [b"", b": ping\n\n", DONE])
def test_a_stream_of_nothing_is_no_answer(came: bytes) -> None:
    one, _ = served(*([came] if came else []))

    failure = one.delivery.end()

    assert failure is not None
    assert not one.outlet.committed


def test_an_event_that_is_no_json_is_no_answer() -> None:
    _, failure = served(b"event: x\ndata: {broken\n\n")

    assert getattr(failure, "kind", None) is FailureKind.MALFORMED


def test_a_stream_without_its_last_mark_is_whole_after_its_last_event() -> None:
    one, _ = served(CREATED, COMPLETED)

    assert one.delivery.end() is None
    assert one.delivery.failure is None


def test_the_caller_s_key_in_an_error_stays_here() -> None:
    leaking = event("error", error={"code": "permission_denied", "message": "api_key:AIzaSyA-secret-1"})
    one, _ = served(CREATED, leaking)

    one.delivery.end()

    assert b"AIzaSyA" not in one.client.body
