"""Keys that were deleted and may come back for a while, with their ids and everything known of them.

Used inside `Store.write`.
"""

from collections.abc import Sequence
from typing import Any

from gateway.store.tables import Tables

_CHUNK = 400
_COLUMNS = (
    "id, secret, secret_hash, alias, provider, origin, project, note, tags, weight, enabled, dead_reason, "
    "dead_since_ms, created_at_ms, updated_at_ms, rest_reason, rest_until_ms, seen_project"
)


class DeletedKeys:
    """Moves keys out of the way and back. A batch is what was deleted together."""

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._mark = tables.database.param

    def take(self, ids: Sequence[int], batch: str, now_ms: int) -> int:
        """Delete the keys named; gives how many there were."""
        taken = 0
        for start in range(0, len(ids), _CHUNK):
            chunk = list(ids[start : start + _CHUNK])
            marks = ", ".join([self._mark] * len(chunk))
            self._run(
                f"INSERT INTO deleted_key ({_COLUMNS}, batch, deleted_at_ms) "  # noqa: S608 - names and marks
                f"SELECT {_COLUMNS}, {self._mark}, {self._mark} FROM api_key WHERE id IN ({marks})",
                [batch, now_ms, *chunk],
            )
            taken += self._run(f"DELETE FROM api_key WHERE id IN ({marks})", chunk).rowcount  # noqa: S608
        return taken

    def bring_back(self, batch: str) -> list[int]:
        """Undo a deletion; gives the ids. Keys that were added anew meanwhile stay as they are."""
        ids = [key_id for (key_id,) in self._run(self._missing("id"), [batch])]
        self._run(f"INSERT INTO api_key ({_COLUMNS}) {self._missing(_COLUMNS)}", [batch])
        self._run(f"DELETE FROM deleted_key WHERE batch = {self._mark}", [batch])  # noqa: S608
        return ids

    def prune(self, before_ms: int) -> int:
        """Forget for good what was deleted before a time; gives how many keys."""
        sql = f"DELETE FROM deleted_key WHERE deleted_at_ms < {self._mark}"  # noqa: S608
        return int(self._run(sql, [before_ms]).rowcount)

    def _missing(self, columns: str) -> str:
        return (
            f"SELECT {columns} FROM deleted_key d WHERE batch = {self._mark} AND NOT EXISTS "  # noqa: S608
            "(SELECT 1 FROM api_key k WHERE k.provider = d.provider AND k.secret_hash = d.secret_hash)"
        )

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))
