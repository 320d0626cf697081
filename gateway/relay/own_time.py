"""What the gateway itself works on a call, apart from what it waits for.

A watch that runs while our code has the call in hand, from whatever woke it to where it waits again. Started
and stopped by the call, its retry loop and its attempts.
"""

from collections.abc import Callable


class OwnTime:
    """Adds up the pieces of work on one call; a piece within a piece is part of it.

    clock     seconds; what every call and every event goes through reads it and adds to the total by itself
    since_s   the clock's time when the piece began that is being worked on; None between two pieces
    total_s   of the pieces that are over
    """

    __slots__ = ("clock", "since_s", "total_s")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.since_s: float | None = None
        self.total_s = 0.0

    def begin(self) -> None:
        """There is something to do."""
        if self.since_s is None:
            self.since_s = self.clock()

    def rest(self) -> None:
        """Nothing more can be done for now."""
        if self.since_s is not None:
            self.total_s += self.clock() - self.since_s
            self.since_s = None

    def end(self, now_s: float) -> float:
        """The total of a call that is over now."""
        if self.since_s is not None:
            self.total_s += now_s - self.since_s
            self.since_s = None
        return self.total_s
