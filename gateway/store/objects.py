"""The rows of objects that only one key's project knows. Used inside `Store.read` and `Store.write`."""

from collections.abc import Iterable, Sequence

from gateway.store.bulk import insert_rows, replace_statement
from gateway.store.records import BoundObject
from gateway.store.tables import Tables

_CHUNK = 400
_COLUMNS = "name key_id project token_id created_at_ms expires_at_ms".split()
"""In the order of BoundObject's fields."""


class Objects:
    """Reads and writes which key an object is bound to."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.bound_object
        self._database = tables.database
        self._replace = replace_statement(tables.database, "bound_object", _COLUMNS)

    def put(self, rows: Iterable[BoundObject]) -> None:
        """Write objects, each over the one of the same name."""
        insert_rows(
            self._database,
            self._replace,
            (
                (row.name, row.key_id, row.project, row.token_id, row.created_at_ms, row.expires_at_ms)
                for row in rows
            ),
        )

    def find(self, names: Sequence[str]) -> list[BoundObject]:
        """Those of the objects named that are known, in no order; they may have expired."""
        table = self._table
        found: list[BoundObject] = []
        for start in range(0, len(names), _CHUNK):
            chunk = list(names[start : start + _CHUNK])
            found += [BoundObject(*row) for row in table.select().where(table.name.in_(chunk)).tuples()]
        return found

    def remove(self, names: Sequence[str]) -> int:
        """Forget the objects named; gives how many were known."""
        table = self._table
        removed = 0
        for start in range(0, len(names), _CHUNK):
            chunk = list(names[start : start + _CHUNK])
            removed += table.delete().where(table.name.in_(chunk)).execute()
        return removed

    def prune(self, now_ms: int) -> int:
        """Forget what has expired; gives how many."""
        table = self._table
        return int(table.delete().where(table.expires_at_ms < now_ms).execute())
