"""Forgetting in small batches: old calls and their bodies, old sums, what nobody asks about any more.

Jobs of the one process that holds the lease; each batch is a transaction of its own, so that calls are
written between them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from gateway.control.jobs import Jobs
from gateway.control.key_states import prune_events
from gateway.log import get_logger
from gateway.protocols.failures import FailureKind
from gateway.settings.live import LiveHolder
from gateway.store.rollup import HOUR_MS
from gateway.store.store import Store

log = get_logger("gateway.retention")
EVERY_S = 3600.0
MINUTES_KEPT_S = 3 * 86_400.0
HOURS_KEPT_S = 400 * 86_400.0
KEY_HOURS_KEPT_S = 35 * 86_400.0
MENDED_MS = 3 * 24 * HOUR_MS
_BATCH = 200
_PAUSE_S = 0.05
_DAY_MS = 24 * HOUR_MS
_KINDS = ("", *(kind.value for kind in FailureKind))


class Retention:
    """Removes what has become too old, by the settings.

    pause_s   between two batches
    """

    def __init__(
        self,
        store: Store,
        live: LiveHolder,
        *,
        wall_s: Callable[[], float] = time.time,
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._store = store
        self._live = live
        self._wall_s = wall_s
        self._pause_s = pause_s

    def add_to(self, jobs: Jobs) -> None:
        """Have it done about once an hour."""
        jobs.add("prune calls", self.prune_calls, every_s=EVERY_S)
        jobs.add("prune errors", self.prune_bodies, every_s=EVERY_S)
        jobs.add("prune sums", self.prune_sums, every_s=EVERY_S)
        jobs.add("mend sums", self.mend_sums, every_s=EVERY_S)
        jobs.add("prune history of keys", partial(prune_events, self._store), every_s=6 * EVERY_S)

    async def prune_calls(self) -> int:
        """Remove calls beyond AUTO_DELETE_REQUEST_LOGS_DAYS; gives how many."""
        settings = self._live.current
        if not settings.auto_delete_request_logs_enabled:
            return 0
        before_ms = self._before_ms(settings.auto_delete_request_logs_days)
        search = self._store.call_search

        async def batch() -> int:
            ids = await self._store.read(lambda: search.oldest(before_ms, _BATCH))
            return await self._store.write(lambda: search.remove(ids)) if ids else 0

        return await self._all("calls", batch)

    async def prune_bodies(self) -> int:
        """Remove errors and bodies beyond AUTO_DELETE_ERROR_LOGS_DAYS; gives how many."""
        settings = self._live.current
        if not settings.auto_delete_error_logs_enabled:
            return 0
        before_ms = self._before_ms(settings.auto_delete_error_logs_days)
        return await self._all(
            "errors",
            lambda: self._store.write(lambda: self._store.call_search.remove_bodies(before_ms, _BATCH)),
        )

    async def prune_sums(self) -> int:
        """Remove sums that no chart shows, and the use of keys that are gone; gives how many."""
        now_s = self._wall_s()
        usage, uses = self._store.usage, self._store.key_uses
        removed = await self._store.write(
            lambda: usage.prune(
                minutes_before_ms=int((now_s - MINUTES_KEPT_S) * 1000),
                hours_before_ms=int((now_s - HOURS_KEPT_S) * 1000),
            )
        )
        before_hour = int((now_s - KEY_HOURS_KEPT_S) // 3600)
        for kind in _KINDS:
            removed += await self._store.write(partial(uses.prune, before_hour, (kind,)))
        return removed + await self._store.write(lambda: uses.prune_gone(before_hour * HOUR_MS))

    async def mend_sums(self) -> int:
        """Count by model what only the sums by token have of the last days' whole hours; gives how many.

        While replicas are upgraded one by one, those of the version before write no sums by model.
        """
        now_ms, usage = int(self._wall_s() * 1000), self._store.usage
        ends_ms = now_ms - now_ms % HOUR_MS
        hours = await self._store.read(lambda: usage.hours_to_mend(ends_ms - MENDED_MS, ends_ms))
        for hour in hours:
            await self._store.write(partial(usage.mend, hour))
        if hours:
            log.info("sums_mended", hours=len(hours))
        return len(hours)

    async def _all(self, what: str, batch: Callable[[], Awaitable[int]]) -> int:
        total = 0
        while removed := await batch():
            total += removed
            await asyncio.sleep(self._pause_s)
        if total:
            log.info("pruned", what=what, count=total)
        return total

    def _before_ms(self, days: int) -> int:
        return int(self._wall_s() * 1000) - days * _DAY_MS
