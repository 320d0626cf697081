"""Learned limits: passed over before they fail, never for too long."""

import pytest

from gateway.pool.bucket import BucketState
from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.changes import BucketExplanation, LimitExplanation
from gateway.pool.key import KeySpec
from gateway.pool.lease import AllResting, Lease
from gateway.pool.pool import Pool
from gateway.protocols.failures import FailureKind, QuotaViolation, classify
from tests.pool import gemini_errors as seen
from tests.pool.builders import (
    MODEL,
    NOON_S,
    failure,
    key,
    lent,
    per_day,
    per_minute,
    pool_of,
    teach,
    turns,
)

K = FailureKind


def limits(pool: Pool, key_id: int = 1, now_s: float = NOON_S) -> tuple[LimitExplanation, ...]:
    told = pool.explain(key_id, now_s)
    assert told is not None
    return told.limits


def bucket(pool: Pool, key_id: int = 1, now_s: float = NOON_S) -> BucketExplanation:
    told = pool.explain(key_id, now_s)
    assert told is not None
    (only,) = told.buckets
    return only


def allowed(pool: Pool, now_s: float) -> int:
    """How many calls the pool lets through one after the other before it says that all rest."""
    for count in range(1000):
        got = pool.lease(MODEL, now_s)
        if not isinstance(got, Lease):
            return count
        pool.report_success(got, now_s)
    return 1000


def test_a_used_up_minute_is_passed_over_before_it_fails() -> None:
    pool = pool_of(1, 2)
    now_s = teach(pool, per_minute(3))
    assert turns(pool, 10, now_s=now_s) == [1, 2, 1, 2, 1, 2, 2, 2, 2, 2]
    told = bucket(pool, now_s=now_s)
    assert (told.state, told.kind, told.learned) == (BucketState.COOLING, K.RATE_MINUTE, True)
    assert 60 <= told.until_s - now_s <= 62


def test_a_minute_slides_so_that_no_sixty_seconds_hold_more_than_the_limit() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(4))
    lent_s: list[float] = []
    while now_s < NOON_S + 600:
        if isinstance(pool.lease(MODEL, now_s), Lease):
            lent_s.append(now_s)
        now_s += 7.0
    assert all(later - earlier >= 60 for earlier, later in zip(lent_s, lent_s[4:], strict=False))
    assert len(lent_s) >= 4 * 8


def test_a_used_up_day_is_passed_over_until_pacific_midnight() -> None:
    pool = pool_of(1)
    teach(pool, per_day(3))
    morning_s = next_pacific_midnight(NOON_S)
    assert allowed(pool, morning_s + 1000) == 3
    got = pool.lease(MODEL, morning_s + 2000)
    assert isinstance(got, AllResting)
    assert got.until_s == next_pacific_midnight(morning_s)
    told = bucket(pool, now_s=morning_s + 2000)
    assert (told.state, told.kind, told.learned) == (BucketState.EXHAUSTED, K.RATE_DAY, True)


def test_tokens_are_counted_when_the_answer_tells_them() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(1000, tokens=True))
    for _ in range(3):
        pool.report_success(lent(pool, now_s=now_s), now_s, tokens=300)
    # A fourth of the usual size would not fit.
    got = pool.lease(MODEL, now_s)
    assert isinstance(got, AllResting)
    assert got.reasons == {K.TOKENS_MINUTE: 1}


def test_calls_under_way_reserve_the_usual_number_of_tokens() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(1000, tokens=True))
    pool.report_success(lent(pool, now_s=now_s), now_s, tokens=200)
    out = [lent(pool, now_s=now_s) for _ in range(4)]
    assert isinstance(pool.lease(MODEL, now_s), AllResting)
    pool.report_success(out[0], now_s, tokens=20)
    assert isinstance(pool.lease(MODEL, now_s), Lease)


def test_a_call_whose_tokens_are_not_told_keeps_what_was_reserved() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(1000, tokens=True))
    pool.report_success(lent(pool, now_s=now_s), now_s, tokens=400)
    pool.report_success(lent(pool, now_s=now_s), now_s)
    assert limits(pool, now_s=now_s)[0].used == 800


