"""Call records into the tables and back: fixed SQL and tuples on the way in, dataclasses on the way out.

Building a large peewee insert holds the interpreter for milliseconds, so the statements are written out and
executed with the driver's executemany on peewee's own connection.
"""

import random
import time
from collections.abc import Sequence
from typing import Protocol

import peewee

from gateway.store.bulk import insert_statement
from gateway.store.records import AttemptRecord, CallRecord, StoredCall
from gateway.store.tables import Tables

MAX_BODY_BYTES = 60_000
"""MySQL's TEXT holds 64 KiB; of a longer body the beginning is kept."""
CHUNK = 50
"""Calls to one executemany. PyMySQL builds its statement in Python: at 1,000 calls/s a loop in the same
interpreter was seen to stand for 4 ms with 500 calls, for less than 1 ms with 50, which cost 20 µs of CPU a
call instead of 18. SQLite lets go of the interpreter at every row and does not mind."""
_REQUEST = (
    "id request_id started_at_ms dialect operation model token_id key_id status outcome failure_kind stream "
    "duration_ms first_token_ms prompt_tokens completion_tokens thought_tokens cached_tokens total_tokens "
    "request_bytes response_bytes attempts"
).split()
_ATTEMPT = "call_id number key_id key_alias failure_kind status duration_ms started_at_ms".split()
_ERROR_BODY = "call_id body request_body".split()
Row = tuple[object, ...]
Numbered = list[tuple[int, CallRecord]]


class CallIds:
    """Ids that grow with time: 41 bits of milliseconds, 10 of the writer, 12 of a count.

    Made here and not by the database, so that attempts can name their call within one batch, and so that
    a batch whose commit was cut off can be looked up.
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
    """Inserts call records inside the transaction that is open on this thread."""

    def __init__(self, database: peewee.Database) -> None:
        self._database = database
        self._request = insert_statement(database, "request", _REQUEST)
        self._attempt = insert_statement(database, "attempt", _ATTEMPT)
        self._error_body = insert_statement(database, "error_body", _ERROR_BODY)
        self._ids = CallIds()

    def number(self, batch: Sequence[CallRecord]) -> Numbered:
        """Give every call its id."""
        return [(self._ids.next(), call) for call in batch]

    def insert(self, batch: Numbered) -> None:
        """Write calls with their attempts and bodies."""
        cursor = self._database.cursor()
        for start in range(0, len(batch), CHUNK):
            self._insert_chunk(cursor, batch[start : start + CHUNK])

    def is_there(self, batch: Numbered) -> bool:
        """Whether a batch, written in one transaction, is in the database."""
        # Locking, so that a commit that MySQL has not ended yet is waited for.
        sql = f"SELECT 1 FROM request WHERE id = {self._database.param}"  # noqa: S608 - a placeholder
        lock = " FOR UPDATE" if self._database.for_update else ""
        found = self._database.execute_sql(sql + lock, (batch[0][0],)).fetchone()
        return found is not None

    def _insert_chunk(self, cursor: "_Cursor", chunk: Numbered) -> None:
        requests: list[Row] = []
        attempts: list[Row] = []
        bodies: list[Row] = []
        for call_id, call in chunk:
            requests.append(_request_row(call_id, call))
            attempts += [_attempt_row(call_id, attempt) for attempt in call.attempts]
            if call.error_body is not None or call.request_body is not None:
                bodies.append((call_id, _text(call.error_body), _text(call.request_body)))
        cursor.executemany(self._request, requests)
        if attempts:
            cursor.executemany(self._attempt, attempts)
        if bodies:
            cursor.executemany(self._error_body, bodies)


class _Cursor(Protocol):
    """What both drivers' cursors offer."""

    def executemany(self, sql: str, rows: Sequence[Row], /) -> object: ...


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
            .where(request.request_id == _name(request_id, 128))
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
        _name(call.request_id, 128),
        call.started_at_ms,
        call.dialect[:20],
        _name(call.operation, 40),
        _name(call.model, 256),
        call.token_id,
        call.key_id,
        call.status,
        call.outcome[:20],
        call.failure_kind and call.failure_kind[:32],
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
        _name(attempt.key_alias, 40),
        attempt.failure_kind and attempt.failure_kind[:32],
        attempt.status,
        attempt.duration_ms,
        attempt.started_at_ms,
    )


def _name(text: str, length: int) -> str:
    """A client's text as a column takes it: lone surrogates and NULs are no text."""
    text = text[:length]
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "?")


def _text(body: bytes | None) -> str | None:
    if body is None:
        return None
    # Both databases would keep a NUL, but many programs that read them stop at one.
    text = body[:MAX_BODY_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")
    # A replaced byte takes three, and MySQL's TEXT is bounded in bytes.
    return text if text.isascii() else text.encode()[:MAX_BODY_BYTES].decode("utf-8", "ignore")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
