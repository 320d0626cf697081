"""What is remembered over a restart and shared between processes."""

from dataclasses import replace

import pytest

from gateway.pool.bucket import BucketState
from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.changes import BucketChange, KeyChange, LimitState, State
from gateway.pool.key import KeyState
from gateway.pool.lease import AllResting, Lease
from gateway.pool.memory import Journal, identity, is_nothing
from gateway.pool.pool import Pool
from gateway.pool.wire import from_json, to_json
from gateway.protocols.failures import FailureKind
from tests.pool.builders import (
    MODEL,
    NOON_S,
    fail,
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


def over_the_wire(state: State) -> State:
    read = from_json(to_json(state))
    assert read == state
    return state


def restarted(pool: Pool, *keys: int, now_s: float) -> Pool:
    twin = pool_of(*keys)
    twin.restore([over_the_wire(state) for state in pool.snapshot(now_s)], now_s)
    return twin


def share(states: tuple[State, ...], with_pool: Pool, now_s: float = NOON_S) -> list[bool]:
    return [with_pool.apply_change(over_the_wire(state), now_s) for state in states]


def used(pool: Pool, key_id: int = 1, now_s: float = NOON_S) -> dict[str, tuple[int, int]]:
    told = pool.explain(key_id, now_s)
    assert told is not None
    return {limit.window: (limit.used, limit.limit) for limit in told.limits}


# Restart


def test_a_restart_forgets_no_fault_no_rest_and_no_project() -> None:
    pool = pool_of(1, 2, 3, 4)
    fail(pool, K.KEY_INVALID)
    fail(pool, K.SERVICE_DISABLED, project="projects/7")
    fail(pool, K.RATE_DAY, message="Quota exceeded")
    twin = restarted(pool, 1, 2, 3, 4, now_s=NOON_S + 5)
    for key_id in range(1, 5):
        before, after = pool.explain(key_id, NOON_S + 5), twin.explain(key_id, NOON_S + 5)
        assert after == before
    assert turns(twin, 3, now_s=NOON_S + 5) == [4, 4, 4]


def test_rests_that_ended_meanwhile_are_not_taken_up_again() -> None:
    pool = pool_of(1, 2)
    fail(pool, K.RATE_MINUTE, retry_after_s=30.0)
    fail(pool, K.SERVICE_DISABLED)
    states = list(pool.snapshot(NOON_S))
    twin = pool_of(1, 2)
    assert twin.restore(states, NOON_S + 7200) == 0
    assert turns(twin, 2, now_s=NOON_S + 7200) == [1, 2]


def test_a_restart_in_the_middle_of_a_rest_does_not_shift_its_end() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_MINUTE, retry_after_s=30.0)
    twin = restarted(pool, 1, now_s=NOON_S + 10)
    assert isinstance(twin.lease(MODEL, NOON_S + 29.9), AllResting)
    assert isinstance(twin.lease(MODEL, NOON_S + 30), Lease)


def test_what_was_used_of_learned_limits_survives_a_restart() -> None:
    pool = pool_of(1)
    teach(pool, per_day(100))
    now_s = next_pacific_midnight(NOON_S) + 1000
    teach(pool, per_minute(10), now_s=now_s)
    turns(pool, 5, now_s=now_s + 64)
    twin = restarted(pool, 1, now_s=now_s + 65)
    assert used(twin, now_s=now_s + 65) == {"day": (5, 100), "minute": (5, 10)}
    assert used(twin, now_s=now_s + 130) == {"day": (5, 100), "minute": (0, 10)}


def test_a_used_up_limit_is_still_passed_over_after_a_restart() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(2))
    turns(pool, 2, now_s=now_s)
    twin = restarted(pool, 1, now_s=now_s + 1)
    assert isinstance(twin.lease(MODEL, now_s + 1), AllResting)


def test_states_of_keys_and_projects_that_are_gone_are_passed_over() -> None:
    pool = pool_of(1, key(2, project="p"))
    fail(pool, K.KEY_INVALID)
    fail(pool, K.RATE_DAY)
    now_s = teach(pool, per_minute(2), key_id=2, now_s=NOON_S + 86_400)
    states = list(pool.snapshot(now_s))
    assert len(states) == 2  # a dead key, and limits: the day is over
    assert pool_of(3).restore(states, now_s) == 0
    assert pool_of().restore(states, now_s) == 0


