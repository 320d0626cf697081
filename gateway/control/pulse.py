"""Is it working right now? The few numbers behind the sentence at the top of every admin page."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.control.endings import failed_calls
from gateway.errors import StoreError
from gateway.pool.key import KeyState
from gateway.pool.pool import Pool
from gateway.store.rollup import MINUTE_MS
from gateway.store.store import Store
from gateway.store.usage_sums import UsageSum

MINUTES = 5
_MANY_FAILED = 5
_LARGE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Recent:
    """How the calls of the last minutes fared; first_token_ms is the median, None when none was counted."""

    calls: int
    failed: int
    first_token_ms: float | None

    @property
    def many_failed(self) -> bool:
        return self.failed >= max(_MANY_FAILED, self.calls * _LARGE_SHARE)


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the gateway is doing.

    ready, resting, dead, disabled   keys by state; `keys` is all of them
    recent                           None while the database is away
    """

    ready: int
    resting: int
    dead: int
    disabled: int
    recent: Recent | None = None

    @property
    def keys(self) -> int:
        return self.ready + self.resting + self.dead + self.disabled

    @property
    def mark(self) -> str:
        """The state that the mark beside the sentence shows."""
        if self.ready:
            return "resting" if self.recent is None or self.recent.many_failed else "ready"
        if self.resting:
            return "resting"
        return "dead" if self.dead else "disabled"


async def take_pulse(store: Store, pool: Pool, wall_s: Callable[[], float]) -> Pulse:
    """Count keys and recent calls; costs what has to wake, not the number of keys."""
    recent = await _recent(store, int(wall_s() * 1000))
    states = dict.fromkeys(KeyState, 0)
    for provider in pool.providers:
        for state, count in pool.counts(wall_s(), provider=provider).keys.items():
            states[state] += count
    return Pulse(
        ready=states[KeyState.ACTIVE],
        resting=states[KeyState.RESTING],
        dead=states[KeyState.DEAD],
        disabled=states[KeyState.DISABLED],
        recent=recent,
    )


async def _recent(store: Store, now_ms: int) -> Recent | None:
    since_ms = now_ms - MINUTES * MINUTE_MS
    try:
        timed = await store.read(lambda: store.usage.by_minutes(since_ms, now_ms + MINUTE_MS))
    except StoreError:
        return None
    outcomes: dict[str, int] = {}
    total = UsageSum()
    for each in timed:
        outcomes[each.outcome] = outcomes.get(each.outcome, 0) + each.sum.calls
        total = total.plus(each.sum)
    return Recent(total.calls, failed_calls(outcomes), total.first_token_quantile_ms(0.5))
