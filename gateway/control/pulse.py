"""Is it working right now? The few numbers behind the sentence at the top of every admin page."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.pool.key import KeyState
from gateway.pool.pool import Pool


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the gateway is doing.

    ready, resting, dead, disabled   keys by state; `keys` is all of them
    """

    ready: int
    resting: int
    dead: int
    disabled: int

    @property
    def keys(self) -> int:
        return self.ready + self.resting + self.dead + self.disabled

    @property
    def mark(self) -> str:
        """The state that the mark beside the sentence shows."""
        if self.ready:
            return "ready"
        if self.resting:
            return "resting"
        return "dead" if self.dead else "disabled"


def take_pulse(pool: Pool, wall_s: Callable[[], float]) -> Pulse:
    """Count the keys; costs what has to wake, not their number."""
    counts = pool.counts(wall_s()).keys
    return Pulse(
        ready=counts[KeyState.ACTIVE],
        resting=counts[KeyState.RESTING],
        dead=counts[KeyState.DEAD],
        disabled=counts[KeyState.DISABLED],
    )
