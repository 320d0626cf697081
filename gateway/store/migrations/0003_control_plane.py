"""What the admin asks about: sums of calls, use of keys, events, an audit; limits of tokens; filters."""

from typing import Any

import peewee

from gateway.store.creation import add_columns, add_index, create_table, drop_index, settings_of_tables

_SUMS = (
    "calls attempts prompt_tokens completion_tokens thought_tokens cached_tokens total_tokens duration_ms "
    "first_tokens first_token_ms within_100 within_200 within_300 within_500 within_700 within_1000 "
    "within_1500 within_2000 within_3000 within_5000 within_10000"
).split()


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    is_mysql = isinstance(db, peewee.MySQLDatabase)
    never_again: list[peewee.Node] = [] if is_mysql else [peewee.SQL("AUTOINCREMENT")]

    class Table(db.Model):  # type: ignore[name-defined,misc]  # made by peewee at run time
        class Meta:
            table_settings = settings_of_tables(db)

    class Sums(Table):
        class Meta:
            # Whole rows live in the primary key's tree: they are found and added to in one go.
            table_settings = settings_of_tables(db) or ("WITHOUT ROWID",)

    class UsageMinute(Sums):
        class Meta:
            table_name = "usage_minute"
            primary_key = peewee.CompositeKey("minute", "outcome")

        minute = peewee.BigIntegerField()
        outcome = peewee.CharField(20)

    class UsageHourly(Sums):
        class Meta:
            table_name = "usage_hourly"
            primary_key = peewee.CompositeKey("hour", "model", "token_id", "dialect", "outcome")
            indexes = ((("token_id", "hour"), False),)

        hour = peewee.BigIntegerField()
        model = peewee.CharField(256)
        token_id = peewee.BigIntegerField()
        dialect = peewee.CharField(20)
        outcome = peewee.CharField(20)

    class KeyHourly(Sums):
        class Meta:
            table_name = "key_hourly"
            primary_key = peewee.CompositeKey("key_id", "hour", "kind")
            indexes = ((("kind", "hour"), False),)

        key_id = peewee.BigIntegerField()
        hour = peewee.BigIntegerField()
        kind = peewee.CharField(32)
        attempts = peewee.BigIntegerField()

    class KeyUse(Sums):
        class Meta:
            table_name = "key_use"

        key_id = peewee.BigIntegerField(primary_key=True)
        day = peewee.BigIntegerField()
        attempts = peewee.BigIntegerField()
        failures = peewee.BigIntegerField()
        last_ms = peewee.BigIntegerField()

    class KeyEvent(Table):
        class Meta:
            table_name = "key_event"
            indexes = ((("key_id", "id"), False),)

        id = peewee.BigAutoField(constraints=never_again)
        key_id = peewee.BigIntegerField()
        at_ms = peewee.BigIntegerField(index=True)
        event = peewee.CharField(20)
        kind = peewee.CharField(32, null=True)
        message = peewee.CharField(500)
        until_ms = peewee.BigIntegerField(null=True)
        actor = peewee.CharField(40)

    class Audit(Table):
        class Meta:
            table_name = "audit"
            indexes = ((("subject", "id"), False),)

        id = peewee.BigAutoField(constraints=never_again)
        at_ms = peewee.BigIntegerField(index=True)
        actor = peewee.CharField(40)
        peer = peewee.CharField(64)
        action = peewee.CharField(40)
        subject = peewee.CharField(140)
        detail = peewee.TextField()

    # After the columns of the key: SQLite's integrity check stumbles over the other order.
    for name in _SUMS:
        for summed in (UsageMinute, UsageHourly):
            summed._meta.add_field(name, peewee.BigIntegerField())
    for model in (UsageMinute, UsageHourly, KeyHourly, KeyUse, KeyEvent, Audit):
        create_table(db, model)
    add_columns(
        db,
        "access_token",
        {
            "requests_per_minute": "INTEGER",
            "tokens_per_day": "BIGINT",
            "models": "TEXT",
            "expires_at_ms": "BIGINT",
        },
    )
    add_columns(db, "attempt", {"bucket_state": "VARCHAR(16)"})
    add_columns(
        db,
        "api_key",
        {"rest_reason": "VARCHAR(64)", "rest_until_ms": "BIGINT", "seen_project": "VARCHAR(128)"},
    )
    # All that keys are counted and filtered by, so that rows with their secrets need not be read for it.
    add_index(db, "api_key", ("provider", "enabled", "dead_reason", "rest_until_ms"))
    for column in ("status", "failure_kind", "dialect"):
        add_index(db, "request", (column, "id"))
    # A call's place in time is its id, so nothing asks by this column any more.
    drop_index(db, "request", ("started_at_ms",))
