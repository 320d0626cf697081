"""What an access token may do, counted in memory. Pure: the time is an argument.

Minutes and days are fixed windows, so that counts of several processes can simply be added.
"""

import fnmatch
import math
from dataclasses import dataclass, field

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """None is no limit.

    models      names of models, `*` for any characters
    expires_s   epoch seconds from which on it opens nothing
    """

    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    models: tuple[str, ...] | None = None
    expires_s: float | None = None

    @property
    def counts(self) -> bool:
        """Whether anything has to be counted."""
        return self.requests_per_minute is not None or self.tokens_per_day is not None

    def may_use(self, model: str) -> bool:
        """Whether calls to a model are allowed; calls without a model always are."""
        if self.models is None or not model:
            return True
        bare = model.removeprefix("models/")
        return any(fnmatch.fnmatchcase(bare, pattern) for pattern in self.models)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the gateway's time zone, in epoch seconds."""

    starts_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class Used:
    """What one process counted of a token since it last told: what others add."""

    token_id: int
    minute: int
    requests: int
    day_s: float
    tokens: int


@dataclass(slots=True)
class _Count:
    """A token's use in the minute and on the day it was used last; fresh: not yet told to others."""

    minute: int = 0
    requests: int = 0
    fresh_requests: int = 0
    day_s: float = 0.0
    tokens: int = 0
    fresh_tokens: int = 0


@dataclass(slots=True)
class TokenCounts:
    """Counts of the tokens that have limits to count for."""

    _counts: dict[int, _Count] = field(default_factory=dict)
    _fresh: set[int] = field(default_factory=set)

    def keep(self, token_ids: set[int]) -> None:
        """Count these tokens and no others; what is known of them is kept."""
        for token_id in [each for each in self._counts if each not in token_ids]:
            del self._counts[token_id]
        for token_id in token_ids:
            self._counts.setdefault(token_id, _Count())
        self._fresh &= token_ids

    def counts(self, token_id: int | None) -> bool:
        return token_id in self._counts

    def request_wait_s(self, token_id: int, limit: int, now_s: float) -> float | None:
        """None when a request may go, which is counted; else the seconds until one may."""
        count = self._counts.setdefault(token_id, _Count())
        _turn_minute(count, now_s)
        if count.requests >= limit:
            return (count.minute + 1) * MINUTE_S - now_s
        count.requests += 1
        count.fresh_requests += 1
        self._fresh.add(token_id)
        return None

    def tokens_wait_s(self, token_id: int, limit: int, day: Day, now_s: float) -> float | None:
        """None while the day's tokens are not used up, else the seconds until the next day."""
        count = self._counts.setdefault(token_id, _Count())
        _turn_day(count, day)
        return None if count.tokens < limit else max(day.ends_s - now_s, 1.0)

    def spend(self, token_id: int, tokens: int, day: Day) -> None:
        """Count the tokens of a call that is over."""
        count = self._counts[token_id]
        _turn_day(count, day)
        count.tokens += tokens
        count.fresh_tokens += tokens
        self._fresh.add(token_id)

    def set_tokens(self, token_id: int, tokens: int, day: Day) -> None:
        """Take over the day's sum of all processes, as it was written."""
        count = self._counts.get(token_id)
        if count is not None:
            _turn_day(count, day)
            count.tokens = max(tokens + count.fresh_tokens, 0)

    def take_fresh(self) -> list[Used]:
        """What was counted here since this was last asked."""
        fresh, self._fresh = self._fresh, set()
        told = []
        for token_id in sorted(fresh):
            count = self._counts[token_id]
            told.append(Used(token_id, count.minute, count.fresh_requests, count.day_s, count.fresh_tokens))
            count.fresh_requests = count.fresh_tokens = 0
        return told

    def add(self, used: Used, day: Day, now_s: float) -> None:
        """Count what another process counted, if it is of the present minute and day."""
        count = self._counts.get(used.token_id)
        if count is None:
            return
        _turn_minute(count, now_s)
        _turn_day(count, day)
        if used.minute == count.minute:
            count.requests += used.requests
        if used.day_s == count.day_s:
            count.tokens += used.tokens

    def used(self, token_id: int, day: Day, now_s: float) -> tuple[int, int]:
        """(requests of this minute, tokens of this day) of a token."""
        count = self._counts.get(token_id)
        if count is None:
            return 0, 0
        _turn_minute(count, now_s)
        _turn_day(count, day)
        return count.requests, count.tokens


def _turn_minute(count: _Count, now_s: float) -> None:
    minute = math.floor(now_s / MINUTE_S)
    if minute != count.minute:
        count.minute = minute
        count.requests = count.fresh_requests = 0


def _turn_day(count: _Count, day: Day) -> None:
    if day.starts_s != count.day_s:
        count.day_s = day.starts_s
        count.tokens = count.fresh_tokens = 0
