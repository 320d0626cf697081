"""Conversations and the keys that served them."""

from gateway.pool.affinity import Affinity
from tests.pool.builders import NOON_S


def test_a_conversation_finds_the_key_that_served_it_last() -> None:
    affinity = Affinity()
    affinity.note(b"a", 1, NOON_S)
    affinity.note(b"a", 2, NOON_S)
    assert affinity.find(b"a", NOON_S) == 2
    assert affinity.find(b"b", NOON_S) is None


def test_the_conversation_used_longest_ago_goes_first() -> None:
    affinity = Affinity(max_entries=2)
    for name in (b"a", b"b", b"a", b"c"):
        affinity.note(name, 1, NOON_S)
    assert len(affinity) == 2
    assert affinity.find(b"b", NOON_S) is None
    assert affinity.find(b"a", NOON_S) == 1


def test_an_old_conversation_is_forgotten() -> None:
    affinity = Affinity(max_age_s=60)
    affinity.note(b"a", 1, NOON_S)
    affinity.note(b"b", 1, NOON_S)
    assert affinity.find(b"a", NOON_S + 60) == 1
    assert affinity.find(b"a", NOON_S + 61) is None
    affinity.note(b"c", 1, NOON_S + 61)
    assert len(affinity) == 1


def test_nothing_is_remembered_when_nothing_may_be() -> None:
    affinity = Affinity(max_entries=0)
    affinity.note(b"a", 1, NOON_S)
    assert affinity.find(b"a", NOON_S) is None


def test_a_conversation_can_be_let_go() -> None:
    affinity = Affinity()
    affinity.note(b"a", 1, NOON_S)
    affinity.forget(b"a")
    affinity.forget(b"a")
    assert len(affinity) == 0
