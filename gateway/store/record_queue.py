"""Call records on their way to the writer: filled by the event loop, emptied by the writer's thread.

No lock: a deque's operations are atomic, and every counter has one thread that changes it.
"""

import threading
from collections import deque

from gateway.store.records import CallRecord


class RecordQueue:
    """Call records waiting to be written; when it is full the oldest go.

    wake      set when a record arrives while the writer sleeps
    written   records in the database
    """

    __slots__ = (
        "_capacity",
        "_in_flight",
        "_overflowed",
        "_waiting",
        "_wake",
        "_writer_sleeps",
        "given_up",
        "written",
    )

    def __init__(self, capacity: int, wake: threading.Event) -> None:
        self._capacity = capacity
        self._waiting: deque[CallRecord] = deque()
        self._wake = wake
        self._writer_sleeps = False
        self._in_flight = 0
        self._overflowed = 0
        self.given_up = 0
        self.written = 0

    def put(self, record: CallRecord) -> None:
        """Hand over a record; never waits. Called by one thread: the event loop's."""
        waiting = self._waiting
        waiting.append(record)
        if len(waiting) > self._capacity:
            self._drop_oldest()
        if self._writer_sleeps:
            # Read after the append, as the writer looks into the queue after it says that it sleeps:
            # one of the two sees the other.
            self._writer_sleeps = False
            self._wake.set()

    @property
    def depth(self) -> int:
        """Records not yet in the database, those that are being written among them."""
        return len(self._waiting) + self._in_flight

    @property
    def dropped(self) -> int:
        """Records lost: the queue was full, the database refused them, or the time to stop came."""
        return self._overflowed + self.given_up

    def __len__(self) -> int:
        return self.depth

    # What follows is for the writer's thread alone.

    def sleep_until_put(self) -> bool:
        """Say that the next record shall wake; False when one is here already."""
        self._writer_sleeps = True
        if self._waiting:
            self._writer_sleeps = False
            return False
        return True

    def take(self, most: int) -> list[CallRecord]:
        """The oldest records. They count as in flight until they are settled or given back."""
        taken: list[CallRecord] = []
        popleft = self._waiting.popleft
        while len(taken) < most:
            try:
                taken.append(popleft())
            except IndexError:
                break
        self._in_flight += len(taken)
        return taken

    def settle(self, *, written: int = 0, refused: int = 0) -> None:
        """Records in flight have come to their end."""
        self._in_flight -= written + refused
        self.written += written
        self.given_up += refused

    def give_back(self, records: list[CallRecord]) -> None:
        """Put records in flight back to the front; what there is no room for is dropped, oldest first."""
        room = max(self._capacity - len(self._waiting), 0)
        lost = max(len(records) - room, 0)
        kept = records[lost:]
        kept.reverse()
        # One call, so that the writer's and the loop's ends of the queue never mix.
        self._waiting.extendleft(kept)
        self._in_flight -= len(records)
        self.given_up += lost

    def drop_all(self) -> int:
        """Give up everything that waits; gives how many those were."""
        self.take(self.depth)
        lost = self._in_flight
        self.settle(refused=lost)
        return lost

    def _drop_oldest(self) -> None:
        while len(self._waiting) > self._capacity:
            try:
                self._waiting.popleft()
            except IndexError:  # the writer took them: nothing was dropped
                return
            self._overflowed += 1
