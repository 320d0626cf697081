"""Finding keys among a hundred thousand: filters, orders and pages as SQL. Used inside `Store.read`.

A key's state is mirrored in its row (`enabled`, `dead_reason`, `rest_until_ms`), written by the process that
learned it, so that every process finds the same keys by one scan that the database makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.store.key_conditions import ALIVE, KeyConditions, standing_test
from gateway.store.key_order import KeyOrder
from gateway.store.key_query import STANDINGS, KeyQuery, KeyStanding, Owners
from gateway.store.orm import peewee
from gateway.store.tables import Tables

ALL = 2**31
_FEW = 500
"""So many keys that match are simply fetched: one scan instead of one to count and one for the page."""
_SHORT_TAGS = 500


@dataclass(frozen=True, slots=True)
class FoundKeys:
    """A page of ids.

    counts   keys by standing under the query's other conditions
    total    how many match
    page     from 1; the last one when another beyond it was asked for
    """

    ids: tuple[int, ...]
    counts: Mapping[KeyStanding, int]
    total: int
    page: int


class KeySearch:
    """Runs key queries."""

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._is_mysql = isinstance(tables.database, peewee.MySQLDatabase)
        self._conditions = KeyConditions(tables.database)
        self._order = KeyOrder(tables.database)

    def page(self, query: KeyQuery, *, size: int, page: int) -> FoundKeys:
        """A page of the keys that match."""
        few = self._few(query) if query.is_narrow else None
        counts = self.count(query) if few is None else _tally(few)
        total = query.total(counts)
        shown = min(max(page, 1), max(-(-total // size), 1))
        if few is not None:
            wanted = query.wanted
            named = Owners(frozenset(key_id for key_id, standing in few.items() if standing in wanted))
            query = KeyQuery(
                query.now_ms, query.day, owners=named, sort=query.sort, descending=query.descending
            )
        ids = self.ids(query, limit=size, offset=(shown - 1) * size, total=total) if total else []
        return FoundKeys(tuple(ids), counts, total, shown)

    def count(self, query: KeyQuery) -> dict[KeyStanding, int]:
        """How many keys there are of each standing, whatever standings the query names."""
        where, values = self._conditions.where(query, standings=())
        if not query.is_narrow:
            return self._count_ranges(query.now_ms, where, values)
        tests = {each: standing_test(each, query.now_ms) for each in STANDINGS}
        sums = ", ".join(f"SUM(CASE WHEN {test} THEN 1 ELSE 0 END)" for test in tests.values())
        (row,) = self._run(f"SELECT {sums} FROM api_key k{where}", values)  # noqa: S608 - values are marks
        return {standing: int(count or 0) for standing, count in zip(tests, row, strict=True)}

    def ids(
        self, query: KeyQuery, *, limit: int = ALL, offset: int = 0, total: int | None = None
    ) -> list[int]:
        """The ids of the keys that match, in the query's order; keys that were not used come last.

        total   how many match, where that is known
        """
        where, values = self._conditions.where(query, standings=query.standings)
        return self._order.page(query, where, values, limit=limit, offset=offset, total=total)

    def newest(self) -> int:
        """The id of the key that was added last; 0 without any."""
        ((found,),) = self._run("SELECT MAX(id) FROM api_key", [])
        return found or 0

    def ids_after(self, query: KeyQuery, after_id: int, limit: int, *, until_id: int) -> list[int]:
        """The next keys that match behind one, in the order in which they were added, up to another."""
        where, values = self._conditions.where(query, standings=query.standings)
        span = f"k.id > {int(after_id)} AND k.id <= {int(until_id)}"
        return self._order.added(f"{where} AND {span}" if where else f" WHERE {span}", values, limit)

    def tags(self) -> list[str]:
        """Every tag in use, in the order of the alphabet."""
        # MariaDB sorts out long texts on its disk, short ones in memory: four times faster.
        shortened = f"SELECT DISTINCT SUBSTR(tags, 1, {_SHORT_TAGS + 1}) FROM api_key WHERE tags <> '[]'"  # noqa: S608
        texts = [tags for (tags,) in self._run(shortened, [])]
        if any(len(tags) > _SHORT_TAGS for tags in texts):
            long = self._run(
                f"SELECT tags FROM api_key WHERE CHAR_LENGTH(tags) > {_SHORT_TAGS}"  # noqa: S608
                if self._is_mysql
                else f"SELECT tags FROM api_key WHERE LENGTH(tags) > {_SHORT_TAGS}",  # noqa: S608
                [],
            )
            texts = [tags for tags in texts if len(tags) <= _SHORT_TAGS] + [tags for (tags,) in long]
        return sorted({tag for tags in texts for tag in orjson.loads(tags)})

    def _few(self, query: KeyQuery) -> dict[int, KeyStanding] | None:
        """All that match by the query's other conditions, with their standing; None when they are many."""
        where, values = self._conditions.where(query, standings=())
        cases = " ".join(
            f"WHEN {standing_test(each, query.now_ms)} THEN {number}" for number, each in enumerate(STANDINGS)
        )
        rows = list(
            self._run(
                f"SELECT k.id, CASE {cases} END FROM api_key k{where} LIMIT {_FEW + 1}",  # noqa: S608
                values,
            )
        )
        return {key_id: STANDINGS[number] for key_id, number in rows} if len(rows) <= _FEW else None

    def _count_ranges(self, now_ms: int, where: str, values: Sequence[object]) -> dict[KeyStanding, int]:
        """The same by ranges of the index of standings: a tenth of the time where nothing else is asked."""
        joint = f"{where} AND" if where else " WHERE"
        ranges = ("k.enabled = 0", "k.enabled = 1 AND k.dead_reason IS NOT NULL", ALIVE)
        tests = (*ranges, f"{ALIVE} AND k.rest_until_ms > {int(now_ms)}")
        counts = ", ".join(f"(SELECT COUNT(*) FROM api_key k{joint} {test})" for test in tests)  # noqa: S608
        ((disabled, dead, alive, resting),) = self._run(f"SELECT {counts}", [*values] * len(tests))
        return {"ready": alive - resting, "resting": resting, "dead": dead, "disabled": disabled}

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))


def _tally(found: Mapping[int, KeyStanding]) -> dict[KeyStanding, int]:
    counts = dict.fromkeys(STANDINGS, 0)
    for standing in found.values():
        counts[standing] += 1
    return counts
