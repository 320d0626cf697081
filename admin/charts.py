"""The geometry of charts: counts → rectangles, grid and ticks, in per cent across and pixels down. Pure.

templates/macros/charts.html draws them. Ticks stand at round times on the reader's clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from admin.readers import Reader
from gateway.control.endings import Ending, by_ending
from gateway.control.overview import Period, Step

HEIGHT = 168
"""Of the plot above its axis, in pixels."""
_GAP = 0.2
_EDGE = 3.0
_LEAST_PX = 1.5
_TOPS = (2, 4, 6, 8, 10)
_TICKS: Mapping[str, tuple[timedelta, str]] = {
    "1h": (timedelta(minutes=10), "%H:%M"),
    "8h": (timedelta(hours=1), "%H:%M"),
    "24h": (timedelta(hours=3), "%H:%M"),
    "7d": (timedelta(days=1), "%m-%d"),
}
_DAYS_SHOWN = timedelta(days=9)


@dataclass(frozen=True, slots=True)
class Bar:
    """One way calls ended in one column; y and height are pixels from the top."""

    ending: str
    calls: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One step of time; without a bar it is a gap.

    x, width           per cent of the plot
    bar_x, bar_width   of what is drawn in it
    """

    at_ms: int
    x: float
    width: float
    bar_x: float
    bar_width: float
    bars: tuple[Bar, ...]
    calls: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis; x in per cent."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class OutcomeChart:
    """Calls by how they ended, stacked, in time.

    scale        the values of the grid lines, from the top down: the largest, half of it, none
    totals       (ending, calls) over all columns
    time_shape   how a column's time is written
    """

    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    scale: tuple[int, int, int]
    totals: tuple[tuple[str, int], ...]
    time_shape: str

    @property
    def is_empty(self) -> bool:
        return not any(calls for _, calls in self.totals)


def outcome_chart(steps: Sequence[Step], period: Period, reader: Reader) -> OutcomeChart:
    """Draw the steps of a period."""
    counts = [tuple(by_ending(step.outcomes).values()) for step in steps]
    top = nice_top(max(map(sum, counts), default=0))
    width = 100 / max(len(steps), 1)
    columns = tuple(
        Column(
            at_ms=step.at_ms,
            x=round(place * width, 3),
            width=round(width, 3),
            bar_x=round((place + _GAP / 2) * width, 3),
            bar_width=round(width * (1 - _GAP), 3),
            bars=_stack(calls, top),
            calls=calls,
        )
        for place, (step, calls) in enumerate(zip(steps, counts, strict=True))
    )
    return OutcomeChart(
        columns=columns,
        ticks=_ticks(steps, period, reader),
        scale=(top, top // 2, 0),
        totals=tuple(
            (ending.value, sum(calls[place] for calls in counts)) for place, ending in enumerate(Ending)
        ),
        time_shape="%m-%d %H:%M" if period.name == "7d" else "%H:%M",
    )


def nice_top(peak: int) -> int:
    """The smallest even round number that holds a peak: 2, 4, 6, 8, 10, 20, 40 …"""
    power = 1
    while power * _TOPS[-1] < peak:
        power *= 10
    return next(top * power for top in _TOPS if top * power >= peak)


def _stack(calls: Sequence[int], top: int) -> tuple[Bar, ...]:
    bars = []
    base = float(HEIGHT)
    for ending, count in zip(Ending, calls, strict=True):
        if not count:
            continue
        height = max(count * HEIGHT / top, _LEAST_PX)  # a single failure among thousands is still seen
        base -= height
        bars.append(Bar(ending.value, count, round(base, 2), round(height, 2)))
    return tuple(bars)


def _ticks(steps: Sequence[Step], period: Period, reader: Reader) -> tuple[Tick, ...]:
    if not steps:
        return ()
    every, shape = _TICKS[period.name]
    begins_ms = steps[0].at_ms
    midnight = reader.at(begins_ms).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    ticks = []
    for number in range(_DAYS_SHOWN // every):
        # Counted on the wall clock, so that a tick is at noon on the day the clocks change, too.
        moment = midnight + number * every
        x = 100 * (moment.timestamp() * 1000 - begins_ms) / period.span_ms
        if x > 100 - _EDGE:
            break
        if x >= _EDGE:
            ticks.append(Tick(round(x, 3), f"{moment:{shape}}"))
    return tuple(ticks)
