"""A clock that stands still until a test moves it."""


class FakeClock:
    """Call it for the time in seconds; it changes only by `advance` and `set`."""

    def __init__(self, start_s: float = 1_793_000_000.0) -> None:
        self._now_s = start_s

    def __call__(self) -> float:
        return self._now_s

    @property
    def now_s(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> float:
        """Move forward; gives the new time. A clock does not run backwards."""
        if seconds < 0:
            raise ValueError("a clock does not run backwards")
        self._now_s += seconds
        return self._now_s

    def set(self, now_s: float) -> None:
        """Jump, also back, as a wall clock does when it is put right."""
        self._now_s = now_s
