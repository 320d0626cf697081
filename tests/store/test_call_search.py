"""Finding calls: each filter, newest first, page by page, and removing them."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from gateway.store.call_query import CallQuery
from gateway.store.store import Store
from tests.store.conftest import query
from tests.store.samples import attempt_record, call_record, until

START_MS = 1_700_000_000_000

CALLS: dict[str, dict[str, Any]] = {
    "plain": {},
    "pro": {"model": "gemini-2.5-pro", "dialect": "gemini"},
    "admin": {"token_id": None},
    "limited": {"status": 429, "outcome": "rate_limited", "failure_kind": "rate_day", "token_id": 2},
    "broken": {"outcome": "broken", "failure_kind": "truncated", "total_tokens": 5000},
    "moved": {
        "attempts": (
            attempt_record(1, key_id=9, failure_kind="rate_minute"),
            attempt_record(2, key_id=9, failure_kind="rate_minute"),
            attempt_record(3, key_id=2),
        )
    },
}


@pytest.fixture(params=[1, 2, 99], ids=["no rows of attempts", "some have rows", "attempts have rows"])
def own_every(request: pytest.FixtureRequest) -> int:
    """Of how many calls one has its only attempt in its own row."""
    return int(request.param)


@pytest.fixture
def calls(store: Store, own_every: int) -> dict[str, int]:
    """One call of each kind, a second apart; names to ids. Where their attempts are makes no difference."""
    for number, (name, fields) in enumerate(CALLS.items()):
        attempt = attempt_record(1, bucket_state="cooling" if (number + 1) % own_every else None)
        record = call_record(
            f"request-{name}",
            **{
                "started_at_ms": START_MS + number * 1000,
                "duration_ms": 0,
                "error_body": b"why",
                "attempts": (attempt,),
                **fields,
            },
        )
        store.records.put(record)
    until(lambda: store.health().written == len(CALLS))
    return {
        name: found.id
        for name in CALLS
        if (found := store.read_sync(partial(store.calls.by_request_id, f"request-{name}")))
    }


def _found(store: Store, calls: dict[str, int], wanted: CallQuery) -> list[str]:
    names = {call_id: name for name, call_id in calls.items()}
    return [names[call_id] for call_id in store.read_sync(lambda: store.call_search.ids(wanted, 100))]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (CallQuery(), ["moved", "broken", "limited", "admin", "pro", "plain"]),
        (CallQuery(model="gemini-2.5-pro"), ["pro"]),
        (CallQuery(dialect="gemini"), ["pro"]),
        (CallQuery(dialect="openai", model="gemini-2.5-pro"), []),
        (CallQuery(model="gemini-2.5-flash", outcomes=("broken",)), ["broken"]),
        (CallQuery(token_id=1, model="gemini-2.5-flash", status=200), ["moved", "broken", "plain"]),
        (CallQuery(token_id=1, outcomes=("success",), dialect="openai"), ["moved", "plain"]),
        (CallQuery(token_id=1, outcomes=("broken",), failure_kind="truncated", status=200), ["broken"]),
        (CallQuery(token_id=2, outcomes=("broken",), failure_kind="truncated"), []),
        (CallQuery(token_id=0), ["admin"]),
        (CallQuery(token_id=2), ["limited"]),
        (CallQuery(status=429), ["limited"]),
        (CallQuery(status=200, token_id=0), ["admin"]),
        (CallQuery(status=200), ["moved", "broken", "admin", "pro", "plain"]),
        (CallQuery(failure_kind="truncated"), ["broken"]),
        (CallQuery(outcomes=("broken",)), ["broken"]),
        (CallQuery(outcomes=("success",)), ["moved", "admin", "pro", "plain"]),
        (CallQuery(outcomes=("broken", "rate_limited")), ["broken", "limited"]),
        (CallQuery(key_id=9), ["moved"]),
        (CallQuery(key_id=2), ["moved", "broken", "limited", "admin", "pro", "plain"]),
        (CallQuery(key_id=2, key_failed=False), ["moved", "broken", "limited", "admin", "pro", "plain"]),
        (CallQuery(key_id=2, key_failed=True), []),
        (CallQuery(key_id=2, model="gemini-2.5-pro", until_ms=START_MS + 2000), ["pro"]),
        (CallQuery(key_id=2, outcomes=("rate_limited",)), ["limited"]),
        (CallQuery(request_id="request-admin"), ["admin"]),
        (CallQuery(request_id="request-"), ["moved", "broken", "limited", "admin", "pro", "plain"]),
        (CallQuery(request_id="req"), []),
        (CallQuery(request_id="request-p", key_id=2), ["pro", "plain"]),
        (CallQuery(request_id="request-", key_id=9), ["moved"]),
        (CallQuery(key_id=9, failure_kind="rate_minute"), ["moved"]),
        (CallQuery(key_id=9, failure_kind="rate_day"), []),
        (CallQuery(key_id=9, key_failed=False), []),
        (CallQuery(key_id=2, key_failed=False, request_id="request-moved"), ["moved"]),
        (CallQuery(min_attempts=3), ["moved"]),
        (CallQuery(min_total_tokens=5000), ["broken"]),
        (CallQuery(min_total_tokens=5000, outcomes=("broken", "rate_limited")), ["broken"]),
        (CallQuery(min_duration_ms=1), []),
        (CallQuery(min_first_token_ms=1_000_000), []),
        (CallQuery(since_ms=START_MS + 4000), ["moved", "broken"]),
        (CallQuery(until_ms=START_MS + 2000), ["pro", "plain"]),
        (CallQuery(since_ms=START_MS + 1000, until_ms=START_MS + 2000), ["pro"]),
        (CallQuery(since_ms=START_MS + 5000, key_id=2), ["moved"]),
        (CallQuery(since_ms=-START_MS, until_ms=4_102_444_800_000, key_id=9), ["moved"]),
        (CallQuery(model="'; DROP TABLE request; --"), []),
    ],
)
def test_each_filter_finds_its_calls(
    store: Store, calls: dict[str, int], wanted: CallQuery, names: list[str]
) -> None:
    assert _found(store, calls, wanted) == names


@pytest.mark.parametrize(
    "wanted",
    [CallQuery(), CallQuery(token_id=1), CallQuery(key_id=2), CallQuery(outcomes=("broken", "success"))],
)
def test_pages_follow_each_other(store: Store, calls: dict[str, int], wanted: CallQuery) -> None:
    whole = store.read_sync(lambda: store.call_search.ids(wanted, 100))
    pages: list[int] = []
    before_id: int | None = None
    while page := store.read_sync(partial(store.call_search.ids, wanted, 2, before_id=before_id)):
        pages += page
        before_id = page[-1]

    assert pages == whole


@pytest.mark.parametrize(
    "wanted",
    [CallQuery(), CallQuery(token_id=1), CallQuery(key_id=2), CallQuery(outcomes=("broken", "success"))],
)
def test_pages_lead_back_to_the_newest_and_are_counted(
    store: Store, calls: dict[str, int], wanted: CallQuery
) -> None:
    newest_first = store.read_sync(lambda: store.call_search.ids(wanted, 100))
    middle = newest_first[len(newest_first) // 2]

    newer = store.read_sync(lambda: store.call_search.ids(wanted, 100, after_id=middle, oldest_first=True))

    assert newer == [each for each in reversed(newest_first) if each > middle]
    assert store.read_sync(lambda: store.call_search.count(wanted, 100)) == len(newest_first)
    assert store.read_sync(lambda: store.call_search.count(wanted, 2)) == 2


def test_a_horizon_lies_so_many_calls_away(store: Store, calls: dict[str, int]) -> None:
    asked = CallQuery(min_attempts=9)
    newest_first = [calls[name] for name in ("moved", "broken", "limited", "admin", "pro", "plain")]

    def horizon(edge_id: int | None, rows: int, *, oldest_first: bool = False) -> int | None:
        return store.read_sync(
            lambda: store.call_search.horizon(asked, edge_id, rows, oldest_first=oldest_first)
        )

    assert horizon(None, 2) == newest_first[1]
    assert horizon(newest_first[1], 4) == newest_first[5]
    assert horizon(newest_first[1], 5) is None
    assert horizon(newest_first[4], 2, oldest_first=True) == newest_first[2]


def test_a_horizon_is_measured_along_what_leads(store: Store, calls: dict[str, int]) -> None:
    def horizon(asked: CallQuery, rows: int) -> int | None:
        return store.read_sync(lambda: store.call_search.horizon(asked, None, rows, oldest_first=False))

    named = CallQuery(model="gemini-2.5-flash", status=200, outcomes=("broken",), min_attempts=9)
    tried = CallQuery(key_id=2, key_failed=True, dialect="gemini", min_attempts=9)
    plain = CallQuery(outcomes=("broken", "rate_limited"), min_attempts=9)

    assert horizon(named, 1) == calls["broken"]
    assert horizon(named, 2) is None
    assert horizon(tried, 6) == calls["plain"]
    assert horizon(plain, 6) == calls["plain"]
    assert horizon(replace(plain, since_ms=START_MS + 1000), 6) is None


def test_calls_are_read_by_id_with_their_bodies_when_asked(store: Store, calls: dict[str, int]) -> None:
    ids = [calls["plain"], calls["moved"], 5]

    plain = store.read_sync(lambda: store.calls.named(ids))
    whole = store.read_sync(lambda: store.calls.named(ids, bodies=True))

    assert [each.call.request_id for each in plain] == ["request-moved", "request-plain"]
    assert [len(each.call.attempts) for each in plain] == [3, 1]
    assert [each.call.error_body for each in plain] == [None, None]
    assert [replace(each.call, error_body=None) for each in whole] == [each.call for each in plain]
    assert [each.call.error_body for each in whole] == [b"why", b"why"]


def test_a_removed_call_leaves_nothing_behind(
    store: Store, calls: dict[str, int], config: Any, own_every: int
) -> None:
    removed = store.write_sync(lambda: store.call_search.remove([calls["moved"], calls["plain"], 5]))

    assert removed == 2
    assert _found(store, calls, CallQuery()) == ["broken", "limited", "admin", "pro"]
    assert query(config, "SELECT COUNT(*) FROM attempt") == [({1: 1, 2: 3, 99: 4}[own_every],)]
    assert query(config, "SELECT COUNT(*) FROM error_body") == [(4,)]


def test_the_oldest_go_first_and_only_so_many(store: Store, calls: dict[str, int], config: Any) -> None:
    before_ms = START_MS + 3000

    assert store.read_sync(lambda: store.call_search.oldest(before_ms, 2)) == [calls["plain"], calls["pro"]]
    assert store.write_sync(lambda: store.call_search.remove_bodies(before_ms, 2)) == 2
    assert store.write_sync(lambda: store.call_search.remove_bodies(before_ms, 2)) == 1
    assert store.write_sync(lambda: store.call_search.remove_bodies(before_ms, 2)) == 0
    assert query(config, "SELECT COUNT(*) FROM error_body") == [(3,)]
    assert query(config, "SELECT COUNT(*) FROM request") == [(6,)]
