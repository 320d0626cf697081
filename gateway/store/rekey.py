"""Stored secrets written anew under another key or in the clear, batch by batch. Inside `Store.write`."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from gateway.store.secrets import Cipher
from gateway.store.tables import Tables


@dataclass(frozen=True, slots=True)
class _Place:
    """A column that holds secrets, and its table's primary key.

    batch   how many are held in memory at once
    """

    table: str
    key: str
    column: str
    batch: int = 200


_PLACES = (
    _Place("api_key", "id", "secret"),
    _Place("deleted_key", "id", "secret"),
    _Place("access_token", "id", "secret"),
    _Place("deleted_token", "id", "secret"),
    _Place("bound_object", "name", "details"),
    _Place("kept_response", "id", "body", batch=8),
    _Place("setting", "name", "value"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """How far the work is: behind which row of which place."""

    place: int = 0
    after: object = None


class Rekeying:
    """Writes secrets anew.

    opens     reads what is stored · seals: writes it
    secret    names of the settings whose values are secret
    """

    def __init__(self, tables: Tables, *, opens: Cipher, seals: Cipher, secret: Collection[str]) -> None:
        self._database = tables.database
        self._opens = opens
        self._seals = seals
        self._secret = secret

    def step(self, step: Step) -> tuple[Step | None, int]:
        """Write the next rows; gives where to go on, None at the end, and how many were changed.

        Raises StoreUnavailable when a secret cannot be opened.
        """
        place = _PLACES[step.place]
        rows = self._rows(place, step.after)
        changed = 0
        for key, stored in rows:
            if (new := self._anew(place, key, stored)) is not None:
                changed += self._put(place, key, stored, new)
        if len(rows) == place.batch:
            return Step(step.place, rows[-1][0]), changed
        following = step.place + 1
        return (Step(following) if following < len(_PLACES) else None), changed

    def _anew(self, place: _Place, key: object, stored: str | None) -> str | None:
        """What to store instead; None when it may stay."""
        if stored is None or (place.table == "setting" and key not in self._secret):
            return None
        return None if self._seals.is_its_own(stored) else self._seals.seal(self._opens.open(stored))

    def _rows(self, place: _Place, after: object) -> list[tuple[Any, str | None]]:
        mark = self._database.param
        where, values = ("", ()) if after is None else (f"WHERE {place.key} > {mark}", (after,))
        sql = (
            f"SELECT {place.key}, {place.column} FROM {place.table} {where} "  # noqa: S608 - names
            f"ORDER BY {place.key} LIMIT {place.batch}"
        )
        return list(self._database.execute_sql(sql, values).fetchall())

    def _put(self, place: _Place, key: object, stored: str | None, new: str) -> int:
        """Write one; a row that somebody changed meanwhile is theirs, and was sealed by them."""
        mark = self._database.param
        sql = (
            f"UPDATE {place.table} SET {place.column} = {mark} "  # noqa: S608 - names
            f"WHERE {place.key} = {mark} AND {place.column} = {mark}"
        )
        return int(self._database.execute_sql(sql, (new, key, stored)).rowcount)
