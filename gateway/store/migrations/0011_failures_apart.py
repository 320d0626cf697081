"""On SQLite the indexes of what goes wrong hold the calls that do, and not the others, which are most."""

from typing import Any

import peewee

from gateway.store.creation import drop_index

_FAILED = {
    "failure_kind": "failure_kind IS NOT NULL",
    "outcome": "outcome <> 'success'",
    "status": "status <> 200",
}


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    if isinstance(db, peewee.MySQLDatabase):
        return  # it has no such indexes
    for column, failed in _FAILED.items():
        drop_index(db, "request", (column, "id"))
        db.execute_sql(f"CREATE INDEX request_{column}_id ON request ({column}, id) WHERE {failed}")
