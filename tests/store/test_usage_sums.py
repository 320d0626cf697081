"""Sums as values: what a histogram says of times to first token."""

import pytest

from gateway.store.usage_sums import FIRST_TOKEN_BOUNDS_MS, SUMS, UsageSum, first_token_place, sum_of


def _with_counts(**within: int) -> UsageSum:
    counts = [within.get(f"within_{bound}", 0) for bound in FIRST_TOKEN_BOUNDS_MS]
    return UsageSum(first_tokens=sum(within.values()), first_token_counts=tuple(counts))


@pytest.mark.parametrize(
    ("first_ms", "column"),
    [(0, "within_100"), (100, "within_100"), (101, "within_200"), (10_000, "within_10000"), (10_001, None)],
)
def test_a_time_to_first_token_has_its_place_in_the_histogram(first_ms: int, column: str | None) -> None:
    place = first_token_place(first_ms)

    assert (None if place is None else SUMS[place]) == column


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
