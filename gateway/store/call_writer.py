"""Call records into the tables: fixed SQL and tuples, with the sums they belong to.

Building a large peewee insert holds the interpreter for milliseconds, so the statements are written out and
executed by the driver on peewee's own connection. Used by the writer's thread only.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gateway.store import own_attempt
from gateway.store.bulk import Absent, Batches, Cursor, absent_in, insert_statement
from gateway.store.call_ids import CallIds
from gateway.store.orm import peewee
from gateway.store.own_attempt import NONE, Own, own_of
from gateway.store.records import AttemptRecord, CallRecord
from gateway.store.rollup import DayOf, Rollup, Tally
from gateway.store.texts import Labels, as_labels, as_name, as_text

CHUNK = 50
"""Calls to one statement. PyMySQL builds its statement in Python: at 1,000 calls/s a loop in the same
interpreter was seen to stand for 4 ms with 500 calls, for less than 1 ms with 50, which cost 20 µs of CPU a
call instead of 18. SQLite lets go of the interpreter while it runs one."""
_REQUEST = (
    "id request_id started_at_ms dialect operation model token_id key_id status outcome failure_kind stream "
    "duration_ms first_token_ms prompt_tokens completion_tokens thought_tokens cached_tokens total_tokens "
    "request_bytes response_bytes attempts"
).split() + list(own_attempt.COLUMNS)
_MOSTLY_NONE: Mapping[str, Absent] = MappingProxyType({"failure_kind": "", "first_token_ms": -1})
_ATTEMPT = (
    "call_id number key_id key_alias failure_kind status duration_ms started_at_ms bucket_state".split()
)
_ERROR_BODY = "call_id body request_body".split()
Row = tuple[object, ...]
Numbered = list[tuple[int, CallRecord]]


class CallWriter:
    """Inserts call records inside the transaction that is open on this thread."""

    def __init__(self, database: peewee.Database, day_of: DayOf) -> None:
        self._database = database
        absent = absent_in(database, _MOSTLY_NONE)
        self._no_kind, self._no_time = absent["failure_kind"], absent["first_token_ms"]
        self._request = Batches(
            database, insert_statement(database, "request", _REQUEST, absent=absent), CHUNK
        )
        self._attempt = Batches(database, insert_statement(database, "attempt", _ATTEMPT), CHUNK)
        self._error_body = Batches(database, insert_statement(database, "error_body", _ERROR_BODY), CHUNK)
        self._rollup = Rollup(database, day_of)
        self._ids = CallIds()

    def number(self, batch: Sequence[CallRecord]) -> Numbered:
        """Give every call its id."""
        ids = self._ids.of([call.started_at_ms + call.duration_ms for call in batch])
        return list(zip(ids, batch, strict=True))

    def insert(
        self,
        batch: Numbered,
        *,
        only_counted: Sequence[tuple[int, CallRecord]] = (),
        minutes_from_ms: int = 0,
    ) -> None:
        """Write calls with their attempts and bodies, and count them.

        only_counted      calls that are in the sums but no longer in the log
        minutes_from_ms   minutes before it are summed up no longer
        """
        cursor = self._database.cursor()
        tally = Tally()
        for start in range(0, len(batch), CHUNK):
            self._insert_chunk(cursor, batch[start : start + CHUNK], tally)
        for call_id, call in only_counted:
            tally.count(call_id, call, as_labels(call.dialect, call.operation, call.model, call.outcome))
        self._rollup.add(tally, minutes_from_ms=minutes_from_ms)

    def is_there(self, batch: Numbered) -> bool:
        """Whether a batch, written in one transaction, is in the database."""
        # Locking, so that a commit that MySQL has not ended yet is waited for.
        sql = f"SELECT 1 FROM request WHERE id = {self._database.param}"  # noqa: S608 - a placeholder
        lock = " FOR UPDATE" if self._database.for_update else ""
        found = self._database.execute_sql(sql + lock, (batch[0][0],)).fetchone()
        return found is not None

    def _insert_chunk(self, cursor: Cursor, chunk: Numbered, tally: Tally) -> None:
        requests: list[Row] = []
        attempts: list[Row] = []
        bodies: list[Row] = []
        for call_id, call in chunk:
            labels = as_labels(call.dialect, call.operation, call.model, call.outcome)
            own = own_of(call)
            requests.append(self._request_row(call_id, call, labels, own))
            tally.count(call_id, call, labels)
            if own is NONE:
                attempts += [_attempt_row(call_id, attempt) for attempt in call.attempts]
            if call.error_body is not None or call.request_body is not None:
                bodies.append((call_id, as_text(call.error_body), as_text(call.request_body)))
        self._request.insert(cursor, requests)
        self._attempt.insert(cursor, attempts)
        self._error_body.insert(cursor, bodies)

    def _request_row(self, call_id: int, call: CallRecord, labels: Labels, own: Own) -> Row:
        first_ms = call.first_token_ms
        dialect, operation, model, outcome = labels
        tried_key_id, tried_alias, tried_after_ms, tried_ms = own
        return (
            call_id,
            as_name(call.request_id, 128),
            call.started_at_ms,
            dialect,
            operation,
            model,
            call.token_id,
            call.key_id,
            call.status,
            outcome,
            call.failure_kind[:32] if call.failure_kind else self._no_kind,
            1 if call.stream else 0,
            call.duration_ms,
            self._no_time if first_ms is None else first_ms,
            call.prompt_tokens,
            call.completion_tokens,
            call.thought_tokens,
            call.cached_tokens,
            call.total_tokens,
            call.request_bytes,
            call.response_bytes,
            len(call.attempts),
            tried_key_id,
            tried_alias,
            tried_after_ms,
            tried_ms,
        )


def _attempt_row(call_id: int, attempt: AttemptRecord) -> Row:
    return (
        call_id,
        attempt.number,
        attempt.key_id,
        as_name(attempt.key_alias, 40),
        attempt.failure_kind and attempt.failure_kind[:32],
        attempt.status,
        attempt.duration_ms,
        attempt.started_at_ms,
        attempt.bucket_state,
    )
