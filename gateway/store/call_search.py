"""Finding calls among millions: one index leads, the others' conditions are checked along it.

Calls come by their ids, the newest first, page after page from the last id seen. Used inside `Store.read`;
calls are removed inside `Store.write`, in batches that the caller keeps small.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

import peewee

from gateway.store.call_ids import first_id
from gateway.store.rollup import HOUR_MS
from gateway.store.tables import Tables

_PREFIX_CHARS = 6
"""Shorter beginnings of a request id would match a share of all calls."""
_LAST = "\U0010ffff"
_SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class CallQuery:
    """Which calls.

    since_ms, until_ms   when they ended; the second is not included
    token_id             0 for the administrator's token
    key_id               tried with this key, whether it answered or not
    outcomes             any of these; none for all
    request_id           a request id, or its beginning when that is long enough
    """

    since_ms: int | None = None
    until_ms: int | None = None
    token_id: int | None = None
    model: str | None = None
    dialect: str | None = None
    status: int | None = None
    failure_kind: str | None = None
    key_id: int | None = None
    outcomes: tuple[str, ...] = ()
    request_id: str | None = None


class _Walk(NamedTuple):
    """Which tables are walked along, by which id, and what is asked of them."""

    tables: str
    id: str = "r.id"
    what: str = "r.id"


class CallSearch:
    """Runs call queries. Gives ids; `Calls.named` gives the calls."""

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._mark = tables.database.param
        self._is_mysql = isinstance(tables.database, peewee.MySQLDatabase)

    def ids(self, query: CallQuery, limit: int, *, before_id: int | None = None) -> list[int]:
        """The newest calls that match, of those older than `before_id`."""
        if len(query.outcomes) > 1:
            # Each by its own index in its own order, so that nothing has to be sorted.
            found = [
                self.ids(replace(query, outcomes=(outcome,)), limit, before_id=before_id)
                for outcome in query.outcomes
            ]
            return list(islice(merge(*found, reverse=True), limit))
        if _is_crossing(query):
            hours = self._hours(query)
            if hours is None:
                return []
            query = replace(query, since_ms=hours[0], until_ms=hours[1])
        walk, tests, values = self._conditions(query)
        self._bound(query, before_id, walk.id, tests, values)
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        sql = f"SELECT {walk.what} FROM {walk.tables}{where} ORDER BY {walk.id} DESC LIMIT {int(limit)}"  # noqa: S608
        return [call_id for (call_id,) in self._run(sql, values)]

    def remove(self, ids: Sequence[int]) -> int:
        """Remove calls with their attempts and bodies; gives how many there were."""
        if not ids:
            return 0
        marks = ", ".join([self._mark] * len(ids))
        for table in ("error_body", "attempt"):
            self._run(f"DELETE FROM {table} WHERE call_id IN ({marks})", ids)  # noqa: S608 - marks
        return int(self._run(f"DELETE FROM request WHERE id IN ({marks})", ids).rowcount)  # noqa: S608

    def oldest(self, before_ms: int, limit: int) -> list[int]:
        """The oldest calls of those that ended before a time."""
        sql = f"SELECT id FROM request WHERE id < {self._mark} ORDER BY id LIMIT {int(limit)}"  # noqa: S608
        return [call_id for (call_id,) in self._run(sql, [first_id(before_ms)])]

    def remove_bodies(self, before_ms: int, limit: int) -> int:
        """Remove the oldest error and request bodies of calls that ended before a time; gives how many."""
        sql = (
            f"SELECT call_id FROM error_body WHERE call_id < {self._mark} ORDER BY call_id LIMIT {int(limit)}"  # noqa: S608
        )
        ids = [call_id for (call_id,) in self._run(sql, [first_id(before_ms)])]
        if not ids:
            return 0
        marks = ", ".join([self._mark] * len(ids))
        return int(self._run(f"DELETE FROM error_body WHERE call_id IN ({marks})", ids).rowcount)  # noqa: S608

    def _hours(self, query: CallQuery) -> tuple[int, int] | None:
        """The time between the first and the last hour that has such calls, by the sums; None for never.

        So that two conditions which calls often meet, but hardly ever together, are not looked for in vain.
        """
        equal = {**_summed(query), "hour >=": None, "hour <": None}
        if query.since_ms is not None:
            equal["hour >="] = query.since_ms // HOUR_MS
        if query.until_ms is not None:
            equal["hour <"] = -(-query.until_ms // HOUR_MS)
        asked = {test: value for test, value in equal.items() if value is not None}
        tests = " AND ".join(f"{test} {self._mark}" for test in asked)
        sql = f"SELECT MIN(hour), MAX(hour) FROM usage_hourly WHERE {tests}"  # noqa: S608 - marks
        ((first, last),) = self._run(sql, list(asked.values()))
        if first is None:
            return None
        starts_ms, ends_ms = first * HOUR_MS, (last + 1) * HOUR_MS
        since_ms = starts_ms if query.since_ms is None else max(starts_ms, query.since_ms)
        return since_ms, ends_ms if query.until_ms is None else min(ends_ms, query.until_ms)

    def _conditions(self, query: CallQuery) -> tuple["_Walk", list[str], list[object]]:
        """Where to walk along, and what must hold; the rarest condition leads."""
        equal = {
            "failure_kind": query.failure_kind,
            "token_id": query.token_id or None,
            "model": query.model,
            "status": query.status,
            "outcome": query.outcomes[0] if query.outcomes else None,
            "dialect": query.dialect,
        }
        tests = [f"r.{column} = {self._mark}" for column, value in equal.items() if value is not None]
        values: list[object] = [value for value in equal.values() if value is not None]
        if query.token_id == 0:
            tests.append("r.token_id IS NULL")
        if query.request_id is not None:
            self._match_request_id(query.request_id, tests, values)
            return _Walk(f"request r{self._use('request_request_id')}"), tests, values
        if query.key_id is not None:
            tests.insert(0, f"a.key_id = {self._mark}")
            values.insert(0, query.key_id)
            walk = f"attempt a{self._use('attempt_key_id_call_id')} JOIN request r ON r.id = a.call_id"
            # A call may have been tried with a key twice.
            return _Walk(walk, "a.call_id", "DISTINCT a.call_id"), tests, values
        lead = _lead(query)
        return _Walk(f"request r{self._use(f'request_{lead}_id') if lead else ''}"), tests, values

    def _match_request_id(self, text: str, tests: list[str], values: list[object]) -> None:
        if len(text) < _PREFIX_CHARS:
            tests.append(f"r.request_id = {self._mark}")
            values.append(text)
        else:
            tests.append(f"r.request_id >= {self._mark} AND r.request_id < {self._mark}")
            values += [text, text + _LAST]

    def _bound(
        self, query: CallQuery, before_id: int | None, column: str, tests: list[str], values: list[object]
    ) -> None:
        if query.since_ms is not None:
            tests.append(f"{column} >= {self._mark}")
            values.append(first_id(query.since_ms))
        ends = [first_id(query.until_ms)] if query.until_ms is not None else []
        ends += [before_id] if before_id is not None else []
        if ends:
            tests.append(f"{column} < {self._mark}")
            values.append(min(ends))

    def _use(self, index: str) -> str:
        # Left to themselves, both databases now and then walk along the ids and find nothing for long.
        return f" FORCE INDEX ({index})" if self._is_mysql else f" INDEXED BY {index}"

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))


def _summed(query: CallQuery) -> dict[str, object]:
    """What of a query the sums tell apart."""
    return {
        "token_id =": query.token_id,
        "model =": query.model,
        "dialect =": query.dialect,
        "outcome =": query.outcomes[0] if query.outcomes else None,
    }


def _is_crossing(query: CallQuery) -> bool:
    """Whether several conditions are met by so many calls that none of them should lead alone."""
    named = sum(value is not None for value in _summed(query).values())
    others = (query.failure_kind, query.key_id, query.request_id)
    return named > 1 and all(value is None for value in others)


def _lead(query: CallQuery) -> str:
    """The column whose index is walked along: what most calls have in common leads last, or not at all."""
    outcome = query.outcomes[0] if query.outcomes else None
    if query.failure_kind is not None:
        return "failure_kind"
    if query.status is not None and query.status != 200:
        return "status"
    if outcome not in (None, _SUCCESS):
        return "outcome"
    if query.token_id is not None:
        return "token_id"
    if query.model is not None:
        return "model"
    if query.dialect is not None:
        return "dialect"
    return "outcome" if outcome is not None else "status" if query.status is not None else ""
