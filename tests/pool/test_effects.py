"""How long things rest."""

import pytest

from gateway.pool.bucket import Bucket
from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.effects import EFFECTS, bucket_until_s, doubt_rest_s, project_rest_s
from gateway.pool.limits import PoolLimits
from gateway.protocols.failures import FailureKind
from tests.pool.builders import NOON_S, failure

K = FailureKind
LIMITS = PoolLimits()


def test_every_kind_has_an_effect() -> None:
    assert set(EFFECTS) == set(FailureKind)


@pytest.mark.parametrize(
    ("asked_s", "rest_s"),
    [(45.5, 45.5), (0.0, 1.0), (1e6, 300.0), (None, 60.0 - 13.0)],
)
def test_a_minute_limit_rests_as_asked_within_bounds_or_to_the_next_minute(
    asked_s: float | None, rest_s: float
) -> None:
    now_s = NOON_S + 13
    told = failure(K.RATE_MINUTE, retry_after_s=asked_s)
    assert bucket_until_s(told, None, now_s, LIMITS, jitter=0) == now_s + rest_s


def test_chance_makes_a_rest_longer_and_never_shorter() -> None:
    told = failure(K.RATE_MINUTE, retry_after_s=40.0)
    assert bucket_until_s(told, None, NOON_S, LIMITS, jitter=0.5) == pytest.approx(NOON_S + 42)


def test_a_day_limit_rests_until_pacific_midnight_whatever_delay_is_asked() -> None:
    told = failure(K.RATE_DAY, retry_after_s=3.0)
    assert bucket_until_s(told, None, NOON_S, LIMITS, jitter=0.9) == next_pacific_midnight(NOON_S)


def test_a_day_limit_still_hit_just_after_midnight_does_not_cost_another_day() -> None:
    midnight_s = next_pacific_midnight(NOON_S)
    woken = Bucket(1)
    woken.kind, woken.until_s = K.RATE_DAY, midnight_s

    soon = bucket_until_s(failure(K.RATE_DAY), woken, midnight_s + 2, LIMITS, jitter=0)
    later = bucket_until_s(failure(K.RATE_DAY), woken, midnight_s + 901, LIMITS, jitter=0)
    fresh = bucket_until_s(failure(K.RATE_DAY), None, midnight_s + 2, LIMITS, jitter=0)

    assert soon == midnight_s + 2 + 300
    assert later == fresh == next_pacific_midnight(midnight_s)


def test_doubt_begins_at_the_limit_and_doubles_up_to_an_hour() -> None:
    rests = [doubt_rest_s(doubts, LIMITS, jitter=0) for doubts in range(1, 10)]
    assert rests == [0, 0, 300, 600, 1200, 2400, 3600, 3600, 3600]
    assert doubt_rest_s(10_000, LIMITS, jitter=0) == 3600


def test_without_a_limit_nothing_is_doubted() -> None:
    assert doubt_rest_s(99, PoolLimits(max_failures=0), jitter=0) == 0


def test_project_faults_rest_for_hours() -> None:
    assert project_rest_s(K.SERVICE_DISABLED, LIMITS, jitter=0) == 7200
    assert project_rest_s(K.BILLING, LIMITS, jitter=0) == 6 * 3600
    assert project_rest_s(K.ACCOUNT_LIMITED, LIMITS, jitter=0) == 6 * 3600
