"""The rows of what the pool remembers. Used inside `Store.read` and `Store.write`.

A row is a thing's last state as text that the pool writes and reads; nothing here knows what it says.
"""

import hashlib
import time
from collections.abc import Iterable

from gateway.store.bulk import insert_rows, replace_statement
from gateway.store.orm import peewee
from gateway.store.records import PoolStateName, PoolStateRow
from gateway.store.tables import Tables

_COLUMNS = "provider owner model kind state updated_at_ms".split()
_OWNER_CHARS = 160
_MODEL_CHARS = 256


class PoolStates:
    """Reads and writes the pool's states."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.pool_state
        self._database = tables.database
        self._replace = replace_statement(tables.database, "pool_state", _COLUMNS)
        self._is_mysql = isinstance(tables.database, peewee.MySQLDatabase)
        mark = tables.database.param
        self._remove = (
            "DELETE FROM pool_state "  # noqa: S608 - a placeholder
            f"WHERE provider = {mark} AND owner = {mark} AND model = {mark} AND kind = {mark}"
        )

    def put_many(self, rows: Iterable[PoolStateRow]) -> None:
        """Write states, each over the one of the same name."""
        now_ms = int(time.time() * 1000)
        # One order for all processes, so that two that write the same rows do not lock each other out.
        named = sorted((_name(row.name), row.state) for row in rows)
        insert_rows(self._database, self._replace, ((*name, state, now_ms) for name, state in named))

    def remove_many(self, names: Iterable[PoolStateName]) -> None:
        """Remove the states named."""
        cursor = self._database.cursor()
        for name in sorted(_name(name) for name in names):
            cursor.execute(self._remove, name)

    def all(self, *, besides: str = "") -> list[str]:
        """The text of every state but those of one kind."""
        return self._texts("kind <>", besides)

    def all_of(self, kind: str) -> list[str]:
        """The text of every state of one kind."""
        return self._texts("kind =", kind)

    def _texts(self, condition: str, kind: str) -> list[str]:
        sql = f"SELECT state FROM pool_state WHERE {condition} {self._database.param}"  # noqa: S608 - constants
        return [state for (state,) in self._database.execute_sql(sql, (kind,))]

    def find(self, name: PoolStateName) -> str | None:
        """The text of one state."""
        table = self._table
        provider, owner, model, kind = _name(name)
        query = table.select(table.state).where(
            table.provider == provider, table.owner == owner, table.model == model, table.kind == kind
        )
        for (state,) in query.tuples():
            return str(state)
        return None

    def prune(self, before_ms: int, *, kinds: Iterable[str]) -> int:
        """Remove states of some kinds that were not written since; gives how many."""
        table = self._table
        return int(
            table.delete().where(table.kind.in_(list(kinds)), table.updated_at_ms < before_ms).execute()
        )

    def prune_keys(self, kind: str) -> int:
        """Remove states of a kind whose owner is a key (`key=ID`) that is gone; gives how many."""
        owner = "CONCAT('key=', api_key.id)" if self._is_mysql else "'key=' || api_key.id"
        sql = (
            f"DELETE FROM pool_state WHERE kind = {self._database.param} "  # noqa: S608 - constants
            f"AND owner NOT IN (SELECT {owner} FROM api_key)"
        )
        return int(self._database.execute_sql(sql, (kind,)).rowcount)


def _name(name: PoolStateName) -> PoolStateName:
    """A name as the columns take it."""
    return PoolStateName(
        name.provider, _fitting(name.owner, _OWNER_CHARS), _fitting(name.model, _MODEL_CHARS), name.kind
    )


def _fitting(text: str, chars: int) -> str:
    """Text whole or, when it is too long, cut and told apart by its hash."""
    if len(text) <= chars:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: chars - len(digest) - 1]}#{digest}"
