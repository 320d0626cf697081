"""The ids of calls: in the order of time, and never the same one twice."""

from gateway.building import RequestIds


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now_s


def test_ids_stand_in_the_order_they_were_given() -> None:
    clock = Clock()
    new_id = RequestIds(clock)
    given = []

    for _ in range(3):
        given += [new_id() for _ in range(256)]
        clock.now_s += 0.1

    assert given == sorted(given)
    assert len(set(given)) == len(given)


def test_an_id_is_24_hex_digits() -> None:
    for new_id in (RequestIds(), RequestIds(lambda: 2**32 - 1)):
        assert len(new_id()) == 24
        assert int(new_id(), 16) > 0


def test_two_processes_give_different_ids_at_the_same_time() -> None:
    one, other = RequestIds(Clock()), RequestIds(Clock())

    assert not {one() for _ in range(256)} & {other() for _ in range(256)}
