"""gemini-balance's tables with rows in them, as its 2.2.8 makes them, on SQLite and on MySQL."""

import contextlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pymysql

from gateway.store.config import DatabaseConfig

_KINDS: Mapping[str, tuple[str, str, str]] = {
    "sqlite": ("INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "JSON", "BOOLEAN"),
    "mysql": ("INTEGER NOT NULL PRIMARY KEY AUTO_INCREMENT", "JSON", "TINYINT(1)"),
}
_TABLES = (
    "CREATE TABLE t_settings (id {id}, `key` VARCHAR(100) NOT NULL UNIQUE, `value` TEXT, "
    "description VARCHAR(255), created_at DATETIME, updated_at DATETIME)",
    "CREATE TABLE t_error_logs (id {id}, gemini_key VARCHAR(100), model_name VARCHAR(100), "
    "error_type VARCHAR(50), error_log TEXT, error_code INTEGER, request_msg {json}, request_time DATETIME)",
    "CREATE TABLE t_request_log (id {id}, request_time DATETIME, model_name VARCHAR(100), "
    "api_key VARCHAR(100), is_success {bool} NOT NULL, status_code INTEGER, latency_ms INTEGER)",
    "CREATE TABLE t_file_records (id {id}, name VARCHAR(255) NOT NULL UNIQUE, display_name VARCHAR(255), "
    "mime_type VARCHAR(100) NOT NULL, size_bytes BIGINT NOT NULL, sha256_hash VARCHAR(255), "
    "state VARCHAR(10) NOT NULL, create_time DATETIME NOT NULL, update_time DATETIME NOT NULL, "
    "expiration_time DATETIME NOT NULL, uri VARCHAR(500) NOT NULL, api_key VARCHAR(100) NOT NULL, "
    "upload_url TEXT, user_token VARCHAR(100), upload_completed DATETIME)",
)
MADE = datetime.fromisoformat("2025-03-01T08:00:00")
ADMIN, ALICE = "sk-old-administrator", "sk-old-alice"
FIRST, SECOND = "AIzaSyTest-0123456789-abcdefghij-old001", "AIzaSyTest-0123456789-abcdefghij-old002"
OF_OLD = "a-password-of-old"
SAVED = datetime.fromisoformat("2025-04-01T08:00:00")


class OldDatabase:
    """Makes the tables and puts rows into them; marks are `?` on both databases."""

    def __init__(self, config: DatabaseConfig) -> None:
        self._config = config
        if config.path is not None:
            config.path.parent.mkdir(parents=True, exist_ok=True)
        row_id, as_json, switch = _KINDS[config.kind]
        for table in _TABLES:
            self.run(table.format(id=row_id, json=as_json, bool=switch))

    def run(self, sql: str, *rows: Sequence[object]) -> list[tuple[Any, ...]]:
        """Run a statement, once or for each row."""
        with contextlib.closing(self._connect()) as connection:
            cursor = connection.cursor()
            if len(rows) > 1:
                cursor.executemany(self._marked(sql), [self._plain(row) for row in rows])
            else:
                cursor.execute(self._marked(sql), *(self._plain(row) for row in rows))
            connection.commit()
            return list(cursor.fetchall())

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows, to see that nothing changed."""
        names = ("t_settings", "t_error_logs", "t_request_log", "t_file_records")
        return {name: self.run(f"SELECT * FROM {name} ORDER BY id") for name in names}

    def set(self, *, edited: bool = False, **settings: object) -> None:
        """Store settings as it does: lists and maps as JSON, everything else as a text."""
        self.put(settings, SAVED if edited else MADE)

    def put(self, settings: Mapping[str, object], saved: datetime = MADE) -> None:
        """The same, by names."""
        for name, value in settings.items():
            text = value if isinstance(value, str | bytes) else json.dumps(value)
            self.run(
                "INSERT INTO t_settings (`key`, `value`, created_at, updated_at) VALUES (?, ?, ?, ?)",
                (name, text, MADE, saved),
            )

    def add_requests(self, *rows: tuple[datetime, str, str, bool, int | None, int | None]) -> None:
        """Rows of (time, model, key, succeeded, status, latency)."""
        self.run(
            "INSERT INTO t_request_log (request_time, model_name, api_key, is_success, status_code, "
            "latency_ms) VALUES (?, ?, ?, ?, ?, ?)",
            *rows,
        )

    def add_error(self, at: datetime, key: str, model: str, kind: str, *, code: int, text: str) -> None:
        self.run(
            "INSERT INTO t_error_logs (gemini_key, model_name, error_type, error_log, error_code, "
            "request_msg, request_time) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, model, kind, text, code, '{"contents": [{"parts": [{"text": "hi"}]}]}', at),
        )

    def add_file(self, name: str, key: str, token: str, *, expires: datetime) -> None:
        self.run(
            "INSERT INTO t_file_records (name, mime_type, size_bytes, state, create_time, update_time, "
            "expiration_time, uri, api_key, user_token) "
            "VALUES (?, 'text/plain', 3, 'ACTIVE', ?, ?, ?, ?, ?, ?)",
            (name, MADE, MADE, expires, f"https://example.test/{name}", key, token),
        )

    def _connect(self) -> Any:
        if self._config.kind == "sqlite":
            assert self._config.path is not None
            return sqlite3.connect(self._config.path)
        config = self._config
        return pymysql.connect(
            host=config.host,
            port=config.port,
            user=config.user,
            password=config.password,
            database=config.database,
            charset="utf8mb4",
        )

    def _marked(self, sql: str) -> str:
        return sql if self._config.kind == "sqlite" else sql.replace("?", "%s")

    def _plain(self, row: Sequence[object]) -> tuple[object, ...]:
        """SQLAlchemy writes times into SQLite as text with microseconds."""
        if self._config.kind == "mysql":
            return tuple(row)
        return tuple(f"{each}.000000" if isinstance(each, datetime) else each for each in row)


def fill(config: DatabaseConfig, **settings: str) -> OldDatabase:
    """A small gemini-balance: two keys, two tokens, a few settings and one request of an hour ago (UTC)."""
    old = OldDatabase(config)
    old.set(API_KEYS=[FIRST, SECOND], ALLOWED_TOKENS=[ALICE], AUTH_TOKEN=ADMIN)
    old.put(settings)
    old.set(MAX_FAILURES="7", GITHUB_REPO_NAME="gemini-balance", MYSQL_PASSWORD=OF_OLD)
    an_hour_ago = datetime.now(UTC).replace(microsecond=0, tzinfo=None) - timedelta(hours=1)
    old.add_requests((an_hour_ago, "gemini-2.5-pro", FIRST, True, 200, 1200))
    return old
