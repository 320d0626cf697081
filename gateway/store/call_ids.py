"""The ids of calls: each is its call's place in time.

The log is ordered, paged, filtered by time and pruned by them, and the sums of an hour are those of its ids.
"""

import random
from collections.abc import Iterable

ID_SHIFT = 22
"""An id shifted right by so many bits is the epoch millisecond when its call ended."""

_LAST_MS = (1 << 41) - 1


class CallIds:
    """Ids that grow with time: 41 bits of milliseconds, 10 of the writer, 12 of a count.

    The milliseconds are those of the call's end. Made here and not by the database, so that attempts can
    name their call within one batch, and so that a batch whose commit was cut off can be looked up.
    """

    def __init__(self) -> None:
        self._writer = random.SystemRandom().getrandbits(10)
        self._count = 0

    def of(self, ends_ms: Iterable[int]) -> list[int]:
        """The ids of calls that ended at these times. Unique while fewer than 4,096 end in a millisecond."""
        writer, count = self._writer << 12, self._count
        ids = [
            at_ms << ID_SHIFT | writer | number & 0xFFF
            for number, at_ms in enumerate(ends_ms, start=count + 1)
        ]
        self._count = (count + len(ids)) & 0xFFF
        return ids


def first_id(at_ms: int) -> int:
    """The least id a call that ended at a time, or later, may have; of a time beyond all ids, the last."""
    return min(max(at_ms, 0), _LAST_MS) << ID_SHIFT


def ended_at_ms(call_id: int) -> int:
    """When a call ended, by its id."""
    return call_id >> ID_SHIFT
