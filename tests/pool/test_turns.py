"""Orders of use: by turns, by weight, by group, by who is least busy; and calls that prefer a key."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pool.key import KeySpec
from gateway.pool.lease import AllResting, AllTried, Lease, NoKeys, NoKeysReason
from gateway.pool.limits import PoolLimits
from gateway.pool.order import Order, OrderKind
from gateway.pool.pool import Pool
from gateway.protocols.failures import FailureKind
from tests.pool.builders import MODEL, NOON_S, fail, failure, key, lent, pool_of, turns

K = FailureKind
LEAST_BUSY = Order(OrderKind.LEAST_BUSY)
FREE_FIRST = Order(OrderKind.PRIORITY, ("free", "paid"))


def ordered(order: Order, *keys: KeySpec | int) -> Pool:
    pool = Pool(PoolLimits(), lambda: 0.0, order=order)
    pool.apply(item if isinstance(item, KeySpec) else key(item) for item in keys)
    return pool


# Weights


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 300))
def test_by_weight_no_key_is_ever_a_whole_call_from_its_share(weights: list[int], calls: int) -> None:
    pool = pool_of(*(key(number, weight=weight) for number, weight in enumerate(weights)))
    used: Counter[int] = Counter()
    for made in range(1, calls + 1):
        used.update(turns(pool, 1))
        for number, weight in enumerate(weights):
            assert abs(used[number] - made * weight / sum(weights)) < 1 + 1e-6


def test_a_heavy_key_is_spread_over_the_round() -> None:
    pool = pool_of(key(1, weight=4), key(2), key(3))
    assert "1 1 1" not in " ".join(map(str, turns(pool, 60)))


def test_a_resting_key_gives_its_share_to_the_others_by_their_weight() -> None:
    pool = pool_of(key(1, weight=3), key(2, weight=1), key(3, weight=2))
    while fail(pool, K.RATE_MINUTE, retry_after_s=30.0) != 3:
        pool.reopen(1, NOON_S)
        pool.reopen(2, NOON_S)
    assert Counter(turns(pool, 40)) == {1: 30, 2: 10}
    assert max(abs(count - {1: 30, 2: 10, 3: 20}[k]) for k, count in
               Counter(turns(pool, 60, now_s=NOON_S + 31)).items()) <= 1  # fmt: skip


@pytest.mark.parametrize(("weight", "share"), [(0, 1), (-5, 1), (100_000, 100)])
def test_weights_out_of_bounds_are_held_to_them(weight: int, share: int) -> None:
    pool = pool_of(key(1, weight=weight), key(2))
    assert Counter(turns(pool, 101 * (share + 1)))[1] == 101 * share


def test_a_changed_weight_counts_at_once() -> None:
    pool = pool_of(1, 2)
    turns(pool, 3)
    pool.put(key(1, weight=3))
    assert Counter(turns(pool, 40)) == {1: 30, 2: 10}


def test_stepping_in_for_a_tried_key_of_another_weight_is_charged() -> None:
    pool = pool_of(key(1, weight=2), key(2), key(3))
    used = Counter(lent(pool, tried={1}).key_id for _ in range(10))
    assert used == {2: 5, 3: 5}
    assert pool.lease(MODEL, NOON_S, tried={1, 2, 3}) == AllTried(MODEL)


# Groups


def free_and_paid() -> Pool:
    return ordered(
        FREE_FIRST, key(1, tags=("paid",)), key(2, tags=("x", "free")), key(3), key(4, tags=("free", "paid"))
    )


def test_the_best_group_with_an_open_key_serves_in_turn() -> None:
    pool = free_and_paid()
    assert turns(pool, 4) == [2, 4, 2, 4]
    fail(pool, K.RATE_MINUTE, retry_after_s=30.0)
    assert turns(pool, 2) == [4, 4]
    fail(pool, K.RATE_MINUTE, retry_after_s=40.0)
    assert turns(pool, 2) == [1, 1]
    fail(pool, K.RATE_MINUTE, retry_after_s=50.0)
    assert turns(pool, 2) == [3, 3]
    assert turns(pool, 2, now_s=NOON_S + 30) == [2, 2]


def test_a_call_that_tried_a_whole_group_goes_to_the_next() -> None:
    pool = free_and_paid()
    assert lent(pool, tried={2, 4}).key_id == 1
    assert lent(pool, tried={1, 2, 4}).key_id == 3
    assert turns(pool, 2) == [2, 4]


def test_a_key_changes_its_group_with_its_tags() -> None:
    pool = free_and_paid()
    pool.put(key(3, tags=("free",)))
    assert sorted(turns(pool, 3)) == [2, 3, 4]


def test_within_a_group_weights_count() -> None:
    pool = ordered(FREE_FIRST, key(1, tags=("free",), weight=3), key(2, tags=("free",)), key(3))
    assert Counter(turns(pool, 40)) == {1: 30, 2: 10}


# The least busy


def test_the_key_with_the_fewest_calls_under_way_is_next() -> None:
    pool = ordered(LEAST_BUSY, 1, 2, 3)
    out = {number: lent(pool) for number in range(6)}
    assert [lease.key_id for lease in out.values()] == [1, 2, 3, 1, 2, 3]
    pool.report_success(out[1], NOON_S)
    assert [lent(pool).key_id for _ in range(4)] == [2, 3, 1, 2]


def test_equally_busy_keys_take_turns() -> None:
    assert turns(ordered(LEAST_BUSY, 1, 2, 3), 6) == [1, 2, 3, 1, 2, 3]


def test_a_busy_key_is_better_than_none() -> None:
    pool = ordered(LEAST_BUSY, 1, 2)
    out = [lent(pool, pinned=1) for _ in range(5)]
    fail(pool, K.RATE_DAY)
    assert lent(pool).key_id == 1
    pool.release(out[0])
    assert pool.lease(MODEL, NOON_S, tried={1}) == AllTried(MODEL)


def test_calls_of_other_models_make_a_key_busy_too() -> None:
    pool = ordered(LEAST_BUSY, 1, 2)
    assert lent(pool, "a").key_id == 1
    assert [lent(pool, "b").key_id for _ in range(2)] == [2, 1]


def test_a_key_that_leaves_with_calls_under_way_leaves_nothing_behind() -> None:
    pool = ordered(LEAST_BUSY, 1, 2)
    out = [lent(pool) for _ in range(4)]
    pool.remove(1)
    pool.put(key(3))
    for lease in out:
        pool.release(lease)
    assert turns(pool, 4) == [3, 2, 3, 2]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=60),
    st.sets(st.integers(1, 5), max_size=4),
)
def test_nobody_less_busy_was_open(steps: list[tuple[int, bool]], resting: set[int]) -> None:
    pool = ordered(LEAST_BUSY, *range(1, 6))
    for key_id in resting:
        pool.report_failure(lent(pool, pinned=key_id), failure(K.RATE_DAY), NOON_S)
    out: list[Lease] = []
    busy: Counter[int] = Counter()
    for place, coming in steps:
        if coming or not out:
            got = lent(pool)
            open_ids = set(range(1, 6)) - resting
            assert got.key_id in open_ids
            assert busy[got.key_id] == min(busy[each] for each in open_ids)
            busy[got.key_id] += 1
            out.append(got)
        else:
            gone = out.pop(place % len(out))
            busy[gone.key_id] -= 1
            pool.report_success(gone, NOON_S)


# Changing it


@pytest.mark.parametrize("order", [Order(), LEAST_BUSY, FREE_FIRST])
def test_the_order_changes_while_the_pool_works(order: Order) -> None:
    pool = free_and_paid()
    out = [lent(pool, pinned=3), lent(pool, pinned=3), lent(pool, pinned=1)]
    pool.report_failure(lent(pool, pinned=2), failure(K.RATE_MINUTE, retry_after_s=30.0), NOON_S)
    pool.set_order(order)
    assert pool.order == order
    expected = {OrderKind.ROUND_ROBIN: {1, 3, 4}, OrderKind.LEAST_BUSY: {4}, OrderKind.PRIORITY: {4}}
    assert set(turns(pool, 6)) == expected[order.kind]
    for lease in out:
        pool.release(lease)
    assert 2 in turns(pool, 4, now_s=NOON_S + 30)
    assert pool.counts(NOON_S + 30).models[MODEL]["open"] == 4  # type: ignore[index]  # its value


# Preference


def test_a_preferred_key_is_lent_while_it_can_serve() -> None:
    pool = pool_of(1, 2, 3)
    assert [lent(pool, prefer=3).key_id for _ in range(3)] == [3, 3, 3]
    assert lent(pool, prefer=3, tried={3}).key_id == 1
    pool.report_failure(lent(pool, prefer=3), failure(K.RATE_DAY), NOON_S)
    assert lent(pool, prefer=3).key_id in (1, 2)
    assert lent(pool, prefer=99).key_id in (1, 2)
    pool.put(key(2, enabled=False))
    assert lent(pool, prefer=2).key_id == 1


def test_a_preferred_call_counts_as_the_keys_turn() -> None:
    pool = pool_of(1, 2, 3)
    assert lent(pool, prefer=2).key_id == 2
    assert turns(pool, 5) == [1, 3, 1, 2, 3]


def test_a_call_that_prefers_whom_it_would_get_anyway_costs_no_second_turn() -> None:
    pool = pool_of(1, 2, 3)
    assert lent(pool, prefer=1).key_id == 1
    assert turns(pool, 4) == [2, 3, 1, 2]


def test_a_favourite_owes_one_turn_at_most() -> None:
    pool = pool_of(1, 2, 3)
    for _ in range(50):
        lent(pool, prefer=2)
    assert turns(pool, 6) == [1, 3, 1, 2, 3, 1]


def test_among_weights_a_favourite_owes_a_few_calls_at_most() -> None:
    pool = pool_of(key(1, weight=3), key(2))
    for _ in range(50):
        lent(pool, prefer=2)
    used = Counter(turns(pool, 44))
    assert 8 <= used[2] <= 12


@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=50, max_size=200))
def test_calls_without_a_preference_stay_fair_beside_those_with_one(preferences: list[int | None]) -> None:
    pool = pool_of(*range(5))
    normal: Counter[int] = Counter(dict.fromkeys(range(5), 0))
    preferred: Counter[int] = Counter(dict.fromkeys(range(5), 0))
    for preference in preferences:
        got = lent(pool, prefer=preference)
        (normal if preference is None else preferred)[got.key_id] += 1
    # What a key got in turn, and what it got by preference: nobody is short of a turn that it was not given.
    rounds = max(normal.values())
    assert all(normal[each] + preferred[each] >= rounds - 1 for each in range(5))


# Projects


def test_a_call_pinned_to_a_project_gets_any_of_its_keys() -> None:
    pool = pool_of(1, key(2, project="projects/7"), key(3, project="projects/7"))
    assert {lent(pool, pinned_project="projects/7").key_id for _ in range(4)} == {2, 3}
    assert lent(pool, pinned_project="projects/7", tried={2}).key_id == 3
    assert pool.lease(MODEL, NOON_S, pinned_project="projects/7", tried={2, 3}) == AllTried(MODEL)


def test_a_call_pinned_to_a_project_is_told_when_it_cannot_be_served() -> None:
    pool = pool_of(1, key(2, project="projects/7"), key(3, project="projects/7"))
    gone = NoKeys(NoKeysReason.PINNED_GONE)
    assert pool.lease(MODEL, NOON_S, pinned_project="projects/8") == gone
    assert pool_of().lease(MODEL, NOON_S, pinned_project="projects/7") == gone
    lease = lent(pool, pinned_project="projects/7")
    pool.report_failure(lease, failure(K.RATE_MINUTE, retry_after_s=9.0), NOON_S)
    resting = pool.lease(MODEL, NOON_S, pinned_project="projects/7")
    assert resting == AllResting(MODEL, NOON_S + 9, {K.RATE_MINUTE: 1})
    for key_id in (2, 3):
        pool.put(key(key_id, project="projects/7", enabled=False))
    unusable = NoKeys(NoKeysReason.PINNED_UNUSABLE)
    assert pool.lease(MODEL, NOON_S, pinned_project="projects/7") == unusable
