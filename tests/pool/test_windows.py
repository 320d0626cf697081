"""The counters against plain lists of what was used when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.windows import DayCount, MinuteCount
from tests.pool.builders import NOON_S

STEPS = st.lists(st.tuples(st.floats(0, 40), st.integers(0, 50)), max_size=80)


@given(STEPS)
def test_what_was_used_stays_for_a_minute_and_not_much_longer(steps: list[tuple[float, int]]) -> None:
    count, now_s, used = MinuteCount(), NOON_S, list[tuple[float, int]]()
    for gap_s, amount in steps:
        now_s += gap_s
        count.add(amount, now_s)
        used.append((now_s, amount))
        at_least = sum(each for at_s, each in used if at_s > now_s - 60)
        at_most = sum(each for at_s, each in used if at_s > now_s - 62)
        assert at_least <= count.used <= at_most


@given(STEPS, st.integers(1, 200))
def test_room_is_promised_when_enough_has_left_and_no_later(
    steps: list[tuple[float, int]], amount: int
) -> None:
    count, now_s = MinuteCount(), NOON_S
    for gap_s, each in steps:
        now_s += gap_s
        count.add(each, now_s)
    before = count.used
    if before < amount:
        return
    free_s = count.free_s(amount, now_s)
    count.settle(free_s - 0.01)
    assert count.used > before - amount
    count.settle(free_s)
    assert count.used <= before - amount


@given(st.integers(0, 40), st.integers(1, 60), st.floats(0.5, 62))
def test_a_window_believed_full_empties_from_the_moment_told_to_a_minute_from_now(
    known: int, limit: int, delay_s: float
) -> None:
    count = MinuteCount()
    count.add(known, NOON_S)
    count.fill(limit, NOON_S, NOON_S + delay_s)
    assert count.used == max(known, limit)
    if known < limit:
        count.settle(NOON_S + delay_s - 2)
        assert count.used == limit
        count.settle(max(NOON_S + delay_s, NOON_S + 2))
        assert count.used < limit
    count.settle(NOON_S + 64)
    assert count.used == 0


def test_a_refused_call_is_taken_back_from_what_was_used_last() -> None:
    count = MinuteCount()
    count.add(2, NOON_S)
    count.add(1, NOON_S + 10)
    count.refund(2)
    assert count.used == 1
    count.settle(NOON_S + 62)
    assert count.used == 0


@pytest.mark.parametrize("back_s", [1.0, 30.0, 3600.0])
def test_a_clock_that_steps_back_never_makes_a_count_negative_or_eternal(back_s: float) -> None:
    count = MinuteCount()
    count.add(5, NOON_S)
    count.add(5, NOON_S - back_s)
    assert 0 <= count.used <= 10
    count.settle(NOON_S + 62)
    assert count.used == 0


def test_two_counts_joined_hold_what_both_used() -> None:
    one, other = MinuteCount(), MinuteCount()
    one.add(3, NOON_S)
    other.add(4, NOON_S + 30)
    one.join(other)
    assert one.used == 7
    one.settle(NOON_S + 62)
    assert one.used == 4


@pytest.mark.parametrize("noon_s", [NOON_S, 1_772_989_200.0, 1_793_559_600.0])  # winter, 23 hours, 25 hours
def test_a_day_lasts_until_pacific_midnight(noon_s: float) -> None:
    count = DayCount()
    count.add(7, noon_s)
    midnight_s = next_pacific_midnight(noon_s)
    assert count.free_s(1, noon_s) == midnight_s
    count.add(1, midnight_s - 1)
    assert count.used == 8
    count.add(1, midnight_s)
    assert count.used == 1


def test_a_clock_that_steps_back_over_midnight_does_not_bring_yesterday_back() -> None:
    count = DayCount()
    midnight_s = next_pacific_midnight(NOON_S)
    count.add(3, midnight_s + 1)
    count.add(1, midnight_s - 1)
    assert count.used == 4
