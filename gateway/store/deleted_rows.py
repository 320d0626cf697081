"""Rows that were deleted and may come back for a while, with their ids and everything known of them.

Used inside `Store.read` and `Store.write`; which rows those are is said by a `Grave` for each kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.store.tables import Tables

_CHUNK = 400


@dataclass(frozen=True, slots=True)
class Grave:
    """Where the rows of a table go when they are deleted.

    columns   of both tables, the id first
    unique    those that no two living rows share: a row that was added anew meanwhile stays as it is
    remains   a table and its column of rows that outlive a deletion, and go when it cannot be undone any more
    """

    table: str
    deleted: str
    columns: str
    unique: tuple[str, ...]
    remains: tuple[tuple[str, str], ...] = ()


KEYS = Grave(
    table="api_key",
    deleted="deleted_key",
    columns="id, secret, secret_hash, alias, provider, origin, project, note, tags, weight, enabled, "
    "dead_reason, dead_since_ms, created_at_ms, updated_at_ms, rest_reason, rest_until_ms, seen_project",
    unique=("provider", "secret_hash"),
    remains=(("key_use", "key_id"),),
)
TOKENS = Grave(
    table="access_token",
    deleted="deleted_token",
    columns="id, secret, secret_hash, alias, name, origin, enabled, created_at_ms, updated_at_ms, "
    "requests_per_minute, tokens_per_day, models, expires_at_ms",
    unique=("secret_hash",),
)


class DeletedRows:
    """Moves rows out of the way and back. A batch is what was deleted together."""

    def __init__(self, tables: Tables, grave: Grave) -> None:
        self._database = tables.database
        self._mark = tables.database.param
        self._grave = grave

    def take(self, ids: Sequence[int], batch: str, now_ms: int) -> int:
        """Delete the rows named; gives how many there were."""
        grave, mark, taken = self._grave, self._mark, 0
        for start in range(0, len(ids), _CHUNK):
            chunk = list(ids[start : start + _CHUNK])
            marks = ", ".join([mark] * len(chunk))
            self._run(
                f"INSERT INTO {grave.deleted} ({grave.columns}, batch, deleted_at_ms) "  # noqa: S608 - names and marks
                f"SELECT {grave.columns}, {mark}, {mark} FROM {grave.table} WHERE id IN ({marks})",
                [batch, now_ms, *chunk],
            )
            taken += self._run(f"DELETE FROM {grave.table} WHERE id IN ({marks})", chunk).rowcount  # noqa: S608
        return taken

    def bring_back(self, batch: str, most: int = 2**31) -> list[int]:
        """Undo a deletion, or the next part of it: gives the ids. Rows that were added anew meanwhile stay as
        they are.

        most   so many of the deleted rows are looked at
        """
        grave, mark = self._grave, self._mark
        part = f"SELECT id FROM {grave.deleted} WHERE batch = {mark} ORDER BY id LIMIT {int(most)}"  # noqa: S608
        ((last_id,),) = self._run(f"SELECT MAX(id) FROM ({part}) AS part", [batch])  # noqa: S608 - as above
        if last_id is None:
            return []
        span, values = f"id <= {int(last_id)}", [batch]
        ids = [row_id for (row_id,) in self._run(f"{self._missing('id')} AND d.{span}", values)]
        missing = f"{self._missing(grave.columns)} AND d.{span}"
        self._run(f"INSERT INTO {grave.table} ({grave.columns}) {missing}", values)
        alive = f"SELECT 1 FROM {grave.table} k WHERE k.id = {grave.deleted}.id"  # noqa: S608 - names
        self._forget(f"batch = {mark} AND {span} AND NOT EXISTS ({alive})", batch)
        self._run(f"DELETE FROM {grave.deleted} WHERE batch = {mark} AND {span}", values)  # noqa: S608
        return ids

    def holds(self, batch: str) -> bool:
        """Whether there is something of a deletion to bring back."""
        return self._run(f"{self._missing('id')} LIMIT 1", [batch]).fetchone() is not None

    def prune(self, before_ms: int) -> int:
        """Forget for good what was deleted before a time; gives how many rows."""
        self._forget(f"deleted_at_ms < {self._mark}", before_ms)
        sql = f"DELETE FROM {self._grave.deleted} WHERE deleted_at_ms < {self._mark}"  # noqa: S608
        return int(self._run(sql, [before_ms]).rowcount)

    def _forget(self, which: str, value: object) -> None:
        """Remove what remains of some of the deleted rows."""
        for table, column in self._grave.remains:
            gone = f"SELECT id FROM {self._grave.deleted} WHERE {which}"  # noqa: S608 - names and marks
            self._run(f"DELETE FROM {table} WHERE {column} IN ({gone})", [value])  # noqa: S608 - as above

    def _missing(self, columns: str) -> str:
        grave = self._grave
        same = " AND ".join(f"k.{name} = d.{name}" for name in grave.unique)
        return (
            f"SELECT {columns} FROM {grave.deleted} d WHERE batch = {self._mark} AND NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {grave.table} k WHERE {same})"
        )

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))
