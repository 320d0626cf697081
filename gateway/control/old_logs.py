"""Taking in gemini-balance's logs batch by batch: each of its rows once, however often it is asked for.

How far it came is written with each batch, so an import goes on where it ended. The calls of days that are
still kept go into the log; earlier ones only into the sums that charts are drawn from.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, Protocol

from gateway.control.old_calls import Reading, bodies_of, call_of_error, call_of_request
from gateway.control.retention import HOURS_KEPT_S, MINUTES_KEPT_S
from gateway.settings.model import LiveSettings
from gateway.store.call_ids import ended_at_ms, first_id
from gateway.store.gemini_balance import ERRORS, REQUESTS, GeminiBalance, Log, OldError, OldRequest
from gateway.store.records import CallRecord
from gateway.store.store import Store

MOST_DAYS = int(HOURS_KEPT_S // 86_400)
"""What is older than that is in no chart."""
_DAY_MS = 86_400_000
_REQUESTS_A_BATCH, _ERRORS_A_BATCH = 500, 100
_NEAR_MS = 100_000
"""An error belongs to a failed try of the same key at about the same time: the old logs have no link."""


class Read(Protocol):
    """Runs a query on the database the old tables stand in."""

    def __call__(self, query: Callable[[], Any], /) -> Awaitable[Any]: ...


@dataclass(slots=True)
class _Part:
    """One of the logs. `after_id`: its rows up to there are taken in; `last_id`: where it ends for now."""

    table: Log
    after_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of some rows.

    rows   how many were read · left: of those, without a time that can be
    """

    rows: int = 0
    left: int = 0

    def plus(self, other: "Taken") -> "Taken":
        return Taken(self.rows + other.rows, self.left + other.left)


class OldLogs:
    """Takes them in. Raises StoreError.

    read     a query on the old tables
    zone     of the old program's clock
    days     what is older is left out
    """

    def __init__(
        self,
        store: Store,
        read: Read,
        old: GeminiBalance,
        *,
        settings: LiveSettings,
        zone: tzinfo,
        days: int = MOST_DAYS,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._read = read
        self._old = old
        self._settings = settings
        self._zone = zone
        self._days = days
        self._wall_s = wall_s
        self._source = ""
        self._parts: list[_Part] = []
        self._key_ids: dict[str, int] = {}

    async def look(self) -> int:
        """See how much there is to take in: at most so many rows."""
        self._source = await self._read(self._old.identity)
        kept_days = self._settings.auto_delete_request_logs_days
        is_kept = not self._settings.auto_delete_request_logs_enabled
        # An error without a call in the log tells nothing that the sums do not.
        error_days = self._days if is_kept else min(self._days, kept_days)
        self._parts = [await self._part(REQUESTS, self._days), await self._part(ERRORS, error_days)]
        keys = await self._store.read(self._store.keys.everything)
        self._key_ids = {row.secret: row.id for row in keys}
        return self.waiting

    @property
    def waiting(self) -> int:
        """At most so many rows are still to be taken in."""
        return sum(max(part.last_id - part.after_id, 0) for part in self._parts)

    async def step(self) -> Taken | None:
        """Take in the next rows; None at the end."""
        while self._parts:
            part = self._parts[0]
            rows: Sequence[Any] = []
            if part.after_id < part.last_id:
                ask = self._old.requests if part.table == REQUESTS else self._old.errors
                limit = _REQUESTS_A_BATCH if part.table == REQUESTS else _ERRORS_A_BATCH
                rows = await self._read(partial(ask, part.after_id, limit))
            if rows:
                return await self._take(part, rows)
            await self._end(part)
            self._parts.pop(0)
        return None

    async def _part(self, table: Log, days: int) -> _Part:
        since = datetime.fromtimestamp(self._wall_s(), UTC) - timedelta(days=days)
        moment = since.astimezone(self._zone).replace(tzinfo=None)
        begin = await self._read(lambda: self._old.last_id_before(table, moment))
        mark = await self._store.read(lambda: self._store.imported.mark(self._source, table))
        return _Part(table, max(begin, mark), await self._read(lambda: self._old.last_id(table)))

    async def _end(self, part: _Part) -> None:
        """Remember that there is no more, also when all of it was too old."""

        def change() -> None:
            if self._store.imported.mark(self._source, part.table) < part.last_id:
                self._store.imported.move_mark(self._source, part.table, part.last_id)

        await self._store.write(change)

    async def _take(self, part: _Part, rows: Sequence[Any]) -> Taken:
        reading = Reading(self._zone, int(self._wall_s() * 1000), self._key_ids)
        put = self._put_requests if part.table == REQUESTS else self._put_errors
        last_id = rows[-1].id

        def change() -> int | None:
            mark = self._store.imported.mark(self._source, part.table)
            if mark > part.after_id:  # another import was faster
                return None
            left: int = put(rows, reading)
            self._store.imported.move_mark(self._source, part.table, last_id)
            return left

        left = await self._store.write(change)
        part.after_id = last_id
        return Taken() if left is None else Taken(len(rows), left)

    # Inside a change.

    def _put_requests(self, rows: Sequence[OldRequest], reading: Reading) -> int:
        calls = [call for row in rows if (call := call_of_request(row, reading)) is not None]
        self._add(calls, reading)
        return len(rows) - len(calls)

    def _put_errors(self, rows: Sequence[OldError], reading: Reading) -> int:
        left = 0
        log_from_id = self._log_from_id(reading.now_ms)
        alone: list[tuple[int, CallRecord]] = []
        for row in rows:
            if (call := call_of_error(row, reading)) is None:
                left += 1
            elif (logged := self._logged(call)) is not None:
                self._store.imported.add_body(logged, *bodies_of(row))
            elif call[0] >= log_from_id:
                alone.append(call)
        self._add(alone, reading)
        return left

    def _logged(self, failed: tuple[int, CallRecord]) -> int | None:
        """The call that the request log has of an error: of the same status if there is one, the nearest."""
        call_id, call = failed
        at_ms = ended_at_ms(call_id)
        found = self._store.imported.failed_near(
            call.attempts[0], first_id(at_ms - _NEAR_MS), first_id(at_ms + _NEAR_MS)
        )
        nearest = min(
            found,
            key=lambda each: (each[1] != call.status, abs(ended_at_ms(each[0]) - at_ms)),
            default=None,
        )
        return None if nearest is None else nearest[0]

    def _add(self, calls: list[tuple[int, CallRecord]], reading: Reading) -> None:
        self._store.imported.add(
            calls,
            log_from_id=self._log_from_id(reading.now_ms),
            minutes_from_ms=reading.now_ms - int(MINUTES_KEPT_S * 1000),
        )

    def _log_from_id(self, now_ms: int) -> int:
        """The first call that the log still keeps by the settings."""
        if not self._settings.auto_delete_request_logs_enabled:
            return 0
        return first_id(now_ms - self._settings.auto_delete_request_logs_days * _DAY_MS)
