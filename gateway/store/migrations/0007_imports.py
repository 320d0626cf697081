"""How far the logs of other programs have been taken in, so that nothing is taken in twice."""

from typing import Any

import peewee

from gateway.store.creation import create_table, settings_of_tables


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    class ImportMark(db.Model):  # type: ignore[name-defined,misc]  # made by peewee at run time
        class Meta:
            table_settings = settings_of_tables(db)
            table_name = "import_mark"
            primary_key = peewee.CompositeKey("source", "kind")

        source = peewee.CharField(64)
        kind = peewee.CharField(20)
        last_id = peewee.BigIntegerField()
        updated_at_ms = peewee.BigIntegerField()

    create_table(db, ImportMark)
