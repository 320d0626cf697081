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
_ORDERS = {
    "added": "k.id",
    "alias": "k.alias",
    "used": "CASE WHEN u.day = {day} THEN u.attempts ELSE 0 END",
    "failures": "CASE WHEN u.day = {day} THEN u.failures ELSE 0 END",
    "last_used": "COALESCE(u.last_ms, 0)",
}
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

    def ids(self, query: KeyQuery, *, limit: int | None = None, offset: int = 0) -> list[int]:
        """The ids of the keys that match, in the query's order."""
        where, values = self._where(query, standings=query.standings)
        order = _ORDERS[query.sort].format(day=int(query.day))
        direction = "DESC" if query.descending else "ASC"
        joined = " LEFT JOIN key_use u ON u.key_id = k.id" if "u." in order else ""
        page = "" if limit is None else f" LIMIT {int(limit)} OFFSET {int(offset)}"
        rows = self._run(
            f"SELECT k.id FROM api_key k{joined}{where} "  # noqa: S608 - values are marks
            f"ORDER BY {order} {direction}, k.id {direction}{page}",
            values,
        )
        return [key_id for (key_id,) in rows]

    def tags(self) -> list[str]:
        """Every tag in use, in the order of the alphabet."""
        rows = self._run("SELECT DISTINCT tags FROM api_key WHERE tags <> '[]'", [])
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
