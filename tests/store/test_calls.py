"""Call records into the tables and back, whatever clients send."""

import dataclasses

import pytest

from gateway.store.call_ids import ID_SHIFT, CallIds
from gateway.store.config import DatabaseConfig
from gateway.store.records import AttemptRecord, CallRecord
from gateway.store.store import Store
from gateway.store.texts import MAX_BODY_BYTES
from tests.store.conftest import query
from tests.store.samples import attempt_record, call_record, until


def _written(store: Store, record: CallRecord) -> CallRecord:
    store.records.put(record)
    until(lambda: store.health().written == 1)
    found = store.read_sync(lambda: store.calls.by_request_id(record.request_id))
    assert found is not None
    return found.call


def test_a_call_comes_back_whole_with_its_attempts_and_bodies(store: Store) -> None:
    record = call_record(
        "req-密",
        status=503,
        outcome="failed",
        failure_kind="overloaded",
        first_token_ms=12,
        prompt_tokens=1,
        completion_tokens=2,
        thought_tokens=3,
        cached_tokens=4,
        total_tokens=2**40,
        request_bytes=6,
        response_bytes=7,
        token_id=None,
        attempts=(
            attempt_record(1, failure_kind="rate_minute", status=429, key_id=8),
            attempt_record(2, failure_kind="overloaded", status=503),
        ),
        error_body='{"error":"é"}'.encode(),
        request_body=b'{"contents":[]}',
    )

    assert _written(store, record) == record


@pytest.mark.parametrize(
    ("attempts", "rows"),
    [
        ((), 0),
        ((attempt_record(1, bucket_state=None),), 0),
        ((attempt_record(1, bucket_state=None, key_id=-3, started_at_ms=1_699_999_999_999),), 0),
        ((attempt_record(1, bucket_state="cooling"),), 1),
        ((attempt_record(1, bucket_state=None, failure_kind="blocked"),), 1),
        ((attempt_record(1, bucket_state=None, status=0),), 1),
        ((attempt_record(2, bucket_state=None),), 1),
        ((attempt_record(1, bucket_state=None), attempt_record(2, bucket_state=None)), 2),
    ],
)
def test_attempts_come_back_whether_they_have_rows_or_stand_in_their_calls(
    store: Store, config: DatabaseConfig, attempts: tuple[AttemptRecord, ...], rows: int
) -> None:
    record = call_record(attempts=attempts)

    assert _written(store, record) == record
    assert query(config, "SELECT COUNT(*) FROM attempt") == [(rows,)]
    assert query(config, "SELECT attempts FROM request") == [(len(attempts),)]


@pytest.mark.parametrize("calls", [1, 4, 5, 9, 50, 57, 131])
def test_each_of_many_calls_comes_back_as_it_was(store: Store, calls: int) -> None:
    """In whatever statements they go: with and without a failure, a first token, an attempt of their own."""
    records = [
        call_record(
            f"req-{number}",
            token_id=number % 3 or None,
            key_id=number % 5 or None,
            failure_kind="blocked" if number % 7 == 0 else None,
            first_token_ms=None if number % 2 else number % 3,
            stream=number % 2 == 0,
            attempts=(attempt_record(1, bucket_state="resting" if number % 11 == 0 else None),),
        )
        for number in range(calls)
    ]
    for record in records:
        store.records.put(record)
    until(lambda: store.health().written == calls)

    found = store.read_sync(lambda: store.calls.latest(calls))

    assert {each.call.request_id: each.call for each in found} == {
        record.request_id: record for record in records
    }