def test_a_bucket_remembered_for_a_key_is_its_projects_when_that_was_learned_later() -> None:
    alone = pool_of(1)
    fail(alone, K.RATE_DAY)
    (of_key,) = alone.snapshot(NOON_S)
    joined = pool_of(1, 2)
    for key_id in (1, 2):
        joined.report_failure(
            lent(joined, "other", pinned=key_id), failure(K.RATE_MINUTE, project="projects/7"), NOON_S
        )
    twin = pool_of(1, 2)
    twin.restore([of_key, *joined.snapshot(NOON_S)], NOON_S)
    assert isinstance(twin.lease(MODEL, NOON_S), AllResting)


def test_a_key_in_doubt_before_a_restart_has_one_chance_after_its_rest() -> None:
    pool = pool_of(1, max_failures=3)
    for _ in range(3):
        fail(pool, K.UNKNOWN)
    twin = restarted(pool, 1, now_s=NOON_S)
    fail(twin, K.UNKNOWN, now_s=NOON_S + 300)
    told = twin.explain(1, NOON_S + 300)
    assert told is not None
    assert told.state is KeyState.RESTING


# Writing behind


def test_only_what_changed_is_taken_and_only_once() -> None:
    pool = pool_of(*range(1, 100))
    assert pool.take_dirty(NOON_S) == ()
    fail(pool, K.RATE_MINUTE, retry_after_s=30.0)
    fail(pool, K.RATE_DAY)
    turns(pool, 50)
    states = pool.take_dirty(NOON_S)
    assert [identity(state) for state in states] == [
        f"bucket:gemini:key=1:{MODEL}", f"bucket:gemini:key=2:{MODEL}",
    ]  # fmt: skip
    assert pool.take_dirty(NOON_S) == ()


def test_of_one_thing_that_changed_twice_the_last_state_is_taken() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_DAY)
    pool.reopen(1, NOON_S + 1)
    fail(pool, K.KEY_INVALID)
    pool.revive(1, NOON_S + 2)
    states = pool.take_dirty(NOON_S + 2)
    assert [is_nothing(state) for state in states] == [True, True]


def test_a_learned_project_is_worth_remembering() -> None:
    pool = pool_of(1)
    fail(pool, K.RATE_MINUTE, project="projects/7")
    of_key, of_bucket = pool.take_dirty(NOON_S)
    assert isinstance(of_key, KeyChange)
    assert of_key.project == "projects/7"
    assert not is_nothing(of_key)
    assert identity(of_bucket) == f"bucket:gemini:project=projects/7:{MODEL}"


def test_counts_are_taken_for_the_buckets_that_were_used() -> None:
    pool = pool_of(1, 2, 3)
    now_s = max(teach(pool, per_minute(10), key_id=key_id) for key_id in (1, 2))
    pool.take_dirty(now_s)
    turns(pool, 1, now_s=now_s)
    (state,) = pool.take_dirty(now_s)
    assert isinstance(state, LimitState)
    assert (state.owner, state.limits[0].used, state.fresh_requests) == (1, 1, 1)
    assert pool.take_dirty(now_s) == ()


def test_a_key_whose_limits_joined_its_project_leaves_no_state_of_its_own() -> None:
    pool = pool_of(1)
    now_s = teach(pool, per_minute(10))
    pool.take_dirty(now_s)
    pool.report_failure(lent(pool, "other", now_s=now_s), failure(K.RATE_MINUTE, project="projects/7"), now_s)
    gone = {identity(state): is_nothing(state) for state in pool.take_dirty(now_s)}
    assert gone[f"limits:gemini:key=1:{MODEL}"]
    assert not gone[f"limits:gemini:project=projects/7:{MODEL}"]


def test_a_key_revived_by_an_edit_is_not_dead_again_after_a_restart() -> None:
    pool = pool_of(key(1, dead_reason="key_invalid"))
    pool.put(key(1))
    (state,) = pool.take_dirty(NOON_S)
    assert is_nothing(state)


