"""A call's one attempt that went well stands in the call's own row: its columns, and the index by its key.

On SQLite the id is left out of the indexes that end with it: it is the row's place, which stands in each.
"""

from typing import Any

import peewee

from gateway.store.creation import add_columns, add_index, drop_index


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    columns = {
        "tried_key_id": "BIGINT",
        "tried_alias": "VARCHAR(40)",
        "tried_after_ms": "BIGINT",
        "tried_ms": "BIGINT",
    }
    add_columns(db, "request", columns)
    if isinstance(db, peewee.MySQLDatabase):
        add_index(db, "request", ("tried_key_id", "id"))
        return
    for column in ("model", "token_id", "dialect", "tried_key_id"):
        drop_index(db, "request", (column, "id"))
        # Calls of older versions have no attempt of their own.
        where = " WHERE tried_key_id IS NOT NULL" if column == "tried_key_id" else ""
        db.execute_sql(f"CREATE INDEX request_{column}_id ON request ({column}){where}")
