"""Objects bound to keys tell more: what was said when they were made, and which a token has made."""

from typing import Any

import peewee

from gateway.store.creation import add_columns, add_index


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    add_columns(db, "bound_object", {"details": "TEXT"})
    add_index(db, "bound_object", ("token_id", "created_at_ms"))
