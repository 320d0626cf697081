"""What every migration that makes tables needs: how they compare text, and making what is missing.

Used by gateway/store/migrations only; what a released migration does with it must not change.
"""

from typing import Any

import peewee


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
