"""Who is signed in to the admin."""

from typing import Any

import peewee

from gateway.store.creation import create_table, settings_of_tables


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    class Session(db.Model):  # type: ignore[name-defined,misc]  # made by peewee at run time
        class Meta:
            table_name = "session"
            table_settings = settings_of_tables(db)

        token_hash = peewee.FixedCharField(64, primary_key=True)
        mark = peewee.FixedCharField(64)
        created_at_ms = peewee.BigIntegerField()
        expires_at_ms = peewee.BigIntegerField(index=True)

    create_table(db, Session)
