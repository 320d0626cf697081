"""What follows for the call: budgets, back-off, deadlines."""

import math

import pytest

from gateway.pool.limits import RetryLimits
from gateway.pool.policy import Action, AttemptCount, answered_status, decide
from gateway.protocols.failures import Failure, FailureKind, classify
from tests.pool import gemini_errors as seen
from tests.pool.builders import failure

K, A = FailureKind, Action


def actions(kind: FailureKind, limits: RetryLimits, *, random: float = 0.5) -> list[Action]:
    """What a call does that fails the same way until it must answer."""
    attempts = AttemptCount()
    taken: list[Action] = []
    while len(taken) < 100:
        decision = decide(failure(kind), attempts, limits, random=random)
        taken.append(decision.action)
        if decision.action is A.ANSWER:
            return taken
        attempts = attempts.after(failure(kind), decision)
    raise AssertionError("never answers")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (K.RATE_DAY, [A.NEXT_KEY] * 3),
        (K.UNKNOWN, [A.NEXT_KEY] * 3),
        (K.NETWORK, [A.NEXT_KEY] * 3),
        (K.TOKENS_MINUTE, [A.NEXT_KEY]),
        (K.OVERLOADED, [A.BACK_OFF] * 4),
        (K.INTERNAL, [A.BACK_OFF] * 4),
        (K.DEADLINE, [A.ONCE_MORE]),
        (K.EMPTY, [A.ONCE_MORE]),
        (K.MALFORMED, [A.ONCE_MORE]),
        (K.LOCATION, [A.OTHER_EGRESS]),
        (K.CLIENT_ERROR, []),
    ],
)
def test_a_call_that_keeps_failing_ends_with_an_answer(kind: FailureKind, expected: list[Action]) -> None:
    assert actions(kind, RetryLimits(max_retries=3)) == [*expected, A.ANSWER]


@pytest.mark.parametrize("kind", list(FailureKind))
def test_no_retries_means_one_try_whatever_happens(kind: FailureKind) -> None:
    assert actions(kind, RetryLimits(max_retries=0)) == [A.ANSWER]


@pytest.mark.parametrize("kind", list(FailureKind))
def test_nothing_is_retried_once_content_is_out_or_time_is_up(kind: FailureKind) -> None:
    assert actions(kind, RetryLimits(max_retries=3, committed=True)) == [A.ANSWER]
    assert actions(kind, RetryLimits(max_retries=3, remaining_s=0)) == [A.ANSWER]


def test_backing_off_waits_one_two_four_eight_seconds_half_of_it_chance() -> None:
    limits = RetryLimits(max_retries=1)
    attempts = AttemptCount()
    lows, highs = [], []
    while (low := decide(failure(K.OVERLOADED), attempts, limits, random=0.0)).action is A.BACK_OFF:
        high = decide(failure(K.OVERLOADED), attempts, limits, random=math.nextafter(1, 0))
        lows.append(low.delay_s)
        highs.append(high.delay_s)
        attempts = attempts.after(failure(K.OVERLOADED), low)
    assert lows == [0.5, 1, 2, 4]
    assert highs == pytest.approx([1, 2, 4, 8])


def test_back_offs_do_not_use_up_the_keys_nor_keys_the_back_offs() -> None:
    limits = RetryLimits(max_retries=1)
    waited = AttemptCount(back_offs=4)
    assert decide(failure(K.RATE_DAY), waited, limits, random=0).action is A.NEXT_KEY
    moved = AttemptCount(tries=2)
    assert decide(failure(K.OVERLOADED), moved, limits, random=0).action is A.BACK_OFF


def test_a_wait_that_would_outlast_the_deadline_is_not_begun() -> None:
    limits = RetryLimits(max_retries=3, remaining_s=0.7)
    assert decide(failure(K.OVERLOADED), AttemptCount(), limits, random=0.0).action is A.BACK_OFF
    assert decide(failure(K.OVERLOADED), AttemptCount(), limits, random=0.9).action is A.ANSWER


def test_an_asked_delay_lengthens_the_wait_within_reason() -> None:
    limits = RetryLimits(max_retries=3)
    asked = failure(K.OVERLOADED, retry_after_s=3.0)
    assert decide(asked, AttemptCount(), limits, random=0).delay_s == 3.0
    absurd = failure(K.OVERLOADED, retry_after_s=9999.0)
    assert decide(absurd, AttemptCount(), limits, random=0).delay_s == 8.0


def test_an_overloaded_model_whose_retries_are_spent_is_answered_at_once() -> None:
    assert actions(K.OVERLOADED, RetryLimits(max_retries=3, crowded=True)) == [A.ANSWER]


def test_a_pinned_call_never_moves_to_another_key_but_may_try_its_own_again() -> None:
    limits = RetryLimits(max_retries=3, pinned=True)
    assert actions(K.RATE_DAY, limits) == [A.ANSWER]
    assert actions(K.KEY_INVALID, limits) == [A.ANSWER]
    assert actions(K.NETWORK, limits) == [A.NEXT_KEY] * 3 + [A.ANSWER]
    assert actions(K.OVERLOADED, limits)[0] is A.BACK_OFF


def test_only_failures_of_the_key_keep_it_from_the_call() -> None:
    limits = RetryLimits(max_retries=3)
    assert decide(failure(K.UNKNOWN), AttemptCount(), limits, random=0).exclude_key
    assert not decide(failure(K.NETWORK), AttemptCount(), limits, random=0).exclude_key
    assert not decide(failure(K.OVERLOADED), AttemptCount(), limits, random=0).exclude_key


OURS = [kind for kind in FailureKind if kind.startswith(("key_", "project_"))]
OURS += [K.SERVICE_DISABLED, K.BILLING, K.ACCOUNT_LIMITED, K.GATEWAY_FAULT, K.UNKNOWN]


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("status", [400, 401, 402, 403])
def test_a_fault_of_our_keys_is_never_shown_as_the_clients(kind: FailureKind, status: int) -> None:
    assert answered_status(failure(kind, status=status)) == 503


def test_the_upstreams_true_status_is_kept() -> None:
    assert answered_status(classify(429, seen.DAY)) == 429
    assert answered_status(classify(503, seen.OVERLOADED)) == 503
    assert answered_status(classify(403, seen.FILE_DENIED)) == 403
    assert answered_status(Failure(K.NETWORK)) == 502
    assert answered_status(Failure(K.TIMEOUT)) == 504
    assert answered_status(classify(302, b"")) == 502
    assert answered_status(classify(407, b"")) == 502
