"""Guessing the administrator's token gets slower and slower, by where the guesses come from."""

import pytest

from gateway.control.throttle import (
    FIRST_WAIT_S,
    FORGOTTEN_AFTER_S,
    FREE_GUESSES,
    LONGEST_WAIT_S,
    Throttle,
)


def guess(throttle: Throttle, peer: str, times: int, now_s: float = 0.0) -> None:
    for _ in range(times):
        throttle.was_wrong(peer, now_s)


def test_a_few_wrong_guesses_cost_nothing() -> None:
    throttle = Throttle()
    guess(throttle, "192.0.2.1", FREE_GUESSES - 1)

    assert throttle.wait_s("192.0.2.1", 0.0) == 0


def test_then_each_one_doubles_the_wait_up_to_the_longest() -> None:
    throttle = Throttle()
    guess(throttle, "192.0.2.1", FREE_GUESSES)
    waits = []
    for _ in range(10):
        waits.append(throttle.wait_s("192.0.2.1", 0.0))
        guess(throttle, "192.0.2.1", 1)

    assert waits[:3] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert waits[-1] == LONGEST_WAIT_S


def test_a_wait_passes_with_time() -> None:
    throttle = Throttle()
    guess(throttle, "192.0.2.1", FREE_GUESSES)

    assert throttle.wait_s("192.0.2.1", FIRST_WAIT_S - 1) == 1
    assert throttle.wait_s("192.0.2.1", FIRST_WAIT_S) == 0


def test_what_was_long_ago_is_forgotten() -> None:
    throttle = Throttle()
    guess(throttle, "192.0.2.1", 50)
    later_s = FORGOTTEN_AFTER_S + 1
    guess(throttle, "192.0.2.1", 1, later_s)

    assert throttle.wait_s("192.0.2.1", later_s) == 0


def test_a_right_guess_clears_the_wrong_ones() -> None:
    throttle = Throttle()
    guess(throttle, "192.0.2.1", 50)
    throttle.was_right("192.0.2.1")

    assert throttle.wait_s("192.0.2.1", 0.0) == 0


@pytest.mark.parametrize(
    ("guesser", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("what is this", "what is that", False),
    ],
)
def test_whoever_has_one_address_of_a_network_has_all(guesser: str, other: str, together: bool) -> None:
    throttle = Throttle()
    guess(throttle, guesser, FREE_GUESSES)

    assert (throttle.wait_s(other, 0.0) > 0) is together


def test_its_memory_is_bounded_and_loses_the_oldest_first() -> None:
    throttle = Throttle()
    guess(throttle, "192.0.2.1", FREE_GUESSES)
    for number in range(10_000):
        guess(throttle, f"guesser {number}", 1)

    assert len(throttle) == 10_000
    assert throttle.wait_s("192.0.2.1", 0.0) == 0
