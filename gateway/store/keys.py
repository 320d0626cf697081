"""The rows of keys. Used inside `Store.read` and `Store.write`."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from gateway.store.records import KeyRow
from gateway.store.secrets import Cipher, secret_hash
from gateway.store.tables import Tables

_CHUNK = 400
_COLUMNS = (
    "id secret masked provider origin project note tags weight enabled dead_reason dead_since_ms "
    "created_at_ms updated_at_ms"
).split()
_CHANGEABLE = frozenset({"project", "note", "tags", "weight", "enabled", "dead_reason", "dead_since_ms"})


class Keys:
    """Reads and changes the keys."""

    def __init__(self, tables: Tables, cipher: Cipher) -> None:
        self._table = tables.api_key
        self._cipher = cipher

    def everything(self) -> list[KeyRow]:
        """All keys in the order they were added."""
        table = self._table
        rows = table.select(*(getattr(table, name) for name in _COLUMNS)).order_by(table.id).tuples()
        return [self._row(row) for row in rows]

    def origins(self) -> list[tuple[str, str]]:
        """(secret_hash, origin) of every key."""
        table = self._table
        return [(found, origin) for found, origin in table.select(table.secret_hash, table.origin).tuples()]

    def add(self, rows: Iterable[KeyRow]) -> int:
        """Add keys; those that are there already stay as they are. Gives how many are new."""
        now_ms = int(time.time() * 1000)
        by_hash = {secret_hash(row.secret): row for row in rows}
        added = 0
        hashes = list(by_hash)
        for start in range(0, len(hashes), _CHUNK):
            chunk = hashes[start : start + _CHUNK]
            found = (
                self._table.select(self._table.secret_hash).where(self._table.secret_hash.in_(chunk)).tuples()
            )
            there = {known for (known,) in found}
            new = [self._columns(each, by_hash[each], now_ms) for each in chunk if each not in there]
            if new:
                self._table.insert_many(new).execute()
                added += len(new)
        return added

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

    def remove(self, hashes: Sequence[str]) -> int:
        """Remove the keys with these secret hashes."""
        removed = 0
        for start in range(0, len(hashes), _CHUNK):
            chunk = list(hashes[start : start + _CHUNK])
            removed += self._table.delete().where(self._table.secret_hash.in_(chunk)).execute()
        return removed

    def _row(self, row: tuple[Any, ...]) -> KeyRow:
        values = dict(zip(_COLUMNS, row, strict=True))
        values["secret"] = self._cipher.open(values["secret"])
        values["alias"] = values.pop("masked")
        values["tags"] = tuple(orjson.loads(values["tags"]))
        values["enabled"] = bool(values["enabled"])
        return KeyRow(**values)

    def _columns(self, hashed: str, row: KeyRow, now_ms: int) -> Mapping[str, object]:
        return {
            "secret": self._cipher.seal(row.secret),
            "secret_hash": hashed,
            "masked": row.alias,
            "provider": row.provider,
            "origin": row.origin,
            "project": row.project,
            "note": row.note,
            "tags": orjson.dumps(list(row.tags)).decode(),
            "weight": row.weight,
            "enabled": row.enabled,
            "dead_reason": row.dead_reason,
            "dead_since_ms": row.dead_since_ms,
            "created_at_ms": row.created_at_ms or now_ms,
            "updated_at_ms": now_ms,
        }
