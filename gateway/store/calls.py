"""Call records on their way into the tables: fixed SQL and tuples, one transaction a batch.

Building a large peewee insert holds the interpreter for milliseconds, so the statements are written out and
executed with the driver's executemany on peewee's own connection.
"""

import random
import time
from collections.abc import Sequence

import peewee

from gateway.store.records import AttemptRecord, CallRecord, StoredCall
from gateway.store.tables import Tables

MAX_BODY_CHARS = 60_000
"""MySQL's TEXT holds 64 KiB; of a longer body the beginning is kept."""

_REQUEST = (
    "id request_id started_at_ms dialect operation model token_id key_id status outcome failure_kind stream "
    "duration_ms first_token_ms prompt_tokens completion_tokens thought_tokens cached_tokens total_tokens "
    "request_bytes response_bytes attempts"
).split()
_ATTEMPT = "call_id number key_id key_alias failure_kind status duration_ms started_at_ms".split()
_ERROR_BODY = "call_id body request_body".split()
Row = tuple[object, ...]


class CallIds:
    """Ids that grow with time: 41 bits of milliseconds, 10 of the writer, 12 of a count.

    Made here and not by the database, so that attempts can name their call within one batch.
    """

    def __init__(self) -> None:
        self._writer = random.SystemRandom().getrandbits(10)
        self._last_ms = 0
        self._count = 0

    def next(self) -> int:
        now_ms = max(int(time.time() * 1000), self._last_ms)
        self._count = self._count + 1 if now_ms == self._last_ms else 0
        if self._count >= 4096:
            now_ms, self._count = now_ms + 1, 0
        self._last_ms = now_ms
        return now_ms << 22 | self._writer << 12 | self._count


class CallWriter:
    """Inserts batches of call records through one connection."""

    def __init__(self, database: peewee.Database) -> None:
        self._database = database
        mark = "?" if isinstance(database, peewee.SqliteDatabase) else "%s"
        self._statements = {
            table: f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})"  # noqa: S608 - names are constants
            for table, columns in (("request", _REQUEST), ("attempt", _ATTEMPT), ("error_body", _ERROR_BODY))
        }
        self._ids = CallIds()

    def insert(self, batch: Sequence[CallRecord]) -> None:
        """Write all of them in one transaction, or raise with none written."""
        requests: list[Row] = []
        attempts: list[Row] = []
        bodies: list[Row] = []
        for call in batch:
            call_id = self._ids.next()
            requests.append(_request_row(call_id, call))
            attempts += [_attempt_row(call_id, attempt) for attempt in call.attempts]
            if call.error_body is not None or call.request_body is not None:
                bodies.append((call_id, _text(call.error_body) or "", _text(call.request_body)))
        with self._database.atomic():
            cursor = self._database.cursor()
            cursor.executemany(self._statements["request"], requests)
            if attempts:
                cursor.executemany(self._statements["attempt"], attempts)
            if bodies:
                cursor.executemany(self._statements["error_body"], bodies)


class Calls:
    """Reads calls back. Used inside `Store.read`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def latest(self, limit: int) -> list[StoredCall]:
        """The last calls, newest first, without bodies."""
        request = self._tables.request
        rows = request.select().order_by(request.id.desc()).limit(limit).dicts()
        return self._with_attempts(list(rows))

    def by_request_id(self, request_id: str) -> StoredCall | None:
        """The newest call of a request id, with its attempts and error body."""
        request = self._tables.request
        rows = list(
            request.select()
            .where(request.request_id == request_id)
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


def _request_row(call_id: int, call: CallRecord) -> Row:
    return (
        call_id,
        call.request_id[:128],
        call.started_at_ms,
        call.dialect,
        call.operation[:40],
        call.model[:256],
        call.token_id,
        call.key_id,
        call.status,
        call.outcome,
        call.failure_kind,
        call.stream,
        call.duration_ms,
        call.first_token_ms,
        call.prompt_tokens,
        call.completion_tokens,
        call.thought_tokens,
        call.cached_tokens,
        call.total_tokens,
        call.request_bytes,
        call.response_bytes,
        len(call.attempts),
    )


def _attempt_row(call_id: int, attempt: AttemptRecord) -> Row:
    return (
        call_id,
        attempt.number,
        attempt.key_id,
        attempt.key_alias[:40],
        attempt.failure_kind,
        attempt.status,
        attempt.duration_ms,
        attempt.started_at_ms,
    )


def _text(body: bytes | None) -> str | None:
    if body is None:
        return None
    # MySQL's TEXT is bounded in bytes, and neither database takes NUL in text.
    return body[:MAX_BODY_CHARS].decode("utf-8", "replace").replace("\0", "\ufffd")[: MAX_BODY_CHARS // 3]


def _bytes(text: str | None) -> bytes | None:
    return text.encode() if text else None
