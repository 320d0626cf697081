"""TIME_OUT bounds a call whole: its tries, its waits and its stream; storms of retries are kept small."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    Answer,
    array,
    assert_untouched,
    chat,
    kinds_of,
    native,
    record_of,
    sse,
)
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

Caller = Callable[[RunningGateway], Answer]
FIRST = gemini_replies.response([{"text": "tick"}], finish=None)


def chat_stream(gateway: RunningGateway) -> Answer:
    return chat(gateway, stream=True)


def timed(call: Caller, gateway: RunningGateway) -> tuple[Answer, float]:
    began_at = time.monotonic()
    answer = call(gateway)
    return answer, time.monotonic() - began_at


@pytest.mark.parametrize("call", [native, array, chat_stream])
def test_an_upstream_that_never_answers_is_a_504_after_the_time_out(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, call: Caller
) -> None:
    gateway = start_gateway(TIME_OUT="1")
    fake_upstream.hang()

    answer, took_s = timed(call, gateway)

    assert answer.status == 504
    assert 0.9 < took_s < 1.8
    if call is chat_stream:
        assert answer.error["type"] == "timeout"
    else:
        assert answer.error["status"] == "DEADLINE_EXCEEDED"
    assert kinds_of(record_of(gateway, answer.request_id)) == ["timeout"]
    assert_untouched(gateway)


@pytest.mark.parametrize("call", [sse, array, chat_stream])
def test_a_stream_that_trickles_on_ends_with_an_error_at_the_time_out(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, call: Caller
) -> None:
    gateway = start_gateway(TIME_OUT="1")
    fake_upstream.stream([FIRST] * 100, delay_s=0.1)

    answer, took_s = timed(call, gateway)

    assert (answer.status, answer.complete) == (200, True)
    assert 0.9 < took_s < 1.8
    last = answer.json[-1] if call is array else orjson.loads(answer.events[-1])
    assert "error" in last
    assert answer.body.count(b"tick") > 3
    assert record_of(gateway, answer.request_id).outcome == "broken"


def test_waiting_for_an_overloaded_model_never_outlasts_the_time_out(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(TIME_OUT="2")
    fake_upstream.error(gemini_errors.overloaded())

    answer, took_s = timed(native, gateway)

    assert answer.status == 503
    assert answer.json == gemini_errors.overloaded().body
    assert took_s < 2.1
    assert answer.attempts >= 2
    assert set(kinds_of(record_of(gateway, answer.request_id))) == {"overloaded"}


def test_a_storm_of_calls_does_not_become_a_storm_of_retries(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(TIME_OUT="2")
    fake_upstream.error(gemini_errors.overloaded())
    calls = 80

    with ThreadPoolExecutor(calls) as threads:
        answers = list(threads.map(lambda _: chat(gateway), range(calls)))

    assert {answer.status for answer in answers} == {503}
    # 32 retries in reserve, and the few that two seconds give back.
    assert calls < len(fake_upstream.requests) <= calls + 32 + 10
    assert gateway.on_loop(
        lambda services: services.pool.busy.is_busy(gemini_replies.MODEL, services.engine.wall_s())
    )
