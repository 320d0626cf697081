"""Both databases, empty for every test: a SQLite file, and MariaDB on this machine through a wire."""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pymysql
import pytest

from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.store.wire import Wire

_URL = urlsplit(os.environ.get("TEST_MYSQL_URL") or "mysql://root@127.0.0.1:3306")
SERVER = (_URL.hostname or "127.0.0.1", _URL.port or 3306)
USER, PASSWORD = _URL.username or "root", _URL.password or ""
OpenStore = Callable[..., Store]


@pytest.fixture(scope="session")
def mysql_database() -> Iterator[str]:
    """A database of a random name, dropped at the end."""
    try:
        server = _server()
    except pymysql.MySQLError as error:
        pytest.skip(f"no MariaDB at {SERVER[0]}:{SERVER[1]} as TEST_MYSQL_URL says: {error}")
    name = f"gateway_test_{secrets.token_hex(6)}"
    with contextlib.closing(server):
        _run(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield name
        finally:
            _run(server, f"DROP DATABASE {name}")


@pytest.fixture
def mysql(mysql_database: str) -> DatabaseConfig:
    """MariaDB with an empty database, without a wire."""
    with contextlib.closing(_server()) as server:
        for (table,) in _run(
            server,
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s",
            mysql_database,
        ):
            _run(server, f"DROP TABLE {mysql_database}.{table}")
    return DatabaseConfig(
        "mysql",
        host=SERVER[0],
        port=SERVER[1],
        database=mysql_database,
        lock_s=1.0,
        user=USER,
        password=PASSWORD,
    )


@pytest.fixture
def sqlite(tmp_path: Path) -> DatabaseConfig:
    return DatabaseConfig("sqlite", path=tmp_path / "data" / "gateway.db", lock_s=0.3)


@pytest.fixture
def wire(mysql: DatabaseConfig) -> Iterator[Wire]:
    wire = Wire((mysql.host, mysql.port))
    yield wire
    wire.close()


@pytest.fixture
def wired(mysql: DatabaseConfig, wire: Wire) -> DatabaseConfig:
    """MariaDB through the wire."""
    return replace(mysql, port=wire.port, answer_s=5.0)


@pytest.fixture(params=["sqlite", "mysql"])
def config(request: pytest.FixtureRequest) -> DatabaseConfig:
    """Each of the two databases; MariaDB through the wire."""
    found: DatabaseConfig = request.getfixturevalue("sqlite" if request.param == "sqlite" else "wired")
    return found


class Outage(Protocol):
    """Takes the database away and gives it back."""

    def begin(self) -> None: ...

    def end(self) -> None: ...


@pytest.fixture
def outage(config: DatabaseConfig, request: pytest.FixtureRequest) -> Iterator[Outage]:
    if config.kind == "mysql":
        yield _Cut(request.getfixturevalue("wire"))
        return
    lock = _Lock(config)
    yield lock
    lock.end()


class _Cut:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def begin(self) -> None:
        self._wire.refuse()

    def end(self) -> None:
        self._wire.restore()


class _Lock:
    """Another program that holds SQLite's file for longer than anybody waits."""

    def __init__(self, config: DatabaseConfig) -> None:
        self._path = config.path
        self._connection: sqlite3.Connection | None = None

    def begin(self) -> None:
        assert self._path is not None
        self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        self._connection.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        if self._connection is not None:
            self._connection.execute("ROLLBACK")
            self._connection.close()
            self._connection = None


@pytest.fixture
def open_store(config: DatabaseConfig) -> Iterator[OpenStore]:
    """Opens stores on the database and closes them when the test is over."""
    opened: list[Store] = []

    def opening(**options: Any) -> Store:
        store = Store.open(options.pop("config", config), **options)
        opened.append(store)
        return store

    yield opening
    for store in opened:
        store.close(2.0)


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


def connections(config: DatabaseConfig) -> list[int]:
    """The ids of the server's other connections to a database."""
    others = "SELECT id FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()"
    return [found for (found,) in query(config, others, config.database)]


def query(config: DatabaseConfig, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What a program beside the gateway sees; marks are `?` for both databases."""
    if config.kind == "sqlite":
        assert config.path is not None
        with contextlib.closing(sqlite3.connect(config.path, isolation_level=None)) as connection:
            return connection.execute(sql, values).fetchall()
    with contextlib.closing(_server(config.database)) as server:
        return _run(server, sql.replace("?", "%s"), *values)


def _server(database: str | None = None) -> "pymysql.Connection[Any]":
    return pymysql.connect(
        host=SERVER[0], port=SERVER[1], database=database, autocommit=True, user=USER, password=PASSWORD
    )


def _run(server: "pymysql.Connection[Any]", sql: str, *values: object) -> list[tuple[Any, ...]]:
    with server.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())
