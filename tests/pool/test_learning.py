"""What reports teach: late news, doubt, doubling, projects learned from errors."""

import pytest

from gateway.pool.bucket import BucketState
from gateway.pool.changes import BucketChange, KeyChange
from gateway.pool.key import KeyState
from gateway.pool.lease import AllResting, Lease
from gateway.pool.pool import Pool
from gateway.protocols.failures import FailureKind, classify
from tests.pool import gemini_errors as seen
from tests.pool.builders import MODEL, NOON_S, fail, failure, key, lent, pool_of, turns

K = FailureKind
NOT_THE_KEY = [
    K.CLIENT_ERROR, K.NOT_FOUND, K.OBJECT_DENIED, K.GATEWAY_FAULT, K.OVERLOADED, K.INTERNAL, K.DEADLINE,
    K.NETWORK, K.TIMEOUT, K.EMPTY, K.MALFORMED, K.TRUNCATED, K.BLOCKED, K.LOCATION, K.CANCELLED,
]  # fmt: skip


def state(pool: Pool, key_id: int, now_s: float = NOON_S) -> KeyState:
    told = pool.explain(key_id, now_s)
    assert told is not None
    return told.state


def rest_s(pool: Pool, now_s: float) -> float:
    """How long the only key rests, after one more unexplained refusal."""
    fail(pool, K.RATE_UNKNOWN, now_s=now_s)
    got = pool.lease(MODEL, now_s)
    assert isinstance(got, AllResting)
    return got.until_s - now_s


def test_unexplained_refusals_double_the_rest_up_to_a_minute() -> None:
    pool, now_s, rests = pool_of(1), NOON_S, []
    for _ in range(6):
        rests.append(rest_s(pool, now_s))
        now_s += rests[-1]
    assert rests == [5, 10, 20, 40, 60, 60]


def test_a_success_ends_the_doubling() -> None:
    pool = pool_of(1)
    assert rest_s(pool, NOON_S) == 5
    assert rest_s(pool, NOON_S + 5) == 10
    turns(pool, 1, now_s=NOON_S + 15)
    assert rest_s(pool, NOON_S + 15) == 5


def test_a_quiet_time_ends_the_doubling() -> None:
    pool = pool_of(1)
    assert rest_s(pool, NOON_S) == 5
    assert rest_s(pool, NOON_S + 5 + 299) == 10
    assert rest_s(pool, NOON_S + 1000) == 5


def test_refusals_of_calls_under_way_count_as_one() -> None:
    pool = pool_of(1)
    out = [lent(pool) for _ in range(10)]
    changes = [pool.report_failure(lease, failure(K.RATE_UNKNOWN), NOON_S) for lease in out]
    assert [len(change) for change in changes] == [1] + [0] * 9
    assert rest_s(pool, NOON_S + 5) == 10


def test_a_late_explanation_lengthens_a_rest_but_never_shortens_it() -> None:
    pool = pool_of(1)
    first, second, third = lent(pool), lent(pool), lent(pool)
    pool.report_failure(first, failure(K.RATE_MINUTE, retry_after_s=20.0), NOON_S)
    (change,) = pool.report_failure(second, failure(K.RATE_DAY), NOON_S)
    assert isinstance(change, BucketChange)
    assert change.state is BucketState.EXHAUSTED
    assert pool.report_failure(third, failure(K.RATE_MINUTE, retry_after_s=20.0), NOON_S) == ()


def test_the_success_of_a_call_begun_earlier_does_not_end_a_rest() -> None:
    pool = pool_of(1)
    early, late = lent(pool), lent(pool)
    pool.report_failure(late, failure(K.RATE_DAY), NOON_S)
    assert pool.report_success(early, NOON_S) == ()
    assert isinstance(pool.lease(MODEL, NOON_S), AllResting)


def test_unknown_failures_in_a_row_put_a_key_to_rest_not_to_death() -> None:
    pool = pool_of(1, max_failures=3)
    for expected in (KeyState.ACTIVE, KeyState.ACTIVE, KeyState.RESTING):
        fail(pool, K.UNKNOWN, status=403)
        assert state(pool, 1) is expected
    assert state(pool, 1, NOON_S + 300) is KeyState.ACTIVE


