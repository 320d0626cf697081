"""The writing thread through idleness, outages, cut connections and its end."""

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import StoreError, StoreUnavailable
from gateway.store.call_writer import CallWriter
from gateway.store.config import DatabaseConfig
from gateway.store.engine import make_database
from gateway.store.records import CallRecord
from gateway.store.rollup import utc_day
from gateway.store.store import Store
from gateway.store.transactions import Transactions
from tests.store.conftest import OpenStore, Outage, connections, query
from tests.store.samples import call_record, key_row, until
from tests.store.wire import Wire

loses_the_database = pytest.mark.logs_errors("the database is away")


def _request_ids(config: DatabaseConfig) -> list[str]:
    return [found for (found,) in query(config, "SELECT request_id FROM request ORDER BY id")]


def _put(store: Store, *names: str) -> None:
    for name in names:
        store.records.put(call_record(name))


def test_a_record_is_written_soon_after_it_was_put(store: Store) -> None:
    began_s = time.monotonic()
    _put(store, "req-1")

    until(lambda: store.health().written == 1)

    assert time.monotonic() - began_s < 1.0


def test_records_are_written_in_the_order_they_came(store: Store, config: DatabaseConfig) -> None:
    names = [f"req-{number:04d}" for number in range(1700)]

    _put(store, *names)
    until(lambda: store.health().written == 1700)

    assert _request_ids(config) == names
    assert store.health().depth == 0


def test_writing_calls_on_sqlite_takes_no_temporary_files(sqlite: DatabaseConfig) -> None:
    # SQLite notes the pages that a statement changes; a file of them is open until the transaction ends.
    with _opened(sqlite):
        database = make_database(sqlite)
    transactions, calls = Transactions(database, sqlite), CallWriter(database, utc_day)
    transactions.begin(threading.Event())

    calls.insert(calls.number([call_record(secrets.token_hex(12)) for _ in range(4_000)]))

    with contextlib.closing(transactions):
        open_files = [os.path.realpath(held) for held in Path("/proc/self/fd").iterdir()]
        assert not [name for name in open_files if "etilqs_" in name]


def test_an_idle_writer_does_not_wake(store: Store) -> None:
    _put(store, "req-1")
    until(lambda: store.health().written == 1)
    writer = next(thread for thread in threading.enumerate() if thread.name == "store-writer")

    def switches() -> int:
        status = Path(f"/proc/self/task/{writer.native_id}/status").read_text()
        return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)

    def rests(seconds: float) -> bool:
        before = switches()
        threading.Event().wait(seconds)
        return switches() == before

    # The time in which nothing happens is what is measured here; a slow database may still be at the batch.
    until(lambda: rests(0.3))
    before = switches()
    threading.Event().wait(1.0)

    assert switches() - before <= 1


def test_a_job_runs_in_one_transaction(store: Store) -> None:
    def job() -> None:
        store.keys.add([key_row("sk-1")])
        raise ValueError("changed its mind")

    with pytest.raises(ValueError, match="changed its mind"):
        store.write_sync(job)

    assert store.read_sync(store.keys.everything) == []
    assert store.health().ok


def test_a_job_sees_what_it_has_done(store: Store) -> None:
    def job() -> int:
        store.keys.add([key_row("sk-1")])
        return len(store.read_sync(store.keys.everything))

    assert store.write_sync(job) == 1


def test_a_refused_statement_is_an_error_of_the_store_and_no_outage(store: Store) -> None:
    with pytest.raises(StoreError, match="refused this") as caught:
        store.write_sync(lambda: store.keys._database.execute_sql("SELECT nonsense FROM nowhere AT ALL"))

    assert not isinstance(caught.value, StoreUnavailable)
    assert store.health().ok


@loses_the_database
def test_while_the_database_is_away_jobs_fail_in_words_at_once(
    store: Store, outage: Outage, config: DatabaseConfig
) -> None:
    outage.begin()
    first = store._writer.submit(lambda: store.keys.add([key_row("sk-1")]))
    with pytest.raises(StoreUnavailable):
        first.result(5.0)

    began_s = time.monotonic()
    for _ in range(20):
        with pytest.raises(StoreUnavailable, match=r"locked|answers"):
            store.write_sync(lambda: store.keys.add([key_row("sk-2")]))

    assert time.monotonic() - began_s < 0.5
    assert not store.health().ok
    outage.end()
    until(lambda: store.health().ok)
    assert store.write_sync(lambda: store.keys.add([key_row("sk-3")])) == 1
    assert query(config, "SELECT count(*) FROM api_key") == [(1,)]


