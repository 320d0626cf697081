"""The door to peewee, which is loaded without MySQL's driver: mysql.py loads that where it is needed."""

from gateway.without import without

with without("pymysql", "MySQLdb"):
    import peewee
    from peewee import (
        BigAutoField,
        BigIntegerField,
        BooleanField,
        CompositeKey,
        Database,
        Model,
        TextField,
    )
    from playhouse.migrations import Runner

__all__ = [
    "BigAutoField",
    "BigIntegerField",
    "BooleanField",
    "CompositeKey",
    "Database",
    "Model",
    "Runner",
    "TextField",
    "peewee",
]
