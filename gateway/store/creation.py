"""What every migration needs: how tables compare text, and making whatever of a change is still missing.

Used by gateway/store/migrations only; what a released migration does with it must not change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.store.orm import peewee


def settings_of_tables(db: peewee.Database) -> tuple[str, ...]:
    """What follows the columns of CREATE TABLE."""
    # Names, hashes and request ids are compared byte by byte, as SQLite does.
    is_mysql = isinstance(db, peewee.MySQLDatabase)
    return ("ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",) if is_mysql else ()


def create_table(db: peewee.Database, model: Any) -> None:
    """Make a table and its indexes, or what a start that was cut short left out: MySQL undoes no DDL."""
    schema = model._schema
    schema.create_table(safe=True)
    there = {index.name for index in db.get_indexes(model._meta.table_name)}
    for index in model._meta.fields_to_index():
        if index._name not in there:
            db.execute(schema._create_index(index, safe=False))


def add_columns(db: peewee.Database, table: str, columns: Mapping[str, str]) -> None:
    """Add those columns (name -> SQL type, all of them nullable) that a table lacks."""
    there = {column.name for column in db.get_columns(table)}
    for name, kind in columns.items():
        if name not in there:
            db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {name} {kind} NULL")


def add_index(db: peewee.Database, table: str, columns: Sequence[str]) -> None:
    """Add an index that a table lacks, named as peewee names them."""
    name = "_".join((table, *columns))
    if name not in {index.name for index in db.get_indexes(table)}:
        db.execute_sql(f"CREATE INDEX {name} ON {table} ({', '.join(columns)})")


def drop_index(db: peewee.Database, table: str, columns: Sequence[str], *, name: str = "") -> None:
    """Drop an index that a table may still have.

    name   of one that was made with its table, which peewee names otherwise
    """
    name = name or "_".join((table, *columns))
    if name in {index.name for index in db.get_indexes(table)}:
        where = f" ON {table}" if isinstance(db, peewee.MySQLDatabase) else ""
        db.execute_sql(f"DROP INDEX {name}{where}")
