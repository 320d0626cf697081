"""Counting requests against quotas, per project and model, as Google does: a sliding minute, a Pacific day.

Pure but for its counters: the time is an argument.
"""

from collections import deque
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from gateway.simulator.error_bodies import ErrorAnswer
from gateway.simulator.quota_errors import no_allowance, rate_day, rate_minute
from gateway.simulator.world import Project

_MINUTE_S = 60.0
_DAY_LIE_S = 45.578569677


class QuotaLedger:
    """What every project has used. It grows with projects times models, both fixed by the world."""

    def __init__(self) -> None:
        self._pacific = ZoneInfo("America/Los_Angeles")
        self._minutes: dict[tuple[str, str], deque[float]] = {}
        self._days: dict[tuple[str, str], tuple[date, int]] = {}

    def charge(self, project: Project, model_id: str, now_s: float) -> ErrorAnswer | None:
        """Count one request, or give the 429 that refuses it; a refused one is not counted.

        now_s   seconds since 1970
        """
        quota = project.quota(model_id)
        if quota is None:
            return None
        if quota.per_minute == 0 or quota.per_day == 0:
            return no_allowance(model_id)
        bucket = (project.number, model_id)
        today = datetime.fromtimestamp(now_s, UTC).astimezone(self._pacific).date()
        # What was spent before the start was spent on the day the bucket is first asked for.
        day, spent = self._days.setdefault(bucket, (today, quota.spent_today))
        if day != today:
            spent = 0
        if quota.per_day is not None and spent >= quota.per_day:
            # The day is over for this bucket, and still Google names a delay of under a minute.
            return rate_day(model_id, quota.per_day, _DAY_LIE_S)
        if quota.per_minute is not None:
            recent = self._minutes.setdefault(bucket, deque())
            while recent and recent[0] <= now_s - _MINUTE_S:
                recent.popleft()
            if len(recent) >= quota.per_minute:
                return rate_minute(model_id, quota.per_minute, recent[0] + _MINUTE_S - now_s)
            recent.append(now_s)
        self._days[bucket] = (today, spent + 1)
        return None
