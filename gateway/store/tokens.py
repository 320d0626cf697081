"""The rows of access tokens. Used inside `Store.read` and `Store.write`."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import orjson

from gateway.store.bulk import insert_rows, insert_statement
from gateway.store.records import TokenRow
from gateway.store.secrets import Cipher, secret_hash
from gateway.store.tables import Tables

_CHUNK = 400
_COLUMNS = (
    "secret secret_hash alias name origin enabled created_at_ms updated_at_ms requests_per_minute "
    "tokens_per_day models expires_at_ms"
).split()
_CHANGEABLE = frozenset(
    {"name", "enabled", "requests_per_minute", "tokens_per_day", "models", "expires_at_ms"}
)


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
        return [self._row(row) for row in table.select().order_by(table.id).dicts()]

    def named(self, ids: Sequence[int]) -> list[TokenRow]:
        """Those of some tokens that are there."""
        table = self._table
        query = table.select().where(table.id.in_(list(ids))).order_by(table.id)
        return [self._row(row) for row in query.dicts()]

    def ids_of(self, hashes: Collection[str]) -> dict[str, int]:
        """The ids of the tokens with these secret hashes."""
        table = self._table
        query = table.select(table.secret_hash, table.id).where(table.secret_hash.in_(list(hashes)))
        return dict(query.tuples())

    def change(self, ids: Sequence[int], **changes: Any) -> int:
        """Change columns of the tokens named; `_CHANGEABLE` lists the columns."""
        if unknown := set(changes) - _CHANGEABLE:
            raise ValueError(f"columns that cannot be changed: {sorted(unknown)}")
        if "models" in changes:
            changes["models"] = _as_json(changes["models"])
        changes["updated_at_ms"] = int(time.time() * 1000)
        return int(self._table.update(**changes).where(self._table.id.in_(list(ids))).execute())

    def _row(self, row: dict[str, Any]) -> TokenRow:
        models = row["models"]
        return TokenRow(
            id=row["id"],
            secret=self._cipher.open(row["secret"]),
            alias=row["masked"],
            name=row["name"],
            origin=row["origin"],
            enabled=bool(row["enabled"]),
            created_at_ms=row["created_at_ms"],
            updated_at_ms=row["updated_at_ms"],
            requests_per_minute=row["requests_per_minute"],
            tokens_per_day=row["tokens_per_day"],
            models=None if models is None else tuple(orjson.loads(models)),
            expires_at_ms=row["expires_at_ms"],
        )

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
                row.requests_per_minute,
                row.tokens_per_day,
                _as_json(row.models),
                row.expires_at_ms,
            )


def _as_json(models: Sequence[str] | None) -> str | None:
    return None if models is None else orjson.dumps(list(models)).decode()
