"""The numbers of the overview: calls over time, models, keys worth attention, and what the pool is doing.

From the sums and from the pool's own tallies: nothing here looks at every key or call.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.control.endings import failed_calls, success_share
from gateway.control.limiter import day_of
from gateway.control.survey import QuotaLeft, QuotaName, QuotaSurvey
from gateway.pool.bucket import BucketState
from gateway.pool.effects import EFFECTS, Effect
from gateway.pool.key import KeyState
from gateway.pool.pool import Pool
from gateway.settings.live import LiveHolder
from gateway.store.rollup import HOUR_MS, MINUTE_MS
from gateway.store.store import Store
from gateway.store.usage import NamedUsage, TimedUsage
from gateway.store.usage_sums import UsageSum

_MODELS_SHOWN = 12
_ATTENTION_SHOWN = 20
_ATTENTION_FRESH_S = 15.0
_DAY_MS = 24 * HOUR_MS
ATTENTION_KINDS = tuple(
    kind.value for kind, effect in EFFECTS.items() if effect not in (Effect.NONE, Effect.BUSY_MODEL)
)
"""Failures that are the key's, its project's or its quota's."""


@dataclass(frozen=True, slots=True)
class Period:
    """A span that is shown, and in which steps."""

    name: str
    span_ms: int
    step_ms: int


PERIODS: Mapping[str, Period] = {
    each.name: each
    for each in (
        Period("1h", HOUR_MS, MINUTE_MS),
        Period("8h", 8 * HOUR_MS, 5 * MINUTE_MS),
        Period("24h", _DAY_MS, 15 * MINUTE_MS),
        Period("7d", 7 * _DAY_MS, HOUR_MS),
    )
}


@dataclass(frozen=True, slots=True)
class Step:
    """The calls of one step, by how they ended; no outcome at all is a gap."""

    at_ms: int
    outcomes: Mapping[str, int]
    sum: UsageSum


@dataclass(frozen=True, slots=True)
class ModelNumbers:
    """What one model did in the period."""

    model: str
    sum: UsageSum
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sick:
    """A key that failed in one way in the last 24 hours."""

    key_id: int
    alias: str
    kind: str
    attempts: int


@dataclass(frozen=True, slots=True)
class ModelStanding:
    """How the keys stand for one model now.

    keys      usable keys by the state of their quota
    next_s    epoch seconds when a key can serve it: now or earlier when one can, None when none ever will
    """

    provider: str
    model: str
    keys: Mapping[BucketState, int]
    next_s: float | None


@dataclass(frozen=True, slots=True)
class PoolNumbers:
    """What the pool is doing now.

    quota_left   learned limits over all keys and projects, by model, window and unit
    waiting      calls that wait for a key
    """

    keys: Mapping[str, Mapping[KeyState, int]]
    models: tuple[ModelStanding, ...]
    quota_left: Mapping[QuotaName, QuotaLeft]
    streams_open: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """The overview.

    minute, hour, day, month   calls that ended in the last 60 s, 60 min, 24 h and 30 days
    today    calls that ended since midnight of the gateway's time zone
    steps    of the period, in the order of time, every step present
    """

    period: Period
    steps: tuple[Step, ...]
    total: UsageSum
    outcomes: Mapping[str, int]
    minute: int
    hour: int
    day: int
    month: int
    today: UsageSum
    models: tuple[ModelNumbers, ...]

    @property
    def success_rate(self) -> float | None:
        """Of the calls that were not the client's own doing, how many succeeded; None without any."""
        return success_share(self.outcomes)

    @property
    def failed(self) -> int:
        """Calls that were not served and should have been."""
        return failed_calls(self.outcomes)