def test_the_journal_is_bounded() -> None:
    journal = Journal(most=3)
    pool = pool_of(*range(5))
    for _ in range(5):
        lease = lent(pool)
        for change in pool.report_failure(lease, failure(K.RATE_DAY), NOON_S):
            journal.note(change)
    assert [identity(state) for state in journal.take()] == [
        f"bucket:gemini:key={key_id}:{MODEL}" for key_id in (2, 3, 4)
    ]


# Sharing


def test_another_process_acts_on_what_this_one_learned_and_says_nothing_itself() -> None:
    here, there = pool_of(1, 2, 3), pool_of(1, 2, 3)
    fail(here, K.KEY_LEAKED)
    fail(here, K.RATE_DAY)
    states = here.take_dirty(NOON_S)
    assert share(states, there) == [True, True]
    assert turns(there, 3) == [3, 3, 3]
    assert there.take_dirty(NOON_S) == ()
    assert share(states, there) == [False, False]


def test_reviving_and_reopening_reach_other_processes() -> None:
    here, there = pool_of(1, 2), pool_of(1, 2)
    fail(here, K.KEY_INVALID)
    fail(here, K.RATE_DAY)
    share(here.take_dirty(NOON_S), there)
    here.revive(1, NOON_S + 1)
    here.reopen(2, NOON_S + 1)
    assert share(here.take_dirty(NOON_S + 1), there, NOON_S + 1) == [True, True]
    assert turns(there, 2, now_s=NOON_S + 1) == [1, 2]


@pytest.mark.parametrize(("theirs_s", "expected_s"), [(10.0, 40.0), (90.0, 90.0)])
def test_of_two_rests_the_longer_holds_whoever_learned_it(theirs_s: float, expected_s: float) -> None:
    here, there = pool_of(1), pool_of(1)
    fail(here, K.RATE_MINUTE, retry_after_s=theirs_s, now_s=NOON_S + 1)
    fail(there, K.RATE_MINUTE, retry_after_s=40.0)
    share(here.take_dirty(NOON_S), there, NOON_S + 1)
    got = there.lease(MODEL, NOON_S + 1)
    assert isinstance(got, AllResting)
    assert got.until_s == pytest.approx(NOON_S + expected_s + (1 if theirs_s == expected_s else 0))


def test_old_news_opens_nothing_that_began_to_rest_since() -> None:
    here, there = pool_of(1), pool_of(1)
    fail(here, K.RATE_DAY)
    here.reopen(1, NOON_S + 1)
    fail(there, K.RATE_DAY, now_s=NOON_S + 2)
    assert share(here.take_dirty(NOON_S + 1), there, NOON_S + 3) == [False]
    fail(here, K.BILLING, now_s=NOON_S + 4)
    here.revive(1, NOON_S + 5)
    fail(there, K.BILLING, "other", now_s=NOON_S + 6)
    assert share(here.take_dirty(NOON_S + 6), there, NOON_S + 6) == [False]


def test_news_from_before_a_reset_says_nothing_any_more() -> None:
    there, here = pool_of(1), pool_of(1)
    fail(there, K.KEY_LEAKED)
    fail_twin = pool_of(1)
    fail(fail_twin, K.RATE_DAY)
    news = (*there.take_dirty(NOON_S), *fail_twin.take_dirty(NOON_S))

    here.revive(1, NOON_S + 1)  # an operator was faster than the news

    assert share(news, here, NOON_S + 2) == [False, False]
    assert isinstance(here.lease(MODEL, NOON_S + 2), Lease)


def test_death_is_not_softened_by_another_process() -> None:
    here, there = pool_of(1), pool_of(1)
    fail(there, K.KEY_INVALID)
    fail(here, K.BILLING, now_s=NOON_S + 5)
    assert share(here.take_dirty(NOON_S + 5), there, NOON_S + 5) == [False]


def test_a_call_under_way_does_not_lift_what_another_process_learned() -> None:
    here, there = pool_of(1), pool_of(1)
    out = lent(there), lent(there, "other")
    fail(here, K.SERVICE_DISABLED)
    here.revive(1, NOON_S)
    fail(here, K.RATE_DAY)
    fail(here, K.SERVICE_DISABLED, "other")
    share(here.take_dirty(NOON_S), there)
    for lease in out:
        assert there.report_success(lease, NOON_S) == ()


