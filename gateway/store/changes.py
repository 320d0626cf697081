"""The rows of changes that processes tell each other. Used inside `Store.read` and `Store.write`.

On MySQL a row may appear after one with a higher id: ids are given before the commit.
"""

from collections.abc import Sequence

from gateway.store.bulk import insert_rows, insert_statement
from gateway.store.clock import read_clock_ms
from gateway.store.records import ChangeRow
from gateway.store.tables import Tables

_CHUNK = 400
_COLUMNS = "at_ms origin topic payload".split()


class Changes:
    """Adds and reads changes; their times are the database's."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.change
        self._database = tables.database
        # CHANGE is a word of MySQL's; SQLite takes its quotes.
        self._insert = insert_statement(tables.database, "`change`", _COLUMNS)

    def add(self, origin: str, told: Sequence[tuple[str, str]]) -> None:
        """Add (topic, payload) pairs of one origin."""
        now_ms = read_clock_ms(self._database)
        rows = [(now_ms, origin, topic, payload) for topic, payload in told]
        insert_rows(self._database, self._insert, rows)

    def after(self, change_id: int, limit: int) -> list[ChangeRow]:
        """The first changes with higher ids, in their order."""
        table = self._table
        query = table.select(table.id, table.origin, table.topic, table.payload)
        return [
            ChangeRow(*row)
            for row in query.where(table.id > change_id).order_by(table.id).limit(limit).tuples()
        ]

    def named(self, ids: Sequence[int]) -> list[ChangeRow]:
        """Those of the changes named that are there, in their order."""
        table = self._table
        found: list[ChangeRow] = []
        for start in range(0, len(ids), _CHUNK):
            query = table.select(table.id, table.origin, table.topic, table.payload)
            chunk = list(ids[start : start + _CHUNK])
            found += [ChangeRow(*row) for row in query.where(table.id.in_(chunk)).order_by(table.id).tuples()]
        return found

    def last_id(self) -> int:
        """The highest id there is, 0 for none."""
        return self._number("SELECT MAX(id) FROM `change`")

    def prune(self, age_ms: int, *, limit: int = 5000) -> int:
        """Remove the oldest changes beyond an age, some `limit` of them; gives how many.

        The last one always stays: older MySQL servers give ids again after a restart when nothing is left.
        """
        table = self._table
        first_id, last_id = self._number("SELECT MIN(id) FROM `change`"), self.last_id()
        ends_id = min(first_id + limit, last_id)
        too_old = table.at_ms < read_clock_ms(self._database) - age_ms
        return int(table.delete().where(table.id < ends_id, too_old).execute())

    def _number(self, sql: str) -> int:
        (found,) = self._database.execute_sql(sql).fetchone()
        return int(found or 0)
