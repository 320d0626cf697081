"""Migrations: once, by one process at a time, and never backwards."""

import subprocess
import time
from pathlib import Path

import orjson
import pytest

from gateway.errors import StoreUnavailable
from gateway.store.call_query import CallQuery
from gateway.store.config import DatabaseConfig
from gateway.store.records import TokenRow
from gateway.store.schema import migrate
from gateway.store.store import Store
from tests.store.conftest import OpenStore, query
from tests.store.programs import arguments
from tests.store.samples import call_record, key_row, until

pytestmark = pytest.mark.bare
ROOT = Path(__file__).parents[2]
ADDED = {
    "access_token": ["requests_per_minute", "tokens_per_day", "models", "expires_at_ms"],
    "api_key": ["rest_reason", "rest_until_ms", "seen_project"],
    "attempt": ["bucket_state"],
}
MIGRATIONS = [
    "0001_first_tables",
    "0002_shared_knowledge",
    "0003_control_plane",
    "0004_sessions",
    "0005_undo_and_tasks",
    "0006_object_details",
    "0007_imports",
    "0008_deleted_tokens",
    "0009_orders_of_keys",
    "0010_use_of_models",
    "0011_failures_apart",
    "0012_own_attempts",
    "0013_kept_responses",
]


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


def test_rows_of_the_old_schema_live_on(config: DatabaseConfig, open_store: OpenStore) -> None:
    """Back to the schema before the control plane, with a key, a token and a call in it, and up again."""
    store = open_store()
    store.write_sync(lambda: store.keys.add([key_row("sk-old")]))
    store.write_sync(lambda: store.tokens.add([TokenRow(secret="tok-old", alias="…")]))
    store.records.put(call_record("req-old"))
    until(lambda: store.health().written == 1)
    store.close()
    for table in ("usage_minute", "usage_hourly", "key_hourly", "key_use", "key_event", "audit"):
        query(config, f"DROP TABLE {table}")
    for column in ("status", "failure_kind", "dialect"):
        on = " ON request" if config.kind == "mysql" else ""
        query(config, f"DROP INDEX request_{column}_id{on}")
    on = " ON api_key" if config.kind == "mysql" else ""
    query(config, f"DROP INDEX api_key_enabled_dead_reason_rest_until_ms_provider{on}")
    query(config, "CREATE INDEX request_started_at_ms ON request (started_at_ms)")
    for table, columns in ADDED.items():
        for column in columns:
            query(config, f"ALTER TABLE {table} DROP COLUMN {column}")
    undone = ["0003_control_plane", "0009_orders_of_keys"]
    for name in undone:
        query(config, "DELETE FROM gateway_migration WHERE name = ?", name)

    assert migrate(config) == undone

    again = open_store()
    assert [row.secret for row in again.read_sync(again.keys.everything)] == ["sk-old"]
    (token,) = again.read_sync(again.tokens.everything)
    assert (token.secret, token.models, token.requests_per_minute) == ("tok-old", None, None)
    (call_id,) = again.read_sync(lambda: again.call_search.ids(CallQuery(status=200), 5))
    assert [each.call.request_id for each in again.read_sync(lambda: again.calls.named([call_id]))] == [
        "req-old"
    ]


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
