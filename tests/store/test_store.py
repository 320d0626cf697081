"""The store as a whole: its threads, its reads, its end, and what a killed process leaves behind."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.errors import StoreError, StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.store import READERS, Store
from tests.store.conftest import OpenStore, connections, query
from tests.store.programs import arguments
from tests.store.samples import call_record, key_row, until
from tests.store.wire import Wire

ROOT = Path(__file__).parents[2]


async def test_what_was_written_is_read(store: Store) -> None:
    added = await store.write(lambda: store.keys.add([key_row("sk-1")]))

    assert added == 1
    assert [row.secret for row in await store.read(store.keys.everything)] == ["sk-1"]


async def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.read(lambda: store.keys.add([key_row("sk-1")]))

    assert await store.read(store.keys.everything) == []


async def test_a_read_sees_one_moment(store: Store) -> None:
    def twice() -> tuple[int, int]:
        before = len(store.keys.everything())
        added.set()
        written.wait(5.0)
        return before, len(store.keys.everything())

    added, written = threading.Event(), threading.Event()
    reading = asyncio.ensure_future(store.read(twice))
    await asyncio.to_thread(added.wait, 5.0)
    await store.write(lambda: store.keys.add([key_row("sk-1")]))
    written.set()

    assert await reading == (0, 0)
    assert len(await store.read(store.keys.everything)) == 1


async def test_a_failing_read_leaves_the_thread_fit(store: Store) -> None:
    for _ in range(READERS * 2):
        with pytest.raises(StoreError):
            await store.read(lambda: store.keys._database.execute_sql("SELECT nonsense AT ALL"))
        with pytest.raises(ZeroDivisionError):
            await store.read(lambda: 1 // 0)

    assert await store.read(store.keys.everything) == []


async def test_a_reading_connection_found_dead_is_made_again(wired: DatabaseConfig, wire: Wire) -> None:
    store = Store.open(wired)
    try:
        for _ in range(READERS * 2):
            await store.read(store.keys.everything)
        wire.cut()

        for _ in range(READERS * 2):
            assert await store.read(store.keys.everything) == []
    finally:
        store.close(2.0)


async def test_a_read_that_loses_its_connection_is_not_run_again(wired: DatabaseConfig, wire: Wire) -> None:
    runs: list[int] = []
    store = Store.open(wired)

    def query_() -> None:
        runs.append(1)
        store.keys.everything()

    try:
        wire.set_trap(b"FROM api_key", times=1)
        with pytest.raises(StoreUnavailable, match="was lost"):
            await store.read(query_)

        assert runs == [1]
        assert await store.read(store.keys.everything) == []
    finally:
        store.close(2.0)


async def test_reads_fail_in_words_while_the_server_is_away(wired: DatabaseConfig, wire: Wire) -> None:
    store = Store.open(wired)
    try:
        wire.refuse()
        with pytest.raises(StoreUnavailable, match="No MySQL server answers"):
            await store.read(store.keys.everything)
        wire.restore()

        assert await store.read(store.keys.everything) == []
    finally:
        store.close(2.0)


async def test_every_thread_has_the_sqlite_settings_that_keep_data_safe(sqlite: DatabaseConfig) -> None:
    store = Store.open(sqlite)
    try:
        meeting = threading.Barrier(READERS)

        def settings(waits: bool = False) -> tuple[str, int, int]:
            if waits:
                meeting.wait(5.0)  # so that every reading thread answers
            pragma = store.keys._database.pragma
            return pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")

        found = await asyncio.gather(*(store.read(lambda: settings(waits=True)) for _ in range(READERS)))
        found += [await store.write(settings), store.read_sync(settings)]
    finally:
        store.close()

    assert set(found) == {("wal", 1, 1)}


async def test_closing_leaves_no_connection_and_no_thread(
    open_store: OpenStore, config: DatabaseConfig
) -> None:
    threads = set(threading.enumerate())
    store = open_store()
    store.records.put(call_record())
    await asyncio.gather(*(store.read(store.keys.everything) for _ in range(8)))
    store.read_sync(store.keys.everything)
    await store.write(lambda: store.keys.add([key_row("sk-1")]))

    store.close()

    left = {thread.name for thread in set(threading.enumerate()) - threads}
    assert not any(name.startswith("store-") for name in left)
    if config.kind == "mysql":
        until(lambda: not connections(config))
    else:
        assert not [path for path in _open_files() if str(config.path) in path]


def test_closing_makes_no_resource_warning(config: DatabaseConfig) -> None:
    if config.path is not None:
        config.path.parent.mkdir()
    command = arguments("writing", config)
    command[1:1] = ["-X", "dev", "-W", "error"]

    ended = subprocess.run(command, cwd=ROOT, input=b"\n\n", capture_output=True, timeout=60, check=False)

    assert ended.returncode == 0, ended.stderr.decode()
    assert b"ResourceWarning" not in ended.stderr


def test_a_killed_process_has_written_what_is_older_than_a_second(
    open_store: OpenStore, config: DatabaseConfig
) -> None:
    open_store().close()
    with subprocess.Popen(
        arguments("writing", config), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writing:
        assert writing.stdin is not None
        assert writing.stdout is not None
        writing.stdin.write(b"\n")
        writing.stdin.flush()
        assert [writing.stdout.readline() for _ in range(2)] == [b"ready\n", b"put\n"]
        # What must hold is that nothing older than this is lost.
        threading.Event().wait(1.0)
        os.kill(writing.pid, signal.SIGKILL)

    assert query(config, "SELECT count(*) FROM request") == [(100,)]
    if config.kind == "sqlite":
        assert query(config, "PRAGMA integrity_check") == [("ok",)]
    store = open_store()
    assert store.read_sync(store.calls.count) == 100
    assert store.write_sync(lambda: store.keys.add([key_row("sk-1")])) == 1


def test_a_place_says_where_and_keeps_the_password(store: Store, config: DatabaseConfig) -> None:
    assert store.place == config.place
    assert str(config.path or config.database) in store.place


def _open_files() -> list[str]:
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except OSError:
            continue
    return found


def test_sqlite_knows_what_the_statements_need() -> None:
    assert sqlite3.sqlite_version_info >= (3, 24), f"{sys.executable}: ON CONFLICT needs SQLite 3.24"
