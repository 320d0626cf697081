"""The rows of access tokens. Used inside `Store.read` and `Store.write`."""

import time
from collections.abc import Iterable, Sequence

from gateway.store.records import TokenRow
from gateway.store.secrets import Cipher, secret_hash
from gateway.store.tables import Tables

_CHUNK = 400


class Tokens:
    """Reads and changes the access tokens."""

    def __init__(self, tables: Tables, cipher: Cipher) -> None:
        self._table = tables.access_token
        self._cipher = cipher

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
        table = self._table
        return [(found, origin) for found, origin in table.select(table.secret_hash, table.origin).tuples()]

    def add(self, rows: Iterable[TokenRow]) -> int:
        """Add tokens; those that are there already stay as they are. Gives how many are new."""
        now_ms = int(time.time() * 1000)
        there = {found for found, _ in self.origins()}
        new = [
            {
                "secret": self._cipher.seal(row.secret),
                "secret_hash": hashed,
                "masked": row.alias,
                "name": row.name,
                "origin": row.origin,
                "enabled": row.enabled,
                "created_at_ms": row.created_at_ms or now_ms,
                "updated_at_ms": now_ms,
            }
            for hashed, row in {secret_hash(row.secret): row for row in rows}.items()
            if hashed not in there
        ]
        for start in range(0, len(new), _CHUNK):
            self._table.insert_many(new[start : start + _CHUNK]).execute()
        return len(new)

    def remove(self, hashes: Sequence[str]) -> int:
        """Remove the tokens with these secret hashes."""
        removed = 0
        for start in range(0, len(hashes), _CHUNK):
            chunk = list(hashes[start : start + _CHUNK])
            removed += self._table.delete().where(self._table.secret_hash.in_(chunk)).execute()
        return removed
