"""Finding keys among a hundred thousand: filters, orders and pages as SQL. Used inside `Store.read`.

A key's state is mirrored in its row (`enabled`, `dead_reason`, `rest_until_ms`), written by the process that
learned it, so that every process finds the same keys by one scan that the database makes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import peewee

from gateway.store.secrets import secret_hash
from gateway.store.tables import Tables

KeyStanding = Literal["ready", "resting", "dead", "disabled"]
STANDINGS: tuple[KeyStanding, ...] = ("ready", "resting", "dead", "disabled")
KeySort = Literal["added", "alias", "used", "failures", "last_used"]
_ALIVE = "k.enabled = 1 AND k.dead_reason IS NULL"
_PLAIN = {"added": "id", "alias": "alias"}
_BY_USE = {
    "used": ("attempts", "u.day = {day}"),
    "failures": ("failures", "u.day = {day}"),
    "last_used": ("last_ms", "u.last_ms > 0"),
}
"""Orders by columns of key_use, and what makes a key count as used."""
ALL = 2**31
_FULL_SECRET_CHARS = 20


@dataclass(frozen=True, slots=True)
class Owners:
    """Keys by whose quota they use: their own, or a project's."""

    key_ids: frozenset[int] = frozenset()
    projects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KeyQuery:
    """Which keys, in which order.

    text       part of the alias, note, tags or project, or a whole key
    standings  none for all
    reason     why it is dead or rests: a failure kind
    failed     a failure kind it met since the epoch hour `since_hour`
    owners     only keys of these; `besides` keys of any others
    now_ms     for rests that are over
    day        for orders by use
    """

    now_ms: int
    day: int = 0
    text: str = ""
    provider: str = ""
    standings: tuple[KeyStanding, ...] = ()
    reason: str = ""
    failed: str = ""
    since_hour: int = 0
    tag: str = ""
    project: str = ""
    owners: Owners | None = None
    besides: Owners | None = None
    sort: KeySort = "added"
    descending: bool = False


