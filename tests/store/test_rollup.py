"""Sums of calls: exact, whoever writes and whatever breaks."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from gateway.store.config import DatabaseConfig
from gateway.store.key_use import KeyHour, KeyUse
from gateway.store.records import CallRecord
from gateway.store.store import Store
from gateway.store.usage import NamedUsage
from gateway.store.usage_sums import UsageSum
from tests.store.conftest import OpenStore, Outage, query
from tests.store.samples import attempt_record, call_record, until

HOUR_MS = 3_600_000
NOON_MS = 1_700_006_400_000 - 1_700_006_400_000 % HOUR_MS
HOUR = NOON_MS // HOUR_MS


def _call(minute: int = 0, **fields: Any) -> CallRecord:
    """A call that ended in a minute after noon."""
    return call_record(**{"started_at_ms": NOON_MS + minute * 60_000, "duration_ms": 300, **fields})


def _write(store: Store, *calls: CallRecord) -> None:
    written = store.health().written
    for call in calls:
        store.records.put(call)
    until(lambda: store.health().written == written + len(calls))


def _hours(store: Store) -> dict[tuple[int, str], UsageSum]:
    found = store.read_sync(lambda: store.usage.by_hour(0, 2 * NOON_MS))
    return {(each.at_ms, each.outcome): each.sum for each in found}


def test_a_call_counts_with_its_tokens_attempts_and_times(store: Store) -> None:
    _write(
        store,
        _call(
            prompt_tokens=1,
            completion_tokens=2,
            thought_tokens=3,
            cached_tokens=4,
            total_tokens=5,
            first_token_ms=150,
            attempts=(attempt_record(1, failure_kind="rate_minute"), attempt_record(2)),
        ),
    )

    (found,) = _hours(store).values()

    assert found == UsageSum(
        calls=1,
        attempts=2,
        prompt_tokens=1,
        completion_tokens=2,
        thought_tokens=3,
        cached_tokens=4,
        total_tokens=5,
        duration_ms=300,
        first_tokens=1,
        first_token_ms=150,
        first_token_counts=(0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    )


def test_a_call_counts_in_the_minute_and_hour_in_which_it_ended(store: Store) -> None:
    _write(store, _call(0), _call(59), _call(59, duration_ms=60_000), _call(60, outcome="no_key"))

    minutes = store.read_sync(lambda: store.usage.by_minutes(NOON_MS, NOON_MS + 61 * 60_000))

    assert [((each.at_ms - NOON_MS) // 60_000, each.outcome, each.sum.calls) for each in minutes] == [
        (0, "success", 1),
        (59, "success", 1),
        (60, "no_key", 1),
        (60, "success", 1),
    ]
    assert {at_ms: each.calls for (at_ms, _), each in _hours(store).items() if _ == "success"} == {
        NOON_MS: 2,
        NOON_MS + HOUR_MS: 1,
    }


def test_minutes_are_summed_up_in_steps(store: Store) -> None:
    _write(store, _call(0), _call(4), _call(5), _call(14))

    steps = store.read_sync(lambda: store.usage.by_minutes(NOON_MS, NOON_MS + HOUR_MS, 5))

    assert [((each.at_ms - NOON_MS) // 60_000, each.sum.calls) for each in steps] == [(0, 2), (5, 1), (10, 1)]


def test_sums_are_told_apart_by_model_token_and_outcome(store: Store) -> None:
    _write(
        store,
        _call(model="a", token_id=1),
        _call(model="a", token_id=1, outcome="rate_limited"),
        _call(model="b", token_id=None, total_tokens=7),
    )

    def named(found: list[NamedUsage]) -> set[tuple[str | int, str, int]]:
        return {(each.name, each.outcome, each.sum.calls) for each in found}

    span = (NOON_MS, NOON_MS + 1)
    assert named(store.read_sync(lambda: store.usage.by("model", *span))) == {
        ("a", "success", 1),
        ("a", "rate_limited", 1),
        ("b", "success", 1),
    }
    assert named(store.read_sync(lambda: store.usage.by("token_id", *span))) == {
        (1, "success", 1),
        (1, "rate_limited", 1),
        (0, "success", 1),
    }
    assert named(store.read_sync(lambda: store.usage.by("model", *span, token_id=0))) == {("b", "success", 1)}
    assert store.read_sync(lambda: store.usage.total(*span)).total_tokens == 7
    assert store.read_sync(lambda: store.usage.last_hours([0, 1, 2])) == {0: NOON_MS, 1: NOON_MS}


def _some_calls() -> list[CallRecord]:
    """Calls of three days, of several models, tokens, dialects and endings; each number in it is another."""
    dice = random.Random(7)
    return [
        _call(
            dice.randrange(3 * 24 * 60),
            model=f"m{dice.randrange(4)}",
            token_id=dice.choice((None, 1, 2)),
            dialect=dice.choice(("openai", "gemini")),
            outcome=dice.choice(("success", "success", "rate_limited", "upstream_error")),
            prompt_tokens=dice.randrange(1000),
            total_tokens=dice.randrange(1000),
            duration_ms=dice.randrange(100_000),
            first_token_ms=dice.choice((None, dice.randrange(20_000))),
        )
        for _ in range(400)
    ]


def _counted(calls: Sequence[CallRecord], name: Callable[[CallRecord], Any]) -> dict[Any, tuple[int, ...]]:
    """Calls one by one, summed up by what `name` says of each."""
    found: dict[Any, tuple[int, ...]] = {}
    for call in calls:
        mine = (1, len(call.attempts), call.prompt_tokens, call.total_tokens, call.duration_ms)
        held = found.get(name(call), (0,) * len(mine))
        found[name(call)] = tuple(map(sum, zip(held, mine, strict=True)))
    return found


def _told(each: UsageSum) -> tuple[int, ...]:
    return (each.calls, each.attempts, each.prompt_tokens, each.total_tokens, each.duration_ms)


def _ended_ms(call: CallRecord) -> int:
    return call.started_at_ms + call.duration_ms


def _assert_sums_are_those_of_the_calls(store: Store) -> None:
    calls = [each.call for each in store.read_sync(lambda: store.calls.latest(10_000))]
    since_ms, until_ms = NOON_MS + 5 * HOUR_MS, NOON_MS + 60 * HOUR_MS
    inside = [call for call in calls if since_ms <= _ended_ms(call) < until_ms]
    usage, span = store.usage, (since_ms, until_ms)

    by_model = store.read_sync(lambda: usage.by("model", *span))
    by_hour = store.read_sync(lambda: usage.by_hour(*span))

    assert len(inside) > 200
    assert {(each.name, each.outcome): _told(each.sum) for each in by_model} == _counted(
        inside, lambda call: (call.model, call.outcome)
    )
    assert {(each.at_ms, each.outcome): _told(each.sum) for each in by_hour} == _counted(
        inside, lambda call: (_ended_ms(call) // HOUR_MS * HOUR_MS, call.outcome)
    )
    whole = store.read_sync(lambda: usage.total(*span))
    assert {"": _told(whole)} == _counted(inside, lambda _: "")
    assert sum(whole.first_token_counts) == sum(
        call.first_token_ms is not None and call.first_token_ms <= 10_000 for call in inside
    )
    assert store.read_sync(lambda: usage.calls(*span)) == len(inside)


def test_the_sums_are_those_of_the_calls_counted_one_by_one(store: Store) -> None:
    _write(store, *_some_calls())

    _assert_sums_are_those_of_the_calls(store)


def test_hours_that_another_version_wrote_are_counted_by_model_later(
    store: Store, config: DatabaseConfig
) -> None:
    _write(store, *_some_calls())
    query(config, "DELETE FROM usage_model WHERE hour = ?", HOUR + 6)
    query(config, "UPDATE usage_model SET calls = calls - 1 WHERE hour = ?", HOUR + 30)

    hours = store.read_sync(lambda: store.usage.hours_to_mend(0, 2 * NOON_MS))
    for hour in hours:
        store.write_sync(partial(store.usage.mend, hour))

    assert hours == [HOUR + 6, HOUR + 30]
    assert store.read_sync(lambda: store.usage.hours_to_mend(0, 2 * NOON_MS)) == []
    _assert_sums_are_those_of_the_calls(store)


def test_an_upgrade_counts_by_model_what_was_there(open_store: OpenStore, config: DatabaseConfig) -> None:
    store = open_store()
    _write(store, *_some_calls())
    store.close()
    query(config, "DROP TABLE usage_model")
    query(config, "DELETE FROM gateway_migration WHERE name = ?", "0010_use_of_models")

    _assert_sums_are_those_of_the_calls(open_store())


def test_processes_that_write_together_count_every_call_once(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(3)]
    for number in range(300):
        stores[number % 3].records.put(_call(number % 5, model=f"m{number % 2}", token_id=1 + number % 3))

    until(lambda: sum(store.health().written for store in stores) == 300)

    assert sum(each.calls for each in _hours(stores[0]).values()) == 300
    assert stores[0].read_sync(stores[0].calls.count) == 300
    uses = stores[0].read_sync(lambda: stores[0].key_uses.of([2], HOUR // 24))
    assert uses[2].attempts == 300


@pytest.mark.logs_errors("the database goes away")
def test_an_outage_loses_no_count_and_doubles_none(store: Store, outage: Outage) -> None:
    _write(store, _call())
    outage.begin()
    for _ in range(50):
        store.records.put(_call())
    until(lambda: not store.health().ok)
    outage.end()

    until(lambda: store.health().written == 51)

    assert [each.calls for each in _hours(store).values()] == [51]


@pytest.mark.logs_errors("a record is refused")
def test_a_call_that_the_database_refuses_does_not_count(store: Store) -> None:
    calls = [_call(), _call(prompt_tokens=2**70), _call()]
    for call in calls:
        store.records.put(call)

    until(lambda: store.health().written == 2 and store.health().dropped == 1)

    assert [each.calls for each in _hours(store).values()] == [2]


def test_a_keys_use_of_the_day_begins_anew_with_the_day(store: Store) -> None:
    tomorrow_ms = NOON_MS + 24 * HOUR_MS
    failed = attempt_record(1, failure_kind="rate_minute", key_id=7, started_at_ms=NOON_MS)
    _write(store, _call(attempts=(failed, attempt_record(2, key_id=8))))
    _write(
        store,
        call_record(
            started_at_ms=tomorrow_ms, attempts=(attempt_record(1, key_id=7, started_at_ms=tomorrow_ms),)
        ),
    )
    _write(store, _call(attempts=(failed,)))  # written late

    today, tomorrow = HOUR // 24, HOUR // 24 + 1
    uses = store.read_sync(lambda: store.key_uses.of([7, 8, 9], tomorrow))
    assert uses[7] == KeyUse(1, 0, tomorrow_ms)
    assert uses[8].attempts == 0
    assert 9 not in uses
    assert store.read_sync(lambda: store.key_uses.of([8], today))[8].attempts == 1


def test_what_is_the_clients_fault_does_not_count_against_a_key(store: Store) -> None:
    kinds = ("client_error", "blocked", "rate_day", None)
    _write(store, *(_call(attempts=(attempt_record(1, failure_kind=kind, key_id=7),)) for kind in kinds))

    assert store.read_sync(lambda: store.key_uses.of([7], HOUR // 24))[7][:2] == (4, 1)
    assert store.read_sync(lambda: store.key_uses.hours([7], HOUR)) == {7: [KeyHour(HOUR, 4, 1)]}
    assert store.read_sync(lambda: store.key_uses.kinds(7, HOUR)) == {
        "client_error": 1,
        "blocked": 1,
        "rate_day": 1,
        "": 1,
    }


def test_the_keys_that_fail_most_come_first(store: Store) -> None:
    def failing(key_id: int, kind: str, count: int) -> CallRecord:
        return _call(
            attempts=tuple(
                attempt_record(number, key_id=key_id, failure_kind=kind) for number in range(1, count + 1)
            )
        )

    _write(store, failing(1, "rate_day", 2), failing(2, "rate_day", 3), failing(3, "key_leaked", 1))

    def attention(kinds: list[str], limit: int = 10) -> list[tuple[int, str, int]]:
        found = store.read_sync(lambda: store.key_uses.attention(kinds, HOUR, limit))
        return [(each.key_id, each.kind, each.attempts) for each in found]

    assert attention(["rate_day"]) == [(2, "rate_day", 3), (1, "rate_day", 2)]
    assert attention(["rate_day", "key_leaked"], limit=2) == [(2, "rate_day", 3), (1, "rate_day", 2)]
    assert attention([]) == []


def test_old_sums_are_removed(store: Store) -> None:
    _write(store, _call(0), _call(120))

    removed = store.write_sync(
        lambda: store.usage.prune(minutes_before_ms=NOON_MS + 60_000, hours_before_ms=NOON_MS + HOUR_MS)
    )
    store.write_sync(lambda: store.key_uses.prune(HOUR + 1, ["", "rate_day"]))
    store.write_sync(lambda: store.key_uses.prune_gone(before_ms=0))

    assert removed == 3  # a minute, an hour by token, an hour by model
    assert list(_hours(store)) == [(NOON_MS + 2 * HOUR_MS, "success")]
    assert store.read_sync(lambda: store.key_uses.hours([2], 0)) == {2: [KeyHour(HOUR + 2, 1, 0)]}
    assert store.read_sync(lambda: store.key_uses.of([2], HOUR // 24)) == {}


def test_a_quota_day_may_be_another_than_utcs(open_store: OpenStore, config: Any) -> None:
    store = open_store(day_of=lambda hour: hour - HOUR)
    _write(store, _call(60))

    assert query(config, "SELECT key_id, day FROM key_use") == [(2, 1)]
