"""The rows of settings. Used inside `Store.read` and `Store.write`."""

import time
from collections.abc import Iterable

from gateway.store.records import SettingValue
from gateway.store.secrets import Cipher, plain
from gateway.store.tables import Tables


class Settings:
    """Reads and writes the stored settings."""

    def __init__(self, tables: Tables, cipher: Cipher) -> None:
        self._table = tables.setting
        self._cipher = cipher

    def all(self) -> dict[str, SettingValue]:
        """Every stored setting by name."""
        return {
            row["name"]: SettingValue(
                name=row["name"],
                value=self._cipher.open(row["value"]),
                fingerprint=row["fingerprint"],
                origin=row["origin"],
                updated_at_ms=row["updated_at_ms"],
            )
            for row in self._table.select().dicts()
        }

    def remove(self, names: Iterable[str]) -> None:
        """Remove settings: their defaults hold again."""
        self._table.delete().where(self._table.name.in_(list(names))).execute()

    def put(self, rows: Iterable[SettingValue]) -> None:
        """Write settings whole, each over what was there."""
        now_ms = int(time.time() * 1000)
        values = [
            {
                "name": row.name,
                "value": self._cipher.seal(row.value) if row.secret else plain(row.value),
                "fingerprint": row.fingerprint,
                "origin": row.origin,
                "updated_at_ms": now_ms,
            }
            for row in rows
        ]
        if values:
            self._table.replace_many(values).execute()
