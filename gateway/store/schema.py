"""The schema's migrations, run at start under a lock so that two starts never fight."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

import peewee
from playhouse.migrations import Runner

from gateway.errors import StoreUnavailable
from gateway.store.config import DatabaseConfig

_LOCK_NAME = "gemini_balance_gateway.migrations"
_LOCK_TIMEOUT_S = 120
_HISTORY = "gateway_migration"


def migrate(database: peewee.Database, config: DatabaseConfig) -> list[str]:
    """Bring the schema up to date.

    returns   the names of the migrations that were applied
    Raises StoreUnavailable when the database was made by a newer program.
    """
    runner = Runner(database, str(Path(__file__).parent / "migrations"), table_name=_HISTORY)
    with _lock(database, config):
        unknown = sorted(set(runner.applied()) - {migration.name for migration in runner.migrations()})
        if unknown:
            raise StoreUnavailable(
                f"{config.place} was written by a newer version of the gateway (it has {unknown[-1]}). "
                "Run that version, or use another database."
            )
        return list(runner.up())


@contextlib.contextmanager
def _lock(database: peewee.Database, config: DatabaseConfig) -> Iterator[None]:
    if config.kind == "mysql":
        (granted,) = database.execute_sql(
            "SELECT GET_LOCK(%s, %s)", (f"{_LOCK_NAME}.{config.database}"[:64], _LOCK_TIMEOUT_S)
        ).fetchone()
        if granted != 1:
            raise StoreUnavailable(f"Another gateway has been migrating {config.place} for too long.")
        try:
            yield
        finally:
            database.execute_sql(
                "SELECT RELEASE_LOCK(%s)", (f"{_LOCK_NAME}.{config.database}"[:64],)
            ).fetchone()
        return
    with Path(f"{config.path}.lock").open("w", encoding="utf-8") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield
