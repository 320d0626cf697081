"""How keys were used, read back. Used inside `Store.read`; pruned inside `Store.write`.

Written with every batch of calls (rollup.py): an attempt counts for the key it was made with.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from gateway.store.orm import peewee
from gateway.store.rollup import NOT_THE_KEYS
from gateway.store.tables import Tables


class KeyUse(NamedTuple):
    """One key's use on the day asked for.

    failures   attempts that failed for reasons that are not the client's
    last_ms    epoch milliseconds of its last attempt, on whatever day; 0 for never
    """

    attempts: int = 0
    failures: int = 0
    last_ms: int = 0


class KeyHour(NamedTuple):
    """One key's attempts in one epoch hour."""

    hour: int
    attempts: int
    failures: int


class Attention(NamedTuple):
    """A key that failed, how, and how often."""

    key_id: int
    kind: str
    attempts: int


class KeyUses:
    """Reads the use of keys. Hours are epoch hours, days are those of `DayOf`."""

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._mark = tables.database.param
        self._is_mysql = isinstance(tables.database, peewee.MySQLDatabase)

    def of(self, ids: Sequence[int], day: int) -> dict[int, KeyUse]:
        """The use of some keys on a day; keys never used are missing."""
        sql = f"SELECT key_id, day, attempts, failures, last_ms FROM key_use WHERE {self._among(ids)}"  # noqa: S608
        return {
            key_id: KeyUse(attempts, failures, last_ms) if of_day == day else KeyUse(0, 0, last_ms)
            for key_id, of_day, attempts, failures, last_ms in self._run(sql, ids)
        }

    def hours(self, ids: Sequence[int], since_hour: int) -> dict[int, list[KeyHour]]:
        """Attempts of some keys by hour, in the order of time; hours without any are missing."""
        theirs = ("", *sorted(NOT_THE_KEYS))
        kinds = ", ".join([self._mark] * len(theirs))
        parts = ("hour", "SUM(attempts)", f"SUM(CASE WHEN kind IN ({kinds}) THEN 0 ELSE attempts END)")
        told = f"CONCAT_WS(',', {', '.join(parts)})" if self._is_mysql else " || ',' || ".join(parts)
        # A row a key: thousands of small ones would keep the interpreter busy, with PyMySQL for long. A day
        # of hours, each once, fits into the 1,024 characters that MySQL lets GROUP_CONCAT give.
        sql = (
            f"SELECT key_id, GROUP_CONCAT(told) FROM (SELECT key_id, {told} AS told FROM key_hourly "  # noqa: S608
            f"WHERE {self._among(ids)} AND hour >= {self._mark} GROUP BY key_id, hour) hours GROUP BY key_id"
        )
        return {key_id: _read_hours(told) for key_id, told in self._run(sql, [*theirs, *ids, since_hour])}

    def kinds(self, key_id: int, since_hour: int) -> dict[str, int]:
        """A key's attempts by failure kind; "" is success."""
        found: dict[str, int] = {}
        for _, _, kind, attempts in self._hourly([key_id], since_hour):
            found[kind] = found.get(kind, 0) + attempts
        return found

    def attention(self, kinds: Sequence[str], since_hour: int, limit: int) -> list[Attention]:
        """The keys that failed most often in these ways, the worst first."""
        # A way at a time: its rows are added up by a number alone, in half the time.
        sql = (
            "SELECT key_id, SUM(attempts) FROM key_hourly "  # noqa: S608 - names are constants
            f"WHERE kind = {self._mark} AND hour >= {self._mark} "
            f"GROUP BY key_id ORDER BY SUM(attempts) DESC, key_id LIMIT {self._mark}"
        )
        found = [
            Attention(key_id, kind, int(attempts))
            for kind in kinds
            for key_id, attempts in self._run(sql, [kind, since_hour, limit])
        ]
        return sorted(found, key=lambda each: (-each.attempts, each.key_id, each.kind))[:limit]

    def prune(self, before_hour: int, kinds: Iterable[str]) -> int:
        """Remove hours that are over, of success ("") and of some failure kinds; gives how many."""
        sql = f"DELETE FROM key_hourly WHERE kind = {self._mark} AND hour < {self._mark}"  # noqa: S608
        return sum(int(self._run(sql, (kind, before_hour)).rowcount) for kind in kinds)

    def prune_gone(self, before_ms: int) -> int:
        """Remove the use of keys that are gone, and cannot come back; gives how much.

        before_ms   keys that have no row, such as a paid key, are gone when they were not used since
        """
        sql = (
            "DELETE FROM key_use WHERE key_id NOT IN (SELECT id FROM api_key) "  # noqa: S608 - a mark
            f"AND key_id NOT IN (SELECT id FROM deleted_key) AND (key_id > 0 OR last_ms < {self._mark})"
        )
        return int(self._run(sql, (before_ms,)).rowcount)

    def _hourly(self, ids: Sequence[int], since_hour: int) -> Any:
        sql = (
            f"SELECT key_id, hour, kind, attempts FROM key_hourly WHERE {self._among(ids)} "  # noqa: S608
            f"AND hour >= {self._mark} ORDER BY key_id, hour"
        )
        return self._run(sql, [*ids, since_hour])

    def _among(self, ids: Sequence[int]) -> str:
        # A page of keys, not all of them.
        return f"key_id IN ({', '.join([self._mark] * len(ids)) or 'NULL'})"

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))


def _read_hours(told: str) -> list[KeyHour]:
    """Hours from `hour,attempts,failures,…`."""
    numbers = map(int, told.split(","))
    return sorted(map(KeyHour._make, zip(numbers, numbers, numbers, strict=True)))
