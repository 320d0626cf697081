"""Whose doing the end of a call was; a key's ailments."""

import pytest

from gateway.control.ailments import KINDS, Ailment, ailment_of
from gateway.control.endings import Ending, by_ending, ending_of, failed_calls, success_share
from gateway.protocols.failure_kinds import FailureKind
from gateway.relay.outcomes import Outcome

NOT_THE_KEYS = {
    FailureKind.CLIENT_ERROR,
    FailureKind.NOT_FOUND,
    FailureKind.OBJECT_DENIED,
    FailureKind.GATEWAY_FAULT,
    FailureKind.BLOCKED,
    FailureKind.CANCELLED,
}


def test_every_outcome_has_its_group_and_an_unknown_one_is_a_failure() -> None:
    assert {ending_of(outcome.value) for outcome in Outcome} == set(Ending)
    assert ending_of("of a newer version") is Ending.FAILED


def test_the_clients_own_doing_counts_neither_for_nor_against_us() -> None:
    outcomes = {"success": 6, "client_error": 50, "blocked": 2, "client_closed": 9, "no_key": 1, "broken": 1}

    assert success_share(outcomes) == pytest.approx(0.75)
    assert failed_calls(outcomes) == 2
    assert by_ending(outcomes) == {"success": 6, "client": 61, "limited": 1, "failed": 1}


def test_without_calls_there_is_no_share() -> None:
    assert success_share({}) is None
    assert success_share({"client_error": 3}) is None


def test_every_failure_that_may_be_a_keys_has_one_group() -> None:
    grouped = [kind for kinds in KINDS.values() for kind in kinds]

    assert len(grouped) == len(set(grouped))
    assert set(FailureKind) - set(grouped) == NOT_THE_KEYS
    assert ailment_of(FailureKind.KEY_LEAKED) is Ailment.KEY
    assert ailment_of(FailureKind.RATE_DAY) is Ailment.QUOTA
