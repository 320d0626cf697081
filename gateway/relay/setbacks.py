"""What has gone wrong with a call so far. Kept by its retry loop; most calls have nothing of it."""

from dataclasses import dataclass, field

from gateway.pool.policy import AttemptCount
from gateway.protocols.failures import Failure


@dataclass(frozen=True, slots=True)
class Setbacks:
    """What the next try must heed.

    count           what the call has spent
    failure         of the attempt before, None where there was none
    tried           ids of keys that it must not be given again
    proxies_failed  that it must not take again
    mendings        how often its body was changed
    """

    count: AttemptCount = field(default_factory=AttemptCount)
    failure: Failure | None = None
    tried: frozenset[int] = frozenset()
    proxies_failed: tuple[str, ...] = ()
    mendings: int = 0


NO_SETBACKS = Setbacks()
