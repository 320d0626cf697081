"""Gives libcurl its turn when it wants it: its timer, kept on the loop.

Made and asked by curl.py. libcurl tells by M_TIMERFUNCTION, and only what has changed: for an event of a
stream, nothing. It changes its mind several times a request, so what it says goes into a list by itself, and
the last word is heeded once a wake-up.
"""

import asyncio
import math
from collections.abc import Callable
from time import monotonic

_SLACK_S = 0.001  # libcurl counts in milliseconds, and rounds up


class Turns:
    """When libcurl wants its next turn.

    give        gives it, now
    give_soon   gives it on the loop's next turn

    told   what libcurl has said since it was last heeded: milliseconds from then, -1 for none
    """

    __slots__ = ("_due_at", "_give", "_give_soon", "_loop", "_runs_at", "_timer", "told")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, give: Callable[[], None], give_soon: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._give = give
        self._give_soon = give_soon
        self._timer: asyncio.TimerHandle | None = None
        self._runs_at = math.inf  # when the timer does
        self._due_at: float | None = None  # when libcurl wants its turn
        self.told: list[int] = []

    def heed(self) -> None:
        """Do what libcurl has said last, if it has said anything."""
        told = self.told
        if not told:
            return
        timeout_ms = told[-1]
        told.clear()
        if timeout_ms <= 0:
            self._due_at = None  # a timer that runs finds nothing due: cheaper than cancelling
            if timeout_ms == 0:
                self._give_soon()
            return
        due_at = self._due_at = monotonic() + timeout_ms / 1000
        if due_at < self._runs_at - _SLACK_S:
            if self._timer is not None:
                self._timer.cancel()
            self._start_timer(due_at, timeout_ms / 1000)

    def _start_timer(self, due_at: float, after_s: float) -> None:
        self._timer = self._loop.call_later(after_s, self._on_timer)
        self._runs_at = due_at

    def _on_timer(self) -> None:
        self._timer = None
        self._runs_at = math.inf
        due_at = self._due_at
        if due_at is None:
            return
        left_s = due_at - monotonic()
        if left_s > _SLACK_S:
            self._start_timer(due_at, left_s)
            return
        self._due_at = None
        self._give()

    def close(self) -> None:
        """Give no turn any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._due_at = None
        self.told.clear()
