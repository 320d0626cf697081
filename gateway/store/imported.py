"""Calls of another program, put into the log and into the sums, each of its rows once.

Used inside `Store.read` and `Store.write`: the mark of how far an import is moves in the same transaction.
"""

import time

from gateway.store.bulk import replace_statement
from gateway.store.call_writer import CallWriter, Numbered
from gateway.store.orm import peewee
from gateway.store.records import AttemptRecord
from gateway.store.rollup import DayOf
from gateway.store.tables import Tables
from gateway.store.texts import as_text

_MARK = "source kind last_id updated_at_ms".split()


class Imported:
    """Writes what an import brings, and remembers how far it is."""

    def __init__(self, tables: Tables, day_of: DayOf) -> None:
        database: peewee.Database = tables.database
        self._database = database
        self._calls = CallWriter(database, day_of)
        self._put_mark = replace_statement(database, "import_mark", _MARK)
        self._one = database.param

    def mark(self, source: str, kind: str) -> int:
        """The last id of a source's rows of a kind that was taken in; 0 before the first."""
        sql = f"SELECT last_id FROM import_mark WHERE source = {self._one} AND kind = {self._one}"  # noqa: S608
        found = self._database.execute_sql(sql, (source, kind)).fetchone()
        return int(found[0]) if found else 0

    def move_mark(self, source: str, kind: str, last_id: int) -> None:
        """Remember how far the rows of a kind are taken in."""
        self._database.execute_sql(self._put_mark, (source, kind, last_id, int(time.time() * 1000)))

    def add(self, calls: Numbered, *, log_from_id: int, minutes_from_ms: int) -> None:
        """Count calls, and put those into the log whose id is at least so great and not there yet."""
        ids = [call_id for call_id, _ in calls if call_id >= log_from_id]
        there = self._there(ids)
        fresh = [each for each in calls if each[0] not in there]
        self._calls.insert(
            [each for each in fresh if each[0] >= log_from_id],
            only_counted=[each for each in fresh if each[0] < log_from_id],
            minutes_from_ms=minutes_from_ms,
        )

    def failed_near(self, tried: AttemptRecord, first_id: int, last_id: int) -> list[tuple[int, int]]:
        """(call, status) of failed tries on the same key, within ids, whose calls have no body yet."""
        one = self._one
        sql = (
            "SELECT a.call_id, a.status FROM attempt a LEFT JOIN error_body b ON b.call_id = a.call_id "  # noqa: S608
            f"WHERE a.key_id = {one} AND a.call_id BETWEEN {one} AND {one} "
            f"AND a.key_alias = {one} AND a.failure_kind IS NOT NULL AND b.call_id IS NULL"
        )
        found = self._database.execute_sql(sql, (tried.key_id, first_id, last_id, tried.key_alias))
        return [(int(call_id), int(status)) for call_id, status in found.fetchall()]

    def add_body(self, call_id: int, body: bytes, request: bytes | None) -> None:
        """Keep what was said of a call that failed."""
        marks = ", ".join([self._one] * 3)
        self._database.execute_sql(
            f"INSERT INTO error_body (call_id, body, request_body) VALUES ({marks})",  # noqa: S608
            (call_id, as_text(body), as_text(request)),
        )

    def _there(self, ids: list[int]) -> set[int]:
        if not ids:
            return set()
        marks = ", ".join([self._one] * len(ids))
        found = self._database.execute_sql(f"SELECT id FROM request WHERE id IN ({marks})", ids)  # noqa: S608
        return {int(call_id) for (call_id,) in found.fetchall()}
