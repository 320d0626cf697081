"""Migrations: once, by one process at a time, and never backwards."""

import subprocess
import time
from pathlib import Path

import orjson
import pytest

from gateway.errors import StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.schema import migrate
from gateway.store.store import Store
from tests.store.conftest import OpenStore, query
from tests.store.programs import arguments

ROOT = Path(__file__).parents[2]
MIGRATIONS = ["0001_first_tables", "0002_shared_knowledge"]


def test_a_second_start_finds_nothing_to_do(open_store: OpenStore, config: DatabaseConfig) -> None:
    open_store().close()

    assert migrate(config) == []


def test_two_processes_that_start_together_migrate_once(config: DatabaseConfig) -> None:
    if config.path is not None:
        config.path.parent.mkdir()
    starts = [
        subprocess.Popen(
            arguments("migrating", config),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    applied: list[str] = []
    for start in starts:
        assert start.stdout is not None
        assert start.stdout.readline() == b"ready\n"
    for start in starts:
        assert start.stdin is not None
        start.stdin.write(b"\n")
        start.stdin.flush()
    for start in starts:
        out, errors = start.communicate(timeout=30)
        assert start.returncode == 0, errors.decode()
        applied += orjson.loads(out)

    assert applied == MIGRATIONS


def test_a_database_of_a_newer_program_is_left_alone(open_store: OpenStore, config: DatabaseConfig) -> None:
    open_store().close()
    query(
        config,
        "INSERT INTO gateway_migration (name, applied) VALUES (?, ?)",
        "0999_from_the_future",
        "2030-01-01 00:00:00",
    )

    with pytest.raises(
        StoreUnavailable, match=r"newer version of the gateway \(it has 0999_from_the_future\)"
    ):
        Store.open(config)


def test_a_migration_that_was_cut_short_is_finished(config: DatabaseConfig, open_store: OpenStore) -> None:
    open_store().close()
    query(config, "DELETE FROM gateway_migration")
    query(config, "DROP TABLE error_body")
    query(config, "DROP INDEX attempt_key_id_call_id" + (" ON attempt" if config.kind == "mysql" else ""))

    assert migrate(config) == MIGRATIONS
    assert query(config, "SELECT count(*) FROM error_body") == [(0,)]
    query(config, "DROP INDEX attempt_key_id_call_id" + (" ON attempt" if config.kind == "mysql" else ""))


def test_a_start_does_not_wait_for_ever_for_another_ones_migration(config: DatabaseConfig) -> None:
    with _migrating_elsewhere(config):
        began_s = time.monotonic()
        with pytest.raises(StoreUnavailable, match="Another gateway has been migrating"):
            migrate(config, patience_s=0.2)

    assert time.monotonic() - began_s < 4.0
    assert migrate(config) == MIGRATIONS


def _migrating_elsewhere(config: DatabaseConfig) -> "_Elsewhere":
    return _Elsewhere(config)


class _Elsewhere:
    """Another start that holds the lock of migrations."""

    def __init__(self, config: DatabaseConfig) -> None:
        if config.path is not None:
            config.path.parent.mkdir()
            self._command = ["flock", f"{config.path}.lock", "-c", "echo held; read line"]
        else:
            self._command = [
                *("mariadb", "-h", config.host, "-P", str(config.port), "-u", config.user, "--skip-ssl"),
                *("--unbuffered", "-N"),
            ]
        self._lock = f"gemini_balance_gateway.migrations.{config.database}"[:64]
        self._is_mysql = config.kind == "mysql"

    def __enter__(self) -> None:
        self._holder = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._holder.stdin is not None
        assert self._holder.stdout is not None
        if self._is_mysql:
            self._holder.stdin.write(f"SELECT GET_LOCK('{self._lock}', 1);\n".encode())
        assert self._holder.stdout.readline().strip() in (b"held", b"1")

    def __exit__(self, *_: object) -> None:
        self._holder.communicate(timeout=10)