def test_the_limits_of_a_real_refusal_are_read() -> None:
    pool = pool_of(1)
    pool.report_failure(lent(pool), classify(429, seen.DAY_AND_MINUTE), NOON_S)
    told = {limit.window: (limit.limit, limit.used) for limit in limits(pool)}
    assert told == {"minute": (10, 10), "day": (250, 250)}


@pytest.mark.parametrize(
    "violation",
    [
        QuotaViolation("", "requests", 10, "unknown", tokens=False),
        QuotaViolation("SomethingPerHour", "requests", 10, "unknown", tokens=False),
        QuotaViolation("GroundingRequestsPerDay", "google_search_grounding", 10, "day", tokens=False),
        per_minute(0),
        per_minute(None),
    ],
)
def test_what_does_not_name_a_limit_of_every_call_teaches_nothing(violation: QuotaViolation) -> None:
    pool = pool_of(1)
    now_s = teach(pool, violation)
    assert limits(pool) == ()
    assert allowed(pool, next_pacific_midnight(now_s) + 1000) == 1000


def test_a_limit_named_again_without_its_number_is_confirmed() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(5))
    teach(pool, per_minute(None), now_s=now_s)
    (told,) = limits(pool, now_s=now_s)
    assert (told.value, told.used, told.heard_s) == (5, 5, now_s)


def test_refusals_do_not_count_as_used() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(10))
    out = [lent(pool, now_s=now_s) for _ in range(3)]
    for lease in out[:2]:
        pool.report_failure(lease, failure(K.RATE_DAY), now_s)
    assert limits(pool, now_s=now_s)[0].used == 1


def test_a_limit_belongs_to_one_project_and_one_model() -> None:
    pool = pool_of(key(1, project="a"), key(2, project="b"))
    now_s = teach(pool, per_minute(1))
    assert turns(pool, 4, now_s=now_s) == [1, 2, 2, 2]
    assert [lent(pool, "other", now_s=now_s).key_id for _ in range(4)] == [1, 2, 1, 2]
    assert limits(pool, 2) == ()


def test_keys_of_a_project_use_up_one_limit_together() -> None:
    pool = pool_of(key(1, project="a"), key(2, project="a"), 3)
    now_s = teach(pool, per_minute(4))
    assert turns(pool, 9, now_s=now_s) == [1, 2, 3, 1, 2, 3, 3, 3, 3]


def test_two_keys_found_late_to_share_a_project_share_what_they_used() -> None:
    pool = pool_of(1, 2)
    teach(pool, per_minute(10), key_id=1)
    now_s = teach(pool, per_minute(10), key_id=2)
    turns(pool, 12, now_s=now_s)
    for key_id in (1, 2):
        told = failure(K.RATE_MINUTE, project="projects/7", retry_after_s=1.0)
        pool.report_failure(lent(pool, "another model", pinned=key_id, now_s=now_s), told, now_s)
    told_of = [limit for limit in limits(pool, 1, now_s) if limit.model == MODEL]
    assert [limit.used for limit in told_of] == [12]
    assert told_of == [limit for limit in limits(pool, 2, now_s) if limit.model == MODEL]
    assert allowed(pool, now_s + 2) == 0  # twelve of ten


def test_now_and_then_one_call_goes_beyond_the_limit_and_its_refusal_confirms_it() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(10))
    shares = []
    for _ in range(12):
        used = allowed_by(pool, now_s, at_most=10)
        shares.append(used)
        now_s += 64
    assert shares.count(11) == 1
    assert set(shares) == {10, 11}


def allowed_by(pool: Pool, now_s: float, *, at_most: int) -> int:
    """As `allowed`, while the provider refuses what is beyond its limit."""
    for count in range(1000):
        got = pool.lease(MODEL, now_s)
        if not isinstance(got, Lease):
            return count
        if count >= at_most:
            refusal = failure(K.RATE_MINUTE, retry_after_s=59.0, violations=(per_minute(at_most),))
            pool.report_failure(got, refusal, now_s)
        else:
            pool.report_success(got, now_s)
    return 1000


