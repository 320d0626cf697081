"""Another program's database, opened to be read and for nothing else."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

from gateway.errors import StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.engine import make_database
from gateway.store.faults import driver_errors
from gateway.store.gemini_balance import GeminiBalance
from gateway.store.orm import peewee
from gateway.store.refusals import job_failure, refusal

T = TypeVar("T")


class ForeignDatabase:
    """Another database. `read` blocks."""

    def __init__(self, database: peewee.Database, config: DatabaseConfig) -> None:
        self._config = config
        self._database = database
        self.place = config.place
        self.gemini_balance = GeminiBalance(database)

    async def read(self, query: Callable[[], T]) -> T:
        """Run a query. Nothing else runs in a program that asks this way."""
        try:
            return query()
        except driver_errors() as error:
            raise job_failure(self._config, error) from error

    def table(self, name: str, columns: Sequence[str]) -> list[dict[str, Any]] | None:
        """Some columns of a whole small table, those that it has; None when there is no such table."""
        if name not in self._database.get_tables():
            return None
        there = {column.name for column in self._database.get_columns(name)}
        wanted = [column for column in columns if column in there]
        found = self._database.execute_sql(
            f"SELECT {', '.join(f'`{column}`' for column in wanted)} FROM `{name}`"  # noqa: S608
        )
        return [dict(zip(wanted, row, strict=True)) for row in found.fetchall()]


@contextmanager
def open_foreign(config: DatabaseConfig) -> Iterator[ForeignDatabase]:
    """Open a database for reading. Raises StoreUnavailable in words."""
    database = _read_only(config)
    try:
        try:
            database.connect()
            database.get_tables()
        except driver_errors() as error:
            raise refusal(config, error) from error
        yield ForeignDatabase(database, config)
    finally:
        database.close()


def _read_only(config: DatabaseConfig) -> peewee.Database:
    if config.kind == "mysql":
        database = make_database(config, migrating=True)  # tables without an index on what is asked
        database.connect_params["init_command"] = "SET SESSION TRANSACTION READ ONLY"
        return database
    if config.path is None or not config.path.is_file():
        raise StoreUnavailable(f"There is no file {config.path}.")
    return peewee.SqliteDatabase(f"file:{quote(str(config.path.absolute()))}?mode=ro", uri=True, timeout=30)
