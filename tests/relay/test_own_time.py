"""What the gateway works on a call is told apart from what it waits for; on a clock that the test moves."""

import asyncio
from collections.abc import Callable

import orjson
import pytest

from gateway.protocols.shapes import JsonObject
from gateway.relay.own_time import OwnTime
from gateway.relay.plan import Framing
from gateway.upstream.transport import FailureCause, TransportFailure
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.clock import FakeClock
from tests.relay.bench import Bench
from tests.relay.clients import plan
from tests.relay.test_lobby import resting

WORK_S = 0.25
REPLY = orjson.dumps(gemini_replies.text())
WHOLE = plan(Framing.WHOLE)


class Slow:
    """A translation that works for a quarter of a second on each event, and on a whole answer."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def whole(self, reply: JsonObject) -> bytes:
        return self.event(reply)

    def event(self, reply: JsonObject) -> bytes:
        self._clock.advance(WORK_S)
        return b"data: {}\n\n"

    def end(self) -> bytes:
        return b""


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The loop's clock; it stands still unless it is moved."""
    clock = FakeClock(1_000.0)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
    return clock


async def turns(until: Callable[[], object]) -> None:
    """Let the loop do what is due."""
    for _ in range(50):
        if until():
            return
        await asyncio.sleep(0)
    pytest.fail("it did not come to be")


def event(text: str, *, finish: str | None = None) -> bytes:
    return b"data: " + orjson.dumps(gemini_replies.response([{"text": text}], finish=finish)) + b"\r\n\r\n"


def test_work_is_added_up_and_pauses_are_not() -> None:
    clock = FakeClock()
    own = OwnTime(clock)

    for work_s, pause_s in ((1.0, 10.0), (2.0, 20.0)):
        own.begin()
        clock.advance(work_s)
        own.begin()  # within it: the same work
        own.rest()
        clock.advance(pause_s)
        own.rest()

    assert own.total_s == 3.0


def test_work_that_began_before_is_part_of_it() -> None:
    clock = FakeClock()
    own = OwnTime(clock)

    own.since_s = clock() - 0.5
    own.rest()
    own.since_s = clock()
    clock.advance(1.0)

    assert own.end(clock()) == 1.5
    assert own.end(clock() + 1.0) == 1.5


async def test_waiting_for_the_upstream_and_between_its_events_is_not_the_gateways_time(
    clock: FakeClock,
) -> None:
    bench = Bench()
    bench.begin(plan(Framing.EVENTS, translation=lambda: Slow(clock)))

    clock.advance(5.0)
    bench.answer(event("a"), end=False)
    sink = bench.transport.sent[-1].sink
    for piece in (event("b"), event("c", finish="STOP")):
        clock.advance(3.0)
        sink.data(piece)
    clock.advance(1.0)
    sink.end()

    assert bench.work.own_s == 3 * WORK_S
    assert bench.work.telling_s == 3.0 + 3.0 + 1.0 + 2 * WORK_S


async def test_planning_is_the_gateways_time_when_nothing_was_waited_for(clock: FakeClock) -> None:
    bench = Bench()
    bench.begin(WHOLE, since_s=clock() - 0.5)

    clock.advance(5.0)
    bench.answer(REPLY)

    assert bench.work.own_s == 0.5


async def test_neither_a_failed_try_nor_the_pause_before_the_next_is_the_gateways_time(
    clock: FakeClock,
) -> None:
    bench = Bench(deadline_s=600.0)
    bench.begin(plan(Framing.WHOLE, translation=lambda: Slow(clock)))
    clock.advance(2.0)
    bench.answer(orjson.dumps(gemini_errors.overloaded().body), status=503)

    clock.advance(60.0)  # as long as a pause may be
    await turns(lambda: len(bench.transport.sent) == 2)
    clock.advance(2.0)
    bench.answer(REPLY)

    assert len(bench.record.attempts) == 2
    assert bench.work.own_s == WORK_S


async def test_waiting_for_a_key_is_not_the_gateways_time(clock: FakeClock) -> None:
    bench = Bench("key-1", wait_s=20.0)
    bench.tick()
    resting(bench, for_s=10.0)
    bench.begin(WHOLE)

    clock.advance(11.0)
    await turns(lambda: bench.transport.sent)
    bench.answer(REPLY)

    assert bench.record.duration_ms == 11_000
    assert bench.work.own_s == 0.0


async def test_waiting_for_a_slow_client_is_not_the_gateways_time(clock: FakeClock) -> None:
    bench = Bench()
    call, client = bench.begin(plan(Framing.EVENTS, translation=lambda: Slow(clock)))
    client.keeps_up = False
    bench.answer(event("a"), end=False)

    clock.advance(30.0)
    client.keeps_up = True
    call.drained()
    sink = bench.transport.sent[-1].sink
    sink.data(event("b", finish="STOP"))
    sink.end()

    assert bench.work.own_s == 2 * WORK_S


async def test_a_call_whose_client_leaves_or_whose_upstream_fails_is_measured_too(clock: FakeClock) -> None:
    left, failed = Bench(), Bench(max_retries=0)
    call, _ = left.begin(plan(Framing.EVENTS, translation=lambda: Slow(clock)))
    failed.begin(WHOLE)
    left.answer(event("a"), end=False)

    clock.advance(9.0)
    call.gone()
    failed.transport.sent[-1].sink.fail(TransportFailure(FailureCause.RESET, "gone"))

    assert (left.record.outcome, left.work.own_s) == ("client_closed", WORK_S)
    assert (failed.record.failure_kind, failed.work.own_s) == ("network", 0.0)


@pytest.mark.parametrize("framing", [Framing.WHOLE, Framing.EVENTS])
async def test_only_what_came_as_it_was_made_says_how_fast_the_model_was(
    clock: FakeClock, framing: Framing
) -> None:
    bench = Bench()
    bench.begin(plan(framing))

    clock.advance(4.0)
    if framing is Framing.WHOLE:
        bench.answer(REPLY)
    else:
        bench.answer(event("a"), event("b", finish="STOP"))

    assert bench.work.telling_s == (None if framing is Framing.WHOLE else 0.0)
    assert bench.work.provider == "gemini"
