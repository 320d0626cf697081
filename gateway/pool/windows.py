"""Counting what was used in the last minute, and since Pacific midnight, in fixed memory.

Pure counters for `quota`. Google does not say whether its minute slides or begins on the clock. Ours slides:
whoever keeps a limit in every stretch of sixty seconds keeps it in every minute of the clock as well.
"""

from gateway.pool.calendar import last_pacific_midnight, next_pacific_midnight

_SLOT_S = 2.0
# Thirty whole slots and the one under way: what is counted leaves after 60 to 62 seconds, never sooner.
_SLOTS = 31
_EMPTY = (0,) * _SLOTS


class MinuteCount:
    """What was used in the last sixty seconds.

    used   the amount, as of the last `add` or `settle`
    """

    __slots__ = ("_counts", "_slot", "used")

    def __init__(self) -> None:
        self._counts = list(_EMPTY)
        self._slot = 0
        self.used = 0

    def add(self, amount: int, now_s: float) -> None:
        """Count `amount` as used now; a negative one takes back what was counted too much."""
        slot = int(now_s / _SLOT_S)
        if slot != self._slot:
            self._move_to(slot)
        self._counts[self._slot % _SLOTS] += amount
        self.used += amount

    def settle(self, now_s: float) -> None:
        """Let go of what is older than the window."""
        slot = int(now_s / _SLOT_S)
        if slot != self._slot:
            self._move_to(slot)

    def refund(self, amount: int) -> None:
        """Take back what was counted last: a refused call used nothing."""
        for slot in range(self._slot, self._slot - _SLOTS, -1):
            taken = min(max(self._counts[slot % _SLOTS], 0), amount)
            self._counts[slot % _SLOTS] -= taken
            self.used -= taken
            amount -= taken
            if not amount:
                return

    def free_s(self, amount: int, now_s: float) -> float:
        """Give when `amount` of what is counted will have left the window."""
        self.settle(now_s)
        for slot in range(self._slot - _SLOTS + 1, self._slot + 1):
            amount -= self._counts[slot % _SLOTS]
            if amount <= 0:
                return (slot + _SLOTS) * _SLOT_S
        return (self._slot + _SLOTS) * _SLOT_S

    def fill(self, limit: int, now_s: float, until_s: float) -> None:
        """Believe that the window is full up to `limit`, and that the first of it has left at `until_s`.

        What was used without our knowledge is spread evenly from there to now, for want of better knowledge.
        """
        self.settle(now_s)
        missing = limit - self.used
        if missing <= 0:
            return
        first = min(max(int(until_s / _SLOT_S) - _SLOTS, self._slot - _SLOTS + 1), self._slot)
        width = self._slot - first + 1
        put = 0
        for number in range(1, width + 1):
            upto = -(-missing * number // width)
            self._counts[(first + number - 1) % _SLOTS] += upto - put
            put = upto
        self.used += missing

    def join(self, other: "Count") -> None:
        """Take in all of another count of the same window."""
        if not isinstance(other, MinuteCount):
            return
        latest_s = max(self._slot, other._slot) * _SLOT_S
        self.settle(latest_s)
        other.settle(latest_s)
        for place, amount in enumerate(other._counts):
            self._counts[place] += amount
        self.used += other.used

    def _move_to(self, slot: int) -> None:
        steps = slot - self._slot
        if not -_SLOTS < steps < _SLOTS:  # long ago, or a clock that was set back by far
            self._counts[:] = _EMPTY
            self.used = 0
        elif steps <= 0:
            return  # a clock that stepped back a little: what was counted stays a little longer
        else:
            counts = self._counts
            for passed in range(self._slot + 1, slot + 1):
                place = passed % _SLOTS
                self.used -= counts[place]
                counts[place] = 0
        self._slot = slot


class DayCount:
    """What was used since the last Pacific midnight."""

    __slots__ = ("_begin_s", "_end_s", "used")

    def __init__(self) -> None:
        self._begin_s = 0.0
        self._end_s = 0.0
        self.used = 0

    def add(self, amount: int, now_s: float) -> None:
        if not self._begin_s <= now_s < self._end_s:
            self._turn_to(now_s)
        self.used += amount

    def settle(self, now_s: float) -> None:
        if not self._begin_s <= now_s < self._end_s:
            self._turn_to(now_s)

    def refund(self, amount: int) -> None:
        self.used = max(self.used - amount, 0)

    def free_s(self, amount: int, now_s: float) -> float:  # noqa: ARG002 - a day gives back all at once
        self.settle(now_s)
        return self._end_s

    def fill(self, limit: int, now_s: float, until_s: float) -> None:  # noqa: ARG002 - as above
        self.settle(now_s)
        self.used = max(self.used, limit)

    def join(self, other: "Count") -> None:
        if not isinstance(other, DayCount):
            return
        if other._begin_s > self._begin_s:
            self._begin_s, self._end_s, self.used = other._begin_s, other._end_s, other.used
        elif other._begin_s == self._begin_s:
            self.used += other.used

    def _turn_to(self, now_s: float) -> None:
        if self._begin_s - 3600.0 <= now_s < self._begin_s:
            return  # a clock that stepped back over midnight has not made yesterday again
        self._begin_s = last_pacific_midnight(now_s)
        self._end_s = next_pacific_midnight(now_s)
        self.used = 0


Count = MinuteCount | DayCount
