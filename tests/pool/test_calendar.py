"""Pacific midnights, also on the two days whose length differs."""

from datetime import datetime, timezone

import pytest

from gateway.pool.calendar import last_pacific_midnight, next_pacific_midnight, quota_day


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()  # noqa: UP017  # as in the tables


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        ("2026-01-14T20:00:00", "2026-01-15T08:00:00"),  # winter, UTC-8
        ("2026-07-01T06:59:59", "2026-07-01T07:00:00"),  # summer, UTC-7
        ("2026-07-01T07:00:00", "2026-07-02T07:00:00"),  # midnight itself belongs to the new day
        ("2026-03-08T08:30:00", "2026-03-09T07:00:00"),  # 23 hours: clocks go forward at 2:00
        ("2026-03-08T07:30:00", "2026-03-08T08:00:00"),  # the evening before
        ("2026-11-01T07:30:00", "2026-11-02T08:00:00"),  # 25 hours: clocks go back at 2:00
        ("2026-11-01T09:30:00", "2026-11-02T08:00:00"),  # inside the hour that comes twice
        ("2026-12-31T23:00:00", "2027-01-01T08:00:00"),
    ],
)
def test_the_next_midnight_is_right_in_winter_in_summer_and_between(now: str, midnight: str) -> None:
    assert next_pacific_midnight(utc(now)) == utc(midnight)


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        ("2026-03-09T06:59:59", "2026-03-08T08:00:00"),
        ("2026-03-09T07:00:00", "2026-03-09T07:00:00"),
        ("2026-11-02T07:59:59", "2026-11-01T07:00:00"),
    ],
)
def test_the_last_midnight_is_the_one_the_day_began_with(now: str, midnight: str) -> None:
    assert last_pacific_midnight(utc(now)) == utc(midnight)


def test_a_quota_day_has_the_hours_between_two_pacific_midnights() -> None:
    hours = [int(utc("2026-11-01T00:00:00") // 3600) + number for number in range(72)]
    days = [quota_day(hour) for hour in hours]

    assert [days.count(day) for day in sorted(set(days))] == [
        7,
        25,
        24,
        16,
    ]  # the clocks go back on the first
    assert sorted(set(days)) == list(range(days[0], days[0] + 4))
