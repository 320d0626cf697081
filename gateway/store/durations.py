"""How long the database takes, told to whoever wants to know: the metrics."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, float], None]


class Durations:
    """Times work on the store's threads.

    listener   hears "read" or "write" and the seconds it took, failed or not; never called twice at a time
    """

    def __init__(self) -> None:
        self.listener: Listener | None = None
        self._turn = threading.Lock()

    @contextmanager
    def timed(self, work: str) -> Iterator[None]:
        """Time what is done inside."""
        started_s = time.perf_counter()
        try:
            yield
        finally:
            listener = self.listener
            if listener is not None:
                with self._turn:
                    listener(work, time.perf_counter() - started_s)