class Overview:
    """Reads the numbers. `numbers` raises StoreUnavailable while the database is away; `pool` never does."""

    def __init__(
        self,
        store: Store,
        pool: Pool,
        *,
        live: LiveHolder,
        survey: QuotaSurvey,
        streams_open: Callable[[], int],
        waiting: Callable[[], int],
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._pool = pool
        self._live = live
        self._survey = survey
        self._streams_open = streams_open
        self._waiting = waiting
        self._wall_s = wall_s
        self._attention: tuple[float, tuple[Sick, ...]] = (float("-inf"), ())

    async def numbers(self, period_name: str = "24h") -> Numbers:
        """The overview of one of PERIODS."""
        period = PERIODS[period_name]
        now_ms = int(self._wall_s() * 1000)
        midnight_ms = int(day_of(now_ms / 1000, self._live.current.timezone).starts_s * 1000)
        # The step that is under way is the last one.
        ends_ms = now_ms - now_ms % period.step_ms + period.step_ms
        starts_ms = ends_ms - period.span_ms
        usage = self._store.usage

        def read() -> tuple[list[TimedUsage], list[TimedUsage], list[NamedUsage], UsageSum, int, int, int]:
            if period.step_ms == HOUR_MS:
                timed = usage.by_hour(starts_ms, ends_ms)
            else:
                timed = usage.by_minutes(starts_ms, ends_ms, period.step_ms // MINUTE_MS)
            lately = usage.by_minutes(now_ms - HOUR_MS, now_ms + MINUTE_MS)
            return (
                timed,
                lately,
                usage.by("model", starts_ms, ends_ms),
                usage.total(midnight_ms, ends_ms),
                usage.calls_since(now_ms - MINUTE_MS),
                usage.calls(now_ms - _DAY_MS, ends_ms),
                usage.calls(now_ms - 30 * _DAY_MS, ends_ms),
            )

        timed, lately, by_model, today, minute, day, month = await self._store.read(read)
        steps = _steps(timed, period, starts_ms)
        return Numbers(
            period=period,
            steps=steps,
            total=_total([each.sum for each in steps]),
            outcomes=_outcomes(timed),
            minute=minute,
            hour=sum(each.sum.calls for each in lately),
            day=day,
            month=month,
            today=today,
            models=_models(by_model),
        )

    async def usual_attention(self) -> tuple[Sick, ...]:
        """The keys worth attention as of some seconds ago: they change slowly, and are looked for long."""
        now_s = self._wall_s()
        seen_s, sick = self._attention
        if not 0 <= now_s - seen_s < _ATTENTION_FRESH_S:
            sick = await self.attention()
            self._attention = (now_s, sick)
        return sick

    async def attention(
        self, kinds: Sequence[str] = ATTENTION_KINDS, limit: int = _ATTENTION_SHOWN
    ) -> tuple[Sick, ...]:
        """The keys that failed most in the last 24 hours, in these ways, the worst first."""
        since_hour = int(self._wall_s() // 3600) - 23

        def read() -> tuple[Sick, ...]:
            found = self._store.key_uses.attention(kinds, since_hour, limit)
            rows = self._store.keys.named(list({each.key_id for each in found}))
            alias = {row.id: row.alias for row in rows}
            return tuple(
                Sick(each.key_id, alias[each.key_id], each.kind, each.attempts)
                for each in found
                if each.key_id in alias
            )

        return await self._store.read(read)

    def pool(self) -> PoolNumbers:
        """What the pool is doing now; costs models, not keys."""
        now_s = self._wall_s()
        keys, models = {}, []
        for provider in self._pool.providers:
            counts = self._pool.counts(now_s, provider=provider)
            keys[provider] = counts.keys
            models += [
                ModelStanding(
                    provider, model, states, self._pool.next_usable(model, now_s, provider=provider)
                )
                for model, states in counts.models.items()
                if model
            ]
        return PoolNumbers(
            keys=keys,
            models=tuple(models),
            quota_left=self._survey.left,
            streams_open=self._streams_open(),
            waiting=self._waiting(),
        )


def outcome_counts(sums: Sequence[NamedUsage]) -> dict[str, int]:
    """Calls by outcome."""
    found: dict[str, int] = {}
    for each in sums:
        found[each.outcome] = found.get(each.outcome, 0) + each.sum.calls
    return found


def _steps(timed: Sequence[TimedUsage], period: Period, starts_ms: int) -> tuple[Step, ...]:
    found: dict[int, list[TimedUsage]] = {}
    for each in timed:
        found.setdefault(each.at_ms - each.at_ms % period.step_ms, []).append(each)
    return tuple(
        Step(
            at_ms,
            {each.outcome: each.sum.calls for each in found.get(at_ms, ())},
            _total([each.sum for each in found.get(at_ms, ())]),
        )
        for at_ms in range(starts_ms, starts_ms + period.span_ms, period.step_ms)
    )


def _outcomes(timed: Sequence[TimedUsage]) -> dict[str, int]:
    return outcome_counts([NamedUsage("", each.outcome, each.sum) for each in timed])


def _models(sums: Sequence[NamedUsage]) -> tuple[ModelNumbers, ...]:
    """The most used models; the others are one more, without a name."""
    by_model: dict[str, list[NamedUsage]] = {}
    for each in sums:
        by_model.setdefault(str(each.name), []).append(each)
    ranked = sorted(by_model.items(), key=lambda item: -sum(each.sum.calls for each in item[1]))
    shown = ranked[:_MODELS_SHOWN]
    if rest := [each for _, part in ranked[_MODELS_SHOWN:] for each in part]:
        shown.append(("", rest))
    return tuple(
        ModelNumbers(model, _total([each.sum for each in part]), outcome_counts(part))
        for model, part in shown
    )


def _total(sums: Sequence[UsageSum]) -> UsageSum:
    total = UsageSum()
    for each in sums:
        total = total.plus(each)
    return total
