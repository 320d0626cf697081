"""The tables as peewee models of one database. Made per store, so that two stores never share a binding.

The migrations alone say what columns look like (lengths, indexes); here are their names and value types.
"""

from dataclasses import dataclass
from typing import Any

from gateway.store.orm import (
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    Database,
    Model,
    TextField,
)


@dataclass(frozen=True, slots=True)
class Tables:
    """The models; they never leave the store. Any, since checkers cannot see columns made at run time."""

    database: Any
    api_key: Any
    access_token: Any
    setting: Any
    request: Any
    attempt: Any
    error_body: Any
    change: Any
    lease: Any
    pool_state: Any
    bound_object: Any
    kept_response: Any
    audit: Any
    session: Any
    task: Any


def make_tables(database: Database) -> Tables:
    """Bind the tables that the migrations made to a database."""

    bound = database

    class Table(Model):
        class Meta:
            database = bound

    class Secret(Table):
        id = BigAutoField()
        secret = TextField()
        secret_hash = TextField()
        masked = TextField(column_name="alias")
        origin = TextField()
        enabled = BooleanField()
        created_at_ms = BigIntegerField()
        updated_at_ms = BigIntegerField()

    class ApiKey(Secret):
        class Meta:
            table_name = "api_key"

        provider = TextField()
        project = TextField(null=True)
        note = TextField()
        tags = TextField()
        weight = BigIntegerField()
        dead_reason = TextField(null=True)
        dead_since_ms = BigIntegerField()
        rest_reason = TextField(null=True)
        rest_until_ms = BigIntegerField(null=True)
        seen_project = TextField(null=True)

    class AccessToken(Secret):
        class Meta:
            table_name = "access_token"

        name = TextField()
        requests_per_minute = BigIntegerField(null=True)
        tokens_per_day = BigIntegerField(null=True)
        models = TextField(null=True)
        expires_at_ms = BigIntegerField(null=True)

    class Setting(Table):
        class Meta:
            table_name = "setting"

        name = TextField(primary_key=True)
        value = TextField()
        fingerprint = TextField(null=True)
        origin = TextField()
        updated_at_ms = BigIntegerField()

    class Request(Table):
        class Meta:
            table_name = "request"

        id = BigIntegerField(primary_key=True)
        request_id = TextField()
        started_at_ms = BigIntegerField()
        dialect = TextField()
        operation = TextField()
        model = TextField()
        token_id = BigIntegerField(null=True)
        key_id = BigIntegerField(null=True)
        status = BigIntegerField()
        outcome = TextField()
        failure_kind = TextField(null=True)
        stream = BooleanField()
        duration_ms = BigIntegerField()
        first_token_ms = BigIntegerField(null=True)
        prompt_tokens = BigIntegerField()
        completion_tokens = BigIntegerField()
        thought_tokens = BigIntegerField()
        cached_tokens = BigIntegerField()
        total_tokens = BigIntegerField()
        request_bytes = BigIntegerField()
        response_bytes = BigIntegerField()
        attempts = BigIntegerField()
        tried_key_id = BigIntegerField(null=True)
        tried_alias = TextField(null=True)
        tried_after_ms = BigIntegerField(null=True)
        tried_ms = BigIntegerField(null=True)

    class Attempt(Table):
        class Meta:
            table_name = "attempt"
            primary_key = CompositeKey("call_id", "number")

        call_id = BigIntegerField()
        number = BigIntegerField()
        key_id = BigIntegerField()
        key_alias = TextField()
        failure_kind = TextField(null=True)
        status = BigIntegerField()
        duration_ms = BigIntegerField()
        started_at_ms = BigIntegerField()
        bucket_state = TextField(null=True)

    class ErrorBody(Table):
        class Meta:
            table_name = "error_body"

        call_id = BigIntegerField(primary_key=True)
        body = TextField()
        request_body = TextField(null=True)

    class Change(Table):
        class Meta:
            table_name = "change"

        id = BigAutoField()
        at_ms = BigIntegerField()
        origin = TextField()
        topic = TextField()
        payload = TextField()

    class Lease(Table):
        class Meta:
            table_name = "lease"

        name = TextField(primary_key=True)
        holder = TextField()
        until_ms = BigIntegerField()

    class PoolState(Table):
        class Meta:
            table_name = "pool_state"
            primary_key = CompositeKey("provider", "owner", "model", "kind")

        provider = TextField()
        owner = TextField()
        model = TextField()
        kind = TextField()
        state = TextField()
        updated_at_ms = BigIntegerField()

    class BoundObject(Table):
        class Meta:
            table_name = "bound_object"

        name = TextField(primary_key=True)
        key_id = BigIntegerField()
        project = TextField(null=True)
        token_id = BigIntegerField(null=True)
        created_at_ms = BigIntegerField()
        expires_at_ms = BigIntegerField(null=True)
        details = TextField(null=True)

    class KeptResponse(Table):
        class Meta:
            table_name = "kept_response"

        id = TextField(primary_key=True)
        previous_id = TextField(null=True)
        token_id = BigIntegerField(null=True)
        created_at_ms = BigIntegerField()
        body_bytes = BigIntegerField()
        packed_bytes = BigIntegerField()
        body = TextField()

    class Audit(Table):
        class Meta:
            table_name = "audit"

        id = BigAutoField()
        at_ms = BigIntegerField()
        actor = TextField()
        peer = TextField()
        action = TextField()
        subject = TextField()
        detail = TextField()

    class Session(Table):
        class Meta:
            table_name = "session"

        token_hash = TextField(primary_key=True)
        mark = TextField()
        created_at_ms = BigIntegerField()
        expires_at_ms = BigIntegerField()

    class Task(Table):
        class Meta:
            table_name = "task"

        id = TextField(primary_key=True)
        kind = TextField()
        state = TextField()
        done = BigIntegerField()
        total = BigIntegerField()
        started_at_ms = BigIntegerField()
        updated_at_ms = BigIntegerField()
        actor = TextField()
        stop_asked = BooleanField()
        outcome = TextField()

    return Tables(
        database=bound,
        api_key=ApiKey,
        access_token=AccessToken,
        setting=Setting,
        request=Request,
        attempt=Attempt,
        error_body=ErrorBody,
        change=Change,
        lease=Lease,
        pool_state=PoolState,
        bound_object=BoundObject,
        kept_response=KeptResponse,
        audit=Audit,
        session=Session,
        task=Task,
    )
