"""Both databases, new for every test: a SQLite file, and MariaDB on this machine through a wire."""

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
from gateway.store.schema import HISTORY, migrate
from gateway.store.store import Store
from tests.store.wire import Wire

_URL = urlsplit(os.environ.get("TEST_MYSQL_URL") or "mysql://root@127.0.0.1:3306")
SERVER = (_URL.hostname or "127.0.0.1", _URL.port or 3306)
USER, PASSWORD = _URL.username or "root", _URL.password or ""
OpenStore = Callable[..., Store]
Schema = frozenset[tuple[Any, ...]]
"""(table, column or index, its type or place): all of a database but its rows."""


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


@pytest.fixture(scope="session")
def mysql_schema(mysql_database: str) -> Schema:
    """What our migrations make of that database, once: making it takes most of a second."""
    migrate(_mysql_config(mysql_database))
    with contextlib.closing(_server(mysql_database)) as server:
        return _schema(server, mysql_database)


@pytest.fixture
def mysql(mysql_database: str, mysql_schema: Schema, request: pytest.FixtureRequest) -> DatabaseConfig:
    """MariaDB without a wire, its database without a row: with our tables, or `bare`."""
    config = _mysql_config(mysql_database)
    with contextlib.closing(_server(mysql_database)) as server:
        if request.node.get_closest_marker("bare"):
            _drop_tables(server, mysql_database)
        elif _schema(server, mysql_database) == mysql_schema:
            _empty_tables(server, mysql_schema)
        else:
            _drop_tables(server, mysql_database)
            migrate(config)
    return config


def _mysql_config(database: str) -> DatabaseConfig:
    return DatabaseConfig(
        "mysql",
        host=SERVER[0],
        port=SERVER[1],
        database=database,
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


def _schema(server: "pymysql.Connection[Any]", database: str) -> Schema:
    columns = (
        "SELECT table_name, column_name, CONCAT(column_type, is_nullable) "
        "FROM information_schema.columns WHERE table_schema = %s"
    )
    indexes = (
        "SELECT table_name, index_name, CONCAT(seq_in_index, column_name) "
        "FROM information_schema.statistics WHERE table_schema = %s"
    )
    return frozenset((*_run(server, columns, database), *_run(server, indexes, database)))


def _empty_tables(server: "pymysql.Connection[Any]", schema: Schema) -> None:
    for table in {table for table, *_ in schema} - {HISTORY}:
        if _run(server, f"SELECT 1 FROM `{table}` LIMIT 1"):
            _run(server, f"TRUNCATE `{table}`")


def _drop_tables(server: "pymysql.Connection[Any]", database: str) -> None:
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    for (table,) in _run(server, tables, database):
        _run(server, f"DROP TABLE `{table}`")


def _server(database: str | None = None) -> "pymysql.Connection[Any]":
    return pymysql.connect(
        host=SERVER[0], port=SERVER[1], database=database, autocommit=True, user=USER, password=PASSWORD
    )


def _run(server: "pymysql.Connection[Any]", sql: str, *values: object) -> list[tuple[Any, ...]]:
    with server.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())
