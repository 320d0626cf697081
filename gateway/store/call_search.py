"""Finding calls among millions: one index leads, the others' conditions are checked along it.

Calls come by their ids, page after page from the last id seen. What no index knows (how long, how much) is
looked for in stretches that `horizon` measures. Used inside `Store.read`; calls are removed inside
`Store.write`, in batches that the caller keeps small.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from gateway.store.call_ids import first_id
from gateway.store.call_query import LOOSE, CallQuery
from gateway.store.orm import peewee
from gateway.store.rollup import HOUR_MS
from gateway.store.tables import Tables

_PREFIX_CHARS = 8
"""Shorter beginnings of a request id match more than one second of calls: it begins with the time."""
_LAST = "\U0010ffff"
_FAILED = {"status": "r.status <> 200", "outcome": "r.outcome <> 'success'"}
"""What SQLite's indexes of these columns leave out (migration 0011)."""


class _Walk(NamedTuple):
    """Which tables are walked along, by which id, and what is asked of them."""

    tables: str
    id: str = "r.id"
    what: str = "r.id"


_Way = tuple[_Walk, list[str], list[object]]
"""A walk, what must hold along it, and the values asked for."""


class Span(NamedTuple):
    """Between which ids, neither of them included, and from which end on."""

    before_id: int | None = None
    after_id: int | None = None
    oldest_first: bool = False