def test_a_key_back_from_doubt_has_one_chance_and_then_rests_longer() -> None:
    pool = pool_of(1, max_failures=2)
    fail(pool, K.UNKNOWN)
    fail(pool, K.UNKNOWN)
    fail(pool, K.UNKNOWN, now_s=NOON_S + 300)
    assert state(pool, 1, NOON_S + 300 + 599) is KeyState.RESTING
    assert state(pool, 1, NOON_S + 300 + 600) is KeyState.ACTIVE


def test_a_success_clears_doubt() -> None:
    pool = pool_of(1, max_failures=2)
    for _ in range(5):
        fail(pool, K.UNKNOWN)
        turns(pool, 1)
    assert state(pool, 1) is KeyState.ACTIVE


def test_any_success_ends_a_rest_in_doubt_because_the_key_works() -> None:
    pool = pool_of(1, max_failures=1)
    good, bad = lent(pool), lent(pool)
    pool.report_failure(bad, failure(K.UNKNOWN), NOON_S)
    (change,) = pool.report_success(good, NOON_S)
    assert isinstance(change, KeyChange)
    assert change.state is KeyState.ACTIVE


@pytest.mark.parametrize("kind", NOT_THE_KEY)
def test_what_is_not_the_keys_fault_never_touches_it(kind: FailureKind) -> None:
    pool = pool_of(1, max_failures=1)
    for _ in range(50):
        assert fail(pool, kind) == 1
    told = pool.explain(1, NOON_S)
    assert told is not None
    assert (told.state, told.doubts, told.buckets) == (KeyState.ACTIVE, 0, ())


def test_a_project_named_by_an_error_joins_its_keys() -> None:
    pool = pool_of(1, 2, 3)
    for expected in (1, 2):
        lease = lent(pool)
        assert lease.key_id == expected
        changes = pool.report_failure(lease, failure(K.RATE_MINUTE, project="projects/7"), NOON_S)
        assert isinstance(changes[0], KeyChange)
        assert changes[0].project == "projects/7"
    suspended = classify(403, seen.SUSPENDED.replace(b"4711", b"7"))
    later_s = NOON_S + 61
    changes = pool.report_failure(lent(pool, pinned=2, now_s=later_s), suspended, later_s)
    assert {change.key_id for change in changes if isinstance(change, KeyChange)} == {1, 2}
    assert turns(pool, 2, now_s=later_s) == [3, 3]


def test_rests_learned_before_the_project_was_known_become_the_projects() -> None:
    pool = pool_of(1, key(2, project="projects/7"))
    fail(pool, K.RATE_DAY, "a")  # key 1, whose project nobody knows yet
    pool.report_failure(lent(pool, "b", pinned=1), failure(K.RATE_MINUTE, project="projects/7"), NOON_S)
    assert isinstance(pool.lease("a", NOON_S), AllResting)
    assert isinstance(pool.lease("b", NOON_S), AllResting)


@pytest.mark.parametrize(("project_rest_s", "expected_s"), [(10.0, 40.0), (90.0, 90.0)])
def test_the_longer_of_two_rests_holds_when_a_key_joins_a_project(
    project_rest_s: float, expected_s: float
) -> None:
    pool = pool_of(1, key(2, project="p"))
    for key_id, asked_s in ((1, 40.0), (2, project_rest_s)):
        lease = lent(pool, pinned=key_id)
        pool.report_failure(lease, failure(K.RATE_MINUTE, retry_after_s=asked_s), NOON_S)
    pool.put(key(1, project="p"))
    got = pool.lease(MODEL, NOON_S)
    assert isinstance(got, AllResting)
    assert got.until_s == NOON_S + expected_s


def test_a_project_without_keys_is_forgotten() -> None:
    pool = pool_of(key(1, project="p"))
    fail(pool, K.RATE_DAY)
    pool.apply([])
    pool.apply([key(2, project="p")])
    assert turns(pool, 1) == [2]