def test_a_limit_that_was_raised_is_believed_higher_with_every_success_beyond_it() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(10))
    shares = []
    for _ in range(14):
        shares.append(allowed_by(pool, now_s, at_most=1000))
        now_s += 64
    assert shares[0] == 10
    assert shares[-1] == 1000
    (told,) = limits(pool, now_s=now_s)
    assert told.value == 10
    assert told.limit >= 1000


def test_a_raised_limit_is_found_one_call_at_a_time() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(10))
    while allowed_by(pool, now_s, at_most=10) != 11:
        now_s += 64
    for _ in range(10):
        now_s += 64
        allowed_by(pool, now_s, at_most=10)
    now_s += 64
    # This time the test comes while the others are still under way.
    out = []
    while isinstance(got := pool.lease(MODEL, now_s), Lease):
        out.append(got)
    assert 10 <= len(out) <= 11


def test_after_hours_of_silence_a_limit_is_put_to_the_test() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(2))
    assert allowed_by(pool, now_s + 5 * 3600, at_most=2) == 2
    assert allowed_by(pool, now_s + 7 * 3600, at_most=2) == 3
    assert allowed_by(pool, now_s + 8 * 3600, at_most=2) == 2


def test_a_limit_not_heard_for_weeks_is_forgotten_when_another_is_learned() -> None:
    pool = pool_of(1, 2)
    now_s = teach(pool, per_minute(2), key_id=1) + 15 * 86_400
    teach(pool, per_minute(2), key_id=2, now_s=now_s)
    assert limits(pool, 1, now_s) == ()
    assert len(limits(pool, 2, now_s)) == 1


def test_a_lower_limit_is_believed_at_once() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(10))
    now_s = teach(pool, per_minute(3), now_s=now_s)
    assert allowed(pool, now_s) == 3


def test_the_success_of_an_earlier_call_does_not_open_a_used_up_bucket() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(2))
    out = [lent(pool, now_s=now_s) for _ in range(2)]
    for lease in out:
        assert pool.report_success(lease, now_s, tokens=5) == ()
    assert isinstance(pool.lease(MODEL, now_s), AllResting)


def test_what_the_provider_says_goes_before_what_is_believed() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(2))
    out = [lent(pool, now_s=now_s) for _ in range(2)]
    (change,) = pool.report_failure(out[0], failure(K.RATE_DAY), now_s)
    assert change.until_s == next_pacific_midnight(now_s)
    pool.report_success(out[1], now_s, tokens=1)
    assert not bucket(pool, now_s=now_s).learned


def test_reopening_forgets_learned_limits_too() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(2))
    turns(pool, 2, now_s=now_s)
    assert len(pool.reopen(1, now_s)) == 1
    assert limits(pool, now_s=now_s) == ()
    assert allowed(pool, now_s) == 1000


def test_a_removed_key_takes_its_limits_with_it() -> None:
    pool = pool_of(1)
    teach(pool, per_minute(2))
    pool.apply([])
    pool.put(key(1))
    assert limits(pool) == ()


def test_keys_whose_provider_never_named_a_limit_have_no_counters() -> None:
    pool = pool_of(*range(1, 50))
    turns(pool, 500)
    teach(pool, per_minute(5))
    assert sum(len(limits(pool, key_id)) for key_id in range(1, 50)) == 1


def test_a_bucket_keeps_a_handful_of_limits_at_most() -> None:
    pool = pool_of(1)
    for number in range(20):
        violation = QuotaViolation(f"Invented{number}PerMinute", "requests", 5, "minute", tokens=False)
        teach(pool, violation, now_s=NOON_S + number * 100)
    assert len(limits(pool, now_s=NOON_S + 3000)) == 6


def test_used_limit_and_reset_are_explained_in_words() -> None:
    pool = pool_of(KeySpec(1, "AIza…x81k", "secret"))
    now_s = teach(pool, per_minute(2))
    turns(pool, 2, now_s=now_s)
    (limit,) = limits(pool, now_s=now_s)
    assert (limit.used, limit.limit, limit.resets_s) == (2, 2, bucket(pool, now_s=now_s).until_s)
    assert bucket(pool, now_s=now_s).sentence == (
        f"Resting for {MODEL} until 2026-01-14 20:02:06 UTC (in 62 s) because 2 of 2 requests are used"
        " this minute, so that no call is wasted on a refusal."
    )
