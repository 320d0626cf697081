"""Pages of keys in an order, read off an index wherever there is one, from whichever end is nearer.

Used by key_search.py, inside `Store.read`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.store.key_query import KeyQuery
from gateway.store.orm import peewee

_BY_USE = {
    "used": ("attempts", "u.day = {day}", "key_use_day_attempts"),
    "failures": ("failures", "u.day = {day}", "key_use_day_failures"),
    "last_used": ("last_ms", "u.last_ms > 0", "key_use_last_ms"),
}
"""Orders by columns of key_use, what makes a key count as used, and the index of both."""
# The use of keys that were deleted stays as long as they may come back; a paid key has no row.
_HAS_ROW = "u.key_id > 0 AND NOT EXISTS (SELECT 1 FROM deleted_key d WHERE d.id = u.key_id)"


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows that stand next to each other in an order.

    tables    from FROM to the end of the condition
    columns   the order, the key's id last
    """

    tables: str
    columns: tuple[str, ...]
    values: Sequence[object]


class KeyOrder:
    """Gives pages of keys. `where` and `values` are those of KeyConditions."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._is_mysql = isinstance(database, peewee.MySQLDatabase)

    def page(
        self,
        query: KeyQuery,
        where: str,
        values: Sequence[object],
        *,
        limit: int,
        offset: int,
        total: int | None,
    ) -> list[int]:
        """Ids in the query's order; keys that were not used come last.

        total   how many match, where that is known: what is behind the middle is reached from the end
        """
        if query.sort in _BY_USE:
            return self._by_use(query, where, values, limit=limit, offset=offset, total=total)
        if query.sort == "alias":
            # Few keys that are named by their ids are better found by those.
            table = "api_key k" if query.owners is not None else self._by_index("api_key k", "api_key_alias")
            part = _Part(f"{table}{where}", ("k.alias", "k.id"), values)
        else:
            part = _Part(f"{self._by_id('api_key k')}{where}", ("k.id",), values)
        return self._rows(part, query.descending, limit, offset, total)

    def added(self, where: str, values: Sequence[object], limit: int) -> list[int]:
        """The first ids in the order in which keys were added."""
        return self._rows(_Part(f"{self._by_id('api_key k')}{where}", ("k.id",), values), False, limit, 0)

    def _by_use(
        self,
        query: KeyQuery,
        where: str,
        values: Sequence[object],
        *,
        limit: int,
        offset: int,
        total: int | None,
    ) -> list[int]:
        column, test, index = _BY_USE[query.sort]
        test = test.format(day=int(query.day))
        if where:
            # Walking along the use of keys, and not beside it, is ten times faster on MariaDB.
            tables = f"key_use u JOIN api_key k ON k.id = u.key_id{where} AND {test}"
        else:
            tables = f"{self._by_index('key_use u', index)} WHERE {test} AND {_HAS_ROW}"
        used = _Part(tables, (f"u.{column}", "u.key_id"), values)
        found: list[int] = []
        count: int | None = None
        if total is None or offset * 2 <= total:
            found = self._rows(used, query.descending, limit, offset)
            if len(found) == limit:
                return found
            count = offset + len(found) if found or not offset else None
        if count is None:
            ((count,),) = self._run(f"SELECT COUNT(*) FROM {used.tables}", used.values)  # noqa: S608 - as below
            if offset < count:
                found = self._rows(used, query.descending, limit, offset, count)
        others = None if total is None else max(total - count, 0)
        if len(found) < limit and others != 0:
            unused = _Part(
                f"{self._by_id('api_key k')} LEFT JOIN key_use u ON u.key_id = k.id AND {test}"
                f"{where or ' WHERE 1 = 1'} AND u.key_id IS NULL",
                ("k.id",),
                values,
            )
            skipped = max(offset - count, 0)
            found += self._rows(unused, query.descending, limit - len(found), skipped, others)
        return found

    def _rows(
        self, part: _Part, descending: bool, limit: int, offset: int, count: int | None = None
    ) -> list[int]:
        """Some of a part's rows; `count` says how many it has."""
        if count is not None and offset * 2 > count:
            length = min(limit, count - offset)
            from_end = count - offset - length
            return self._rows(part, not descending, length, from_end)[::-1] if length > 0 else []
        direction = "DESC" if descending else "ASC"
        order = ", ".join(f"{column} {direction}" for column in part.columns)
        rows = self._run(
            f"SELECT {part.columns[-1]} FROM {part.tables} ORDER BY {order} "  # noqa: S608 - values are marks
            f"LIMIT {int(limit)} OFFSET {int(offset)}",
            part.values,
        )
        return [key_id for (key_id,) in rows]

    def _by_index(self, table: str, index: str) -> str:
        return f"{table} FORCE INDEX ({index})" if self._is_mysql else f"{table} INDEXED BY {index}"

    def _by_id(self, table: str) -> str:
        # Else the index of standings is taken, whose rows would have to be sorted.
        return f"{table} FORCE INDEX (PRIMARY)" if self._is_mysql else f"{table} NOT INDEXED"

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))
