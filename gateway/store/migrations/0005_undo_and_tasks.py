"""Deleted keys that may come back for a while, and long work of the admin that any process can tell of."""

from typing import Any

import peewee

from gateway.store.creation import create_table, settings_of_tables


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    class Table(db.Model):  # type: ignore[name-defined,misc]  # made by peewee at run time
        class Meta:
            table_settings = settings_of_tables(db)

    class DeletedKey(Table):
        class Meta:
            table_name = "deleted_key"

        id = peewee.BigIntegerField(primary_key=True)
        secret = peewee.TextField()
        secret_hash = peewee.FixedCharField(64)
        alias = peewee.CharField(40)
        provider = peewee.CharField(20)
        origin = peewee.CharField(20)
        project = peewee.CharField(128, null=True)
        note = peewee.TextField()
        tags = peewee.TextField()
        weight = peewee.IntegerField()
        enabled = peewee.BooleanField()
        dead_reason = peewee.CharField(64, null=True)
        dead_since_ms = peewee.BigIntegerField()
        created_at_ms = peewee.BigIntegerField()
        updated_at_ms = peewee.BigIntegerField()
        rest_reason = peewee.CharField(64, null=True)
        rest_until_ms = peewee.BigIntegerField(null=True)
        seen_project = peewee.CharField(128, null=True)
        batch = peewee.CharField(40, index=True)
        deleted_at_ms = peewee.BigIntegerField(index=True)

    class Task(Table):
        class Meta:
            table_name = "task"

        id = peewee.CharField(40, primary_key=True)
        kind = peewee.CharField(40)
        state = peewee.CharField(20)
        done = peewee.BigIntegerField()
        total = peewee.BigIntegerField()
        started_at_ms = peewee.BigIntegerField(index=True)
        updated_at_ms = peewee.BigIntegerField()
        actor = peewee.CharField(40)
        stop_asked = peewee.BooleanField()
        outcome = peewee.TextField()

    for model in (DeletedKey, Task):
        create_table(db, model)
