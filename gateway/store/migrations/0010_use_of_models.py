"""Calls by hour, model and outcome alone: what the overview asks, in few rows beside usage_hourly."""

from typing import Any

import peewee

from gateway.store.creation import create_table, settings_of_tables

_SUMS = (
    "calls attempts prompt_tokens completion_tokens thought_tokens cached_tokens total_tokens duration_ms "
    "first_tokens first_token_ms within_100 within_200 within_300 within_500 within_700 within_1000 "
    "within_1500 within_2000 within_3000 within_5000 within_10000"
).split()
_HOURS_AT_ONCE = 24


def up(migrator: Any, db: peewee.Database) -> None:  # noqa: ARG001 - the runner's signature
    class UsageModel(db.Model):  # type: ignore[name-defined,misc]  # made by peewee at run time
        class Meta:
            table_name = "usage_model"
            primary_key = peewee.CompositeKey("hour", "model", "outcome")
            table_settings = settings_of_tables(db) or ("WITHOUT ROWID",)

        hour = peewee.BigIntegerField()
        model = peewee.CharField(256)
        outcome = peewee.CharField(20)

    for name in _SUMS:
        UsageModel._meta.add_field(name, peewee.BigIntegerField())
    create_table(db, UsageModel)
    _fill(db)


def _fill(db: peewee.Database) -> None:
    """From the sums that are there, a day at a time; rows of a start that was cut short are written anew."""
    names, sums = "hour, model, outcome", ", ".join(_SUMS)
    added = ", ".join(f"SUM({name})" for name in _SUMS)
    mark = db.param
    fill = (
        f"REPLACE INTO usage_model ({names}, {sums}) SELECT {names}, {added} FROM usage_hourly "  # noqa: S608 - names and marks
        f"WHERE hour >= {mark} AND hour < {mark} GROUP BY {names}"
    )
    next_hour = f"SELECT MIN(hour) FROM usage_hourly WHERE hour >= {mark}"  # noqa: S608 - a mark
    start = -(2**62)
    while (found := db.execute_sql(next_hour, (start,)).fetchone()[0]) is not None:
        start = found + _HOURS_AT_ONCE
        db.execute_sql(fill, (found, start))
