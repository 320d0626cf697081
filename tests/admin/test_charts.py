"""The geometry of charts: every step in its place, every call seen, ticks at round times of the reader."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.charts import HEIGHT, nice_top, outcome_chart
from admin.readers import Reader
from gateway.control.overview import PERIODS, Step
from gateway.store.usage_sums import UsageSum


def at_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def steps_of(period: str, begins_ms: int, **outcomes: dict[int, int]) -> list[Step]:
    """Every step of a period; outcome → {place: calls}."""
    shape = PERIODS[period]
    return [
        Step(
            begins_ms + place * shape.step_ms,
            {name: calls[place] for name, calls in outcomes.items() if place in calls},
            UsageSum(),
        )
        for place in range(shape.span_ms // shape.step_ms)
    ]


@given(st.integers(0, 10**9))
def test_the_scale_holds_its_peak_and_wastes_little(peak: int) -> None:
    top = nice_top(peak)

    assert peak <= top
    assert top % 2 == 0
    assert top <= max(2, 2 * peak)


@pytest.mark.parametrize(("peak", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (10, 10), (11, 20), (999, 1000)])
def test_the_scale_is_a_round_number(peak: int, top: int) -> None:
    assert nice_top(peak) == top


@pytest.mark.parametrize(("period", "columns"), [("1h", 60), ("8h", 96), ("24h", 96), ("7d", 168)])
def test_every_step_has_a_column_of_the_same_width(period: str, columns: int) -> None:
    chart = outcome_chart(steps_of(period, 0), PERIODS[period], Reader())

    assert len(chart.columns) == columns
    assert chart.is_empty
    assert chart.columns[-1].x + chart.columns[-1].width == pytest.approx(100, abs=0.01)


def test_a_column_stacks_what_happened_and_a_gap_stays_one() -> None:
    steps = steps_of("1h", 0, success={0: 6, 3: 2}, broken={0: 2}, no_key={0: 2})
    chart = outcome_chart(steps, PERIODS["1h"], Reader())
    full, gap = chart.columns[0], chart.columns[1]

    assert [(each.ending, each.calls) for each in full.bars] == [
        ("success", 6),
        ("limited", 2),
        ("failed", 2),
    ]
    assert sum(each.height for each in full.bars) == pytest.approx(HEIGHT)
    assert full.bars[0].y + full.bars[0].height == pytest.approx(HEIGHT)
    assert gap.bars == ()
    assert dict(chart.totals) == {"success": 8, "client": 0, "limited": 2, "failed": 2}


def test_one_failure_among_thousands_is_still_seen() -> None:
    steps = steps_of("1h", 0, success={0: 100_000}, broken={0: 1})
    chart = outcome_chart(steps, PERIODS["1h"], Reader())

    assert chart.columns[0].bars[-1].height >= 1


def test_ticks_stand_at_round_times_on_the_readers_clock() -> None:
    begins_ms = at_ms("2026-11-25T06:10:00")
    kolkata = outcome_chart(steps_of("8h", begins_ms), PERIODS["8h"], Reader(zone="Asia/Kolkata"))

    assert [tick.label for tick in kolkata.ticks][:3] == ["12:00", "13:00", "14:00"]
    assert kolkata.ticks[0].x == pytest.approx(100 * 20 / 480, abs=0.01)


def test_a_day_in_which_the_clocks_change_has_its_ticks_at_whole_hours() -> None:
    begins_ms = at_ms("2026-10-24T22:00:00")
    chart = outcome_chart(steps_of("24h", begins_ms), PERIODS["24h"], Reader(zone="Europe/Berlin"))

    assert [tick.label for tick in chart.ticks] == [
        "03:00",
        "06:00",
        "09:00",
        "12:00",
        "15:00",
        "18:00",
        "21:00",
    ]
    assert chart.ticks[1].x == pytest.approx(100 * 7 / 24, abs=0.01)
