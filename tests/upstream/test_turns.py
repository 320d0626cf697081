"""libcurl gets its turn when it wants it, by the last word it said."""

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.upstream.turns import Turns


@dataclass(frozen=True, slots=True)
class Timer:
    after_s: float
    cancelled: list[bool] = field(default_factory=list)

    def cancel(self) -> None:
        self.cancelled.append(True)


class Loop:
    """Keeps what it is asked for; the test plays the time."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, after_s: float, _callback: object) -> Timer:
        self.timers.append(Timer(after_s))
        return self.timers[-1]

    @property
    def waiting_s(self) -> list[float]:
        return [timer.after_s for timer in self.timers if not timer.cancelled]


@pytest.mark.parametrize(
    ("told", "soon", "waiting_s"),
    [
        ([], 0, []),
        ([-1], 0, []),
        ([0], 1, []),
        ([0, 10_000], 0, [10.0]),
        ([10_000, 0], 1, []),
        ([10_000, -1], 0, []),
    ],
    ids=str,
)
def test_the_last_word_counts(told: list[int], soon: int, waiting_s: list[float]) -> None:
    loop, given_soon = Loop(), []
    turns = Turns(loop, lambda: None, lambda: given_soon.append(True))  # type: ignore[arg-type]

    turns.told.extend(told)
    turns.heed()
    turns.heed()  # nothing new

    assert len(given_soon) == soon
    assert loop.waiting_s == waiting_s


def test_a_sooner_turn_moves_the_timer_and_a_later_one_leaves_it() -> None:
    loop = Loop()
    turns = Turns(loop, lambda: None, lambda: None)  # type: ignore[arg-type]

    for told in (10_000, 20_000, 5_000):
        turns.told.append(told)
        turns.heed()

    assert [timer.after_s for timer in loop.timers] == [10.0, 5.0]
    assert loop.waiting_s == [5.0]


def test_a_turn_is_given_when_it_is_due_and_not_when_it_was_called_off() -> None:
    async def given(*told: int) -> int:
        turn = asyncio.Event()
        turns = Turns(asyncio.get_running_loop(), turn.set, turn.set)
        for word in told:
            turns.told.append(word)
            turns.heed()
        try:
            async with asyncio.timeout(0.2):
                await turn.wait()
        except TimeoutError:
            return 0
        finally:
            turns.close()
        return 1

    assert asyncio.run(given(5)) == 1
    assert asyncio.run(given(5, 30)) == 1  # found early by the first timer, which is set again
    assert asyncio.run(given(5, -1)) == 0