def test_only_a_call_begun_later_lifts_the_rest_of_a_whole_key() -> None:
    pool = pool_of(1)
    early, late = lent(pool), lent(pool)
    pool.report_failure(late, failure(K.SERVICE_DISABLED), NOON_S)
    assert pool.report_success(early, NOON_S) == ()
    assert state(pool, 1) is KeyState.RESTING


def test_a_rest_that_is_over_counts_as_over_even_before_anyone_asks() -> None:
    pool = pool_of(1, max_failures=1)
    first, second = lent(pool), lent(pool)
    pool.report_failure(first, failure(K.UNKNOWN), NOON_S)
    pool.report_failure(second, failure(K.UNKNOWN), NOON_S + 300)
    assert state(pool, 1, NOON_S + 300 + 599) is KeyState.RESTING


def test_a_project_the_admin_set_is_not_overruled() -> None:
    pool = pool_of(key(1, project="mine"))
    fail(pool, K.RATE_MINUTE, project="projects/7")
    told = pool.explain(1, NOON_S)
    assert told is not None
    assert told.project == "mine"


def test_a_key_moved_out_of_a_resting_project_is_free() -> None:
    pool = pool_of(key(1, project="p"), key(2, project="p"))
    fail(pool, K.RATE_DAY)
    pool.put(key(2, project="q"))
    assert turns(pool, 2) == [2, 2]


def test_suspension_also_reaches_disabled_keys_of_the_project() -> None:
    pool = pool_of(key(1, project="projects/4711"), key(2, project="projects/4711", enabled=False))
    pool.report_failure(lent(pool), classify(403, seen.SUSPENDED), NOON_S)
    pool.put(key(2, project="projects/4711"))
    assert state(pool, 2) is KeyState.DEAD


def test_death_is_not_softened_by_later_news() -> None:
    pool = pool_of(1)
    out = [lent(pool) for _ in range(4)]
    assert len(pool.report_failure(out[0], failure(K.KEY_INVALID), NOON_S)) == 1
    assert pool.report_failure(out[1], failure(K.SERVICE_DISABLED), NOON_S) == ()
    assert pool.report_failure(out[2], failure(K.UNKNOWN), NOON_S) == ()
    assert pool.report_success(out[3], NOON_S) == ()
    assert state(pool, 1) is KeyState.DEAD


def test_a_change_tells_the_operator_where_to_mend_it() -> None:
    pool = pool_of(1)
    (change,) = pool.report_failure(lent(pool), classify(403, seen.SERVICE_DISABLED), NOON_S)
    assert isinstance(change, KeyChange)
    assert change.activation_url == seen.ACTIVATION_URL
    assert change.project == "projects/4711"


def test_a_lease_reported_twice_counts_once() -> None:
    pool = pool_of(1, max_failures=2)
    lease = lent(pool)
    for _ in range(5):
        pool.report_failure(lease, failure(K.UNKNOWN), NOON_S)
    pool.release(lease)
    told = pool.explain(1, NOON_S)
    assert told is not None
    assert (told.doubts, told.in_flight) == (1, 0)


def test_a_storm_on_an_overloaded_model_leaves_no_retries_until_calls_succeed() -> None:
    pool = pool_of(1)
    leases = [lent(pool) for _ in range(100)]
    retries = 0
    for lease in leases:
        pool.report_failure(lease, failure(K.OVERLOADED), NOON_S)
        if not pool.busy.crowded(MODEL, NOON_S):
            pool.busy.spend(MODEL)
            retries += 1
    assert retries == 32
    turns(pool, 1)
    assert not pool.busy.crowded(MODEL, NOON_S)


def test_day_limits_hit_again_right_after_midnight_do_not_cost_another_day() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_DAY)
    got = pool.lease(MODEL, NOON_S)
    assert isinstance(got, AllResting)
    midnight_s = got.until_s
    fail(pool, K.RATE_DAY, now_s=midnight_s)
    assert isinstance(pool.lease(MODEL, midnight_s + 300), Lease)
