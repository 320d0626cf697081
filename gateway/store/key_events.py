"""What happened to keys, as rows: the history of their states. Used inside `Store.read` and `Store.write`."""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.store.bulk import insert_rows, insert_statement
from gateway.store.records import KeyEvent
from gateway.store.tables import Tables
from gateway.store.texts import as_name

_COLUMNS = "key_id at_ms event kind message until_ms actor".split()
"""In the order of KeyEvent's fields."""


class KeyEvents:
    """Adds events and reads a key's last ones."""

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._mark = tables.database.param
        self._insert = insert_statement(tables.database, "key_event", _COLUMNS)

    def add(self, events: Iterable[KeyEvent]) -> None:
        insert_rows(
            self._database,
            self._insert,
            (
                (
                    each.key_id,
                    each.at_ms,
                    each.event[:20],
                    each.kind and each.kind[:32],
                    as_name(each.message, 500),
                    each.until_ms,
                    each.actor[:40],
                )
                for each in events
            ),
        )

    def latest(self, key_id: int, limit: int) -> list[KeyEvent]:
        """A key's last events, the newest first."""
        sql = (
            f"SELECT {', '.join(_COLUMNS)} FROM key_event WHERE key_id = {self._mark} "  # noqa: S608
            f"ORDER BY id DESC LIMIT {self._mark}"
        )
        return [KeyEvent(*row) for row in self._run(sql, (key_id, limit))]

    def prune(self, before_ms: int, limit: int) -> int:
        """Remove events that are older, some `limit` of them; gives how many."""
        sql = f"SELECT id FROM key_event WHERE at_ms < {self._mark} ORDER BY at_ms LIMIT {self._mark}"  # noqa: S608
        ids = [event_id for (event_id,) in self._run(sql, (before_ms, limit))]
        if not ids:
            return 0
        marks = ", ".join([self._mark] * len(ids))
        return int(self._run(f"DELETE FROM key_event WHERE id IN ({marks})", ids).rowcount)  # noqa: S608

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))