@loses_the_database
def test_records_outlive_an_outage_and_of_too_many_the_oldest_go(
    open_store: OpenStore, outage: Outage, config: DatabaseConfig
) -> None:
    store = open_store(capacity=10)
    _put(store, "before")
    until(lambda: store.health().written == 1)
    outage.begin()

    _put(store, *(f"req-{number:02d}" for number in range(8)))
    until(lambda: not store.health().ok)
    _put(store, *(f"req-{number:02d}" for number in range(8, 25)))
    during = store.health()
    outage.end()
    until(lambda: store.health().written == 11)

    assert (during.depth, during.dropped) == (10, 15)
    assert _request_ids(config) == ["before", *(f"req-{number:02d}" for number in range(15, 25))]
    assert store.health().dropped == 15


@loses_the_database
def test_an_outage_is_over_without_anything_to_write(store: Store, outage: Outage) -> None:
    outage.begin()
    with pytest.raises(StoreUnavailable):
        store.write_sync(lambda: None)

    outage.end()

    until(lambda: store.health().ok)


@loses_the_database
def test_stopping_interrupts_an_outage_and_keeps_its_time(store: Store, outage: Outage) -> None:
    outage.begin()
    _put(store, "req-1", "req-2")
    until(lambda: not store.health().ok)

    began_s = time.monotonic()
    store.close(0.6)

    assert 0.3 < time.monotonic() - began_s < 2.0
    assert (store.health().depth, store.health().dropped) == (0, 2)


@loses_the_database
def test_stopping_in_an_outage_with_nothing_to_write_takes_no_time(store: Store, outage: Outage) -> None:
    outage.begin()
    with pytest.raises(StoreUnavailable):
        store.write_sync(lambda: None)
    until(lambda: store._writer._outage.pause_s > 0.7)

    began_s = time.monotonic()
    store.close(10.0)

    assert time.monotonic() - began_s < 1.5


def test_closing_writes_everything_that_waits(store: Store, config: DatabaseConfig) -> None:
    _put(store, *(f"req-{number}" for number in range(3000)))
    jobs = [store._writer.submit(_adding(store, name)) for name in "abc"]

    store.close(10.0)

    assert [job.result(0) for job in jobs] == [1, 1, 1]
    assert query(config, "SELECT count(*) FROM request") == [(3000,)]
    assert (store.health().depth, store.health().dropped) == (0, 0)


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        store.write_sync(lambda: None)


async def test_a_closed_store_reads_no_more(store: Store) -> None:
    store.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        await store.read(store.keys.everything)


async def test_a_change_that_nobody_waits_for_any_more_is_not_begun(store: Store) -> None:
    going, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        going.set()
        may_end.wait(5.0)

    first = store._writer.submit(slow)
    going.wait(5.0)
    second: Future[int] = store._writer.submit(lambda: store.keys.add([key_row("sk-1")]))
    second.cancel()
    may_end.set()
    first.result(5.0)

    assert store.write_sync(store.keys.everything) == []
    with pytest.raises(CancelledError):
        second.result(0)


def test_a_poison_record_is_dropped_and_counted_and_the_others_arrive(
    store: Store, config: DatabaseConfig, request: pytest.FixtureRequest
) -> None:
    request.node.add_marker(pytest.mark.logs_errors("the refusal is logged"))
    names = [f"req-{number:03d}" for number in range(200)]
    for name in names:
        poison = name in ("req-000", "req-117", "req-199")
        store.records.put(call_record(name, total_tokens=2**70 if poison else 1))

    until(lambda: store.health().written + store.health().dropped == 200)

    assert store.health().dropped == 3
    assert store.health().ok
    assert _request_ids(config) == [name for name in names if name not in ("req-000", "req-117", "req-199")]


