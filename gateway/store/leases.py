"""The rows of leases: which process alone does a thing now. Used inside `Store.write`.

Times are those of the database's clock, so that the clocks of machines do not matter.
"""

from gateway.store.clock import clock_ms
from gateway.store.tables import Tables


class Leases:
    """Takes and gives back leases."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.lease
        self._now_ms = clock_ms(tables.database)

    def take(self, name: str, holder: str, ttl_ms: int) -> bool:
        """Take a lease, or hold it longer; True when `holder` has it for the next `ttl_ms`."""
        table = self._table
        until_ms = self._now_ms + ttl_ms
        is_free = (table.holder == holder) | (table.until_ms <= self._now_ms)
        table.update(holder=holder, until_ms=until_ms).where(table.name == name, is_free).execute()
        # Rows touched are not asked for: MySQL does not count one that has the values already.
        found = self.holder(name)
        if found is None:
            table.insert(name=name, holder=holder, until_ms=until_ms).on_conflict_ignore().execute()
            found = self.holder(name)
        return found == holder

    def holder(self, name: str) -> str | None:
        """Who held a lease last; it may have run out."""
        table = self._table
        for (holder,) in table.select(table.holder).where(table.name == name).tuples():
            return str(holder)
        return None

    def release(self, name: str, holder: str) -> None:
        """Give a lease back; another's is left alone."""
        table = self._table
        table.delete().where(table.name == name, table.holder == holder).execute()
