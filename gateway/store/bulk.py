"""INSERT statements for many rows, written out once: the same for both databases but for their marks.

Peewee builds such statements anew for every batch, which costs more than running them
(`tables` names the columns; their values come in the same order).
"""

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Protocol

from gateway.store.orm import peewee

_CHUNK = 200


def insert_statement(
    database: peewee.Database, table: str, columns: Sequence[str], *, unique: Sequence[str] = ()
) -> str:
    """The text of an INSERT.

    unique   rows that are there already, by these columns, are passed over and not counted
    """
    is_mysql = isinstance(database, peewee.MySQLDatabase)
    marks = ", ".join([database.param] * len(columns))
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names are constants
    if not unique:
        return sql
    # INSERT IGNORE would also swallow values that do not fit.
    if is_mysql:
        return f"{sql} ON DUPLICATE KEY UPDATE {unique[0]} = {unique[0]}"
    return f"{sql} ON CONFLICT ({', '.join(unique)}) DO NOTHING"


def replace_statement(database: peewee.Database, table: str, columns: Sequence[str]) -> str:
    """The text of an INSERT whose rows take the place of those with the same primary key."""
    marks = ", ".join([database.param] * len(columns))
    return f"REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names are constants


def adding_statement(database: peewee.Database, table: str, key: Sequence[str], sums: Sequence[str]) -> str:
    """The text of an INSERT whose rows are added to those with the same primary key, sum by sum."""
    sql = insert_statement(database, table, [*key, *sums])
    if isinstance(database, peewee.MySQLDatabase):
        return f"{sql} ON DUPLICATE KEY UPDATE " + ", ".join(
            f"{each} = {each} + VALUES({each})" for each in sums
        )
    added = ", ".join(f"{each} = {each} + excluded.{each}" for each in sums)
    return f"{sql} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {added}"


class Cursor(Protocol):
    """What both drivers' cursors offer."""

    def execute(self, sql: str, values: Sequence[object], /) -> object: ...

    def executemany(self, sql: str, rows: Sequence[Sequence[object]], /) -> object: ...


class Batches:
    """Inserts rows a batch at a time, each by one statement.

    PyMySQL makes one of an executemany; sqlite3 runs it row by row, and changes hands with the loop's thread
    at every row, which costs more than the row where both are busy.

    rows   of a whole batch; what is less goes row by row
    """

    def __init__(self, database: peewee.Database, table: str, columns: Sequence[str], rows: int) -> None:
        self._rows = rows
        self._one = insert_statement(database, table, columns)
        head, _, marks = self._one.partition(" VALUES ")
        is_mysql = isinstance(database, peewee.MySQLDatabase)
        self._whole = "" if is_mysql else f"{head} VALUES {', '.join([marks] * rows)}"

    def insert(self, cursor: Cursor, rows: Sequence[Sequence[object]]) -> None:
        if self._whole and len(rows) == self._rows:
            cursor.execute(self._whole, tuple(chain.from_iterable(rows)))
        elif rows:
            cursor.executemany(self._one, rows)


def insert_rows(database: peewee.Database, statement: str, rows: Iterable[Sequence[object]]) -> int:
    """Insert rows; gives how many are new. Chunk by chunk, so that the interpreter is not held for long."""
    cursor = database.cursor()
    waiting = iter(rows)
    new = 0
    while chunk := list(islice(waiting, _CHUNK)):
        cursor.executemany(statement, chunk)
        new += cursor.rowcount
    return new
