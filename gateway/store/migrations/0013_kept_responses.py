"""Responses that clients go on from by their ids, each a row of its own."""

from typing import Any

import peewee

from gateway.store.creation import add_index, create_table, settings_of_tables


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    class Table(db.Model):  # type: ignore[name-defined,misc]  # made by peewee at run time
        class Meta:
            table_settings = settings_of_tables(db)

    class LongText(peewee.TextField):
        # MySQL's TEXT ends at 64 KiB, this at 16 MiB; SQLite's knows no end.
        field_type = "MEDIUMTEXT" if isinstance(db, peewee.MySQLDatabase) else "TEXT"

    class KeptResponse(Table):
        class Meta:
            table_name = "kept_response"

        id = peewee.CharField(160, primary_key=True)
        previous_id = peewee.CharField(160, null=True)
        token_id = peewee.BigIntegerField(null=True)
        created_at_ms = peewee.BigIntegerField()
        body_bytes = peewee.BigIntegerField()
        packed_bytes = peewee.BigIntegerField()
        body = LongText()

    create_table(db, KeptResponse)
    # With the sizes in it: what is kept is summed up, and its oldest found, without a look at any row.
    add_index(db, "kept_response", ("created_at_ms", "packed_bytes"))
