"""The rows of admin sessions: who is signed in. Used inside `Store.read` and `Store.write`.

A session is found by the hash of its token; the token itself is only in the browser.
"""

from gateway.store.records import SessionRow
from gateway.store.tables import Tables


class Sessions:
    """Reads and changes the sessions."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.session

    def add(self, row: SessionRow) -> None:
        """Begin a session."""
        self._table.insert(
            token_hash=row.token_hash,
            mark=row.mark,
            created_at_ms=row.created_at_ms,
            expires_at_ms=row.expires_at_ms,
        ).execute()

    def find(self, token_hash: str) -> SessionRow | None:
        """A session; it may have expired."""
        table = self._table
        query = table.select(table.token_hash, table.mark, table.created_at_ms, table.expires_at_ms)
        for row in query.where(table.token_hash == token_hash).tuples():
            return SessionRow(*row)
        return None

    def extend(self, token_hash: str, expires_at_ms: int) -> None:
        """Have a session end later; it never comes to end sooner."""
        table = self._table
        table.update(expires_at_ms=expires_at_ms).where(
            table.token_hash == token_hash, table.expires_at_ms < expires_at_ms
        ).execute()

    def remove(self, token_hash: str) -> None:
        """End a session."""
        self._table.delete().where(self._table.token_hash == token_hash).execute()

    def remove_all(self) -> int:
        """End every session; gives how many there were."""
        return int(self._table.delete().execute())

    def prune(self, now_ms: int) -> int:
        """Forget the sessions that have expired; gives how many."""
        return int(self._table.delete().where(self._table.expires_at_ms < now_ms).execute())
