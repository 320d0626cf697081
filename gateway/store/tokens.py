"""The rows of access tokens. Used inside `Store.read` and `Store.write`."""

import time
from collections.abc import Iterable, Iterator, Sequence

from gateway.store.bulk import insert_rows, insert_statement
from gateway.store.records import TokenRow
from gateway.store.secrets import Cipher, secret_hash
from gateway.store.tables import Tables

_CHUNK = 400
_COLUMNS = "secret secret_hash alias name origin enabled created_at_ms updated_at_ms".split()


class Tokens:
    """Reads and changes the access tokens."""

    def __init__(self, tables: Tables, cipher: Cipher) -> None:
        self._table = tables.access_token
        self._database = tables.database
        self._cipher = cipher
        self._insert = insert_statement(tables.database, "access_token", _COLUMNS, unique=("secret_hash",))

    def everything(self) -> list[TokenRow]:
        """All tokens in the order they were added."""
        table = self._table
        return [
            TokenRow(
                id=row["id"],
                secret=self._cipher.open(row["secret"]),
                alias=row["masked"],
                name=row["name"],
                origin=row["origin"],
                enabled=bool(row["enabled"]),
                created_at_ms=row["created_at_ms"],
                updated_at_ms=row["updated_at_ms"],
            )
            for row in table.select().order_by(table.id).dicts()
        ]

    def origins(self) -> list[tuple[str, str]]:
        """(secret_hash, origin) of every token."""
        return list(self._database.execute_sql("SELECT secret_hash, origin FROM access_token").fetchall())

    def add(self, rows: Iterable[TokenRow]) -> int:
        """Add tokens; those that are there already stay as they are. Gives how many are new.

        Raises StoreError for a secret that is no text.
        """
        return insert_rows(self._database, self._insert, self._columns(rows))

    def remove(self, hashes: Sequence[str]) -> int:
        """Remove the tokens with these secret hashes."""
        removed = 0
        for start in range(0, len(hashes), _CHUNK):
            chunk = list(hashes[start : start + _CHUNK])
            removed += self._table.delete().where(self._table.secret_hash.in_(chunk)).execute()
        return removed

    def _columns(self, rows: Iterable[TokenRow]) -> Iterator[tuple[object, ...]]:
        now_ms = int(time.time() * 1000)
        for row in rows:
            yield (
                self._cipher.seal(row.secret),
                secret_hash(row.secret),
                row.alias,
                row.name,
                row.origin,
                row.enabled,
                row.created_at_ms or now_ms,
                now_ms,
            )
