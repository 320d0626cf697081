"""Sums of calls by time, model, token, dialect and outcome, read back. Used inside `Store.read`.

Written with every batch of calls (rollup.py). A call counts in the minute and hour in which it ended.
What no token or dialect is asked of is read from `usage_model`, which has far fewer rows.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from gateway.store.call_ids import first_id
from gateway.store.orm import peewee
from gateway.store.rollup import HOUR_MS, MINUTE_MS
from gateway.store.tables import Tables
from gateway.store.usage_sums import SUMS, UsageSum, sum_of

_SUMMED = ", ".join(f"SUM({column})" for column in SUMS)
_TOKENS_AT_ONCE = 200
Dimension = Literal["model", "token_id", "dialect"]


class TimedUsage(NamedTuple):
    """The calls of one minute or hour that ended in one way."""

    at_ms: int
    outcome: str
    sum: UsageSum


class NamedUsage(NamedTuple):
    """The calls of one model, token or dialect that ended in one way; the administrator's token is 0."""

    name: str | int
    outcome: str
    sum: UsageSum


class Usage:
    """Reads the sums. Spans are epoch milliseconds; hours that are touched count whole."""

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._mark = tables.database.param
        # PyMySQL puts values in by Python's own formatting.
        self._modulo = "%%" if isinstance(tables.database, peewee.MySQLDatabase) else "%"

    def by_minutes(self, since_ms: int, until_ms: int, step: int = 1) -> list[TimedUsage]:
        """Sums by so many minutes and outcome, in the order of time; kept for some days only."""
        return self._timed("usage_minute", "minute", MINUTE_MS, since_ms, until_ms, step)

    def by_hour(self, since_ms: int, until_ms: int) -> list[TimedUsage]:
        """Sums by hour and outcome, in the order of time."""
        return self._timed("usage_model", "hour", HOUR_MS, since_ms, until_ms, 1)

    def by(
        self, dimension: Dimension, since_ms: int, until_ms: int, *, token_id: int | None = None
    ) -> list[NamedUsage]:
        """Sums by one dimension and outcome; of one token when it is named."""
        condition = "" if token_id is None else f" AND token_id = {self._mark}"
        table = "usage_model" if dimension == "model" and token_id is None else "usage_hourly"
        sql = (
            f"SELECT {dimension}, outcome, {_SUMMED} FROM {table} "  # noqa: S608 - names are constants
            f"WHERE hour >= {self._mark} AND hour < {self._mark}{condition} GROUP BY {dimension}, outcome"
        )
        values = (*_hours(since_ms, until_ms), *(() if token_id is None else (token_id,)))
        return [NamedUsage(name, outcome, sum_of(sums)) for name, outcome, *sums in self._run(sql, values)]

    def calls(self, since_ms: int, until_ms: int) -> int:
        """How many calls there were."""
        sql = f"SELECT SUM(calls) FROM usage_model WHERE hour >= {self._mark} AND hour < {self._mark}"  # noqa: S608
        ((found,),) = self._run(sql, _hours(since_ms, until_ms))
        return int(found or 0)

    def calls_since(self, since_ms: int) -> int:
        """How many calls have ended since then, to the millisecond: the log is counted, not the sums."""
        sql = f"SELECT COUNT(*) FROM request WHERE id >= {self._mark}"  # noqa: S608
        ((found,),) = self._run(sql, [first_id(since_ms)])
        return int(found)

    def total(self, since_ms: int, until_ms: int) -> UsageSum:
        """The sum of everything."""
        sql = (
            f"SELECT {_SUMMED} FROM usage_model "  # noqa: S608 - names are constants
            f"WHERE hour >= {self._mark} AND hour < {self._mark}"
        )
        (row,) = self._run(sql, _hours(since_ms, until_ms))
        return sum_of(row)

    def last_hours(self, token_ids: Sequence[int]) -> dict[int, int]:
        """For tokens that were used, when the hour began in which they were used last."""
        # The end of each token's part of an index; together they would be read whole.
        one = f"SELECT {self._mark}, MAX(hour) FROM usage_hourly WHERE token_id = {self._mark}"  # noqa: S608
        found: dict[int, int] = {}
        for start in range(0, len(token_ids), _TOKENS_AT_ONCE):
            part = token_ids[start : start + _TOKENS_AT_ONCE]
            rows = self._run(" UNION ALL ".join([one] * len(part)), [each for each in part for _ in range(2)])
            found |= {int(token_id): hour * HOUR_MS for token_id, hour in rows if hour is not None}
        return found

    def prune(self, *, minutes_before_ms: int, hours_before_ms: int) -> int:
        """Remove sums of minutes and of hours that are older; gives how many."""
        removed = self._database.execute_sql(
            f"DELETE FROM usage_minute WHERE minute < {self._mark}",  # noqa: S608
            (minutes_before_ms // MINUTE_MS,),
        ).rowcount
        for table in ("usage_hourly", "usage_model"):
            removed += self._database.execute_sql(
                f"DELETE FROM {table} WHERE hour < {self._mark}",  # noqa: S608
                (hours_before_ms // HOUR_MS,),
            ).rowcount
        return int(removed)

    def hours_to_mend(self, since_ms: int, until_ms: int) -> list[int]:
        """The epoch hours whose sums by model are not those by token: another version wrote only these."""
        span = _hours(since_ms, until_ms)
        within = f"WHERE hour >= {self._mark} AND hour < {self._mark}"
        sql = (
            f"SELECT hour FROM (SELECT hour, calls, 0 AS counted FROM usage_hourly {within} "  # noqa: S608 - marks
            f"UNION ALL SELECT hour, 0, calls FROM usage_model {within}) AS told "
            "GROUP BY hour HAVING SUM(calls) <> SUM(counted) ORDER BY hour"
        )
        return [hour for (hour,) in self._run(sql, (*span, *span))]

    def mend(self, hour: int) -> None:
        """Make an hour's sums by model anew from those by token; inside `Store.write`."""
        self._run(f"DELETE FROM usage_model WHERE hour = {self._mark}", (hour,))  # noqa: S608 - a mark
        self._run(
            f"INSERT INTO usage_model (hour, model, outcome, {', '.join(SUMS)}) "  # noqa: S608 - as above
            f"SELECT hour, model, outcome, {_SUMMED} FROM usage_hourly WHERE hour = {self._mark} "
            "GROUP BY hour, model, outcome",
            (hour,),
        )

    def _timed(
        self, table: str, unit: str, unit_ms: int, since_ms: int, until_ms: int, step: int
    ) -> list[TimedUsage]:
        start = unit if step == 1 else f"{unit} - {unit} {self._modulo} {int(step)}"
        sql = (
            f"SELECT {start}, outcome, {_SUMMED} FROM {table} "  # noqa: S608 - names are constants
            f"WHERE {unit} >= {self._mark} AND {unit} < {self._mark} "
            f"GROUP BY {start}, outcome ORDER BY {start}"
        )
        span = (since_ms // unit_ms, -(-until_ms // unit_ms))
        return [
            TimedUsage(int(at) * unit_ms, outcome, sum_of(sums))
            for at, outcome, *sums in self._run(sql, span)
        ]

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))


def _hours(since_ms: int, until_ms: int) -> tuple[int, int]:
    return since_ms // HOUR_MS, -(-until_ms // HOUR_MS)
