"""The tables of gemini-balance, read as they are found. Nothing in them is ever changed.

Columns were added over its versions, SQLite keeps whatever was put into one, and people edit rows by hand:
what cannot be read as what it should be comes as None. Used inside `Store.read`, and by foreign.py.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from gateway.store.orm import peewee

Log = Literal["t_request_log", "t_error_logs"]
REQUESTS: Log = "t_request_log"
ERRORS: Log = "t_error_logs"
SETTINGS, FILES = "t_settings", "t_file_records"
MOST_BYTES = 65_536
"""Of a long text: what is kept of a body is less."""
_MOST_FILES = 100_000
_TIMES = frozenset("created_at updated_at request_time create_time expiration_time".split())
_NUMBERS = frozenset("id error_code status_code latency_ms".split())


@dataclass(frozen=True, slots=True)
class OldSetting:
    """A row of t_settings. Times are those of the program's own clock, without a zone."""

    name: str
    text: str = field(repr=False)
    created: datetime | None = None
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class OldRequest:
    """A row of t_request_log: one try on one key. `at` is when it began, without a zone."""

    id: int
    at: datetime | None
    model: str
    key: str = field(repr=False)
    succeeded: bool
    status: int | None
    latency_ms: int | None


@dataclass(frozen=True, slots=True)
class OldError:
    """A row of t_error_logs.

    kind   "openai-chat-stream" and the like · text: what the provider or the program said
    """

    id: int
    at: datetime | None
    key: str = field(repr=False)
    model: str
    kind: str
    text: str = field(repr=False)
    code: int | None
    request: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OldFile:
    """A row of t_file_records: a file at Google, the key that made it, and whose token asked for it."""

    name: str
    key: str = field(repr=False)
    token: str = field(repr=False)
    created: datetime | None
    expires: datetime | None


class GeminiBalance:
    """Reads them. Its methods raise the driver's errors (`faults.driver_errors`)."""

    def __init__(self, database: peewee.Database) -> None:
        self._database = database
        self._is_sqlite = isinstance(database, peewee.SqliteDatabase)

    def is_there(self) -> bool:
        """Whether this is, or also is, a database of gemini-balance."""
        return self._columns(SETTINGS) >= {"id", "key", "value"}

    def identity(self) -> str:
        """Names this database wherever it is moved to: rows of t_settings are never removed, so its first
        one stays the same."""
        rows = self._select(SETTINGS, ("id", "key", "created_at"), "ORDER BY id LIMIT 1", ())
        first = "|".join(str(value) for value in rows[0]) if rows else ""
        return f"gemini-balance:{hashlib.sha256(first.encode()).hexdigest()[:16]}"

    def settings(self) -> list[OldSetting]:
        """Every setting, in the order they were made."""
        rows = self._select(SETTINGS, ("key", "value", "created_at", "updated_at"), "ORDER BY id", ())
        return [
            OldSetting(_text(name), _text(value), created, updated) for name, value, created, updated in rows
        ]

    def requests(self, after_id: int, limit: int) -> list[OldRequest]:
        """The next requests by id."""
        columns = ("id", "request_time", "model_name", "api_key", "is_success", "status_code", "latency_ms")
        return [
            OldRequest(row_id, at, _text(model), _text(key), _is_true(succeeded), status, latency_ms)
            for row_id, at, model, key, succeeded, status, latency_ms in self._next(
                REQUESTS, columns, after_id, limit
            )
        ]

    def errors(self, after_id: int, limit: int) -> list[OldError]:
        """The next errors by id; of long texts the beginning."""
        columns = ("id", "request_time", "gemini_key", "model_name", "error_type", "error_log", "error_code")
        return [
            OldError(row_id, at, _text(key), _text(model), _text(kind), _text(text), code, _maybe(request))
            for row_id, at, key, model, kind, text, code, request in self._next(
                ERRORS, (*columns, "request_msg"), after_id, limit
            )
        ]

    def files(self) -> list[OldFile]:
        """Files, the newest first, within a bound."""
        columns = ("name", "api_key", "user_token", "create_time", "expiration_time")
        rows = self._select(FILES, columns, f"ORDER BY id DESC LIMIT {_MOST_FILES}", ())
        return [
            OldFile(_text(name), _text(key), _text(token), created, expires)
            for name, key, token, created, expires in rows
        ]

    def last_id(self, table: Log) -> int:
        """The greatest id of a log; 0 for an empty one."""
        return self._number(f"SELECT MAX(id) FROM {table}") if "id" in self._columns(table) else 0  # noqa: S608

    def last_id_before(self, table: Log, moment: datetime) -> int:
        """The id behind which a log's rows are at least as new as a moment, found in some forty looks.

        Ids and times grow together; no index knows the times.
        """
        low, high = 0, self.last_id(table)
        while low < high:
            middle = (low + high) // 2
            rows = self._next(table, ("id", "request_time"), middle, 1)
            if rows and rows[0][1] is not None and rows[0][1] < moment:
                low = rows[0][0]
            else:
                high = middle
        return low

    def _number(self, sql: str) -> int:
        return _whole(self._database.execute_sql(sql).fetchone()[0]) or 0

    def _next(self, table: str, columns: Sequence[str], after_id: int, limit: int) -> list[tuple[Any, ...]]:
        tail = f"WHERE id > {self._database.param} ORDER BY id LIMIT {limit}"
        return self._select(table, columns, tail, (after_id,))

    def _select(
        self, table: str, columns: Sequence[str], tail: str, values: Iterable[object]
    ) -> list[tuple[Any, ...]]:
        there = self._columns(table)
        if "id" not in there:
            return []
        wanted = ", ".join(self._expression(name) if name in there else "NULL" for name in columns)
        found = self._database.execute_sql(f"SELECT {wanted} FROM {table} {tail}", tuple(values))  # noqa: S608 - names
        return [
            tuple(_read(name, value) for name, value in zip(columns, row, strict=True))
            for row in found.fetchall()
        ]

    def _columns(self, table: str) -> frozenset[str]:
        if table not in self._database.get_tables():
            return frozenset()
        return frozenset(column.name for column in self._database.get_columns(table))

    def _expression(self, name: str) -> str:
        if name in _NUMBERS or name == "is_success":
            return f"`{name}`"
        if self._is_sqlite:  # as bytes: a text that is not UTF-8 would end the whole query
            if name == "value":
                return "CAST(`value` AS BLOB)"
            return f"SUBSTR(CAST(`{name}` AS BLOB), 1, {MOST_BYTES})"
        return f"`{name}`" if name in _TIMES or name == "value" else f"LEFT(`{name}`, {MOST_BYTES})"


def _read(name: str, value: object) -> object:
    if name in _TIMES:
        return _moment(value)
    return _whole(value) if name in _NUMBERS else value


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    return "" if value is None else str(value)


def _maybe(value: object) -> str | None:
    return None if value is None else _text(value)


def _whole(value: object) -> int | None:
    try:
        return int(value if isinstance(value, int | float) else _text(value))
    except (ValueError, OverflowError):
        return None


def _is_true(value: object) -> bool:
    return _text(value).strip().lower() in ("1", "true", "t", "yes")


def _moment(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        try:
            value = datetime.fromisoformat(_text(value).strip())
        except ValueError:
            return None
    return value.replace(tzinfo=None)
