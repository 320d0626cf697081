"""What the ledger hears reaches the metrics, the request log, the log, and the rows of keys that died."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.building import open_store
from gateway.control.ledger import Ledger
from gateway.control.limiter import Limiter
from gateway.control.token_limits import TokenLimits
from gateway.control.tokens import TokenBook
from gateway.metrics.metrics import Metrics
from gateway.pool.bucket import BucketState
from gateway.pool.changes import BucketChange, KeyChange
from gateway.pool.key import KeyState
from gateway.protocols.failures import FailureKind
from gateway.settings.sources import read_sources
from gateway.store.key_query import KeyQuery
from gateway.store.records import KeyRow
from gateway.store.store import Store
from tests.metrics.samples import CALL, WORK


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(read_sources({"DATA_DIR": str(tmp_path), "AUTH_TOKEN": "sk-admin"})).store
    opened.write_sync(lambda: opened.keys.add([KeyRow("key-of-any-shape", "ke…pe")]))
    yield opened
    opened.close()


def the_key(store: Store) -> KeyRow:
    (row,) = store.read_sync(store.keys.everything)
    return row


def settled(store: Store) -> None:
    """Wait until everything that was asked of the writer before is written."""
    store.write_sync(lambda: None)


def change(state: KeyState, kind: FailureKind | None = None) -> KeyChange:
    return KeyChange(
        key_id=1,
        alias="ke…pe",
        provider="gemini",
        state=state,
        kind=kind,
        message="Your API key was reported as leaked.",
        since_s=1_700_000_000.5,
        until_s=None,
        project=None,
    )


def test_a_call_is_recorded_and_counted(store: Store) -> None:
    metrics = Metrics()
    ledger = Ledger(metrics, store, TokenBook())

    ledger.call_over(CALL, *WORK)
    store.close()

    assert store.health().written == 1
    assert b'gateway_calls_total{dialect="openai"' in metrics.exposition()[0]


def test_a_failed_call_is_logged_once_and_a_good_one_not_at_all(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(Metrics(), store, TokenBook())

    for outcome in ("success", "blocked", "client_closed"):
        ledger.call_over(replace(CALL, outcome=outcome), *WORK)
    assert caplog.text == ""
    ledger.call_over(replace(CALL, outcome="failed", failure_kind="overloaded", status=503), *WORK)

    assert caplog.text.count("call_failed") == 1
    assert "overloaded" in caplog.text


def test_a_key_that_died_is_dead_in_the_database_until_it_comes_back(store: Store) -> None:
    ledger = Ledger(Metrics(), store, TokenBook())

    ledger.pool_changed([change(KeyState.DEAD, FailureKind.KEY_LEAKED)])
    settled(store)
    died = the_key(store)
    ledger.pool_changed([change(KeyState.ACTIVE)])
    settled(store)
    back = the_key(store)

    assert (died.dead_reason, died.dead_since_ms) == ("key_leaked", 1_700_000_000_500)
    assert (back.dead_reason, back.dead_since_ms) == (None, 0)


def test_the_rest_of_a_bucket_is_logged_and_the_rest_of_a_key_is_in_its_row(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(Metrics(), store, TokenBook())
    bucket = BucketChange(
        provider="gemini",
        owner=1,
        model="gemini-3.5-flash",
        alias="ke…pe",
        state=BucketState.COOLING,
        kind=FailureKind.RATE_MINUTE,
        message="",
        since_s=1.0,
        until_s=61.0,
        streak=1,
    )

    ledger.pool_changed([bucket, replace(change(KeyState.RESTING, FailureKind.BILLING), until_s=61.0)])
    settled(store)

    assert "rate_minute" in caplog.text
    assert the_key(store).dead_reason is None
    resting = KeyQuery(now_ms=0, standings=("resting",))
    assert store.read_sync(lambda: store.key_search.ids(resting)) == [1]


def test_what_happened_to_a_key_is_its_history(store: Store) -> None:
    ledger = Ledger(Metrics(), store, TokenBook())

    ledger.pool_changed([change(KeyState.RESTING, FailureKind.BILLING)])
    ledger.pool_changed([change(KeyState.DEAD, FailureKind.KEY_LEAKED), change(KeyState.ACTIVE)])
    settled(store)

    events = store.read_sync(lambda: store.key_events.latest(1, 9))
    assert [(each.event, each.kind) for each in events] == [
        ("active", None),
        ("dead", "key_leaked"),
        ("resting", "billing"),
    ]


def test_the_project_that_a_failure_named_is_in_the_row(store: Store) -> None:
    Ledger(Metrics(), store, TokenBook()).pool_changed(
        [replace(change(KeyState.DEAD, FailureKind.PROJECT_SUSPENDED), project="projects/7")]
    )
    settled(store)

    query = KeyQuery(now_ms=0, project="projects/7")
    assert store.read_sync(lambda: store.key_search.ids(query)) == [1]


def test_tokens_of_limited_access_tokens_are_counted(store: Store) -> None:
    limiter = Limiter(store, zone=lambda: "UTC", publish=lambda _: None)
    limiter.keep([(5, TokenLimits(tokens_per_day=100))])
    ledger = Ledger(Metrics(), store, TokenBook(), limiter=limiter)

    ledger.call_over(replace(CALL, token_id=5, total_tokens=30), *WORK)
    ledger.call_over(replace(CALL, token_id=6, total_tokens=30), *WORK)

    assert limiter.used(5) == (0, 30)
    assert limiter.used(6) == (0, 0)


def test_open_streams_are_counted_up_and_down(store: Store) -> None:
    ledger = Ledger(Metrics(), store, TokenBook())

    ledger.stream_began()
    ledger.stream_began()
    ledger.stream_over()

    assert ledger.streams_open == 1
