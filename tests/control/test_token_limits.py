"""What a limited token may do, as a function of the time and of what others told."""

import pytest

from gateway.control.token_limits import Day, TokenCounts, TokenLimits, Used

NOON_S = 1_700_006_400.0 - 1_700_006_400.0 % 60
TODAY = Day(NOON_S - 43_200, NOON_S + 43_200)
TOMORROW = Day(TODAY.ends_s, TODAY.ends_s + 86_400)
ALICE = 7


def counting(*token_ids: int) -> TokenCounts:
    counts = TokenCounts()
    counts.keep(set(token_ids or (ALICE,)))
    return counts


def test_so_many_requests_go_in_a_minute_and_the_next_one_is_told_how_long_to_wait() -> None:
    counts = counting()

    waits = [counts.request_wait_s(ALICE, 3, NOON_S + 40) for _ in range(5)]

    assert waits == [None, None, None, 20.0, 20.0]
    assert counts.request_wait_s(ALICE, 3, NOON_S + 60) is None


def test_refused_requests_do_not_count() -> None:
    counts = counting()
    for _ in range(9):
        counts.request_wait_s(ALICE, 1, NOON_S)

    assert counts.used(ALICE, TODAY, NOON_S) == (1, 0)
    assert counts.take_fresh()[0].requests == 1


def test_a_day_whose_tokens_are_used_up_lasts_until_its_end() -> None:
    counts = counting()
    assert counts.tokens_wait_s(ALICE, 100, TODAY, NOON_S) is None

    counts.spend(ALICE, 100, TODAY)

    assert counts.tokens_wait_s(ALICE, 100, TODAY, NOON_S) == 43_200
    assert counts.tokens_wait_s(ALICE, 101, TODAY, NOON_S) is None
    assert counts.tokens_wait_s(ALICE, 100, TOMORROW, TODAY.ends_s) is None


def test_what_others_counted_counts_here_and_is_not_told_again() -> None:
    here, there = counting(), counting()
    there.request_wait_s(ALICE, 10, NOON_S)
    there.spend(ALICE, 50, TODAY)

    (told,) = there.take_fresh()
    here.add(told, TODAY, NOON_S + 1)

    assert here.used(ALICE, TODAY, NOON_S + 1) == (1, 50)
    assert there.used(ALICE, TODAY, NOON_S + 1) == (1, 50)
    assert here.take_fresh() == there.take_fresh() == []


def test_what_is_told_of_a_minute_or_day_that_is_over_does_not_count() -> None:
    counts = counting()
    old_minute = int(NOON_S // 60) - 1

    counts.add(Used(ALICE, old_minute, 5, TODAY.starts_s - 86_400, 500), TODAY, NOON_S)
    counts.add(Used(99, old_minute + 1, 5, TODAY.starts_s, 500), TODAY, NOON_S)

    assert counts.used(ALICE, TODAY, NOON_S) == (0, 0)


def test_the_written_sum_of_the_day_mends_what_was_missed() -> None:
    counts = counting()
    counts.spend(ALICE, 10, TODAY)
    counts.take_fresh()
    counts.spend(ALICE, 3, TODAY)

    counts.set_tokens(ALICE, 200, TODAY)
    counts.set_tokens(99, 200, TODAY)

    assert counts.used(ALICE, TODAY, NOON_S) == (0, 203)  # what is fresh may not be written yet


def test_tokens_that_lose_their_limits_are_not_counted_any_more() -> None:
    counts = counting(1, 2)
    counts.spend(1, 5, TODAY)
    counts.spend(2, 5, TODAY)

    counts.keep({2, 3})

    assert [counts.counts(token_id) for token_id in (None, 1, 2, 3)] == [False, False, True, True]
    assert [told.token_id for told in counts.take_fresh()] == [2]


@pytest.mark.parametrize(
    ("patterns", "model", "allowed"),
    [
        (None, "gemini-3-pro", True),
        ((), "gemini-3-pro", False),
        (("gemini-3-pro",), "gemini-3-pro", True),
        (("gemini-3-pro",), "gemini-3-pro-image", False),
        (("gemini-*-flash*",), "gemini-2.5-flash-lite", True),
        (("gemini-*-flash*",), "gemini-2.5-pro", False),
        (("gemini-3-pro",), "models/gemini-3-pro", True),
        (("[a-z]*",), "gemini-3-pro", True),
        (("Gemini-3-Pro",), "gemini-3-pro", False),
        ((), "", True),
    ],
)
def test_models_are_allowed_by_name_or_pattern(
    patterns: tuple[str, ...] | None, model: str, allowed: bool
) -> None:
    assert TokenLimits(models=patterns).may_use(model) is allowed
