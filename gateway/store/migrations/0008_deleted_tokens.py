"""Deleted access tokens that may come back for a while, as keys may."""

from typing import Any

import peewee

from gateway.store.creation import create_table, settings_of_tables


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    class Table(db.Model):  # type: ignore[name-defined,misc]  # made by peewee at run time
        class Meta:
            table_settings = settings_of_tables(db)

    class DeletedToken(Table):
        class Meta:
            table_name = "deleted_token"

        id = peewee.BigIntegerField(primary_key=True)
        secret = peewee.TextField()
        secret_hash = peewee.FixedCharField(64)
        alias = peewee.CharField(40)
        name = peewee.CharField(100)
        origin = peewee.CharField(20)
        enabled = peewee.BooleanField()
        created_at_ms = peewee.BigIntegerField()
        updated_at_ms = peewee.BigIntegerField()
        requests_per_minute = peewee.BigIntegerField(null=True)
        tokens_per_day = peewee.BigIntegerField(null=True)
        models = peewee.TextField(null=True)
        expires_at_ms = peewee.BigIntegerField(null=True)
        batch = peewee.CharField(40, index=True)
        deleted_at_ms = peewee.BigIntegerField(index=True)

    create_table(db, DeletedToken)
