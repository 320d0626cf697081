"""The two databases as peewee knows them, and their refusals in words a person understands."""

import socket
from typing import Any

import peewee
import pymysql

from gateway.errors import StoreUnavailable
from gateway.store.config import DatabaseConfig

_BUSY_TIMEOUT_S = 30
_CONNECT_TIMEOUT_S = 10
LOST = (peewee.OperationalError, peewee.InterfaceError)
"""What a lost, locked or refused connection raises."""


class _MySQL(peewee.MySQLDatabase):
    """MySQL or MariaDB; sessions see what others have committed, statement by statement."""

    def _connect(self) -> Any:
        connection = super()._connect()  # type: ignore[misc]  # peewee's hook, absent from its stubs
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return connection


def make_database(config: DatabaseConfig) -> peewee.Database:
    """The peewee database of a configuration, not yet connected; each thread has its own connection."""
    if config.kind == "sqlite":
        return peewee.SqliteDatabase(
            str(config.path),
            timeout=_BUSY_TIMEOUT_S,
            pragmas={
                "journal_mode": "wal",
                "synchronous": "normal",
                "foreign_keys": 1,
                "busy_timeout": _BUSY_TIMEOUT_S * 1000,
                "journal_size_limit": 64 * 1024 * 1024,
            },
        )
    where = {"unix_socket": config.socket} if config.socket else {"host": config.host, "port": config.port}
    return _MySQL(
        config.database,
        user=config.user,
        password=config.password,
        charset="utf8mb4",
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=120,
        write_timeout=120,
        **where,
    )


def check_place(config: DatabaseConfig) -> None:
    """Make the SQLite file's folder. Raises StoreUnavailable when it cannot hold a database."""
    path = config.path
    if config.kind != "sqlite" or path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The data folder {path.parent} cannot be made ({error.strerror}). Set DATA_DIR to a folder that "
            "this user may write, or mount one there."
        ) from None
    if path.is_dir():
        raise StoreUnavailable(
            f"{path} is a folder, not a database file. Change SQLITE_DATABASE or remove it."
        )
    probe = path.parent / f".{path.name}.write-test"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StoreUnavailable(
            f"The data folder {path.parent} cannot be written ({error.strerror}). Set DATA_DIR to a "
            "folder that this user may write, or change its owner."
        ) from None


def refusal(config: DatabaseConfig, error: BaseException) -> StoreUnavailable:
    """Say why a database did not let us in; the password is in none of the texts."""
    if config.kind == "sqlite":
        return StoreUnavailable(_sqlite_words(config, str(error)))
    root = error.__cause__ if isinstance(error.__cause__, pymysql.MySQLError) else error
    number = root.args[0] if root.args and isinstance(root.args[0], int) else 0
    where = config.socket or f"{config.host}:{config.port}"
    words = {
        1045: f"The MySQL server at {where} refuses user '{config.user}': wrong password or unknown user. "
        "Check MYSQL_USER and MYSQL_PASSWORD; if the server's password was changed, change it here too.",
        1044: f"User '{config.user}' may not use the MySQL database '{config.database}' at {where}. "
        "Grant it all rights on that database, or change MYSQL_DATABASE.",
        1049: f"The MySQL server at {where} has no database '{config.database}'. Create it "
        f"(CREATE DATABASE `{config.database}` CHARACTER SET utf8mb4), or change MYSQL_DATABASE.",
        1698: f"The MySQL server at {where} does not let user '{config.user}' in with a password. "
        "Use another MYSQL_USER, or change how that user signs in.",
    }
    if number in words:
        return StoreUnavailable(words[number])
    return StoreUnavailable(_unreachable(config, where))


def _unreachable(config: DatabaseConfig, where: str) -> str:
    if config.socket:
        return f"There is no MySQL server at the socket {config.socket}. Check MYSQL_SOCKET."
    try:
        socket.getaddrinfo(config.host, config.port)
    except OSError:
        return f"The database host '{config.host}' is not known here. Check MYSQL_HOST and the network's DNS."
    return (
        f"No MySQL server answers at {where}. Check MYSQL_HOST and MYSQL_PORT, and that the server is up and "
        "reachable from here."
    )


def _sqlite_words(config: DatabaseConfig, text: str) -> str:
    if "not a database" in text:
        return f"{config.path} is not a SQLite database. Move it away, or change SQLITE_DATABASE."
    if "readonly" in text or "unable to open" in text:
        return f"{config.path} cannot be opened for writing. Check its owner and rights."
    if "locked" in text:
        return f"{config.path} is locked by another program."
    if "full" in text:
        return f"There is no room left for {config.path}."
    return f"{config.path} cannot be used: {text}."
