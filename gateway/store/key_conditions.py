"""What lists of keys ask for, as SQL conditions on `api_key k`; both databases in one place."""

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.store.key_query import KeyQuery, KeyStanding, Owners
from gateway.store.orm import peewee
from gateway.store.secrets import secret_hash

ALIVE = "k.enabled = 1 AND k.dead_reason IS NULL"
_FULL_SECRET_CHARS = 20


class KeyConditions:
    """Writes conditions for one database."""

    def __init__(self, database: Any) -> None:
        self._mark = database.param
        self._is_mysql = isinstance(database, peewee.MySQLDatabase)

    def where(self, query: KeyQuery, *, standings: Sequence[KeyStanding]) -> tuple[str, list[object]]:
        """The condition with its WHERE, "" for none, and its values.

        standings   instead of those that the query names
        """
        tests: list[str] = []
        values: list[object] = []
        if query.provider:
            tests.append(f"k.provider = {self._mark}")
            values.append(query.provider)
        if standings:
            tests.append(" OR ".join(f"({standing_test(each, query.now_ms)})" for each in standings))
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
            tests.append(self._holds("k.tags"))
            values.append(self._sought(orjson.dumps(query.tag).decode()))
        if query.text:
            self._match_text(query.text, tests, values)
        if query.owners is not None:
            tests.append(self._owned(query.owners, values))
        if query.besides is not None:
            tests.append(f"NOT ({self._owned(query.besides, values)})")
        return (" WHERE " + " AND ".join(f"({test})" for test in tests) if tests else "", values)

    def _match_text(self, text: str, tests: list[str], values: list[object]) -> None:
        columns = ("k.alias", "k.note", "k.tags", "k.project", "k.seen_project")
        alternatives = [self._holds(column) for column in columns]
        values += [self._sought(text)] * len(columns)
        if len(text) >= _FULL_SECRET_CHARS:
            alternatives.append(f"k.secret_hash = {self._mark}")
            values.append(secret_hash(text))
        tests.append(" OR ".join(alternatives))

    def _holds(self, column: str) -> str:
        """Whether a text stands in a column; its value is `_sought`."""
        # SQLite's LIKE is blind to the case of ASCII letters, MySQL's functions as blind as the collation;
        # INSTR takes MariaDB three quarters of the time of LIKE.
        if self._is_mysql:
            return f"INSTR({column} COLLATE utf8mb4_general_ci, {self._mark})"
        return f"{column} LIKE {self._mark} ESCAPE '!'"

    def _sought(self, text: str) -> str:
        return text if self._is_mysql else f"%{_literal(text)}%"

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


def standing_test(standing: KeyStanding, now_ms: int) -> str:
    """Whether a key stands so."""
    match standing:
        case "disabled":
            return "k.enabled = 0"
        case "dead":
            return "k.enabled = 1 AND k.dead_reason IS NOT NULL"
        case "resting":
            return f"{ALIVE} AND k.rest_until_ms > {int(now_ms)}"
        case "ready":
            return f"{ALIVE} AND COALESCE(k.rest_until_ms, 0) <= {int(now_ms)}"


def _literal(text: str) -> str:
    """Text in which LIKE sees no wild cards."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
