"""How late the event loop is: a timer twice a second that compares its time with the clock's.

What a timer waits, every call waits that has something to do. Part of the background of each worker.
"""

import asyncio
from collections.abc import Callable

EVERY_S = 0.5


class LoopLag:
    """Measures from `start` to `stop`.

    tell   hears the lag in seconds, each time
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[float], None]) -> None:
        self._loop = loop
        self._tell = tell
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; on the running loop."""
        self._due_s = self._loop.time() + EVERY_S
        self._timer = self._loop.call_at(self._due_s, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._tell(max(self._loop.time() - self._due_s, 0.0))
        self.start()
