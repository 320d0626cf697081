"""What a client is told when every key rests."""

import pytest

from gateway.pool.lease import AllResting
from gateway.protocols.failures import FailureKind
from gateway.relay.resting import resting_problem

NOW_S = 1_793_000_000.0


def test_it_names_the_model_the_reasons_and_the_time() -> None:
    reasons = {FailureKind.RATE_DAY: 2, FailureKind.RATE_MINUTE: 1}

    problem = resting_problem(AllResting("gemini-x", NOW_S + 90.5, reasons), NOW_S)

    assert problem.status == 429
    assert problem.retry_after_s == 90.5
    for words in ("All 3 keys", "gemini-x", "2 rate_day", "1 rate_minute", "in 91 s", "UTC"):
        assert words in problem.message


def test_a_single_key_is_spoken_of_as_one() -> None:
    problem = resting_problem(AllResting("gemini-x", NOW_S + 5, {FailureKind.BILLING: 1}), NOW_S)

    assert problem.message.startswith("The only key that can serve model gemini-x is resting")


@pytest.mark.parametrize("until_s", [NOW_S - 10, NOW_S, NOW_S + 0.2])
def test_a_wait_is_at_least_a_second(until_s: float) -> None:
    assert resting_problem(AllResting("m", until_s, {}), NOW_S).retry_after_s == 1.0
