"""The two databases as peewee knows them, and the place a SQLite file needs."""

import os

from gateway.errors import StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.orm import peewee

_CONNECT_TIMEOUT_S = 5
_MIGRATION_ANSWER_S = 3600.0


def make_database(config: DatabaseConfig, *, migrating: bool = False) -> peewee.Database:
    """The peewee database of a configuration, not yet connected; each thread has its own connection.

    migrating   a statement may take long: a change of a large table is not cut off
    """
    if config.kind == "sqlite":
        return peewee.SqliteDatabase(
            str(config.path),
            timeout=config.lock_s,
            # A change that reads before it writes must hold the lock from its start: SQLite does not
            # let a reader become a writer once another process has written.
            lock_type="IMMEDIATE",
            pragmas={
                "journal_mode": "wal",
                "synchronous": "normal",
                "foreign_keys": 1,
                "journal_size_limit": 64 * 1024 * 1024,
            },
        )
    where = {"unix_socket": config.socket} if config.socket else {"host": config.host, "port": config.port}
    answer_s = _MIGRATION_ANSWER_S if migrating else config.answer_s
    from gateway.store.mysql import MySQL  # here, for the driver that a gateway on SQLite need not load

    return MySQL(
        config.database,
        config.lock_s,
        user=config.user,
        # PyMySQL encodes a str as Latin-1 and fails on other passwords.
        password=config.password.encode(),
        charset="utf8mb4",
        # Strict, so that a server's own mode does not decide what is cut short.
        sql_mode="STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=answer_s,
        write_timeout=answer_s,
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
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The data folder {path.parent} cannot be written ({error.strerror}) by user {os.geteuid()}. Set "
            "DATA_DIR to a folder that this user may write, or change its owner."
        ) from None
    # SQLite opens a file that may only be read and says so at the first change. Asked without opening it:
    # closing a file drops every lock that this process has on it.
    if path.exists() and not os.access(path, os.W_OK, effective_ids=True):
        raise StoreUnavailable(f"{path} cannot be opened for writing. Check its owner and rights.")
