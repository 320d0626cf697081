"""What processes tell each other and remember: changes, leases, the pool's state, objects bound to keys."""

from typing import Any

import peewee

from gateway.store.creation import create_table, settings_of_tables


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    is_mysql = isinstance(db, peewee.MySQLDatabase)
    # Readers remember the last id they saw: it is never given twice, also after a clean-up.
    never_again: list[peewee.Node] = [] if is_mysql else [peewee.SQL("AUTOINCREMENT")]

    class Table(db.Model):  # type: ignore[name-defined,misc]  # made by peewee at run time
        class Meta:
            table_settings = settings_of_tables(db)

    class Change(Table):
        class Meta:
            table_name = "change"

        id = peewee.BigAutoField(constraints=never_again)
        at_ms = peewee.BigIntegerField(index=True)
        origin = peewee.CharField(40)
        topic = peewee.CharField(40)
        payload = peewee.TextField()

    class Lease(Table):
        class Meta:
            table_name = "lease"

        name = peewee.CharField(100, primary_key=True)
        holder = peewee.CharField(64)
        until_ms = peewee.BigIntegerField()

    class PoolState(Table):
        class Meta:
            table_name = "pool_state"
            primary_key = peewee.CompositeKey("provider", "owner", "model", "kind")

        provider = peewee.CharField(20)
        owner = peewee.CharField(160)
        model = peewee.CharField(256)
        kind = peewee.CharField(20)
        state = peewee.TextField()
        updated_at_ms = peewee.BigIntegerField(index=True)

    class BoundObject(Table):
        class Meta:
            table_name = "bound_object"

        name = peewee.CharField(512, primary_key=True)
        key_id = peewee.BigIntegerField(index=True)
        project = peewee.CharField(128, null=True)
        token_id = peewee.BigIntegerField(null=True)
        created_at_ms = peewee.BigIntegerField()
        expires_at_ms = peewee.BigIntegerField(null=True, index=True)

    for model in (Change, Lease, PoolState, BoundObject):
        create_table(db, model)
