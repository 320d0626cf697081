"""Answers kept for a moment: one question however many ask, and no failure that stays."""

import asyncio

import pytest

from gateway.control.freshness import Freshness
from tests.fakes.clock import FakeClock


class Counter:
    """Counts how often it is asked; answers when let."""

    def __init__(self) -> None:
        self.asked = 0
        self.let = asyncio.Event()
        self.let.set()
        self.fails = False

    async def __call__(self) -> int:
        self.asked += 1
        await self.let.wait()
        if self.fails:
            raise LookupError("no answer")
        return self.asked


async def test_an_answer_is_kept_for_a_while_and_then_asked_for_anew() -> None:
    clock, ask = FakeClock(), Counter()
    fresh = Freshness(clock)

    assert [await fresh.get("a", 5, ask) for _ in range(3)] == [1, 1, 1]
    clock.advance(5)
    assert await fresh.get("a", 5, ask) == 2
    assert await fresh.get("b", 5, ask) == 3


async def test_many_who_ask_at_once_cost_one_question() -> None:
    fresh, ask = Freshness(FakeClock()), Counter()
    ask.let.clear()
    asking = [asyncio.create_task(fresh.get("a", 5, ask)) for _ in range(10)]
    await asyncio.sleep(0)
    ask.let.set()

    assert await asyncio.gather(*asking) == [1] * 10


async def test_one_who_leaves_does_not_take_the_answer_from_the_others() -> None:
    fresh, ask = Freshness(FakeClock()), Counter()
    ask.let.clear()
    leaving, staying = (asyncio.create_task(fresh.get("a", 5, ask)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    ask.let.set()

    assert await staying == 1


async def test_a_question_that_failed_is_asked_again() -> None:
    fresh, ask = Freshness(FakeClock()), Counter()
    ask.fails = True
    with pytest.raises(LookupError):
        await fresh.get("a", 5, ask)
    ask.fails = False

    assert await fresh.get("a", 5, ask) == 2


async def test_what_is_kept_is_bounded() -> None:
    fresh, ask = Freshness(FakeClock()), Counter()
    for number in range(300):
        await fresh.get(number, 5, ask)

    assert await fresh.get(299, 5, ask) == 300
    assert await fresh.get(0, 5, ask) == 301
