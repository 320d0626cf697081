"""Calls that wait for a key while every key rests: first come, first served, and only so many.

Pure: no timer, no clock. `relay` drives it with one timer set to `next_wake_s`, and with a look after any
change that may have opened a key.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Generic, TypeVar

Token = TypeVar("Token", bound=Hashable)
Line = TypeVar("Line", bound=Hashable)
"""What calls wait for: a model, or whatever names a pinned key and its model. Lines are independent."""


@dataclass(frozen=True, slots=True)
class WaitingLimits:
    """How many may wait and how fast they go.

    max_calls   calls held at most, over all lines; further ones are refused at once
    gap_s       between two releases of one line: those let go first learn whether the keys hold
    """

    max_calls: int = 1000
    gap_s: float = 0.1


@dataclass(frozen=True, slots=True)
class Waiter(Generic[Token, Line]):
    """A waiting call.

    deadline_s   epoch seconds when it is answered anyway
    number       its place in the order of arrival, kept when it is put back
    """

    token: Token
    line: Line
    deadline_s: float
    number: int


@dataclass(frozen=True, slots=True)
class Released(Generic[Token, Line]):
    """Who leaves the queue now.

    go        may ask the pool again, in this order; put back those that get nothing
    expired   waited until their deadline
    """

    go: tuple[Waiter[Token, Line], ...]
    expired: tuple[Waiter[Token, Line], ...]


class WaitingCalls(Generic[Token, Line]):
    """The queue. A token waits at most once.

    waiters   by their tokens
    """

    __slots__ = ("_deadlines", "_limits", "_lines", "_not_before_s", "_number", "_order", "waiters")

    def __init__(self, limits: WaitingLimits) -> None:
        self._limits = limits
        self.waiters: dict[Token, Waiter[Token, Line]] = {}
        self._lines: dict[Line, list[tuple[int, Waiter[Token, Line]]]] = {}  # heaps by number
        self._deadlines: list[tuple[float, int, Waiter[Token, Line]]] = []  # heap; the int only breaks ties
        self._not_before_s: dict[Line, float] = {}
        self._number = 0
        self._order = 0

    def __len__(self) -> int:
        return len(self.waiters)

    def is_awaited(self, line: Line) -> bool:
        """Say whether calls wait here already: a new one must get behind them, not ask the pool itself."""
        return self._first(line) is not None

    def enqueue(self, token: Token, line: Line, deadline_s: float) -> int | None:
        """Let a call wait.

        returns   its position in its line, 1 for the next to go; None when no more may wait
        """
        if token in self.waiters or len(self.waiters) >= self._limits.max_calls:
            return None
        self._number += 1
        self._put(Waiter(token, line, deadline_s, self._number))
        return sum(1 for _ in self._in(line))

    def put_back(self, waiter: Waiter[Token, Line]) -> None:
        """Let a call that was released in vain wait on, in the place it had; never refused."""
        if waiter.token not in self.waiters:
            self._put(waiter)

    def leave(self, token: Token) -> bool:
        """Take a call out, for example because its client left; True when it was waiting."""
        waiter = self.waiters.pop(token, None)
        if waiter is None:
            return False
        self._tidy(waiter.line)
        self._drop_stale_deadlines()
        return True

    def release(self, now_s: float, open_keys: Callable[[Line], int]) -> Released[Token, Line]:
        """Take out who may go now and who has waited long enough.

        open_keys   gives how many keys can serve a line now: no more calls of it are released at once
        """
        expired = self._expired(now_s)
        go: list[Waiter[Token, Line]] = []
        for line in list(self._lines):
            if now_s < self._not_before_s.get(line, now_s):
                continue
            room = open_keys(line)
            if room > 0:
                go += self._take(line, room)
                self._not_before_s[line] = now_s + self._limits.gap_s
            self._tidy(line)
        go.sort(key=lambda waiter: waiter.number)
        return Released(tuple(go), tuple(expired))

    def next_wake_s(self, usable_s: Callable[[Line], float | None]) -> float | None:
        """Give when to look again; None when nobody waits.

        usable_s   gives when a key can serve a line (now or earlier when one can already), None for never
        """
        if not self.waiters:
            return None
        self._drop_stale_deadlines()
        earliest_s = self._deadlines[0][0]
        for line in self._lines:
            at_s = usable_s(line)
            if at_s is not None:
                earliest_s = min(earliest_s, max(at_s, self._not_before_s.get(line, at_s)))
        return earliest_s

    def _put(self, waiter: Waiter[Token, Line]) -> None:
        self.waiters[waiter.token] = waiter
        heappush(self._lines.setdefault(waiter.line, []), (waiter.number, waiter))
        self._order += 1
        heappush(self._deadlines, (waiter.deadline_s, self._order, waiter))

    def _take(self, line: Line, count: int) -> list[Waiter[Token, Line]]:
        taken: list[Waiter[Token, Line]] = []
        while len(taken) < count:
            waiter = self._first(line)
            if waiter is None:
                break
            heappop(self._lines[line])
            del self.waiters[waiter.token]
            taken.append(waiter)
        return taken

    def _expired(self, now_s: float) -> list[Waiter[Token, Line]]:
        expired = []
        self._drop_stale_deadlines()
        while self._deadlines and self._deadlines[0][0] <= now_s:
            waiter = heappop(self._deadlines)[2]
            del self.waiters[waiter.token]
            self._tidy(waiter.line)
            expired.append(waiter)
            self._drop_stale_deadlines()
        return expired

    def _first(self, line: Line) -> Waiter[Token, Line] | None:
        """Give the next to go, dropping from the heap's top those that have left."""
        heap = self._lines.get(line)
        while heap:
            waiter = heap[0][1]
            if self.waiters.get(waiter.token) is waiter:
                return waiter
            heappop(heap)
        return None

    def _in(self, line: Line) -> Iterator[Waiter[Token, Line]]:
        for _, waiter in self._lines.get(line, ()):
            if self.waiters.get(waiter.token) is waiter:
                yield waiter

    def _tidy(self, line: Line) -> None:
        if self._first(line) is None:
            self._lines.pop(line, None)
            self._not_before_s.pop(line, None)
        heap = self._lines.get(line, [])
        if len(heap) > 2 * self._limits.max_calls:  # those that left stand deep in the heap
            self._lines[line] = sorted((waiter.number, waiter) for waiter in self._in(line))

    def _drop_stale_deadlines(self) -> None:
        heap = self._deadlines
        while heap and self.waiters.get(heap[0][2].token) is not heap[0][2]:
            heappop(heap)
        if len(heap) > 2 * self._limits.max_calls:
            heap[:] = sorted((waiter.deadline_s, -waiter.number, waiter) for waiter in self.waiters.values())
