"""Free memory goes back to the system when it is much and stays unused; the test moves the loop's clock."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from gateway.control.freed_memory import EVERY_S, MUCH_BYTES, FreedMemory
from tests.relay.clients import ManualLoop

LITTLE_BYTES = MUCH_BYTES - 1


class Watched:
    """A loop, and an allocator that keeps so much free at one look after another."""

    def __init__(self, *free_bytes: int) -> None:
        self.loop = ManualLoop()
        self.free_bytes = list(free_bytes)
        self.given_back_after: list[int] = []
        self.looks = 0
        self.freed = FreedMemory(cast(asyncio.AbstractEventLoop, self.loop), self.look, self.give_back)
        self.freed.start()

    def look(self) -> int:
        self.looks += 1
        return self.free_bytes.pop(0)

    def give_back(self) -> None:
        self.given_back_after.append(self.looks)


@pytest.mark.parametrize(
    ("free_bytes", "given_back_after"),
    [
        ((MUCH_BYTES, MUCH_BYTES), [2]),
        ((MUCH_BYTES, LITTLE_BYTES, MUCH_BYTES, LITTLE_BYTES), []),
        ((LITTLE_BYTES, LITTLE_BYTES), []),
        ((MUCH_BYTES,) * 5, [2, 4]),
    ],
    ids=["much and unused", "wanted again", "little", "again and again"],
)
def test_what_is_much_at_two_looks_is_given_back(
    free_bytes: Sequence[int], given_back_after: Sequence[int]
) -> None:
    here = Watched(*free_bytes)

    for _ in free_bytes:
        here.loop.advance(EVERY_S)

    assert here.given_back_after == given_back_after


def test_nobody_looks_after_the_stop() -> None:
    here = Watched()

    here.freed.stop()
    here.loop.advance(3 * EVERY_S)

    assert here.looks == 0
