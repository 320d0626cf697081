"""How calls end, in the words of metrics and log."""

import pytest

from gateway.protocols.failures import FailureKind
from gateway.relay.outcomes import Outcome, outcome_of


@pytest.mark.parametrize(
    ("kind", "committed", "expected"),
    [
        (None, True, Outcome.SUCCESS),
        (FailureKind.BLOCKED, True, Outcome.BLOCKED),
        (FailureKind.TRUNCATED, True, Outcome.BROKEN),
        (FailureKind.TRUNCATED, False, Outcome.UPSTREAM_ERROR),
        (FailureKind.CLIENT_ERROR, False, Outcome.CLIENT_ERROR),
        (FailureKind.NOT_FOUND, False, Outcome.CLIENT_ERROR),
        (FailureKind.RATE_DAY, False, Outcome.RATE_LIMITED),
        (FailureKind.NO_ALLOWANCE, False, Outcome.RATE_LIMITED),
        (FailureKind.KEY_INVALID, False, Outcome.UPSTREAM_ERROR),
        (FailureKind.EMPTY, False, Outcome.UPSTREAM_ERROR),
    ],
)
def test_a_call_ends_as_its_last_failure_says(
    kind: FailureKind | None, committed: bool, expected: Outcome
) -> None:
    assert outcome_of(kind, committed=committed) is expected


def test_every_kind_has_an_outcome() -> None:
    for kind in FailureKind:
        for committed in (False, True):
            assert outcome_of(kind, committed=committed) in Outcome
