"""Google's day: daily quotas come back at midnight in Los Angeles, winter and summer time alike.

Pure arithmetic on epoch seconds. Used when a daily limit is hit.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


def next_pacific_midnight(now_s: float) -> float:
    """Give the epoch second of the first Pacific midnight after `now_s`; on midnight itself, the next one.

    The clocks change at 2 a.m., so midnight always exists once; days of 23 and 25 hours come out right.
    Source: Gemini API, rate limits page (requests per day reset at midnight Pacific time).
    """
    return _midnight(_pacific_date(now_s) + timedelta(days=1))


def last_pacific_midnight(now_s: float) -> float:
    """Give the epoch second of the Pacific midnight at or before `now_s`."""
    return _midnight(_pacific_date(now_s))


@lru_cache(maxsize=64)
def quota_day(epoch_hour: int) -> int:
    """Give the number of the Pacific day that an hour belongs to, one more from each day to the next."""
    return _pacific_date(epoch_hour * 3600.0).toordinal()


def _pacific_date(now_s: float) -> date:
    return datetime.fromtimestamp(now_s, PACIFIC).date()


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=PACIFIC).timestamp()
