"""The first tables: keys, access tokens, settings and the request log.

Only secrets' hashes are unique: a TEXT column cannot be in MySQL, and encrypted secrets differ each time.
"""

from typing import Any

import peewee as pw

from gateway.store.ddl import AUTOINCREMENT, LongTextField, create_index, create_table


def up(_migrator: Any, db: pw.Database) -> None:
    class ApiKey(pw.Model):
        id = pw.BigAutoField(constraints=AUTOINCREMENT[type(db).__name__])
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