class CallSearch:
    """Runs call queries. Gives ids; `Calls.named` gives the calls."""

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._mark = tables.database.param
        self._is_mysql = isinstance(tables.database, peewee.MySQLDatabase)

    def ids(
        self,
        query: CallQuery,
        limit: int,
        *,
        before_id: int | None = None,
        after_id: int | None = None,
        oldest_first: bool = False,
    ) -> list[int]:
        """The newest calls that match, or the oldest, of those between two ids; neither is included."""
        span = Span(before_id, after_id, oldest_first=oldest_first)
        if len(query.outcomes) > 1 and not query.is_loose:
            # Each by its own index in its own order, so that nothing has to be sorted.
            found = [
                self._rows(replace(query, outcomes=(outcome,)), span, limit) for outcome in query.outcomes
            ]
            return list(islice(merge(*found, reverse=not oldest_first), limit))
        return self._rows(query, span, limit)

    def horizon(self, query: CallQuery, edge_id: int | None, rows: int, *, oldest_first: bool) -> int | None:
        """How far one looks at so many calls beyond an id: the last of them; None when there are fewer.

        Those count that have what leads, which an index gives without a look at any of them.
        """
        span = Span(None, edge_id, oldest_first=True) if oldest_first else Span(edge_id)
        found = self._rows(query.led(failures_apart=not self._is_mysql), span, 1, skip=rows - 1)
        return found[0] if found else None

    def count(self, query: CallQuery, most: int) -> int:
        """How many calls match, counted up to `most`."""
        parts = [replace(query, outcomes=(each,)) for each in query.outcomes] or [query]
        counted = 0
        for part in parts:
            sql, values = self._select(part, Span(), most)
            if sql:
                ((count,),) = self._run(f"SELECT COUNT(*) FROM ({sql}) AS counted", values)  # noqa: S608
                counted += count
        return min(counted, most)

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

    def _rows(self, query: CallQuery, span: Span, limit: int, *, skip: int = 0) -> list[int]:
        sql, values = self._select(query, span, limit, skip=skip)
        return [call_id for (call_id,) in self._run(sql, values)] if sql else []

    def _select(self, query: CallQuery, span: Span, limit: int, *, skip: int = 0) -> tuple[str, list[object]]:
        """The statement that finds ids, with its values; "" when there can be none."""
        if query.is_crossing:
            hours = self._hours(query)
            if hours is None:
                return "", []
            query = replace(query, since_ms=hours[0], until_ms=hours[1])
        order = "ASC" if span.oldest_first else "DESC"
        page = f"LIMIT {int(limit)} OFFSET {int(skip)}" if skip else f"LIMIT {int(limit)}"
        ways = self._ways(query)
        if len(ways) == 1:
            return self._along(ways[0], query, span, f"{order} {page}")
        # Each way in its own order and only so far, so that there is little to sort.
        parts = [self._along(way, query, span, f"{order} LIMIT {int(limit + skip)}") for way in ways]
        sql = " UNION ALL ".join(f"SELECT id FROM ({sql}) AS part" for sql, _ in parts)  # noqa: S608
        return f"{sql} ORDER BY id {order} {page}", [value for _, values in parts for value in values]

    def _along(
        self, way: _Way, query: CallQuery, span: Span, order_and_page: str
    ) -> tuple[str, list[object]]:
        walk, tests, values = way
        self._bound(query, span, walk.id, tests, values)
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        sql = f"SELECT {walk.what} AS id FROM {walk.tables}{where} ORDER BY {walk.id} {order_and_page}"  # noqa: S608
        return sql, values

    def _hours(self, query: CallQuery) -> tuple[int, int] | None:
        """The time between the first and the last hour that has such calls, by the sums; None for never.

        So that two conditions which calls often meet, but hardly ever together, are not looked for in vain.
        """
        equal = {
            **{f"{name} =": value for name, value in query.summed.items()},
            "hour >=": None,
            "hour <": None,
        }
        if query.since_ms is not None:
            equal["hour >="] = query.since_ms // HOUR_MS
        if query.until_ms is not None:
            equal["hour <"] = -(-query.until_ms // HOUR_MS)
        asked = {test: value for test, value in equal.items() if value is not None}
        tests = " AND ".join(f"{test} {self._mark}" for test in asked)
        table = "usage_hourly" if {"token_id =", "dialect ="} & set(asked) else "usage_model"
        sql = f"SELECT MIN(hour), MAX(hour) FROM {table} WHERE {tests}"  # noqa: S608 - marks
        ((first, last),) = self._run(sql, list(asked.values()))
        if first is None:
            return None
        starts_ms, ends_ms = first * HOUR_MS, (last + 1) * HOUR_MS
        since_ms = starts_ms if query.since_ms is None else max(starts_ms, query.since_ms)
        return since_ms, ends_ms if query.until_ms is None else min(ends_ms, query.until_ms)

    def _ways(self, query: CallQuery) -> list[_Way]:
        """Where to walk along, and what must hold; the rarest condition leads.

        Two ways for the calls tried with a key: by the attempts that have rows of their own, and by those in
        their call's.
        """
        tests, values = self._tests(query)
        tried, tried_values = self._tried(query)
        own, own_values = self._tried_own(query)
        if query.request_id is not None:
            self._match_request_id(query.request_id, tests, values)
            if tried:
                either = f"EXISTS (SELECT 1 FROM attempt a WHERE a.call_id = r.id AND {tried})"  # noqa: S608
                tests.append(f"({either} OR {own})" if own else either)
            walk = _Walk(f"request r{self._use('request_request_id')}")
            return [(walk, tests, [*values, *tried_values, *own_values])]
        if tried:
            joined = f"attempt a{self._use('attempt_key_id_call_id')} JOIN request r ON r.id = a.call_id"
            # A call may have been tried with a key twice.
            walk = _Walk(joined, "a.call_id", "DISTINCT a.call_id")
            ways = [(walk, [*tests, tried], [*values, *tried_values])]
            if own:
                walk = _Walk(f"request r{self._use('request_tried_key_id_id')}")
                ways.append((walk, [*tests, own], [*values, *own_values]))
            return ways
        lead = query.lead(failures_apart=not self._is_mysql)
        if lead in _FAILED and not self._is_mysql:
            tests.append(_FAILED[lead])  # or SQLite does not see that the index holds all of these calls
        tables = f"request r{self._use(f'request_{lead}_id') if lead else ''}"
        if self._is_mysql and query.is_all_indexed:
            return [self._through_indexes(tables, lead, _given(query))]
        return [(_Walk(tables), tests, values)]

    def _tests(self, query: CallQuery) -> tuple[list[str], list[object]]:
        """What is asked of the calls themselves, request id and time apart."""
        equal = _given(query)
        tests = [f"r.{column} = {self._mark}" for column in equal]
        values = [*equal.values()]
        if query.token_id == 0:
            tests.append("r.token_id IS NULL")
        if len(query.outcomes) > 1:
            tests.append(f"r.outcome IN ({', '.join([self._mark] * len(query.outcomes))})")
            values += query.outcomes
        for name, column in LOOSE.items():
            if getattr(query, name) is not None:
                tests.append(f"r.{column} >= {self._mark}")
                values.append(getattr(query, name))
        return tests, values

    def _through_indexes(self, tables: str, lead: str, equal: Mapping[str, object]) -> _Way:
        """Along one index, with a look into those of the other columns instead of at the calls themselves: a
        tenth of the time on MariaDB, where calls are seldom in memory. STRAIGHT_JOIN keeps the order."""
        others = {column: value for column, value in equal.items() if column != lead}
        for column in others:
            index = self._use(f"request_{column}_id")
            tables += f" STRAIGHT_JOIN request {column}s{index} ON {column}s.id = r.id"
            tables += f" AND {column}s.{column} = {self._mark}"
        return _Walk(tables), [f"r.{lead} = {self._mark}"], [*others.values(), equal[lead]]

    def _tried(self, query: CallQuery) -> tuple[str, list[object]]:
        """What is asked of the attempts with a key that have rows; "" when none is named."""
        if query.key_id is None:
            return "", []
        test, values = f"a.key_id = {self._mark}", [query.key_id]
        if query.key_failed is not None:
            test += f" AND a.failure_kind IS {'NOT ' if query.key_failed else ''}NULL"
        if query.failure_kind is None:
            return test, [*values]
        return f"{test} AND a.failure_kind = {self._mark}", [*values, query.failure_kind]

    def _tried_own(self, query: CallQuery) -> tuple[str, list[object]]:
        """The same of attempts that stand in their call's row: none of those failed."""
        if query.key_id is None or query.key_failed or query.failure_kind is not None:
            return "", []
        return f"r.tried_key_id = {self._mark}", [query.key_id]

    def _match_request_id(self, text: str, tests: list[str], values: list[object]) -> None:
        if len(text) < _PREFIX_CHARS:
            tests.append(f"r.request_id = {self._mark}")
            values.append(text)
        else:
            tests.append(f"r.request_id >= {self._mark} AND r.request_id < {self._mark}")
            values += [text, text + _LAST]

    def _bound(
        self, query: CallQuery, span: Span, column: str, tests: list[str], values: list[object]
    ) -> None:
        starts = [first_id(query.since_ms)] if query.since_ms is not None else []
        starts += [span.after_id + 1] if span.after_id is not None else []
        if starts:
            tests.append(f"{column} >= {self._mark}")
            values.append(max(starts))
        ends = [first_id(query.until_ms)] if query.until_ms is not None else []
        ends += [span.before_id] if span.before_id is not None else []
        if ends:
            tests.append(f"{column} < {self._mark}")
            values.append(min(ends))

    def _use(self, index: str) -> str:
        # Left to themselves, both databases now and then walk along the ids and find nothing for long.
        return f" FORCE INDEX ({index})" if self._is_mysql else f" INDEXED BY {index}"

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))


def _given(query: CallQuery) -> dict[str, object]:
    """The columns of calls that are asked for one value."""
    equal = {
        "failure_kind": query.failure_kind if query.key_id is None else None,
        "token_id": query.token_id or None,
        "model": query.model,
        "status": query.status,
        "outcome": query.outcome,
        "dialect": query.dialect,
    }
    return {column: value for column, value in equal.items() if value is not None}
