"""Sums of calls and of the use of keys, added to in the transaction that writes the calls themselves.

So they are exact: a batch counts once or not at all, whatever processes write and whatever breaks. Used by
the writer's thread only; read by usage.py and key_use.py.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from gateway.protocols.failure_kinds import FailureKind
from gateway.store.bulk import Batches, adding_statement
from gateway.store.call_ids import ended_at_ms
from gateway.store.orm import peewee
from gateway.store.records import CallRecord
from gateway.store.texts import Labels
from gateway.store.usage_sums import SUMS, Told, sums_of

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
NOT_THE_KEYS = frozenset(
    kind.value
    for kind in (
        FailureKind.CLIENT_ERROR,
        FailureKind.NOT_FOUND,
        FailureKind.OBJECT_DENIED,
        FailureKind.GATEWAY_FAULT,
        FailureKind.BLOCKED,
        FailureKind.CANCELLED,
    )
)
"""Failures that say nothing of the key, nor of the provider: they do not lower a key's share of successes."""
DayOf = Callable[[int], int]
"""Epoch hour → the number of the day whose quota a call of that hour used."""
_MINUTE_KEY = ("minute", "outcome")
_HOUR_KEY = ("hour", "model", "token_id", "dialect", "outcome")
_MODEL_KEY = ("hour", "model", "outcome")
_KEY_HOUR_KEY = ("key_id", "hour", "kind")
_ROWS = 50
_KEY_USE = ("key_id", "day", "attempts", "failures", "last_ms")


def utc_day(hour: int) -> int:
    """The day by UTC."""
    return hour // 24


class Tally:
    """What a batch adds up to: as it was told, added up at the end, which is quicker than one by one.

    groups  by minute, token and labels: what each call adds (`sums_of`)
    tries   by key, hour and failure kind: how many, and when the last began
    """

    __slots__ = ("groups", "tries")

    def __init__(self) -> None:
        self.groups: defaultdict[tuple[int, int, Labels], list[Told]] = defaultdict(list)
        self.tries: dict[tuple[int, int, str], list[int]] = {}

    def count(self, call_id: int, call: CallRecord, labels: Labels) -> None:
        """Count a call where its id says that it belongs."""
        ended_ms = ended_at_ms(call_id)
        name = (ended_ms // MINUTE_MS, call.token_id or 0, labels)
        attempts = call.attempts
        self.groups[name].append(
            (
                len(attempts),
                call.prompt_tokens,
                call.completion_tokens,
                call.thought_tokens,
                call.cached_tokens,
                call.total_tokens,
                call.duration_ms,
                call.first_token_ms,
            )
        )
        hour = ended_ms // HOUR_MS
        for attempt in attempts:
            kind = attempt.failure_kind
            tried_name = (attempt.key_id, hour, kind[:32] if kind else "")
            tried = self.tries.get(tried_name)
            if tried is None:
                self.tries[tried_name] = [1, attempt.started_at_ms]
            else:
                tried[0] += 1
                if attempt.started_at_ms > tried[1]:
                    tried[1] = attempt.started_at_ms


class Rollup:
    """Adds batches of calls to the sums, inside the transaction that is open on this thread."""

    def __init__(self, database: peewee.Database, day_of: DayOf) -> None:
        self._database = database
        self._day_of = day_of

        def adding(table: str, key: Sequence[str], sums: Sequence[str] = SUMS) -> Batches:
            return Batches(database, adding_statement(database, table, key, sums), _ROWS)

        self._minute = adding("usage_minute", _MINUTE_KEY)
        self._hour = adding("usage_hourly", _HOUR_KEY)
        self._model = adding("usage_model", _MODEL_KEY)
        self._key_hour = adding("key_hourly", _KEY_HOUR_KEY, ("attempts",))
        self._key_use = Batches(database, _key_use_statement(database), _ROWS)

    def add(self, tally: Tally, *, minutes_from_ms: int = 0) -> None:
        """Add what was counted to the tables, to that of minutes only what ended since then."""
        minutes: dict[tuple[object, ...], list[int]] = {}
        hours: dict[tuple[object, ...], list[int]] = {}
        models: dict[tuple[object, ...], list[int]] = {}
        for (minute, token_id, (dialect, _, model, outcome)), told in tally.groups.items():
            sums = sums_of(told)
            if minute * MINUTE_MS >= minutes_from_ms:
                _add(minutes, (minute, outcome), sums)
            hour = minute * MINUTE_MS // HOUR_MS
            _add(hours, (hour, model, token_id, dialect, outcome), sums)
            _add(models, (hour, model, outcome), sums)
        self._insert(self._minute, [(*name, *sums) for name, sums in minutes.items()])
        self._insert(self._hour, [(*name, *sums) for name, sums in hours.items()])
        self._insert(self._model, [(*name, *sums) for name, sums in models.items()])
        self._insert(self._key_hour, [(*name, count) for name, (count, _) in tally.tries.items()])
        self._insert(self._key_use, self._use_of_keys(tally))

    def _use_of_keys(self, tally: Tally) -> list[tuple[int, ...]]:
        used: dict[tuple[int, int], list[int]] = {}
        for (key_id, hour, kind), (count, last_ms) in tally.tries.items():
            day = used.setdefault((key_id, self._day_of(hour)), [0, 0, 0])
            day[0] += count
            day[1] += count if kind and kind not in NOT_THE_KEYS else 0
            day[2] = max(day[2], last_ms)
        return [(*name, *sums) for name, sums in used.items()]

    def _insert(self, batches: Batches, rows: list[tuple[Any, ...]]) -> None:
        # One order for all processes, so that two that add to the same rows do not lock each other out.
        if rows:
            batches.insert(self._database.cursor(), sorted(rows))


def _add(sums_of: dict[tuple[object, ...], list[int]], name: tuple[object, ...], sums: list[int]) -> None:
    held = sums_of.get(name)
    sums_of[name] = (
        list(sums) if held is None else [mine + theirs for mine, theirs in zip(held, sums, strict=True)]
    )


def _key_use_statement(database: peewee.Database) -> str:
    """A key's row holds its last day only: an earlier day's counts make room, a late one's are let go."""
    is_mysql = isinstance(database, peewee.MySQLDatabase)
    new = "VALUES({})" if is_mysql else "excluded.{}"
    marks = ", ".join([database.param] * len(_KEY_USE))
    counts = ", ".join(
        f"{column} = CASE WHEN {new.format('day')} > day THEN {new.format(column)} "
        f"WHEN {new.format('day')} = day THEN {column} + {new.format(column)} ELSE {column} END"
        for column in ("attempts", "failures")
    )
    greatest = "GREATEST" if is_mysql else "MAX"
    # MySQL assigns from left to right and sees what it has assigned: the day comes last.
    rest = ", ".join(
        f"{column} = {greatest}({column}, {new.format(column)})" for column in ("last_ms", "day")
    )
    conflict = "ON DUPLICATE KEY UPDATE" if is_mysql else "ON CONFLICT (key_id) DO UPDATE SET"
    return f"INSERT INTO key_use ({', '.join(_KEY_USE)}) VALUES ({marks}) {conflict} {counts}, {rest}"  # noqa: S608
