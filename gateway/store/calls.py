"""Calls read back from the tables, as dataclasses. Used inside `Store.read`."""

from collections.abc import Sequence

from gateway.store.records import AttemptRecord, CallRecord, StoredCall
from gateway.store.tables import Tables
from gateway.store.texts import as_name


class Calls:
    """Reads calls back. Used inside `Store.read`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def latest(self, limit: int) -> list[StoredCall]:
        """The last calls, newest first, without bodies."""
        request = self._tables.request
        rows = request.select().order_by(request.id.desc()).limit(limit).dicts()
        return self._with_attempts(list(rows))

    def named(self, ids: Sequence[int], *, bodies: bool = False) -> list[StoredCall]:
        """Those of the calls named that are there, newest first, with their attempts."""
        request = self._tables.request
        rows = (
            request.select().where(request.id.in_(list(ids))).order_by(request.id.desc()).dicts()
            if ids
            else ()
        )
        return self._with_attempts(list(rows), bodies=bodies)

    def by_request_id(self, request_id: str) -> StoredCall | None:
        """The newest call of a request id, with its attempts and error body."""
        request = self._tables.request
        rows = list(
            request.select()
            .where(request.request_id == as_name(request_id, 128))
            .order_by(request.id.desc())
            .limit(1)
            .dicts()
        )
        found = self._with_attempts(rows, bodies=True)
        return found[0] if found else None

    def count(self) -> int:
        return int(self._tables.request.select().count())

    def _with_attempts(self, rows: list[dict[str, object]], *, bodies: bool = False) -> list[StoredCall]:
        ids = [row["id"] for row in rows]
        attempt, error_body = self._tables.attempt, self._tables.error_body
        made: dict[object, list[AttemptRecord]] = {}
        found = (
            attempt.select().where(attempt.call_id.in_(ids)).order_by(attempt.number).dicts() if ids else ()
        )
        for each in found:
            made.setdefault(each.pop("call_id"), []).append(AttemptRecord(**each))
        kept = {}
        if bodies and ids:
            kept = {
                each["call_id"]: each
                for each in error_body.select().where(error_body.call_id.in_(ids)).dicts()
            }
        return [_stored(row, made, kept.get(row["id"])) for row in rows]


def _stored(
    row: dict[str, object], made: dict[object, list[AttemptRecord]], body: dict[str, str | None] | None
) -> StoredCall:
    fields: dict[str, object] = {**row}
    call_id = fields.pop("id")
    fields["attempts"] = tuple(made.get(call_id, ()))
    fields["stream"] = bool(fields["stream"])
    if body is not None:
        fields["error_body"] = _bytes(body["body"])
        fields["request_body"] = _bytes(body["request_body"])
    return StoredCall(int(str(call_id)), CallRecord(**fields))  # type: ignore[arg-type]  # columns are the fields


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