@pytest.mark.logs_errors("the refusal is logged")
def test_a_record_on_which_the_server_hangs_up_does_not_block_the_log(
    wired: DatabaseConfig, wire: Wire
) -> None:
    # What a server does with a statement longer than its max_allowed_packet.
    wire.set_trap(b"poison-marker", times=1_000_000)
    with _opened(wired) as store:
        _put(store, *(f"req-{number}" for number in range(5)), "poison-marker", "req-5", "req-6")
        until(lambda: store.health().written + store.health().dropped == 8)

        assert (store.health().written, store.health().dropped) == (7, 1)
        assert _request_ids(wired) == [f"req-{number}" for number in range(7)]


def test_records_arrive_once_when_the_connection_breaks_amid_a_batch(
    wired: DatabaseConfig, wire: Wire
) -> None:
    with _opened(wired) as store:
        wire.set_trap(b"INSERT INTO attempt", times=1)
        _put(store, *(f"req-{number}" for number in range(20)))
        until(lambda: store.health().written == 20)

        assert wire.trapped == 1
        assert _request_ids(wired) == [f"req-{number}" for number in range(20)]
        assert store.health().dropped == 0


@pytest.mark.parametrize("arrived", [True, False])
def test_records_arrive_once_when_their_commit_is_cut_off(
    wired: DatabaseConfig, wire: Wire, arrived: bool
) -> None:
    with _opened(wired) as store:
        wire.set_trap(b"\x03COMMIT", times=1, let_through=arrived)
        _put(store, *(f"req-{number}" for number in range(20)))
        until(lambda: store.health().written == 20)

        assert wire.trapped == 1
        assert sorted(_request_ids(wired)) == sorted(f"req-{number}" for number in range(20))
        assert (store.health().depth, store.health().dropped) == (0, 0)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_job_whose_commit_is_cut_off_is_not_run_again(
    wired: DatabaseConfig, wire: Wire, arrived: bool
) -> None:
    runs: list[int] = []

    with _opened(wired) as store:

        def job() -> None:
            runs.append(1)
            store.keys.add([key_row("sk-1")])

        wire.set_trap(b"\x03COMMIT", times=1, let_through=arrived)
        with pytest.raises(StoreUnavailable, match="may or may not"):
            store.write_sync(job)

        assert runs == [1]
        assert query(wired, "SELECT count(*) FROM api_key") == [(int(arrived),)]
        assert store.write_sync(lambda: store.keys.add([key_row("sk-2")])) == 1


def test_a_job_whose_connection_breaks_midway_is_not_run_again(wired: DatabaseConfig, wire: Wire) -> None:
    runs: list[int] = []

    with _opened(wired) as store:

        def job() -> None:
            runs.append(1)
            store.keys.add([key_row("sk-1")])

        wire.set_trap(b"INSERT INTO api_key", times=1)
        with pytest.raises(StoreUnavailable, match="nothing was changed"):
            store.write_sync(job)

        assert runs == [1]
        assert store.read_sync(store.keys.everything) == []
        assert store.health().ok


def test_a_killed_connection_is_made_again_before_anybody_hears_of_it(mysql: DatabaseConfig) -> None:
    runs: list[int] = []
    with _opened(mysql) as store:
        _put(store, "req-1")
        until(lambda: store.health().written == 1)

        _kill_connections(mysql)
        _put(store, "req-2")
        until(lambda: store.health().written == 2)
        _kill_connections(mysql)
        store.write_sync(lambda: runs.append(store.keys.add([key_row("sk-1")])))

        assert runs == [1]
        assert store.health().ok
        assert (store.health().dropped, store.health().failures) == (0, 0)


def test_a_server_that_falls_silent_is_given_up_in_time(wired: DatabaseConfig) -> None:
    with _opened(replace(wired, answer_s=0.5)) as store:
        with pytest.raises(StoreUnavailable, match="does not answer in time"):
            store.write_sync(lambda: store.keys._database.execute_sql("SELECT SLEEP(20)"))

        assert store.write_sync(lambda: store.keys.add([key_row("sk-1")])) == 1


@loses_the_database
def test_records_wait_while_the_server_is_silent(wired: DatabaseConfig, wire: Wire) -> None:
    with _opened(replace(wired, answer_s=0.5)) as store:
        _put(store, "req-1")
        until(lambda: store.health().written == 1)

        wire.silent = True
        _put(store, "req-2", "req-3")
        until(lambda: not store.health().ok)
        wire.silent = False
        wire.cut()
        until(lambda: store.health().written == 3)

        assert sorted(_request_ids(wired)) == ["req-1", "req-2", "req-3"]


