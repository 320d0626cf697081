"""Calls read back from the tables, as dataclasses. Used inside `Store.read`.

Pages and exports read them by the thousand, so that they go past peewee's query builder.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.store import own_attempt
from gateway.store.own_attempt import attempts_of
from gateway.store.records import AttemptRecord, CallRecord, StoredCall
from gateway.store.tables import Tables
from gateway.store.texts import as_name

_FIELDS = (
    "request_id started_at_ms dialect operation model token_id key_id status outcome failure_kind stream "
    "duration_ms first_token_ms prompt_tokens completion_tokens thought_tokens cached_tokens total_tokens "
    "request_bytes response_bytes"
).split()
"""CallRecord's fields in their order."""
_COLUMNS = ", ".join(("id", *_FIELDS, *own_attempt.COLUMNS))
_OWN = 1 + len(_FIELDS)
_STARTED, _STATUS, _STREAM = (_FIELDS.index(name) for name in ("started_at_ms", "status", "stream"))
_ATTEMPT = (
    "call_id, number, key_id, key_alias, failure_kind, status, duration_ms, started_at_ms, bucket_state"
)
"""The call, then AttemptRecord's fields in their order."""
_Bodies = tuple[bytes | None, bytes | None]


class Calls:
    """Reads calls back. Used inside `Store.read`."""

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._mark = tables.database.param

    def latest(self, limit: int) -> list[StoredCall]:
        """The last calls, newest first, without bodies."""
        return self._calls("", (), limit=limit)

    def named(self, ids: Sequence[int], *, bodies: bool = False) -> list[StoredCall]:
        """Those of the calls named that are there, newest first, with their attempts."""
        if not ids:
            return []
        return self._calls(f"WHERE id IN ({self._marks(ids)})", ids, bodies=bodies)

    def by_request_id(self, request_id: str) -> StoredCall | None:
        """The newest call of a request id, with its attempts and error body."""
        name = as_name(request_id, 128)
        found = self._calls(f"WHERE request_id = {self._mark}", (name,), limit=1, bodies=True)
        return found[0] if found else None

    def count(self) -> int:
        ((found,),) = self._run("SELECT COUNT(*) FROM request", ())
        return int(found)

    def _calls(
        self, where: str, values: Sequence[object], *, limit: int | None = None, bodies: bool = False
    ) -> list[StoredCall]:
        page = "" if limit is None else f" LIMIT {int(limit)}"
        sql = f"SELECT {_COLUMNS} FROM request {where} ORDER BY id DESC{page}"  # noqa: S608 - names and marks
        rows = list(self._run(sql, values))
        attempts = self._attempts([row[0] for row in rows if row[_OWN] is None])
        kept = self._bodies([row[0] for row in rows]) if bodies else {}
        return [
            StoredCall(row[0], _record(row, attempts.get(row[0], ()), kept.get(row[0], (None, None))))
            for row in rows
        ]

    def _attempts(self, ids: Sequence[int]) -> dict[int, list[AttemptRecord]]:
        found: dict[int, list[AttemptRecord]] = {}
        if ids:
            sql = (
                f"SELECT {_ATTEMPT} FROM attempt WHERE call_id IN ({self._marks(ids)}) "  # noqa: S608
                "ORDER BY call_id, number"
            )
            for call_id, *fields in self._run(sql, ids):
                found.setdefault(call_id, []).append(AttemptRecord(*fields))
        return found

    def _bodies(self, ids: Sequence[int]) -> dict[int, _Bodies]:
        if not ids:
            return {}
        sql = f"SELECT call_id, body, request_body FROM error_body WHERE call_id IN ({self._marks(ids)})"  # noqa: S608
        return {call_id: (_bytes(body), _bytes(request)) for call_id, body, request in self._run(sql, ids)}

    def _marks(self, ids: Sequence[int]) -> str:
        return ", ".join([self._mark] * len(ids))

    def _run(self, sql: str, values: Sequence[object]) -> Iterable[tuple[Any, ...]]:
        rows: Iterable[tuple[Any, ...]] = self._database.execute_sql(sql, tuple(values))
        return rows


def _record(row: tuple[Any, ...], attempts: Sequence[AttemptRecord], bodies: _Bodies) -> CallRecord:
    values: list[Any] = [*row[1:_OWN]]
    own = attempts_of(row[_OWN:], values[_STARTED], values[_STATUS])
    values[_STREAM] = bool(values[_STREAM])
    values += (own or tuple(attempts), *bodies)
    return CallRecord(*values)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
