"""How late the loop is, on a loop whose clock the test moves."""

import asyncio
from typing import cast

import pytest

from gateway.control.loop_lag import EVERY_S, LoopLag
from tests.relay.clients import ManualLoop


class Measured:
    """A loop with a measurement on it."""

    def __init__(self) -> None:
        self.loop = ManualLoop()
        self.lags: list[float] = []
        self.lag = LoopLag(cast(asyncio.AbstractEventLoop, self.loop), self.lags.append)
        self.lag.start()

    def stand_still(self, seconds: float) -> None:
        """Let time pass in which the loop runs nothing."""
        self.loop.now_s += seconds
        self.loop.advance(0.0)


def test_a_loop_that_is_on_time_is_not_late() -> None:
    here = Measured()

    here.loop.advance(3 * EVERY_S)

    assert here.lags == [0.0, 0.0, 0.0]


def test_what_a_timer_comes_too_late_is_the_lag() -> None:
    here = Measured()

    here.stand_still(EVERY_S + 0.3)
    here.loop.advance(EVERY_S)

    assert here.lags == [pytest.approx(0.3), 0.0]


def test_nothing_is_measured_after_the_stop() -> None:
    here = Measured()

    here.lag.stop()
    here.loop.advance(3 * EVERY_S)

    assert here.lags == []