@loses_the_database
def test_missing_tables_are_an_outage_and_cost_no_record(mysql: DatabaseConfig) -> None:
    with _opened(mysql) as store:
        query(mysql, "RENAME TABLE attempt TO attempt_away")
        _put(store, "req-1")
        until(lambda: not store.health().ok)
        query(mysql, "RENAME TABLE attempt_away TO attempt")
        until(lambda: store.health().written == 1)

        assert store.health().dropped == 0


@pytest.mark.logs_errors("what the tables lack is logged")
def test_tables_of_another_version_are_told_of_once_and_are_no_outage(
    store: Store, config: DatabaseConfig, caplog: pytest.LogCaptureFixture
) -> None:
    query(config, "ALTER TABLE request RENAME COLUMN model TO model_of_another_version")
    try:
        _put(store, *(f"req-{number}" for number in range(1700)))
        until(lambda: store.health().dropped == 1700)
        _put(store, "req-1700")
        until(lambda: store.health().dropped == 1701)

        assert store.health().ok
        assert store.health().depth == 0
        assert store.write_sync(lambda: store.keys.add([key_row("sk-1")])) == 1
        assert caplog.text.count("records_do_not_fit_the_tables") == 1
        assert "model" in caplog.text
    finally:
        query(config, "ALTER TABLE request RENAME COLUMN model_of_another_version TO model")

    _put(store, "req-1701")
    until(lambda: store.health().written == 1)


def test_a_read_that_another_versions_tables_cannot_answer_says_what_they_lack(
    store: Store, config: DatabaseConfig
) -> None:
    query(config, "ALTER TABLE request RENAME COLUMN model TO model_of_another_version")
    try:
        with pytest.raises(StoreError, match=r"not those that this version .*model") as caught:
            store.read_sync(lambda: store.calls.latest(1))
    finally:
        query(config, "ALTER TABLE request RENAME COLUMN model_of_another_version TO model")

    assert not isinstance(caught.value, StoreUnavailable)


def test_a_locked_row_fails_the_job_in_words(mysql: DatabaseConfig) -> None:
    with _opened(mysql) as store, _opened(mysql) as other:
        store.write_sync(lambda: store.keys.add([key_row("sk-1")]))
        held, may_end = threading.Event(), threading.Event()

        def holding() -> None:
            other.keys.change([1], note="held")
            held.set()
            may_end.wait(10.0)

        holder = other._writer.submit(holding)
        assert held.wait(5.0)
        with pytest.raises(StoreUnavailable, match="locked"):
            store.write_sync(lambda: store.keys.change([1], note="mine"))
        may_end.set()
        holder.result(5.0)

        assert store.health().ok


def test_two_stores_write_at_once(open_store: OpenStore, config: DatabaseConfig) -> None:
    patient = replace(config, lock_s=10.0)
    stores = [open_store(config=patient), open_store(config=patient)]
    for number in range(1000):
        for store in stores:
            store.records.put(call_record(f"req-{number}"))
    jobs = [store._writer.submit(_adding(store, f"sk-{number}")) for number in range(20) for store in stores]

    assert sum(job.result(20.0) for job in jobs) == 20
    until(lambda: all(store.health().written == 1000 for store in stores))
    assert query(config, "SELECT count(*) FROM request") == [(2000,)]


def test_write_later_logs_what_failed(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.close()

    store.write_later(lambda: None)

    assert "change_not_stored" in caplog.text


def test_a_mistake_of_ours_does_not_end_the_thread(
    store: Store, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    request.node.add_marker(loses_the_database)
    calls: list[int] = []
    number = store._writer._batches._calls.number

    def failing_once(batch: list[CallRecord]) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a mistake")
        return number(batch)

    monkeypatch.setattr(store._writer._batches._calls, "number", failing_once)
    _put(store, "req-1")

    until(lambda: store.health().written == 1)


def _adding(store: Store, secret: str) -> Callable[[], int]:
    return lambda: store.keys.add([key_row(secret)])


def _kill_connections(config: DatabaseConfig) -> None:
    for connection in connections(config):
        query(config, f"KILL {connection}")
    until(lambda: not connections(config))


@contextlib.contextmanager
def _opened(config: DatabaseConfig) -> Iterator[Store]:
    store = Store.open(config)
    try:
        yield store
    finally:
        store.close(2.0)
