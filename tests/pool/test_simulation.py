"""Simulated hours and days against a provider with quotas: what the pool learns pays, and harms nobody."""

from datetime import datetime

import pytest

from gateway.pool.calendar import PACIFIC, next_pacific_midnight
from tests.pool.provider import Allowance, Provider, Traffic

MINUTE_S, HOUR_S = 60.0, 3600.0


def pacific(year: int, month: int, day: int, hour: int = 0) -> float:
    return datetime(year, month, day, hour, tzinfo=PACIFIC).timestamp()


def nothing_was_lost(traffic: Traffic) -> None:
    assert traffic.counts["successes"] == traffic.counts["calls"]
    assert traffic.counts["attempts_on_resting"] == 0
    assert traffic.attempts_per_success <= 1.02


def test_at_eighty_percent_of_every_minute_every_call_succeeds() -> None:
    provider = Provider({str(n): Allowance(per_minute=(5, 10, 15)[n % 3]) for n in range(15)})
    traffic = Traffic(provider, {n: str(n % 15) for n in range(30)}, start_s=pacific(2026, 1, 14, 9))

    traffic.steady(traffic.now_s, traffic.now_s + 3 * HOUR_S, 3 * 60 * 150 * 0.8)
    traffic.run(traffic.now_s + 3 * HOUR_S + MINUTE_S)

    nothing_was_lost(traffic)


def test_at_eighty_percent_of_the_tokens_every_call_succeeds() -> None:
    provider = Provider({str(n): Allowance(tokens_per_minute=250_000) for n in range(12)})
    traffic = Traffic(provider, {n: str(n) for n in range(12)}, start_s=pacific(2026, 1, 14, 9))

    # Ten thousand tokens a call on average: 25 calls a minute and project.
    traffic.steady(traffic.now_s, traffic.now_s + 2 * HOUR_S, 2 * 60 * 300 * 0.8, tokens=(2_000, 18_000))
    traffic.run(traffic.now_s + 2 * HOUR_S + MINUTE_S)

    nothing_was_lost(traffic)


@pytest.mark.parametrize("first_day", [(2026, 3, 6), (2026, 10, 30)], ids=["spring", "autumn"])
def test_days_at_eighty_percent_lose_nothing_also_when_the_clocks_change(
    first_day: tuple[int, int, int],
) -> None:
    allowed = [Allowance(per_minute=10, per_day=day, tokens_per_minute=250_000) for day in (250, 500)]
    provider = Provider({str(n): allowed[n % 2] for n in range(12)})
    traffic = Traffic(provider, {n: str(n % 12) for n in range(24)}, start_s=pacific(*first_day))
    lengths = []

    for _ in range(5):
        begin_s, end_s = traffic.now_s, next_pacific_midnight(traffic.now_s)
        lengths.append((end_s - begin_s) / HOUR_S)
        rush_s, burst, morning = begin_s + 10 * HOUR_S, 480, 1300
        traffic.steady(begin_s + 5, rush_s, morning, tokens=(1_000, 9_000))
        traffic.steady(rush_s, rush_s + 300, burst, tokens=(1_000, 9_000))  # 80 % of every minute
        rest = 12 * 375 * 0.8 - burst - morning
        traffic.steady(rush_s + 400, end_s - 60, rest, tokens=(1_000, 9_000))
        traffic.run(end_s)

    assert sorted(lengths)[0 if first_day[1] == 3 else -1] == (23 if first_day[1] == 3 else 25)
    nothing_was_lost(traffic)


def test_a_minute_limit_raised_at_noon_is_noticed_and_used() -> None:
    provider = Provider({str(n): Allowance(per_minute=10) for n in range(5)})
    traffic = Traffic(provider, {n: str(n) for n in range(5)}, start_s=pacific(2026, 1, 14, 11))
    noon_s = traffic.now_s + HOUR_S
    traffic.steady(traffic.now_s, noon_s, 60 * 55)  # ten percent more than there is
    traffic.run(noon_s)
    assert traffic.counts["failures"] > 0.05 * traffic.counts["calls"]
    assert traffic.counts["rate_minute"] <= 0.03 * traffic.counts["successes"]

    provider.allowances = {str(n): Allowance(per_minute=30) for n in range(5)}
    traffic.steady(noon_s, noon_s + HOUR_S, 60 * 120)
    traffic.run(noon_s + 30 * MINUTE_S)
    traffic.counts.clear()
    traffic.run(noon_s + HOUR_S)

    assert traffic.counts["failures"] == 0
    assert traffic.counts["successes"] >= 29 * 120


def test_a_day_limit_raised_at_noon_is_noticed_the_same_day() -> None:
    provider = Provider({str(n): Allowance(per_day=200) for n in range(5)})
    traffic = Traffic(provider, {n: str(n) for n in range(5)}, start_s=pacific(2026, 1, 14))
    for raised in (False, False, True):
        traffic.counts.clear()
        begin_s = traffic.now_s
        traffic.steady(begin_s + 5, begin_s + 12 * HOUR_S, 500)
        traffic.steady(begin_s + 12 * HOUR_S, begin_s + 24 * HOUR_S - 60, 800)
        traffic.run(begin_s + 12 * HOUR_S)
        if raised:
            provider.allowances = {str(n): Allowance(per_day=400) for n in range(5)}
        traffic.run(begin_s + 24 * HOUR_S)
        assert traffic.counts["successes"] == (1300 if raised else 1000)
        assert traffic.counts["rate_day"] == (0 if raised else 5)


def test_a_limit_that_was_lowered_is_learned_anew() -> None:
    provider = Provider({str(n): Allowance(per_minute=20) for n in range(5)})
    traffic = Traffic(provider, {n: str(n) for n in range(5)}, start_s=pacific(2026, 1, 14, 9))
    traffic.steady(traffic.now_s, traffic.now_s + HOUR_S, 60 * 100)
    traffic.run(traffic.now_s + HOUR_S)

    provider.allowances = {str(n): Allowance(per_minute=10) for n in range(5)}
    traffic.steady(traffic.now_s, traffic.now_s + HOUR_S, 60 * 40)
    traffic.run(traffic.now_s + 2 * MINUTE_S)  # what was used before is more than a minute now allows
    traffic.counts.clear()
    traffic.run(traffic.now_s + HOUR_S)

    assert traffic.counts["failures"] == 0
    assert traffic.attempts_per_success <= 1.02


def test_after_a_restart_nothing_known_to_rest_is_asked_again() -> None:
    allowed = Allowance(per_minute=10, per_day=300)
    provider = Provider({str(n): allowed for n in range(6)})
    keys = {n: str(n) for n in range(6)}
    before = Traffic(provider, keys, start_s=pacific(2026, 1, 14, 9))
    before.steady(before.now_s, before.now_s + 10 * MINUTE_S, 10 * 70)
    before.run(before.now_s + 10 * MINUTE_S)
    assert before.counts["rate_minute"]

    after = Traffic(provider, keys, start_s=before.now_s)
    after.said = before.said
    after.pool.restore(list(before.pool.snapshot(before.now_s)), before.now_s)
    left = sum(300 for _ in keys) - before.counts["successes"]
    after.steady(after.now_s + 5, after.now_s + HOUR_S, left * 0.8)
    after.run(after.now_s + HOUR_S + MINUTE_S)

    assert after.counts["attempts_on_resting"] == 0
    assert after.counts["failures"] == 0
    assert after.attempts_per_success <= 1.02
