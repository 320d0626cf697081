"""Where calls wait for a key while every key rests: first come, first served, and only so many.

Drives the pure queue of gateway/pool/waiting.py with one timer. Calls come from the retry loop.
"""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple, Protocol

from gateway.pool.pool import Pool
from gateway.pool.waiting import Waiter, WaitingCalls, WaitingLimits

_LOOK_S = 0.25
"""A key may come back by what another process or an operator does: looked for this often while calls wait."""


class Line(NamedTuple):
    """What a call waits for: a model of a provider, or the one key that can serve it."""

    provider: str
    model: str
    key_id: int | None = None


class Waiting(Hashable, Protocol):
    """A call's retry loop, as the lobby sees it."""

    def may_go(self, waiter: "Waiter[Waiting, Line]") -> None:
        """A key is open: ask the pool again, and be put back when that is in vain."""

    def waited_enough(self) -> None:
        """The time to wait is over."""


class Lobby:
    """Lets calls go as keys come back.

    calls   who waits; false while nobody does
    """

    __slots__ = ("_loop", "_pool", "_queue", "_timer", "_wall_s", "calls")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pool: Pool,
        wall_s: Callable[[], float],
        *,
        limits: WaitingLimits | None = None,
    ) -> None:
        self._loop = loop
        self._pool = pool
        self._wall_s = wall_s
        self._queue: WaitingCalls[Waiting, Line] = WaitingCalls(limits or WaitingLimits())
        self.calls: Mapping[Waiting, Waiter[Waiting, Line]] = self._queue.waiters
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self.calls)

    def is_awaited(self, line: Line) -> bool:
        """Say whether calls wait here already: a new one gets behind them."""
        return self._queue.is_awaited(line)

    def enter(self, call: Waiting, line: Line, until_s: float) -> bool:
        """Let a call wait until an epoch second; False when no more may wait."""
        if self._queue.enqueue(call, line, until_s) is None:
            return False
        if self._timer is not None:
            self._timer.cancel()  # this call's key may be back sooner
            self._timer = None
        self._set_timer()
        return True

    def put_back(self, waiter: Waiter[Waiting, Line]) -> None:
        """Let a call that found no key wait on in its place."""
        self._queue.put_back(waiter)
        self._set_timer()

    def leave(self, call: Waiting) -> None:
        """Take a call out whose client has gone."""
        self._queue.leave(call)

    def _look(self) -> None:
        self._timer = None
        released = self._queue.release(self._wall_s(), self._open_keys)
        for waiter in released.go:
            waiter.token.may_go(waiter)
        for waiter in released.expired:
            waiter.token.waited_enough()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None or not self._queue:
            return
        now_s = self._wall_s()
        wake_s = self._queue.next_wake_s(self._usable_s)
        delay_s = _LOOK_S if wake_s is None else min(max(wake_s - now_s, 0.001), _LOOK_S)
        self._timer = self._loop.call_later(delay_s, self._look)

    def _open_keys(self, line: Line) -> int:
        if line.key_id is not None:
            return 1  # few calls wait for one key: they ask the pool themselves
        return self._pool.open_keys(line.model, self._wall_s(), provider=line.provider)

    def _usable_s(self, line: Line) -> float | None:
        now_s = self._wall_s()
        if line.key_id is not None:
            return now_s + _LOOK_S
        return self._pool.next_usable(line.model, now_s, provider=line.provider)