@pytest.mark.parametrize(
    ("error_body", "request_body"), [(b"only", None), (None, b"only"), (b"", None), (None, None)]
)
def test_a_body_that_was_not_there_is_not_there_afterwards(
    store: Store, error_body: bytes | None, request_body: bytes | None
) -> None:
    record = call_record(error_body=error_body, request_body=request_body)

    assert _written(store, record) == record


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"\xff\xfe{", "\ufffd\ufffd{".encode()),
        (b"a\0b", "a\ufffdb".encode()),
        (b"x" * 10_000_000, b"x" * MAX_BODY_BYTES),
        (b"\xff" * 100_000, "\ufffd".encode() * (MAX_BODY_BYTES // 3)),
        ("🙂".encode() * 100_000, "🙂".encode() * (MAX_BODY_BYTES // 4)),
        (b"'; DROP TABLE request; -- %s ? \\", b"'; DROP TABLE request; -- %s ? \\"),
    ],
    ids=["not UTF-8", "NUL", "huge", "huge and not UTF-8", "huge and wide", "SQL"],
)
def test_odd_bodies_are_kept_as_text_up_to_a_bound(store: Store, body: bytes, kept: bytes) -> None:
    found = _written(store, call_record(error_body=body, request_body=body))

    assert (found.error_body, found.request_body) == (kept, kept)


@pytest.mark.parametrize(
    "text", ["a\0b", "a\ud800b", "\udcff", "x" * 5000, "模" * 5000, "🙂" * 5000, "'\"\\%s?"]
)
def test_odd_names_are_written_and_found_by_what_the_client_sent(store: Store, text: str) -> None:
    record = call_record(
        text,
        model=text,
        operation=text,
        dialect="d" * 99,
        outcome="o" * 99,
        failure_kind="f" * 99,
        attempts=(attempt_record(1, key_alias=text, failure_kind="f" * 99),),
    )

    found = _written(store, record)

    assert found.model == text[:256].encode("utf-8", "replace").decode().replace("\0", "?")
    assert store.health().dropped == 0


def test_request_ids_are_told_apart_by_case(store: Store) -> None:
    store.records.put(call_record("REQ-A", status=200))
    store.records.put(call_record("req-a", status=404))
    until(lambda: store.health().written == 2)

    found = store.read_sync(lambda: store.calls.by_request_id("REQ-A"))

    assert found is not None
    assert found.call.status == 200


def test_the_newest_call_of_a_request_id_is_found(store: Store) -> None:
    for status in (500, 200):
        store.records.put(call_record("same", status=status))
    until(lambda: store.health().written == 2)

    found = store.read_sync(lambda: store.calls.by_request_id("same"))

    assert found is not None
    assert found.call.status == 200
    assert store.read_sync(lambda: store.calls.by_request_id("none")) is None


def test_the_latest_calls_come_newest_first_with_attempts_and_without_bodies(store: Store) -> None:
    records = [call_record(f"req-{number}", error_body=b"body") for number in range(5)]
    for record in records:
        store.records.put(record)
    until(lambda: store.health().written == 5)

    found = store.read_sync(lambda: store.calls.latest(3))

    assert [each.call for each in found] == [
        dataclasses.replace(record, error_body=None) for record in records[:1:-1]
    ]
    assert store.read_sync(store.calls.count) == 5


def test_an_id_is_the_calls_place_in_time() -> None:
    ids = CallIds()
    made = ids.of([1_700_000_000_000, 1_700_000_000_001, 1_600_000_000_000])

    assert [made_id >> ID_SHIFT for made_id in made] == [
        1_700_000_000_000,
        1_700_000_000_001,
        1_600_000_000_000,
    ]


def test_calls_that_end_together_have_ids_of_their_own() -> None:
    ids = CallIds()

    assert len({*ids.of([1_700_000_000_000] * 1_000), *ids.of([1_700_000_000_000] * 3_096)}) == 4_096


def test_tables_of_mysql_are_transactional_and_compare_bytes(store: Store, config: DatabaseConfig) -> None:
    if config.kind != "mysql":
        return
    tables = query(
        config,
        "SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = ?",
        config.database,
    )

    ours = {(engine, collation) for name, engine, collation in tables if name != "gateway_migration"}
    assert ours == {("InnoDB", "utf8mb4_bin")}