def test_a_project_learned_elsewhere_joins_keys_here() -> None:
    here, there = pool_of(1, 2), pool_of(1, 2)
    teach(there, per_minute(10), key_id=1)
    now_s = teach(there, per_minute(10), key_id=2)
    turns(there, 8, now_s=now_s)
    for _ in range(2):
        fail(here, K.RATE_MINUTE, "other", project="projects/7", retry_after_s=1.0)
    share(here.take_dirty(NOON_S), there, now_s)
    assert used(there, 1, now_s) == used(there, 2, now_s) == {"minute": (8, 10)}


def test_an_admins_project_is_not_overruled_by_another_process() -> None:
    here, there = pool_of(1), pool_of(key(1, project="mine"))
    fail(here, K.RATE_MINUTE, project="projects/7")
    share(here.take_dirty(NOON_S), there)
    told = there.explain(1, NOON_S)
    assert told is not None
    assert told.project == "mine"


def test_a_limit_learned_elsewhere_is_kept_here_and_what_both_use_adds_up() -> None:
    here, there = pool_of(1), pool_of(1)
    now_s = teach(here, per_minute(10))
    share(here.take_dirty(now_s), there, now_s)
    turns(here, 4, now_s=now_s)
    turns(there, 3, now_s=now_s)
    mine, theirs = here.take_dirty(now_s), there.take_dirty(now_s)
    share(mine, there, now_s)
    share(theirs, here, now_s)
    assert used(here, now_s=now_s) == used(there, now_s=now_s) == {"minute": (7, 10)}
    turns(there, 3, now_s=now_s)
    share(there.take_dirty(now_s), here, now_s)
    assert isinstance(here.lease(MODEL, now_s), AllResting)


def test_whoever_heard_last_is_believed_about_a_limit() -> None:
    here, there = pool_of(1), pool_of(1)
    now_s = teach(here, per_minute(10))
    share(here.take_dirty(now_s), there, now_s)
    later_s = teach(there, per_minute(4), now_s=now_s)
    share(there.take_dirty(later_s), here, later_s)
    assert used(here, now_s=later_s)["minute"][1] == 4
    assert used(there, now_s=later_s)["minute"][1] == 4


def test_nonsense_from_elsewhere_changes_nothing() -> None:
    here, there = pool_of(1), pool_of(1)
    fail(here, K.RATE_DAY)
    now_s = teach(here, per_minute(10), now_s=NOON_S + 86_400)
    bucket, limits = here.take_dirty(now_s)[0], here.take_dirty(now_s)
    assert isinstance(bucket, BucketChange)
    assert limits == ()
    (state,) = [each for each in here.snapshot(now_s) if isinstance(each, LimitState)]
    count = state.limits[0]
    for changed in (
        replace(bucket, owner=99),
        replace(bucket, owner="projects/none"),
        replace(bucket, provider="nobody"),
        replace(bucket, kind=K.CLIENT_ERROR, until_s=now_s + 99),
        replace(bucket, until_s=None),
        replace(state, owner=99),
        replace(state, owner="projects/none"),
        replace(state, limits=()),
        replace(state, limits=(replace(count, value=0),)),
        replace(state, limits=(replace(count, window="fortnight"),)),
        replace(state, limits=(replace(count, heard_s=now_s - 90 * 86_400),)),
        replace(state, as_of_s=now_s + 3600),
    ):
        assert not there.apply_change(changed, now_s)
    assert there.counts(now_s).keys[KeyState.ACTIVE] == 1
    assert used(there, now_s=now_s) == {}


def test_an_open_bucket_elsewhere_does_not_open_a_limit_used_up_here() -> None:
    here, there = pool_of(1), pool_of(1)
    now_s = teach(there, per_minute(1))
    turns(there, 1, now_s=now_s)
    fail(here, K.RATE_DAY, now_s=now_s)
    (rest,) = here.take_dirty(now_s)
    assert isinstance(rest, BucketChange)
    opened = replace(rest, state=BucketState.OPEN, since_s=now_s + 1, until_s=None)
    assert not there.apply_change(opened, now_s + 1)
    assert isinstance(there.lease(MODEL, now_s + 1), AllResting)
