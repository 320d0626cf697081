"""The tables as peewee sees them today; migrations keep their own frozen copies.

No model here is bound to a database: queries are built from them and run by a `Connection`, so that two
stores may live in one process. Moments are epoch milliseconds.
"""

import peewee as pw


class LongTextField(pw.TextField):
    """Text beyond the 64 KB of MySQL's TEXT; SQLite gives it text affinity all the same."""

    field_type = "LONGTEXT"


class ApiKey(pw.Model):
    id = pw.BigAutoField()
    secret = pw.TextField()
    secret_hash = pw.CharField(max_length=64)
    alias = pw.CharField(max_length=32)
    provider = pw.CharField(max_length=16)
    origin = pw.CharField(max_length=16)
    project = pw.CharField(max_length=128, null=True)
    note = pw.TextField()
    tags = pw.CharField(max_length=512)
    weight = pw.IntegerField()
    enabled = pw.BooleanField()
    dead_reason = pw.CharField(max_length=64, null=True)
    dead_since = pw.BigIntegerField(null=True)
    created_at = pw.BigIntegerField()
    updated_at = pw.BigIntegerField()

    class Meta:
        table_name = "api_key"


class AccessToken(pw.Model):
    id = pw.BigAutoField()
    secret = pw.TextField()
    secret_hash = pw.CharField(max_length=64)
    name = pw.CharField(max_length=255)
    alias = pw.CharField(max_length=32)
    origin = pw.CharField(max_length=16)
    enabled = pw.BooleanField()
    created_at = pw.BigIntegerField()
    updated_at = pw.BigIntegerField()

    class Meta:
        table_name = "access_token"


class Setting(pw.Model):
    name = pw.CharField(max_length=128, primary_key=True)
    value = LongTextField()
    fingerprint = pw.CharField(max_length=64, null=True)
    origin = pw.CharField(max_length=16)
    updated_at = pw.BigIntegerField()

    class Meta:
        table_name = "setting"


class Request(pw.Model):
    id = pw.BigAutoField()
    request_id = pw.CharField(max_length=64)
    started_at = pw.BigIntegerField()
    dialect = pw.CharField(max_length=32)
    operation = pw.CharField(max_length=64)
    model = pw.CharField(max_length=255, null=True)
    token_id = pw.BigIntegerField(null=True)
    key_id = pw.BigIntegerField(null=True)
    status = pw.IntegerField()
    outcome = pw.CharField(max_length=32)
    failure_kind = pw.CharField(max_length=64, null=True)
    stream = pw.BooleanField()
    duration_ms = pw.IntegerField()
    first_token_ms = pw.IntegerField(null=True)
    prompt_tokens = pw.IntegerField(null=True)
    completion_tokens = pw.IntegerField(null=True)
    thought_tokens = pw.IntegerField(null=True)
    cached_tokens = pw.IntegerField(null=True)
    total_tokens = pw.IntegerField(null=True)
    request_bytes = pw.BigIntegerField()
    response_bytes = pw.BigIntegerField()
    attempt_count = pw.IntegerField()

    class Meta:
        table_name = "request"


class Attempt(pw.Model):
    request_id = pw.CharField(max_length=64)
    n = pw.IntegerField()
    key_id = pw.BigIntegerField(null=True)
    key_alias = pw.CharField(max_length=32)
    failure_kind = pw.CharField(max_length=64, null=True)
    status = pw.IntegerField(null=True)
    duration_ms = pw.IntegerField()
    started_at = pw.BigIntegerField()

    class Meta:
        table_name = "attempt"
        primary_key = pw.CompositeKey("request_id", "n")


class ErrorBody(pw.Model):
    request_id = pw.CharField(max_length=64, primary_key=True)
    body = LongTextField()
    request_body = LongTextField(null=True)

    class Meta:
        table_name = "error_body"
