"""Who rests until when: the rests that end first, told without a look at all of them."""

from heapq import heapify
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from gateway.pool.bucket import BucketState
from gateway.pool.rests import in_order
from gateway.protocols.failures import FailureKind
from tests.pool.builders import MODEL, NOON_S, failure, key, lent, pool_of


@given(st.lists(st.tuples(st.integers(0, 50), st.integers())), st.integers(0, 60))
def test_a_heap_is_read_in_order_and_left_as_it_is(values: list[tuple[int, int]], most: int) -> None:
    heap = [(float(until), order, "x") for order, (until, _) in enumerate(values)]
    heapify(heap)
    before = heap.copy()

    assert list(islice(in_order(heap), most)) == sorted(heap)[:most]
    assert heap == before


def test_nothing_rests_in_a_fresh_pool() -> None:
    assert pool_of(1, 2).rests(NOON_S, 10) == []


def test_the_rest_that_ends_first_comes_first() -> None:
    pool = pool_of(1, 2, 3)
    delays = {}
    for delay_s in (50.0, 20.0):
        lease = lent(pool)
        pool.report_failure(lease, failure(FailureKind.RATE_MINUTE, retry_after_s=delay_s), NOON_S)
        delays[lease.key_id] = delay_s

    found = pool.rests(NOON_S, 10)

    assert [delays[rest.key_id] for rest in found] == [20.0, 50.0]
    assert {(rest.model, rest.state, rest.kind) for rest in found} == {
        (MODEL, BucketState.COOLING, FailureKind.RATE_MINUTE)
    }
    assert len(pool.rests(NOON_S, 1)) == 1


def test_a_rest_that_is_over_is_not_told() -> None:
    pool = pool_of(1, 2)
    pool.report_failure(lent(pool), failure(FailureKind.RATE_MINUTE, retry_after_s=20.0), NOON_S)

    assert pool.rests(NOON_S + 100, 10) == []


def test_a_whole_key_rests_for_no_model_in_particular() -> None:
    pool = pool_of(1, 2)
    lease = lent(pool)
    pool.report_failure(lease, failure(FailureKind.ACCOUNT_LIMITED), NOON_S)

    (rest,) = pool.rests(NOON_S, 10)

    assert (rest.key_id, rest.model, rest.kind) == (lease.key_id, None, FailureKind.ACCOUNT_LIMITED)


def test_keys_of_one_project_rest_together() -> None:
    pool = pool_of(*(key(number, project="projects/7") for number in (1, 2, 3)))
    pool.report_failure(lent(pool), failure(FailureKind.RATE_DAY), NOON_S)

    (rest,) = pool.rests(NOON_S, 10)

    assert (rest.keys, rest.state) == (3, BucketState.EXHAUSTED)


def test_a_rest_that_was_made_longer_is_told_once() -> None:
    pool = pool_of(1)
    first, second = lent(pool), lent(pool)
    pool.report_failure(first, failure(FailureKind.RATE_MINUTE, retry_after_s=20.0), NOON_S)
    pool.report_failure(second, failure(FailureKind.RATE_MINUTE, retry_after_s=90.0), NOON_S)

    (rest,) = pool.rests(NOON_S, 10)

    assert rest.until_s >= NOON_S + 90


def test_keys_that_are_not_used_anyway_are_not_told() -> None:
    pool = pool_of(1)
    pool.report_failure(lent(pool), failure(FailureKind.RATE_MINUTE, retry_after_s=20.0), NOON_S)
    pool.put(key(1, enabled=False))

    assert pool.rests(NOON_S, 10) == []
