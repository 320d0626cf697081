"""Indexes by which long lists of keys are counted, ordered and looked through without sorting them."""

from typing import Any

import peewee

from gateway.store.creation import add_index, drop_index


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    # Keys are counted by their standing, each a range of this index, whatever their provider.
    add_index(db, "api_key", ("enabled", "dead_reason", "rest_until_ms", "provider"))
    drop_index(db, "api_key", ("provider", "enabled", "dead_reason", "rest_until_ms"))
    add_index(db, "api_key", ("alias",))
    # A page in the order of use is read off one of these.
    add_index(db, "key_use", ("last_ms",))
    for column in ("attempts", "failures"):
        add_index(db, "key_use", ("day", column))
    # With the sums in it, so that the keys that fail most are found without a look at every row.
    add_index(db, "key_hourly", ("kind", "hour", "key_id", "attempts"))
    drop_index(db, "key_hourly", ("kind", "hour"), name="keyhourly_kind_hour")