class KeySearch:
    """Runs key queries."""

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._mark = tables.database.param
        self._is_mysql = isinstance(tables.database, peewee.MySQLDatabase)

    def count(self, query: KeyQuery) -> dict[KeyStanding, int]:
        """How many keys there are of each standing, whatever standings the query names."""
        where, values = self._where(query, standings=())
        tests = {each: self._standing(each, query.now_ms) for each in STANDINGS}
        sums = ", ".join(f"SUM(CASE WHEN {test} THEN 1 ELSE 0 END)" for test in tests.values())
        (row,) = self._run(f"SELECT {sums} FROM api_key k{where}", values)  # noqa: S608 - values are marks
        return {standing: int(count or 0) for standing, count in zip(tests, row, strict=True)}

    def ids(self, query: KeyQuery, *, limit: int = ALL, offset: int = 0) -> list[int]:
        """The ids of the keys that match, in the query's order; keys that were not used come last."""
        where, values = self._where(query, standings=query.standings)
        direction = "DESC" if query.descending else "ASC"
        by_use = _BY_USE.get(query.sort)
        if by_use is None:
            return self._page(
                f"api_key k{where}", f"k.{_PLAIN[query.sort]} {direction}", values, limit, offset
            )
        column, used = by_use[0], by_use[1].format(day=int(query.day))
        # Walking along the use of keys, and not beside it, is ten times faster on MariaDB.
        tables = f"key_use u JOIN api_key k ON k.id = u.key_id{where or ' WHERE 1 = 1'} AND {used}"
        found = self._page(tables, f"u.{column} {direction}", values, limit, offset)
        if len(found) < limit:
            before = offset + len(found)
            if offset and not found:
                ((before,),) = self._run(f"SELECT COUNT(*) FROM {tables}", values)  # noqa: S608
            others = (
                f"api_key k LEFT JOIN key_use u ON u.key_id = k.id AND {used}"
                f"{where or ' WHERE 1 = 1'} AND u.key_id IS NULL"
            )
            skipped = max(offset - before, 0)
            found += self._page(others, f"k.id {direction}", values, limit - len(found), skipped)
        return found

    def _page(self, tables: str, order: str, values: list[object], limit: int, offset: int) -> list[int]:
        direction = order.rpartition(" ")[2]
        rows = self._run(
            f"SELECT k.id FROM {tables} ORDER BY {order}, k.id {direction} "  # noqa: S608 - values are marks
            f"LIMIT {int(limit)} OFFSET {int(offset)}",
            values,
        )
        return [key_id for (key_id,) in rows]

    def tags(self) -> list[str]:
        """Every tag in use, in the order of the alphabet."""
        # MariaDB sorts out long texts on its disk, short ones in memory: four times faster.
        short = "SELECT DISTINCT SUBSTR(tags, 1, 500) FROM api_key WHERE tags <> '[]' AND LENGTH(tags) <= 500"
        rows = [*self._run(short, []), *self._run("SELECT tags FROM api_key WHERE LENGTH(tags) > 500", [])]
        return sorted({tag for (tags,) in rows for tag in orjson.loads(tags)})

    def _where(self, query: KeyQuery, *, standings: Sequence[KeyStanding]) -> tuple[str, list[object]]:
        tests: list[str] = []
        values: list[object] = []
        if query.provider:
            tests.append(f"k.provider = {self._mark}")
            values.append(query.provider)
        if standings:
            tests.append(" OR ".join(f"({self._standing(each, query.now_ms)})" for each in standings))
        if query.reason:
            tests.append(
                f"k.dead_reason = {self._mark} OR "
                f"(k.rest_reason = {self._mark} AND k.rest_until_ms > {int(query.now_ms)})"
            )
            values += [query.reason, query.reason]
        if query.failed:
            failing = f"SELECT key_id FROM key_hourly WHERE kind = {self._mark} AND hour >= {self._mark}"  # noqa: S608
            tests.append(f"k.id IN ({failing})")
            values += [query.failed, query.since_hour]
        if query.project:
            tests.append(f"k.project = {self._mark} OR k.seen_project = {self._mark}")
            values += [query.project, query.project]
        if query.tag:
            tests.append(self._like("k.tags"))
            values.append(f"%{_literal(orjson.dumps(query.tag).decode())}%")
        if query.text:
            self._match_text(query.text, tests, values)
        if query.owners is not None:
            tests.append(self._owned(query.owners, values))
        if query.besides is not None:
            tests.append(f"NOT ({self._owned(query.besides, values)})")
        return (" WHERE " + " AND ".join(f"({test})" for test in tests) if tests else "", values)

    def _standing(self, standing: KeyStanding, now_ms: int) -> str:
        match standing:
            case "disabled":
                return "k.enabled = 0"
            case "dead":
                return "k.enabled = 1 AND k.dead_reason IS NOT NULL"
            case "resting":
                return f"{_ALIVE} AND k.rest_until_ms > {int(now_ms)}"
            case "ready":
                return f"{_ALIVE} AND COALESCE(k.rest_until_ms, 0) <= {int(now_ms)}"

    def _match_text(self, text: str, tests: list[str], values: list[object]) -> None:
        columns = ("k.alias", "k.note", "k.tags", "k.project", "k.seen_project")
        alternatives = [self._like(column) for column in columns]
        values += [f"%{_literal(text)}%"] * len(columns)
        if len(text) >= _FULL_SECRET_CHARS:
            alternatives.append(f"k.secret_hash = {self._mark}")
            values.append(secret_hash(text))
        tests.append(" OR ".join(alternatives))

    def _like(self, column: str) -> str:
        # SQLite's LIKE is blind to the case of ASCII letters, MySQL's as blind as the collation.
        collation = " COLLATE utf8mb4_general_ci" if self._is_mysql else ""
        return f"{column}{collation} LIKE {self._mark} ESCAPE '!'"

    def _owned(self, owners: Owners, values: list[object]) -> str:
        # A hundred thousand marks would be too many for SQLite; ids are numbers.
        numbers = ",".join(str(int(key_id)) for key_id in sorted(owners.key_ids))
        tests = [f"k.id IN ({numbers})"] if numbers else []
        if owners.projects:
            # Two literals a project: as JSON they would need functions that old servers lack.
            projects = sorted(owners.projects)
            for start in range(0, len(projects), 400):
                chunk = projects[start : start + 400]
                marks = ", ".join([self._mark] * len(chunk))
                tests.append(f"COALESCE(k.project, k.seen_project, '') IN ({marks})")
                values += chunk
        return " OR ".join(tests) or "1 = 0"

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._database.execute_sql(sql, tuple(values))


def _literal(text: str) -> str:
    """Text in which LIKE sees no wild cards."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
