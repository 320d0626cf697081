"""The rows of objects that only one key's project knows. Used inside `Store.read` and `Store.write`."""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.store.bulk import insert_rows, insert_statement, replace_statement
from gateway.store.records import BoundObject, ObjectPlace
from gateway.store.secrets import Cipher
from gateway.store.tables import Tables

_CHUNK = 400
_COLUMNS = "name key_id project token_id created_at_ms expires_at_ms details".split()
"""In the order of BoundObject's fields."""


class Objects:
    """Reads and writes which key an object is bound to."""

    def __init__(self, tables: Tables, cipher: Cipher) -> None:
        self._table = tables.bound_object
        self._database = tables.database
        self._cipher = cipher
        self._replace = replace_statement(tables.database, "bound_object", _COLUMNS)
        self._insert = insert_statement(tables.database, "bound_object", _COLUMNS, unique=["name"])

    def put(self, rows: Iterable[BoundObject]) -> None:
        """Write objects, each over the one of the same name."""
        insert_rows(self._database, self._replace, map(self._values, rows))

    def put_new(self, rows: Iterable[BoundObject]) -> None:
        """Write objects; one whose name is there already stays as it is."""
        insert_rows(self._database, self._insert, map(self._values, rows))

    def find(self, names: Sequence[str]) -> list[BoundObject]:
        """Those of the objects named that are known, in no order; they may have expired."""
        table = self._table
        found: list[BoundObject] = []
        for start in range(0, len(names), _CHUNK):
            chunk = list(names[start : start + _CHUNK])
            found += self._rows(table.select().where(table.name.in_(chunk)))
        return found

    def page(
        self,
        collection: str,
        *,
        now_ms: int,
        limit: int,
        token_id: int | None = None,
        behind: ObjectPlace | None = None,
        oldest_first: bool = False,
    ) -> list[BoundObject]:
        """The objects of a collection (`files`) that have not expired, the newest first unless asked.

        token_id   only those this token has made; None for all of them
        behind     the last one of the page before
        """
        table = self._table
        query = table.select().where(
            self._within(collection), table.expires_at_ms.is_null() | (table.expires_at_ms >= now_ms)
        )
        if token_id is not None:
            query = query.where(table.token_id == token_id)
        made, name = table.created_at_ms, table.name
        if behind is not None:
            at_ms = behind.created_at_ms
            further = made > at_ms if oldest_first else made < at_ms
            beside = name > behind.name if oldest_first else name < behind.name
            query = query.where(further | ((made == at_ms) & beside))
        order = (made, name) if oldest_first else (made.desc(), name.desc())
        return self._rows(query.order_by(*order).limit(limit))

    def expired(self, collection: str, now_ms: int, limit: int) -> list[BoundObject]:
        """Objects of a collection whose time is over, the oldest first."""
        table = self._table
        query = table.select().where(self._within(collection), table.expires_at_ms < now_ms)
        return self._rows(query.order_by(table.expires_at_ms).limit(limit))

    def count(self, collection: str) -> int:
        """How many objects of a collection there are, expired ones too."""
        return int(self._table.select().where(self._within(collection)).count())

    def remove(self, names: Sequence[str]) -> int:
        """Forget the objects named; gives how many were known."""
        table = self._table
        removed = 0
        for start in range(0, len(names), _CHUNK):
            chunk = list(names[start : start + _CHUNK])
            removed += table.delete().where(table.name.in_(chunk)).execute()
        return removed

    def prune(self, now_ms: int, spared: str = "", spared_before_ms: int = 0) -> int:
        """Forget what has expired, of the spared collection what had by then; gives how many."""
        table = self._table
        query = table.delete().where(table.expires_at_ms < now_ms)
        if spared:
            query = query.where(~self._within(spared) | (table.expires_at_ms < spared_before_ms))
        return int(query.execute())

    def _within(self, collection: str) -> Any:
        """The names that begin with the collection and a slash: a range of the primary key."""
        name = self._table.name
        return (name > f"{collection}/") & (name < f"{collection}0")  # "0" follows "/"

    def _values(self, row: BoundObject) -> Sequence[object]:
        details = self._cipher.seal(row.details) if row.details else None
        return (
            row.name,
            row.key_id,
            row.project,
            row.token_id,
            row.created_at_ms,
            row.expires_at_ms,
            details,
        )

    def _rows(self, query: Any) -> list[BoundObject]:
        return [self._row(*row) for row in query.tuples()]

    def _row(
        self,
        name: str,
        key_id: int,
        project: str | None,
        token_id: int | None,
        created_at_ms: int,
        expires_at_ms: int | None,
        details: str | None,
    ) -> BoundObject:
        said = self._cipher.open(details) if details else ""
        return BoundObject(name, key_id, project, token_id, created_at_ms, expires_at_ms, said)
