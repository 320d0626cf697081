"""Gives the system what the allocator keeps free, when that is much and nobody has wanted it for a while.

After a burst of requests of a megabyte free memory lies between what is in use, where malloc leaves it. Part
of the background of each worker; how it is asked and told stands in gateway/resources.py.
"""

import asyncio
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 30.0
MUCH_BYTES: Final = 48 * 1024 * 1024
"""Giving it back stops the loop for a millisecond for each ten megabytes: less is not worth it."""


class FreedMemory:
    """Looks from `start` to `stop`.

    free_bytes   what the allocator keeps free
    give_back    gives that to the system

    What was much at two looks in a row is given back: under load it would be asked for again at once.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        free_bytes: Callable[[], int],
        give_back: Callable[[], object],
    ) -> None:
        self._loop = loop
        self._free_bytes = free_bytes
        self._give_back = give_back
        self._was_much = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; on the running loop."""
        self._timer = self._loop.call_at(self._loop.time() + EVERY_S, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        is_much = self._free_bytes() >= MUCH_BYTES
        if is_much and self._was_much:
            self._give_back()
            is_much = False
        self._was_much = is_much
        self.start()
