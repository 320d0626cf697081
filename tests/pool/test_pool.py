"""Lending: whose turn it is, who rests, what the pool says when it has nothing, keys that come and go."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pool.bucket import BucketState
from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.key import KeyState
from gateway.pool.lease import AllResting, AllTried, Lease, NoKeys, NoKeysReason
from gateway.pool.pool import Pool
from gateway.protocols.failures import FailureKind
from tests.pool.builders import MODEL, NOON_S, fail, failure, key, lent, pool_of, turns

K = FailureKind


def test_keys_take_turns_in_the_order_they_were_given() -> None:
    assert turns(pool_of(1, 2, 3), 7) == [1, 2, 3, 1, 2, 3, 1]


@given(st.integers(1, 9), st.integers(0, 30), st.integers(1, 4))
def test_any_window_of_whole_rounds_uses_each_key_equally(keys: int, start: int, rounds: int) -> None:
    used = turns(pool_of(*range(keys)), start + keys * rounds)[start:]
    assert set(Counter(used).values()) == {rounds}


def test_calls_under_way_do_not_change_whose_turn_it_is() -> None:
    pool = pool_of(1, 2, 3)
    out = [lent(pool) for _ in range(6)]
    for lease in reversed(out):
        pool.report_success(lease, NOON_S)
    assert [lease.key_id for lease in out] == [1, 2, 3, 1, 2, 3]


def test_each_model_takes_turns_by_itself() -> None:
    pool = pool_of(1, 2)
    used = [(model, lent(pool, model).key_id) for _ in range(10) for model in ("a", "b")]
    shares = Counter(used)
    assert set(shares.values()) == {5}


def test_models_asked_for_once_do_not_all_start_with_the_same_key() -> None:
    pool = pool_of(1, 2, 3)
    assert [lent(pool, f"model-{n}").key_id for n in range(6)] == [1, 2, 3, 1, 2, 3]


def test_a_key_that_comes_back_gets_its_share_and_no_more() -> None:
    pool = pool_of(*range(5))
    assert fail(pool, K.RATE_MINUTE, retry_after_s=30.0) == 0
    assert 0 not in turns(pool, 10)
    used = turns(pool, 25, now_s=NOON_S + 31)
    assert all(abs(count - 5) <= 1 for count in Counter(used).values())
    assert len(Counter(used)) == 5


def test_stepping_in_for_a_tried_key_costs_the_next_turn() -> None:
    pool = pool_of(1, 2, 3)
    stepped_in = lent(pool, tried={1})
    assert stepped_in.key_id == 2
    assert turns(pool, 8) == [1, 3, 1, 2, 3, 1, 2, 3]


def test_a_key_resting_for_one_model_serves_another() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_DAY, "a")
    assert isinstance(pool.lease("a", NOON_S), AllResting)
    assert lent(pool, "b").key_id == 1


def test_keys_of_a_project_share_their_rest_and_others_do_not() -> None:
    pool = pool_of(key(1, project="p"), key(2, project="p"), 3)
    assert fail(pool, K.RATE_MINUTE) == 1
    assert turns(pool, 4) == [3, 3, 3, 3]


def test_a_key_rests_exactly_as_long_as_asked() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_MINUTE, retry_after_s=45.5)
    assert isinstance(pool.lease(MODEL, NOON_S + 45.4), AllResting)
    assert isinstance(pool.lease(MODEL, NOON_S + 45.5), Lease)


def test_when_all_rest_the_earliest_return_and_the_reasons_are_told() -> None:
    pool = pool_of(1, 2, 3)
    fail(pool, K.RATE_DAY)
    fail(pool, K.RATE_MINUTE, retry_after_s=20.0)
    fail(pool, K.SERVICE_DISABLED, status=403)
    assert pool.lease(MODEL, NOON_S) == AllResting(
        MODEL, NOON_S + 20, {K.RATE_DAY: 1, K.RATE_MINUTE: 1, K.SERVICE_DISABLED: 1}
    )


def test_the_earliest_return_is_that_of_a_key_that_can_serve() -> None:
    pool = pool_of(1, 2)
    fail(pool, K.RATE_MINUTE, retry_after_s=5.0)
    fail(pool, K.RATE_DAY)
    pool.put(key(1, enabled=False))
    assert pool.lease(MODEL, NOON_S) == AllResting(MODEL, next_pacific_midnight(NOON_S), {K.RATE_DAY: 1})
    pool.put(key(1))
    got = pool.lease(MODEL, NOON_S)
    assert isinstance(got, AllResting)
    assert got.until_s == NOON_S + 5


def test_a_key_resting_twice_returns_when_both_rests_are_over() -> None:
    pool = pool_of(1)
    first, second = lent(pool), lent(pool)
    pool.report_failure(first, failure(K.RATE_DAY), NOON_S)
    pool.report_failure(second, failure(K.SERVICE_DISABLED), NOON_S)
    got = pool.lease(MODEL, NOON_S)
    assert isinstance(got, AllResting)
    assert got.until_s == next_pacific_midnight(NOON_S)


def test_a_call_that_tried_every_open_key_is_told_so() -> None:
    pool = pool_of(1, 2, 3)
    fail(pool, K.RATE_DAY)
    assert pool.lease(MODEL, NOON_S, tried={2, 3}) == AllTried(MODEL)


@pytest.mark.parametrize(
    ("pool", "reason"),
    [
        (pool_of(), NoKeysReason.NONE_CONFIGURED),
        (pool_of(key(1, provider="vertex")), NoKeysReason.NONE_CONFIGURED),
        (pool_of(key(1, enabled=False)), NoKeysReason.ALL_DISABLED),
        (pool_of(key(1, enabled=False), key(2, dead_reason="key_invalid")), NoKeysReason.ALL_DEAD),
    ],
)
def test_without_a_usable_key_the_reason_is_told(pool: Pool, reason: NoKeysReason) -> None:
    got = pool.lease(MODEL, NOON_S)
    assert got == NoKeys(reason)
    assert isinstance(got, NoKeys)
    assert got.message.endswith(".")


def test_providers_have_their_own_keys() -> None:
    pool = pool_of(1, key(2, provider="vertex"))
    assert lent(pool, provider="vertex").key_id == 2
    assert turns(pool, 2) == [1, 1]


def test_a_pinned_call_gets_its_key_or_an_honest_no() -> None:
    pool = pool_of(1, 2, key(3, enabled=False))
    assert [lent(pool, pinned=2).key_id for _ in range(3)] == [2, 2, 2]
    assert turns(pool, 2) == [1, 2]
    assert pool.lease(MODEL, NOON_S, pinned=3) == NoKeys(NoKeysReason.PINNED_UNUSABLE)
    assert pool.lease(MODEL, NOON_S, pinned=4) == NoKeys(NoKeysReason.PINNED_GONE)
    pool.report_failure(lent(pool, pinned=2), failure(K.RATE_MINUTE, retry_after_s=9.0), NOON_S)
    assert pool.lease(MODEL, NOON_S, pinned=2) == AllResting(MODEL, NOON_S + 9, {K.RATE_MINUTE: 1})
    assert lent(pool, pinned=2, now_s=NOON_S + 9).key_id == 2


def test_new_keys_join_and_removed_keys_leave_while_leases_are_out() -> None:
    pool = pool_of(1, 2)
    out = lent(pool)
    pool.apply([key(2), key(3)])
    assert pool.report_failure(out, failure(K.KEY_INVALID), NOON_S) == ()
    assert set(turns(pool, 4)) == {2, 3}


def test_a_key_put_in_the_place_of_a_removed_one_does_not_inherit_its_failures() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_DAY)
    out = lent(pool, "other")
    pool.apply([key(7)])
    pool.report_failure(out, failure(K.KEY_INVALID), NOON_S)
    assert turns(pool, 2) == [7, 7]


def test_what_is_known_of_a_key_survives_a_change_of_its_configuration() -> None:
    pool = pool_of(1, 2, 3)
    fail(pool, K.KEY_INVALID)
    fail(pool, K.RATE_DAY)
    pool.apply([key(1, alias="renamed"), key(2, tags=("free",)), key(3)])
    assert turns(pool, 2) == [3, 3]


def test_a_new_secret_makes_a_new_key() -> None:
    pool = pool_of(1)
    fail(pool, K.KEY_INVALID)
    pool.put(key(1, secret="another"))
    assert lent(pool).secret == "another"


def test_a_lease_keeps_the_secret_it_was_given() -> None:
    pool = pool_of(1)
    lease = lent(pool)
    pool.put(key(1, secret="another"))
    assert lease.secret == "secret-1"


def test_a_key_the_store_calls_dead_is_not_lent_until_it_says_otherwise() -> None:
    pool = pool_of(key(1, dead_reason="key_leaked"))
    told = pool.explain(1, NOON_S)
    assert told is not None
    assert (told.state, told.kind) == (KeyState.DEAD, K.KEY_LEAKED)
    pool.put(key(1))
    assert lent(pool).key_id == 1


def test_a_death_not_yet_written_to_the_store_is_not_undone_by_it() -> None:
    pool = pool_of(1)
    fail(pool, K.KEY_INVALID)
    pool.apply([key(1, alias="edited")])
    assert isinstance(pool.lease(MODEL, NOON_S), NoKeys)


def test_reviving_brings_a_dead_key_back() -> None:
    pool = pool_of(1)
    fail(pool, K.KEY_INVALID)
    (change,) = pool.revive(1, NOON_S)
    assert change.state is KeyState.ACTIVE
    assert lent(pool).key_id == 1
    assert pool.revive(1, NOON_S) == ()
    assert pool.revive(99, NOON_S) == ()


def test_reopening_forgets_the_rests_of_every_model() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_DAY, "a")
    fail(pool, K.NO_ALLOWANCE, "b")
    assert len(pool.reopen(1, NOON_S)) == 2
    assert lent(pool, "a").key_id == lent(pool, "b").key_id == 1
    assert pool.reopen(99, NOON_S) == ()


def test_a_key_disabled_and_enabled_again_is_still_known_to_rest() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_DAY)
    pool.put(key(1, enabled=False))
    pool.put(key(1))
    assert isinstance(pool.lease(MODEL, NOON_S), AllResting)


def test_the_counts_tell_keys_by_state_and_models_by_bucket() -> None:
    pool = pool_of(*range(1, 7), key(7, enabled=False))
    fail(pool, K.KEY_INVALID)
    fail(pool, K.BILLING)
    fail(pool, K.RATE_DAY)
    fail(pool, K.RATE_UNKNOWN)
    fail(pool, K.NO_ALLOWANCE)
    counts = pool.counts(NOON_S)
    assert counts.keys == {
        KeyState.ACTIVE: 4, KeyState.RESTING: 1, KeyState.DISABLED: 1, KeyState.DEAD: 1,
    }  # fmt: skip
    assert counts.models == {
        MODEL: {
            BucketState.OPEN: 1, BucketState.COOLING: 1, BucketState.EXHAUSTED: 1, BucketState.UNAVAILABLE: 1,
        }
    }  # fmt: skip


def test_counting_an_unknown_provider_gives_zeros() -> None:
    assert sum(pool_of(1).counts(NOON_S, provider="vertex").keys.values()) == 0


def test_the_next_usable_moment_is_now_later_or_never() -> None:
    pool = pool_of(1)
    assert pool.next_usable(MODEL, NOON_S) == NOON_S
    fail(pool, K.RATE_MINUTE, retry_after_s=8.0)
    assert pool.next_usable(MODEL, NOON_S) == NOON_S + 8
    assert pool.next_usable("never asked for", NOON_S) == NOON_S
    pool.put(key(1, enabled=False))
    assert pool.next_usable(MODEL, NOON_S) is None
    assert pool.next_usable(MODEL, NOON_S, provider="vertex") is None


def test_a_key_is_explained_with_what_was_seen() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_DAY, message="Quota exceeded")
    told = pool.explain(1, NOON_S + 60)
    assert told is not None
    assert told.state is KeyState.ACTIVE
    (bucket,) = told.buckets
    assert (bucket.model, bucket.state, bucket.message) == (MODEL, BucketState.EXHAUSTED, "Quota exceeded")
    assert (bucket.since_s, bucket.until_s) == (NOON_S, next_pacific_midnight(NOON_S))
    assert pool.explain(99, NOON_S) is None


def test_secrets_do_not_show() -> None:
    pool = pool_of(key(1, secret="AIza-very-secret"))
    lease = lent(pool)
    changes = pool.report_failure(lease, failure(K.RATE_DAY), NOON_S)
    shown = f"{key(1, secret='AIza-very-secret')!r} {lease!r} {changes!r} {pool.explain(1, NOON_S)!r}"
    assert "very-secret" not in shown


def test_many_model_names_do_not_make_the_pool_forget_what_rests() -> None:
    pool = pool_of(1, 2, max_models=8)
    fail(pool, K.RATE_DAY)
    for number in range(1000):
        pool.release(lent(pool, f"invented-{number}"))
    assert len(pool.counts(NOON_S).models) == 8
    assert turns(pool, 3) == [2, 2, 2]


def test_models_are_bounded_even_when_all_of_them_rest() -> None:
    pool = pool_of(1, max_models=4)
    for number in range(20):
        fail(pool, K.RATE_DAY, f"m{number}")
    assert set(pool.counts(NOON_S).models) == {"m16", "m17", "m18", "m19"}


def test_a_thousand_keys_that_wake_together_come_back_a_few_at_a_time_and_all_serve() -> None:
    pool = pool_of(*range(1000))
    for _ in range(1000):
        fail(pool, K.RATE_DAY)
    morning_s = next_pacific_midnight(NOON_S) + 1000
    used = turns(pool, 3000, now_s=morning_s)
    assert set(used) == set(range(1000))
    assert max(Counter(used[-1000:]).values()) == 1


def test_a_long_row_of_waking_keys_is_searched_before_saying_no() -> None:
    pool = pool_of(*range(20), wakes_per_lease=4)
    out = [(lent(pool), lent(pool, "other")) for _ in range(20)]
    for here, there in out:
        pool.report_failure(here, failure(K.SERVICE_DISABLED), NOON_S)
        if there.key_id != 19:
            pool.report_failure(there, failure(K.NO_ALLOWANCE), NOON_S)
    # All wake at once, the only one that may serve this model behind nineteen that may not.
    assert lent(pool, "other", now_s=NOON_S + 7200).key_id == 19


def test_buckets_that_wake_for_nobody_do_not_hide_one_that_does() -> None:
    pool = pool_of(*range(20), wakes_per_lease=4)
    for _ in range(20):
        fail(pool, K.RATE_MINUTE, retry_after_s=10.0)
    out = [lent(pool, "other") for _ in range(19)]
    for lease in out:
        pool.report_failure(lease, failure(K.SERVICE_DISABLED), NOON_S)
    (awake,) = set(range(20)) - {lease.key_id for lease in out}
    assert lent(pool, now_s=NOON_S + 10).key_id == awake


def test_a_removed_key_that_returns_is_a_new_one() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_DAY)
    pool.remove(1)
    pool.put(key(1))
    assert turns(pool, 1) == [1]


def test_a_debt_of_turns_is_forgotten_while_a_key_rests() -> None:
    pool = pool_of(1, 2, 3)
    stepped_in = lent(pool, tried={1})
    assert stepped_in.key_id == 2
    pool.report_failure(stepped_in, failure(K.RATE_MINUTE, retry_after_s=5.0), NOON_S)
    assert turns(pool, 1) == [1]
    assert turns(pool, 3, now_s=NOON_S + 5) == [2, 3, 1]


def test_a_new_key_does_not_pay_for_the_turns_of_the_one_whose_place_it_took() -> None:
    pool = pool_of(1, 2, 3)
    pool.report_success(lent(pool, tried={1}), NOON_S)
    pool.remove(2)
    pool.put(key(4))
    assert turns(pool, 4) == [1, 4, 3, 1]


def test_time_that_steps_back_does_no_harm() -> None:
    pool = pool_of(1, 2)
    fail(pool, K.RATE_MINUTE, retry_after_s=10.0)
    assert turns(pool, 2, now_s=NOON_S - 3600) == [2, 2]
    assert set(turns(pool, 4, now_s=NOON_S + 10)) == {1, 2}
