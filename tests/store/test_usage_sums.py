"""Sums as values: what a histogram says of times to first token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.usage_sums import FIRST_TOKEN_BOUNDS_MS, SUMS, Told, UsageSum, sum_of, sums_of


def _with_counts(**within: int) -> UsageSum:
    counts = [within.get(f"within_{bound}", 0) for bound in FIRST_TOKEN_BOUNDS_MS]
    return UsageSum(first_tokens=sum(within.values()), first_token_counts=tuple(counts))


def _told(first_ms: int | None) -> Told:
    return (1, 2, 3, 4, 5, 6, 7, first_ms)


@pytest.mark.parametrize(
    ("first_ms", "column"),
    [(0, "within_100"), (100, "within_100"), (101, "within_200"), (10_000, "within_10000"), (10_001, None)],
)
def test_a_time_to_first_token_has_its_place_in_the_histogram(first_ms: int, column: str | None) -> None:
    sums = dict(zip(SUMS, sums_of([_told(first_ms)]), strict=True))

    assert (sums["first_tokens"], sums["first_token_ms"]) == (1, first_ms)
    assert [name for name, count in sums.items() if name.startswith("within_") and count] == [
        *([column] if column else [])
    ]


_COUNTS = st.integers(0, 2**40)
_TOLD = st.tuples(*[_COUNTS] * 7, st.none() | st.integers(0, 20_000))


@given(st.lists(_TOLD, min_size=1, max_size=20))
def test_calls_that_are_told_together_add_up_as_one_by_one(told: list[Told]) -> None:
    one_by_one = UsageSum()
    for each in told:
        one_by_one = one_by_one.plus(sum_of(sums_of([each])))

    assert sum_of(sums_of(told)) == one_by_one
    assert one_by_one.calls == len(told)
    assert one_by_one.duration_ms == sum(each[6] for each in told)
    assert one_by_one.first_tokens == sum(each[7] is not None for each in told)


@pytest.mark.parametrize(
    ("within", "share", "about_ms"),
    [
        ({"within_100": 10}, 0.5, 50.0),
        ({"within_100": 5, "within_200": 5}, 0.5, 100.0),
        ({"within_100": 5, "within_200": 5}, 0.95, 190.0),
        ({"within_300": 1}, 1.0, 300.0),
        ({"beyond": 4}, 0.5, 10_000.0),
    ],
)
def test_a_quantile_lies_inside_the_bound_that_holds_it(
    within: dict[str, int], share: float, about_ms: float
) -> None:
    assert _with_counts(**within).first_token_quantile_ms(share) == pytest.approx(about_ms)


def test_without_a_first_token_there_is_no_quantile() -> None:
    assert UsageSum().first_token_quantile_ms(0.5) is None


def test_a_sum_is_read_from_a_row_whatever_numbers_the_driver_gives() -> None:
    row = [None, *range(1, len(SUMS))]

    read = sum_of(row)  # SUM() of no rows is NULL

    assert (read.calls, read.attempts, read.first_token_ms) == (0, 1, 9)
    assert read.first_token_counts == tuple(range(10, len(SUMS)))
