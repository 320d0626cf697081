"""The rows of keys. Used inside `Store.read` and `Store.write`.

A deployment may have a hundred thousand of them, so adding and loading go past peewee's query builder.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson

from gateway.store.bulk import insert_rows, insert_statement
from gateway.store.records import KeyRow
from gateway.store.secrets import Cipher, secret_hash
from gateway.store.tables import Tables

_CHUNK = 400
_COLUMNS = (
    "secret secret_hash alias provider origin project note tags weight enabled dead_reason dead_since_ms "
    "created_at_ms updated_at_ms"
).split()
_SHOWN = (
    "alias, provider, origin, id, project, note, tags, weight, enabled, dead_reason, dead_since_ms, "
    "created_at_ms, updated_at_ms"
)
_LOADED = f"secret, {_SHOWN}"
"""In the order of KeyRow's fields."""
_CHANGEABLE = frozenset(
    (
        "project note tags weight enabled dead_reason dead_since_ms rest_reason rest_until_ms seen_project"
    ).split()
)
_NO_TAGS = "[]"


class Keys:
    """Reads and changes the keys. A key is one secret of one provider."""

    def __init__(self, tables: Tables, cipher: Cipher) -> None:
        self._table = tables.api_key
        self._database = tables.database
        self._cipher = cipher
        self._insert = insert_statement(
            tables.database, "api_key", _COLUMNS, unique=("provider", "secret_hash")
        )

    def everything(self) -> list[KeyRow]:
        """All keys in the order they were added."""
        return self._rows(f"SELECT {_LOADED} FROM api_key ORDER BY id", (), self._cipher.open)  # noqa: S608

    def named(self, ids: Sequence[int]) -> list[KeyRow]:
        """Those of the keys named that are there."""
        return self._named(_LOADED, ids, self._cipher.open)

    def shown(self, ids: Sequence[int]) -> list[KeyRow]:
        """The same for people to look at: their secrets are "", and are not even opened."""
        return self._named(f"'', {_SHOWN}", ids, str)

    def _named(self, columns: str, ids: Sequence[int], unseal: Callable[[str], str]) -> list[KeyRow]:
        found: list[KeyRow] = []
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            marks = ", ".join([self._database.param] * len(chunk))
            sql = f"SELECT {columns} FROM api_key WHERE id IN ({marks}) ORDER BY id"  # noqa: S608 - names
            found += self._rows(sql, chunk, unseal)
        return found

    def _rows(self, sql: str, values: Sequence[object], unseal: Callable[[str], str]) -> list[KeyRow]:
        found = self._database.execute_sql(sql, values)
        return [
            KeyRow(
                unseal(secret),
                alias,
                provider,
                origin,
                key_id,
                project,
                note,
                () if tags == _NO_TAGS else tuple(orjson.loads(tags)),
                weight,
                bool(enabled),
                *rest,
            )
            for secret, alias, provider, origin, key_id, project, note, tags, weight, enabled, *rest in found
        ]

    def origins(self, provider: str = "gemini") -> list[tuple[str, str]]:
        """(secret_hash, origin) of every key of a provider."""
        found = self._database.execute_sql(
            f"SELECT secret_hash, origin FROM api_key WHERE provider = {self._database.param}",  # noqa: S608
            (provider,),
        )
        return list(found.fetchall())

    def add(self, rows: Iterable[KeyRow]) -> int:
        """Add keys; those that are there already stay as they are. Gives how many are new.

        Raises StoreError for a secret that is no text.
        """
        return insert_rows(self._database, self._insert, self._columns(rows))

    def change(self, ids: Sequence[int], **changes: Any) -> int:
        """Change columns of the keys named; `_CHANGEABLE` lists the columns."""
        if unknown := set(changes) - _CHANGEABLE:
            raise ValueError(f"columns that cannot be changed: {sorted(unknown)}")
        if "tags" in changes:
            changes["tags"] = orjson.dumps(list(changes["tags"])).decode()
        changes["updated_at_ms"] = int(time.time() * 1000)
        changed = 0
        for start in range(0, len(ids), _CHUNK):
            chunk = list(ids[start : start + _CHUNK])
            changed += self._table.update(**changes).where(self._table.id.in_(chunk)).execute()
        return changed

    def remove(self, hashes: Sequence[str], provider: str = "gemini") -> int:
        """Remove a provider's keys with these secret hashes."""
        return self.remove_named(list(self.ids_of(hashes, provider).values()))

    def remove_named(self, ids: Sequence[int]) -> int:
        """Remove the keys named for good, with what is known of their use."""
        removed = 0
        for start in range(0, len(ids), _CHUNK):
            chunk = list(ids[start : start + _CHUNK])
            removed += self._table.delete().where(self._table.id.in_(chunk)).execute()
            marks = ", ".join([self._database.param] * len(chunk))
            self._database.execute_sql(f"DELETE FROM key_use WHERE key_id IN ({marks})", chunk)  # noqa: S608
        return removed

    def ids_of(self, hashes: Sequence[str], provider: str = "gemini") -> dict[str, int]:
        """The ids of a provider's keys with these secret hashes, by hash."""
        table = self._table
        found: dict[str, int] = {}
        for start in range(0, len(hashes), _CHUNK):
            chunk = list(hashes[start : start + _CHUNK])
            query = table.select(table.secret_hash, table.id)
            found.update(query.where(table.provider == provider, table.secret_hash.in_(chunk)).tuples())
        return found

    def _columns(self, rows: Iterable[KeyRow]) -> Iterator[tuple[object, ...]]:
        now_ms = int(time.time() * 1000)
        seal = self._cipher.seal
        for row in rows:
            yield (
                seal(row.secret),
                secret_hash(row.secret),
                row.alias,
                row.provider,
                row.origin,
                row.project,
                row.note,
                orjson.dumps(row.tags).decode() if row.tags else _NO_TAGS,
                row.weight,
                row.enabled,
                row.dead_reason,
                row.dead_since_ms,
                row.created_at_ms or now_ms,
                now_ms,
            )
