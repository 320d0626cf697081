"""Stores on both databases for what is shared through them, and a way to wait without sleeping blindly."""

from tests.store.conftest import (
    config,
    mysql,
    mysql_database,
    mysql_schema,
    open_store,
    outage,
    sqlite,
    wire,
    wired,
)

__all__ = [
    "config",
    "mysql",
    "mysql_database",
    "mysql_schema",
    "open_store",
    "outage",
    "sqlite",
    "wire",
    "wired",
]
