"""The schema's migrations, run at start under a lock so that two starts never fight."""

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.errors import StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.engine import make_database
from gateway.store.orm import Runner, peewee

_LOCK_NAME = "gemini_balance_gateway.migrations"
_LOCK_PATIENCE_S = 120.0
_LOCK_TURN_S = 1
_FILE_TURN_S = 0.05
HISTORY = "gateway_migration"
_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(config: DatabaseConfig, *, patience_s: float = _LOCK_PATIENCE_S) -> list[str]:
    """Bring the schema up to date, one process at a time.

    returns   the names of the migrations that were applied
    Raises StoreUnavailable when the database was made by a newer program, or another one migrates for
    longer than `patience_s`; else what the driver raises.
    """
    database = make_database(config, migrating=True)
    # SQLite's lock comes first: connecting already changes a fresh file (its journal mode).
    with _file_lock(config, patience_s):
        database.connect()
        try:
            with _server_lock(database, config, patience_s):
                return _bring_up_to_date(database, config)
        finally:
            database.close()


def make_runner(database: peewee.Database) -> Runner:
    """What knows the migrations and which of them a database has."""
    return Runner(database, str(_MIGRATIONS), table_name=HISTORY)


def known_migrations() -> list[str]:
    """The names of this version's migrations, in their order."""
    return sorted(file.stem for file in _MIGRATIONS.glob("[0-9]*.py"))


def _bring_up_to_date(database: peewee.Database, config: DatabaseConfig) -> list[str]:
    runner = make_runner(database)
    unknown = sorted(set(runner.applied()) - {migration.name for migration in runner.migrations()})
    if unknown:
        raise StoreUnavailable(
            f"{config.place} was written by a newer version of the gateway (it has {unknown[-1]}). "
            "Run that version, or use another database."
        )
    return list(runner.up())


@contextlib.contextmanager
def _file_lock(config: DatabaseConfig, patience_s: float) -> Iterator[None]:
    if config.kind != "sqlite":
        yield
        return
    path = Path(f"{config.path}.lock")
    try:
        lock_file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be written ({error.strerror}). Change its owner, or remove it."
        ) from None

    def is_granted() -> bool:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_FILE_TURN_S)
            return False
        return True

    with lock_file:
        _wait_until(is_granted, config, patience_s)
        yield


@contextlib.contextmanager
def _server_lock(database: peewee.Database, config: DatabaseConfig, patience_s: float) -> Iterator[None]:
    if config.kind != "mysql":
        yield
        return
    name = f"{_LOCK_NAME}.{config.database}"[:64]

    def is_granted() -> bool:
        (granted,) = database.execute_sql("SELECT GET_LOCK(%s, %s)", (name, _LOCK_TURN_S)).fetchone()
        return bool(granted == 1)

    _wait_until(is_granted, config, patience_s)
    try:
        yield
    finally:
        database.execute_sql("SELECT RELEASE_LOCK(%s)", (name,)).fetchone()


def _wait_until(is_granted: Callable[[], bool], config: DatabaseConfig, patience_s: float) -> None:
    """Ask in short turns, so that a stop signal is heard between them."""
    ends_s = time.monotonic() + patience_s
    while not is_granted():
        if time.monotonic() >= ends_s:
            raise StoreUnavailable(f"Another gateway has been migrating {config.place} for too long.")
