"""The slot set against a plain sorted list."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.pool.slots import SlotSet

SLOTS = st.integers(0, 3000)


def naive_next(members: set[int], slot: int) -> int:
    later = [member for member in members if member > slot]
    return min(later or members, default=-1)


@given(st.lists(st.tuples(st.booleans(), SLOTS)), st.lists(st.integers(-1, 3100)))
def test_it_finds_the_same_members_as_a_plain_set(edits: list[tuple[bool, int]], asked: list[int]) -> None:
    slots, plain = SlotSet(), set[int]()
    for adding, slot in edits:
        (slots.add if adding else slots.discard)(slot)
        (plain.add if adding else plain.discard)(slot)

    assert len(slots) == len(plain)
    assert all((slot in slots) == (slot in plain) for _, slot in edits)
    assert [slots.next_after(slot) for slot in asked] == [naive_next(plain, slot) for slot in asked]


def test_a_copy_goes_its_own_way() -> None:
    slots = SlotSet()
    slots.add(5)
    twin = slots.copy()

    twin.discard(5)
    twin.add(700)

    assert 5 in slots
    assert 700 not in slots
    assert len(twin) == 1


def test_an_empty_set_has_no_next() -> None:
    assert SlotSet().next_after(-1) == -1


@given(st.sets(SLOTS), st.sets(SLOTS), st.lists(st.integers(-1, 3100)))
def test_the_next_of_two_sets_is_that_of_what_both_hold(
    mine: set[int], theirs: set[int], asked: list[int]
) -> None:
    one, other = SlotSet(), SlotSet()
    for slot in mine:
        one.add(slot)
    for slot in theirs:
        other.add(slot)

    assert [one.next_within(other, slot) for slot in asked] == [naive_next(mine & theirs, s) for s in asked]
