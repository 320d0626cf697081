"""The limits of access tokens on the call's path: from memory, shared with other processes each second.

A token without limits never comes here. What is exact and what is not stands in ARCHITECTURE.md.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import orjson

from gateway.control.token_limits import Day, TokenCounts, TokenLimits, Used
from gateway.control.tokens import Token
from gateway.protocols.error_bodies import Problem
from gateway.store.store import Store
from gateway.store.usage import NamedUsage

TOPIC = "token_use"
SHARE_S = 0.5
RESYNC_S = 60.0


class Limiter:
    """Says whether a limited token's call may go, and counts it.

    zone   the time zone in which days begin, asked anew each time: it is a setting
    """

    def __init__(
        self,
        store: Store,
        *,
        zone: Callable[[], str],
        publish: Callable[[Sequence[str]], None],
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._zone = zone
        self._publish = publish
        self._wall_s = wall_s
        self._counts = TokenCounts()
        self._metered: dict[int, TokenLimits] = {}
        self._day = Day(0.0, 0.0)
        self._day_zone = ""

    # On the call's path.

    def admit(self, token: Token) -> Problem | None:
        """Count a call of a token that has limits; the problem when it may not go."""
        limits = token.limits
        if limits is None or token.id is None:
            return None
        now_s = self._wall_s()
        if limits.expires_s is not None and now_s >= limits.expires_s:
            return Problem(401, "This access token has expired.", "invalid_api_key")
        if limits.tokens_per_day is not None:
            wait_s = self._counts.tokens_wait_s(token.id, limits.tokens_per_day, self.day(now_s), now_s)
            if wait_s is not None:
                return _limited(f"{limits.tokens_per_day:,} tokens a day", wait_s)
        if limits.requests_per_minute is not None:
            wait_s = self._counts.request_wait_s(token.id, limits.requests_per_minute, now_s)
            if wait_s is not None:
                return _limited(f"{limits.requests_per_minute:,} requests a minute", wait_s)
        return None

    def spent(self, token_id: int | None, tokens: int) -> None:
        """Note the tokens of a call that is over; most tokens are not counted at all."""
        if token_id in self._metered and token_id is not None:
            self._counts.spend(token_id, tokens, self.day(self._wall_s()))

    # Beside it.

    def keep(self, limits: Iterable[tuple[int, TokenLimits]]) -> None:
        """Count for these tokens from now on."""
        self._metered = {token_id: each for token_id, each in limits if each.counts}
        self._counts.keep(set(self._metered))

    def used(self, token_id: int) -> tuple[int, int]:
        """(requests of this minute, tokens of today) of a token with limits."""
        now_s = self._wall_s()
        return self._counts.used(token_id, self.day(now_s), now_s)

    def share(self) -> None:
        """Tell the others what was counted here since the last time."""
        told = self._counts.take_fresh()
        if told:
            self._publish([orjson.dumps(used).decode() for used in told])

    def heard(self, texts: Sequence[str]) -> None:
        """Count what others counted."""
        now_s = self._wall_s()
        day = self.day(now_s)
        for text in texts:
            used = _read(text)
            if used is not None:
                self._counts.add(used, day, now_s)

    def load(self) -> None:
        """As `resync`, before the loop runs. Blocks."""
        day, until_ms = self._span()
        if self._daily():
            self._take_over(self._store.read_sync(lambda: self._sums(day, until_ms)), day)

    async def resync(self) -> None:
        """Take the day's tokens over from the sums of all processes: what was told and missed is mended."""
        day, until_ms = self._span()
        if self._daily():
            self._take_over(await self._store.read(lambda: self._sums(day, until_ms)), day)

    def _daily(self) -> list[int]:
        return [token_id for token_id, each in self._metered.items() if each.tokens_per_day is not None]

    def _span(self) -> tuple[Day, int]:
        now_s = self._wall_s()
        return self.day(now_s), int(now_s * 1000) + 1

    def _sums(self, day: Day, until_ms: int) -> list[NamedUsage]:
        return self._store.usage.by("token_id", int(day.starts_s * 1000), until_ms)

    def _take_over(self, sums: Sequence[NamedUsage], day: Day) -> None:
        spent: dict[str | int, int] = dict.fromkeys(self._daily(), 0)
        for each in sums:
            if each.name in spent:
                spent[each.name] += each.sum.total_tokens
        for token_id, tokens in spent.items():
            self._counts.set_tokens(int(token_id), tokens, day)

    def day(self, now_s: float) -> Day:
        """Today, in the gateway's time zone."""
        zone = self._zone()
        if not self._day.starts_s <= now_s < self._day.ends_s or zone != self._day_zone:
            self._day, self._day_zone = day_of(now_s, zone), zone
        return self._day


def day_of(now_s: float, zone: str) -> Day:
    """The day that a moment belongs to in a time zone."""
    here = ZoneInfo(zone)
    today = datetime.fromtimestamp(now_s, here).date()
    midnights = [
        datetime(day.year, day.month, day.day, tzinfo=here).timestamp()
        for day in (today, today + timedelta(days=1))
    ]
    return Day(*midnights)


def _limited(limit: str, wait_s: float) -> Problem:
    return Problem(
        429,
        f"This access token is limited to {limit}. Try again in {max(1, round(wait_s))} s.",
        "token_limit",
        retry_after_s=wait_s,
    )


def _read(text: str) -> Used | None:
    try:
        return Used(**orjson.loads(text))
    except (TypeError, ValueError):  # another release's
        return None
