"""Rows that become visible out of their order are each seen once."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.control.sightings import Sightings


@given(st.permutations(range(1, 30)), st.lists(st.integers(0, 6), max_size=40), st.integers(1, 5))
def test_every_row_is_found_once_in_whatever_order_they_appear(
    order: list[int], looks: list[int], page: int
) -> None:
    sightings = Sightings()
    sightings.begin(0, [], 0.0)
    visible: set[int] = set()
    found: list[int] = []
    waiting = list(order)
    for count in [*looks, *[6] * 40]:
        visible.update(waiting[:count])
        del waiting[:count]
        late = [number for number in sightings.missing if number in visible]
        fresh = sorted(number for number in visible if number > sightings.last_id)[:page]
        found += late + fresh
        sightings.saw(late + fresh, 1.0)

    assert sorted(found) == list(range(1, 30))


def test_gaps_below_the_start_are_looked_for_and_what_is_older_is_not() -> None:
    sightings = Sightings()

    sightings.begin(20, [15, 16, 18, 20], 0.0)

    assert sightings.missing == [17, 19]
    assert sightings.last_id == 20


def test_an_id_that_was_never_used_is_given_up() -> None:
    sightings = Sightings(patience_s=30)
    sightings.begin(0, [], 0.0)
    sightings.saw([3], 0.0)
    sightings.saw([5], 20.0)

    sightings.saw([], 29.0)
    assert sightings.missing == [1, 2, 4]
    sightings.saw([], 31.0)
    assert sightings.missing == [4]


def test_what_is_looked_for_is_bounded() -> None:
    sightings = Sightings()
    sightings.begin(0, [], 0.0)

    sightings.saw([1_000_000], 0.0)
    sightings.saw([1_000_010], 0.0)

    assert len(sightings.missing) == Sightings.MOST_MISSING
    assert sightings.missing[-1] == 1_000_009
