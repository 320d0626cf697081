"""The values that cross the store's door: rows of keys, tokens and settings, and records of calls.

Pure: no database, no clock. `relay` builds `CallRecord`s and imports nothing else of this package.
Moments in rows are aware UTC datetimes; moments in records are epoch milliseconds, cheap on the call's path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be added.

    provider   gemini, vertex or paid; the same secret may be added once for each
    origin     environment, admin or import
    project    the Google project when the admin knows it
    tags       short words without commas
    """

    secret: str = field(repr=False)
    provider: str = "gemini"
    origin: str = "admin"
    project: str | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    weight: int = 1
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as stored; `alias` is the masked secret, safe to show. Fields as in `NewKey`."""

    id: int
    secret: str = field(repr=False)
    alias: str
    provider: str
    origin: str
    project: str | None
    note: str
    tags: tuple[str, ...]
    weight: int
    enabled: bool
    dead_reason: str | None
    dead_since: datetime | None
    created_at: datetime
    updated_at: datetime


class KeyChanges(TypedDict, total=False):
    """What may change in a key's row; an absent name stays, None clears."""

    project: str | None
    origin: str
    note: str
    tags: tuple[str, ...]
    weight: int
    enabled: bool
    dead_reason: str | None
    dead_since: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """An access token to be added; origin is environment, admin or generated."""

    secret: str = field(repr=False)
    name: str = ""
    origin: str = "admin"
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An access token as stored; `alias` is the masked secret, safe to show."""

    id: int
    secret: str = field(repr=False)
    name: str
    alias: str
    origin: str
    enabled: bool
    created_at: datetime
    updated_at: datetime


class TokenChanges(TypedDict, total=False):
    """What may change in a token's row; an absent name stays."""

    name: str
    origin: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding rows.

    ids          one id for each row offered, in the same order, also when it existed already
    duplicates   positions (from 0) of the offered rows that existed already or repeat an earlier one
    """

    ids: tuple[int, ...]
    duplicates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting as stored.

    value        JSON text
    fingerprint  of the environment's value last seen, or None when the environment never had one
    origin       environment, admin, default or generated
    updated_at   None in a row about to be written; the store sets it
    """

    name: str
    value: str = field(repr=False)
    fingerprint: str | None = None
    origin: str = "default"
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try of a call with one key; `failure_kind` is None when it served the call."""

    key_id: int | None
    key_alias: str
    failure_kind: str | None
    status: int | None
    duration_ms: int
    started_at_ms: int


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One client call, as it goes to the request log.

    request_id      our own x-gateway-request-id, at most 64 characters, never the client's: a second record
                    with the same id is taken for a repeated write and ignored
    key_id          the key that served, or None
    status          the HTTP status the client got
    outcome         a word of the relay's: served, failed, client_closed …
    failure_kind    of the call's end, None when served
    first_token_ms  from the call's start to the first content
    *_tokens        None when the upstream did not say
    error_body      already bounded and redacted; request_body too, and only when the operator asked for it
    """

    request_id: str
    started_at_ms: int
    dialect: str
    operation: str
    model: str | None
    token_id: int | None
    key_id: int | None
    status: int
    outcome: str
    failure_kind: str | None
    stream: bool
    duration_ms: int
    first_token_ms: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thought_tokens: int | None = None
    cached_tokens: int | None = None
    total_tokens: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    attempts: tuple[AttemptRecord, ...] = ()
    error_body: str | None = field(default=None, repr=False)
    request_body: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call read back from the log.

    id             the row's id: larger is later, use it for paging
    attempt_count  always known; `call.attempts` and the bodies are filled by `requests.get` only
    """

    id: int
    attempt_count: int
    call: CallRecord


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How many calls the log holds in a range, in all and by outcome."""

    total: int
    by_outcome: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RecordStats:
    """How the request log's queue fares, for /metrics and /health.

    depth          records waiting or being written now
    dropped        lost because the queue was full, or still unwritten at close
    rejected       refused by the database one by one, and dropped
    written        rows of `request` committed
    failures       batches that failed and were kept for another try
    last_write_ms  how long the last committed batch took; 0 before the first
    failing        True while an outage lasts
    """

    depth: int
    dropped: int
    rejected: int
    written: int
    failures: int
    last_write_ms: float
    failing: bool
