"""The first tables: keys, tokens, settings, calls with their attempts and errors."""

from typing import Any

import peewee

from gateway.store.creation import create_table, settings_of_tables


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    is_mysql = isinstance(db, peewee.MySQLDatabase)
    # An id is never given twice, so that a row of the log cannot come to name another key. InnoDB sees to
    # that by itself; SQLite must be asked.
    never_again: list[peewee.Node] = [] if is_mysql else [peewee.SQL("AUTOINCREMENT")]

    class Table(db.Model):  # type: ignore[name-defined,misc]  # made by peewee at run time
        class Meta:
            table_settings = settings_of_tables(db)

    class ApiKey(Table):
        class Meta:
            table_name = "api_key"
            indexes = ((("provider", "secret_hash"), True),)

        id = peewee.BigAutoField(constraints=never_again)
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

    class AccessToken(Table):
        class Meta:
            table_name = "access_token"

        id = peewee.BigAutoField(constraints=never_again)
        secret = peewee.TextField()
        secret_hash = peewee.FixedCharField(64, unique=True)
        alias = peewee.CharField(40)
        name = peewee.CharField(100)
        origin = peewee.CharField(20)
        enabled = peewee.BooleanField()
        created_at_ms = peewee.BigIntegerField()
        updated_at_ms = peewee.BigIntegerField()

    class Setting(Table):
        class Meta:
            table_name = "setting"

        name = peewee.CharField(100, primary_key=True)
        value = peewee.TextField()
        fingerprint = peewee.CharField(200, null=True)
        origin = peewee.CharField(20)
        updated_at_ms = peewee.BigIntegerField()

    class Request(Table):
        class Meta:
            table_name = "request"
            indexes = ((("model", "id"), False), (("token_id", "id"), False), (("outcome", "id"), False))

        id = peewee.BigIntegerField(primary_key=True)
        request_id = peewee.CharField(128, index=True)
        started_at_ms = peewee.BigIntegerField(index=True)
        dialect = peewee.CharField(20)
        operation = peewee.CharField(40)
        model = peewee.CharField(256)
        token_id = peewee.BigIntegerField(null=True)
        key_id = peewee.BigIntegerField(null=True)
        status = peewee.IntegerField()
        outcome = peewee.CharField(20)
        failure_kind = peewee.CharField(32, null=True)
        stream = peewee.BooleanField()
        duration_ms = peewee.BigIntegerField()
        first_token_ms = peewee.BigIntegerField(null=True)
        prompt_tokens = peewee.BigIntegerField()
        completion_tokens = peewee.BigIntegerField()
        thought_tokens = peewee.BigIntegerField()
        cached_tokens = peewee.BigIntegerField()
        total_tokens = peewee.BigIntegerField()
        request_bytes = peewee.BigIntegerField()
        response_bytes = peewee.BigIntegerField()
        attempts = peewee.IntegerField()

    class Attempt(Table):
        class Meta:
            table_name = "attempt"
            primary_key = peewee.CompositeKey("call_id", "number")
            indexes = ((("key_id", "call_id"), False),)

        call_id = peewee.BigIntegerField()
        number = peewee.IntegerField()
        key_id = peewee.BigIntegerField()
        key_alias = peewee.CharField(40)
        failure_kind = peewee.CharField(32, null=True)
        status = peewee.IntegerField()
        duration_ms = peewee.BigIntegerField()
        started_at_ms = peewee.BigIntegerField()

    class ErrorBody(Table):
        class Meta:
            table_name = "error_body"

        call_id = peewee.BigIntegerField(primary_key=True)
        body = peewee.TextField(null=True)
        request_body = peewee.TextField(null=True)

    for model in (ApiKey, AccessToken, Setting, Request, Attempt, ErrorBody):
        create_table(db, model)
