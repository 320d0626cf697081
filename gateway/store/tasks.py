"""The rows of long work: how far it is, and whether it was asked to stop. Any process may read them."""

from gateway.store.bulk import insert_rows, replace_statement
from gateway.store.records import TaskRow
from gateway.store.tables import Tables

_COLUMNS = "id kind state done total started_at_ms updated_at_ms actor stop_asked outcome".split()
"""In the order of TaskRow's fields."""


class Tasks:
    """Reads and writes tasks. Used inside `Store.read` and `Store.write`."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.task
        self._database = tables.database
        self._replace = replace_statement(tables.database, "task", _COLUMNS)

    def put(self, row: TaskRow) -> None:
        """Write a task over what was there, except a wish to stop."""
        stop_asked = row.stop_asked or self.is_asked_to_stop(row.id)
        values = [getattr(row, name) for name in _COLUMNS]
        values[_COLUMNS.index("stop_asked")] = int(stop_asked)
        insert_rows(self._database, self._replace, [tuple(values)])

    def find(self, task_id: str) -> TaskRow | None:
        for row in self._table.select().where(self._table.id == task_id).tuples():
            return TaskRow(*row)
        return None

    def latest(self, limit: int) -> list[TaskRow]:
        """The tasks begun last, the newest first."""
        query = self._table.select().order_by(self._table.started_at_ms.desc()).limit(limit)
        return [TaskRow(*row) for row in query.tuples()]

    def ask_to_stop(self, task_id: str) -> bool:
        """Leave word that a task should stop; False when there is none of that id."""
        query = self._table.update(stop_asked=True).where(self._table.id == task_id)
        return bool(query.execute()) or self.find(task_id) is not None

    def is_asked_to_stop(self, task_id: str) -> bool:
        found = self._table.select(self._table.stop_asked).where(self._table.id == task_id).tuples()
        return any(bool(asked) for (asked,) in found)

    def prune(self, before_ms: int) -> int:
        """Remove tasks begun before a time; gives how many."""
        return int(self._table.delete().where(self._table.started_at_ms < before_ms).execute())
