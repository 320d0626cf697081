"""INSERT statements for many rows, written out once: the same for both databases but for their marks.

Peewee builds such statements anew for every batch, which costs more than running them
(`tables` names the columns; their values come in the same order).
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from types import MappingProxyType
from typing import Protocol

from gateway.store.orm import peewee

_CHUNK = 200
Absent = str | int | None
_NOTHING: Mapping[str, Absent] = MappingProxyType({})


def insert_statement(
    database: peewee.Database,
    table: str,
    columns: Sequence[str],
    *,
    unique: Sequence[str] = (),
    absent: Mapping[str, Absent] = _NOTHING,
) -> str:
    """The text of an INSERT.

    unique   rows that are there already, by these columns, are passed over and not counted
    absent   what stands for NULL, by column (`absent_in`)
    """
    marks = ", ".join(_mark(database.param, absent.get(column)) for column in columns)
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names are constants
    if not unique:
        return sql
    # INSERT IGNORE would also swallow values that do not fit.
    if isinstance(database, peewee.MySQLDatabase):
        return f"{sql} ON DUPLICATE KEY UPDATE {unique[0]} = {unique[0]}"
    return f"{sql} ON CONFLICT ({', '.join(unique)}) DO NOTHING"


def absent_in(database: peewee.Database, absent: Mapping[str, Absent]) -> Mapping[str, Absent]:
    """What stands for NULL in columns that mostly hold nothing, or None where a database wants none of it.

    sqlite3 looks for a way to adapt each None, which takes three times as long as giving it a number.
    PyMySQL makes one statement of many rows only if nothing but marks is in it.
    """
    return dict.fromkeys(absent) if isinstance(database, peewee.MySQLDatabase) else absent


def _mark(mark: str, absent: Absent) -> str:
    return mark if absent is None else f"NULLIF({mark}, {absent!r})"


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
    """Runs an INSERT of one row for many, some dozens at a time.

    PyMySQL makes one statement of an executemany; sqlite3 runs it row by row, and changes hands with the
    loop's thread at every row, which costs more than the row where both are busy.

    rows   to one statement; what is less goes a few at a time, then row by row
    """

    def __init__(self, database: peewee.Database, statement: str, rows: int) -> None:
        self._one = statement
        self._rows = rows
        self._wholes: Sequence[tuple[int, str]] = ()
        if not isinstance(database, peewee.MySQLDatabase):
            head, _, rest = statement.partition(" VALUES ")
            row, on, conflict = rest.partition(" ON CONFLICT ")
            self._wholes = [
                (size, f"{head} VALUES {', '.join([row] * size)}{on}{conflict}")
                for size in (rows, -(-rows // 10))
            ]

    def insert(self, cursor: Cursor, rows: Sequence[Sequence[object]]) -> None:
        done = 0
        for size, statement in self._wholes:
            while len(rows) - done >= size:
                cursor.execute(statement, tuple(chain.from_iterable(rows[done : done + size])))
                done += size
        for start in range(done, len(rows), self._rows):
            cursor.executemany(self._one, rows[start : start + self._rows])


def insert_rows(database: peewee.Database, statement: str, rows: Iterable[Sequence[object]]) -> int:
    """Insert rows; gives how many are new. Chunk by chunk, so that the interpreter is not held for long."""
    cursor = database.cursor()
    waiting = iter(rows)
    new = 0
    while chunk := list(islice(waiting, _CHUNK)):
        cursor.executemany(statement, chunk)
        new += cursor.rowcount
    return new
