"""A gateway started on gemini-balance's database, or told where that is: what comes, what stays, and once.

MySQL makes tables slowly: what does not depend on the database is shown on SQLite alone.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import orjson
import pytest

from gateway.control.configuration import Configuration, configure
from gateway.control.moving_in import find, take_in
from gateway.control.old_logs import OldLogs, Taken
from gateway.control.old_settings import read_old
from gateway.control.results import Actor
from gateway.settings.model import LiveSettings
from gateway.settings.sources import read_sources
from gateway.store.call_ids import ended_at_ms
from gateway.store.config import DatabaseConfig
from gateway.store.foreign import open_foreign
from gateway.store.gemini_balance import OldSetting
from gateway.store.records import SettingValue
from gateway.store.store import Store
from tests.control.gateways import fake_key
from tests.store.conftest import OpenStore, query
from tests.store.old_gateway import OldDatabase

ME = Actor("test")
NO_SETTINGS: Mapping[str, object] = MappingProxyType({})
ADMIN, ALICE, BOB = "sk-old-administrator", "sk-old-alice", "sk-old-bob"
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(UTC).replace(microsecond=0)


ON_BOTH = pytest.mark.parametrize("config", ["sqlite", "mysql"], indirect=True)


@pytest.fixture
def config(request: pytest.FixtureRequest) -> DatabaseConfig:
    """SQLite, unless a test says otherwise."""
    found: DatabaseConfig = request.getfixturevalue(getattr(request, "param", "sqlite"))
    return found


@pytest.fixture
def old(config: DatabaseConfig) -> OldDatabase:
    """The old tables where the gateway's own will be."""
    made = OldDatabase(config)
    made.set(API_KEYS=[fake_key(1), fake_key(2)], ALLOWED_TOKENS=[ALICE, BOB], AUTH_TOKEN=ADMIN)
    return made


def start(store: Store, **environment: str) -> Configuration:
    return configure(store, read_sources(environment))


def keys_of(store: Store) -> list[tuple[str, str, str]]:
    return [(row.secret, row.provider, row.origin) for row in store.read_sync(store.keys.everything)]


def tokens_of(store: Store) -> list[str]:
    return [row.secret for row in store.read_sync(store.tokens.everything)]


# The first start


@ON_BOTH
def test_a_first_start_takes_keys_tokens_and_the_administrator_over(
    old: OldDatabase, open_store: OpenStore
) -> None:
    before = old.everything()

    store = open_store()
    started = start(store)

    assert keys_of(store) == [(fake_key(1), "gemini", "import"), (fake_key(2), "gemini", "import")]
    assert tokens_of(store) == [ALICE, BOB]
    assert started.settings.auth_token == ADMIN
    assert started.new_admin_token is None
    assert old.everything() == before


def test_the_second_start_takes_nothing_over_again(old: OldDatabase, open_store: OpenStore) -> None:
    store = open_store()
    start(store)
    store.write_sync(lambda: store.keys.remove_named([row.id for row in store.keys.everything()]))

    again = start(store)

    assert again.moved is None
    assert keys_of(store) == []


def test_without_an_administrators_token_the_first_allowed_one_is_it(
    config: DatabaseConfig, open_store: OpenStore
) -> None:
    OldDatabase(config).set(ALLOWED_TOKENS=[ALICE, BOB], AUTH_TOKEN="")

    assert start(open_store()).settings.auth_token == ALICE


def test_a_list_in_the_environment_is_merged_with_the_old_keys(
    old: OldDatabase, open_store: OpenStore
) -> None:
    store = open_store()

    start(store, API_KEYS=f"{fake_key(2)},{fake_key(3)}")
    start(store, API_KEYS=fake_key(2))

    assert [secret for secret, _, _ in keys_of(store)] == [fake_key(1), fake_key(2)]


def test_a_changed_environment_wins_over_what_the_old_start_stored(
    old: OldDatabase, open_store: OpenStore
) -> None:
    old.set(MAX_RETRIES="5")

    started = start(open_store(), AUTH_TOKEN="sk-new-administrator", MAX_RETRIES="7")

    assert started.settings.auth_token == "sk-new-administrator"
    assert started.settings.max_retries == 7


def test_what_was_saved_in_the_old_admin_holds_until_the_environment_changes(
    config: DatabaseConfig, open_store: OpenStore
) -> None:
    OldDatabase(config).set(edited=True, AUTH_TOKEN=ADMIN, MAX_RETRIES="3")
    store = open_store()

    first = start(store, AUTH_TOKEN="sk-123456", MAX_RETRIES="7")
    second = start(store, AUTH_TOKEN="sk-123456", MAX_RETRIES="7")
    third = start(store, AUTH_TOKEN="sk-changed-now", MAX_RETRIES="8")

    assert (first.settings.auth_token, first.settings.max_retries) == (ADMIN, 3)
    assert (second.settings.auth_token, second.settings.max_retries) == (ADMIN, 3)
    assert (third.settings.auth_token, third.settings.max_retries) == ("sk-changed-now", 8)


def test_tables_of_another_shape_do_not_keep_the_gateway_from_starting(
    config: DatabaseConfig, open_store: OpenStore
) -> None:
    old = OldDatabase(config)
    old.run("DROP TABLE t_settings")
    old.run("CREATE TABLE t_settings (name VARCHAR(10), `value` VARCHAR(10))")

    assert start(open_store(), AUTH_TOKEN=ADMIN).moved is None


def test_a_file_that_google_still_has_stays_bound_to_its_key(old: OldDatabase, open_store: OpenStore) -> None:
    naive = NOW.replace(tzinfo=None)
    old.add_file("files/lives", fake_key(2), BOB, expires=naive + timedelta(hours=20))
    old.add_file("files/expired", fake_key(2), BOB, expires=naive - timedelta(hours=1))
    old.add_file("files/nobodys", "a-key-that-is-gone", BOB, expires=naive + timedelta(hours=20))
    store = open_store()

    start(store)

    found = store.read_sync(lambda: store.objects.find(["files/lives", "files/expired", "files/nobodys"]))
    keys = {row.id: row.secret for row in store.read_sync(store.keys.everything)}
    tokens = {row.id: row.secret for row in store.read_sync(store.tokens.everything)}
    assert [(each.name, keys[each.key_id], tokens[each.token_id or 0]) for each in found] == [
        ("files/lives", fake_key(2), BOB)
    ]


def test_a_text_that_is_not_utf_8_does_not_stop_the_rest(sqlite: DatabaseConfig) -> None:
    old = OldDatabase(sqlite)
    old.run("INSERT INTO t_settings (`key`, `value`) VALUES ('TEST_MODEL', CAST(x'ff67656d' AS TEXT))")
    old.set(API_KEYS=[fake_key(1)], AUTH_TOKEN=ADMIN)
    store = Store.open(sqlite)
    try:
        start(store)
        assert [secret for secret, _, _ in keys_of(store)] == [fake_key(1)]
    finally:
        store.close()


# Settings, one by one


def read_one(name: str, text: str) -> object:
    return read_old([OldSetting(name, text)]).settings.get(name)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("MAX_FAILURES", "10", 10),
        ("MAX_FAILURES", " 10.0 ", 10),
        ("PROXIES", '["socks5://127.0.0.1:1080"]', ("socks5://127.0.0.1:1080",)),
        ("THINKING_BUDGET_MAP", '{"gemini-2.5-flash": -1.0}', {"gemini-2.5-flash": -1}),
        ("FAKE_STREAM_ENABLED", "True", True),
        ("SHOW_SEARCH_LINK", "false", False),
        ("CUSTOM_HEADERS", '{"X-From": "here"}', {"X-From": "here"}),
        ("TIME_OUT", "100000", 86_400),
        ("LOG_LEVEL", "warning", "WARNING"),
    ],
)
def test_a_setting_means_here_what_it_meant_there(name: str, text: str, value: object) -> None:
    assert read_one(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("MAX_FAILURES", "abc", "must be a whole number of failures from 1 to 1000"),
        ("TIME_OUT", "100000", "was 100000, which is out of bounds; 86400 was taken"),
        ("GITHUB_REPO_OWNER", "snailyp", "there is no such setting here"),
        ("MYSQL_PASSWORD", "a-password-of-old", "counts at start: it is set in the environment"),
        ("TEST_MODEL", "gemini-2.5-flash-lite", "was gemini-balance's own default; the gateway's holds"),
        ("API_KEYS", '["请输入 API 密钥", "key-1"]', "1 of its 2 values cannot be a key"),
        ("ALLOWED_TOKENS", '["sk-\\u0000", "sk-b"]', "1 of its 2 values is no token"),
    ],
)
def test_what_is_left_is_said_with_its_reason_and_without_secrets(name: str, text: str, why: str) -> None:
    (left,) = read_old([OldSetting(name, text)]).left

    assert left.name == name
    assert left.why == why


def test_a_row_whose_name_is_none_is_left_without_repeating_it() -> None:
    (left,) = read_old([OldSetting(f"\x1b[2J{fake_key(1)}", "x")]).left

    assert (left.name, left.why) == ("a row", "has a name that no setting can have")


@pytest.mark.parametrize("text", ["", "null", "None", "  "])
def test_an_empty_value_is_none_and_nothing_to_tell(text: str) -> None:
    old = read_old([OldSetting("MAX_FAILURES", text), OldSetting("ALLOWED_TOKENS", text)])

    assert (dict(old.settings), old.tokens, old.left) == ({}, (), ())


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('["key-1", "key-2", "key-1"]', ("key-1", "key-2")),
        ("key-1,key-2", ("key-1", "key-2")),
        ("('key-1', 'key-2')", ("key-1", "key-2")),
        ("key-1", ("key-1",)),
        ("[]", ()),
        ("[1, 2]", ("1", "2")),
        ('{"key-1": 1}', ()),
    ],
)
def test_keys_are_read_in_every_way_they_were_written(text: str, keys: tuple[str, ...]) -> None:
    assert read_old([OldSetting("api_keys", text)]).keys["gemini"] == keys


# On request, from anywhere


def test_taking_in_again_brings_only_what_is_new(old: OldDatabase, open_store: OpenStore) -> None:
    store = open_store()
    start(store)
    old.run(
        "UPDATE t_settings SET `value` = ? WHERE `key` = 'API_KEYS'",
        (orjson.dumps([fake_key(2), fake_key(9)]).decode(),),
    )

    found = store.read_sync(lambda: find(store.gemini_balance))
    moved = store.write_sync(lambda: take_in(store, found, ME))

    assert (moved.keys["gemini"].new, moved.keys["gemini"].known) == (1, 1)
    assert (moved.tokens.new, moved.tokens.known) == (0, 2)
    assert [secret for secret, _, _ in keys_of(store)] == [fake_key(1), fake_key(2), fake_key(9)]
    assert len(moved.key_ids) == 1


def test_what_was_set_here_stays_and_the_old_administrators_clients_go_on(
    old: OldDatabase, open_store: OpenStore, tmp_path: Path
) -> None:
    old.set(MAX_RETRIES="5", TTS_SPEED="slow")
    here = open_store(config=DatabaseConfig("sqlite", path=tmp_path / "here.db"))
    start(here, AUTH_TOKEN="sk-new-administrator")
    here.write_sync(lambda: here.settings.put([SettingValue("MAX_RETRIES", "9", None, "admin")]))
    there = open_store()

    found = there.read_sync(lambda: find(there.gemini_balance))
    moved = here.write_sync(lambda: take_in(here, found, ME))

    assert moved.settings == ("TTS_SPEED",)
    assert {left.name for left in moved.left} == {"AUTH_TOKEN", "MAX_RETRIES"}
    assert tokens_of(here) == [ALICE, BOB, ADMIN]
    assert start(here).settings.auth_token == "sk-new-administrator"


# Logs


def local(at: datetime) -> datetime:
    """As the old program in Shanghai wrote it."""
    return at.astimezone(SHANGHAI).replace(tzinfo=None)


async def take_logs(store: Store, **options: object) -> Taken:
    logs = OldLogs(
        store,
        store.read,
        store.gemini_balance,
        settings=LiveSettings(),
        zone=SHANGHAI,
        **options,  # type: ignore[arg-type]
    )
    await logs.look()
    taken = Taken()
    while (step := await logs.step()) is not None:
        taken = taken.plus(step)
    return taken


def sums(store: Store, config: DatabaseConfig) -> int:
    ((calls,),) = query(config, "SELECT SUM(calls) FROM usage_hourly")
    return int(calls or 0)


async def test_requests_become_calls_once_and_in_the_right_time_zone(
    old: OldDatabase, open_store: OpenStore, config: DatabaseConfig
) -> None:
    an_hour_ago = NOW - timedelta(hours=1)
    old.add_requests(
        (local(an_hour_ago), "gemini-2.5-pro", fake_key(1), True, 200, 1200),
        (local(an_hour_ago), "gemini-2.5-pro", fake_key(2), False, 429, 300),
        (local(an_hour_ago), "gemini-2.5-flash", "a-key-that-is-gone-by-now", False, None, None),
    )
    store = open_store()
    start(store)

    first = await take_logs(store)
    second = await take_logs(store)

    calls = [stored.call for stored in store.read_sync(lambda: store.calls.latest(10))]
    ids = {row.secret: row.id for row in store.read_sync(store.keys.everything)}
    assert (first, second) == (Taken(rows=3), Taken())
    assert sorted((call.model, call.outcome, call.status, call.key_id or 0) for call in calls) == [
        ("gemini-2.5-flash", "upstream_error", 0, 0),
        ("gemini-2.5-pro", "rate_limited", 429, ids[fake_key(2)]),
        ("gemini-2.5-pro", "success", 200, ids[fake_key(1)]),
    ]
    assert {call.started_at_ms for call in calls} == {int(an_hour_ago.timestamp() * 1000)}
    assert {call.attempts[0].key_alias for call in calls} >= {f"{fake_key(1)[:4]}…{fake_key(1)[-4:]}"}
    assert sums(store, config) == 3


@ON_BOTH
async def test_an_import_goes_on_behind_what_came_and_survives_pruning(
    old: OldDatabase, open_store: OpenStore, config: DatabaseConfig
) -> None:
    row = (local(NOW - timedelta(hours=1)), "gemini-2.5-pro", fake_key(1), True, 200, 1200)
    old.add_requests(*[row] * 1200)
    store = open_store()
    start(store)

    assert (await take_logs(store)).rows == 1200
    store.write_sync(
        lambda: store.call_search.remove(store.call_search.oldest(int(NOW.timestamp() * 1000), 1000))
    )
    old.add_requests(row, row)

    assert (await take_logs(store)).rows == 2
    assert store.read_sync(store.calls.count) == 202
    assert sums(store, config) == 1202


async def test_calls_too_old_for_the_log_are_in_the_sums_alone(
    old: OldDatabase, open_store: OpenStore, config: DatabaseConfig
) -> None:
    for days in (500, 200, 40, 2):
        old.add_requests((local(NOW - timedelta(days=days)), "gemini-2.5-pro", fake_key(1), True, 200, 9))
    store = open_store()
    start(store)

    assert (await take_logs(store)).rows == 3
    assert store.read_sync(store.calls.count) == 1
    assert sums(store, config) == 3
    assert query(config, "SELECT COUNT(*) FROM usage_minute") == [(1,)]


async def test_rows_whose_time_cannot_be_are_left_and_counted(
    old: OldDatabase, open_store: OpenStore
) -> None:
    tomorrow = local(NOW + timedelta(days=1))
    old.add_requests((tomorrow, "gemini-2.5-pro", fake_key(1), True, 200, 9))
    old.run("INSERT INTO t_request_log (request_time, is_success) VALUES (NULL, 1)")
    store = open_store()
    start(store)

    assert await take_logs(store) == Taken(rows=2, left=2)


@ON_BOTH
async def test_errors_go_to_the_call_they_are_of_and_the_others_are_calls(
    old: OldDatabase, open_store: OpenStore
) -> None:
    at = local(NOW - timedelta(hours=2))
    old.add_requests(
        (at - timedelta(seconds=30), "gemini-2.5-pro", fake_key(1), False, 503, 100),
        (at, "gemini-2.5-pro", fake_key(1), False, 429, 1200),
    )
    quota = f'API call failed with status code 429, {{"error": {{"message": "quota of key={fake_key(1)}"}}}}'
    old.add_error(at, fake_key(1), "gemini-2.5-pro", "gemini-chat-stream", code=429, text=quota)
    invalid = 'API call failed, {"error": {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}}'
    old.add_error(at, fake_key(2), "gemini-2.5-flash", "openai-chat-non-stream", code=400, text=invalid)
    store = open_store()
    start(store)

    await take_logs(store)

    stored = store.read_sync(lambda: store.calls.latest(10))
    found = {
        (each.call.status, each.call.model): each.call
        for each in store.read_sync(lambda: store.calls.named([each.id for each in stored], bodies=True))
    }
    assert len(found) == len(stored) == 3
    limited, overloaded = found[429, "gemini-2.5-pro"], found[503, "gemini-2.5-pro"]
    assert b"quota of" in (limited.error_body or b"")
    assert fake_key(1).encode() not in (limited.error_body or b"")
    assert b'"hi"' in (limited.request_body or b"")
    assert overloaded.error_body is None
    alone = found[400, "gemini-2.5-flash"]
    assert (alone.dialect, alone.operation, alone.failure_kind, alone.stream) == (
        "openai",
        "chat",
        "key_invalid",
        False,
    )


async def test_rows_with_wrong_types_are_read_as_far_as_they_can_be(sqlite: DatabaseConfig) -> None:
    old = OldDatabase(sqlite)
    old.set(API_KEYS=[fake_key(1)], AUTH_TOKEN=ADMIN)
    old.run(
        "INSERT INTO t_request_log (request_time, model_name, api_key, is_success, status_code, latency_ms) "
        "VALUES (?, CAST(x'ff6d' AS TEXT), 12, 'true', 'many', 1e99)",
        (local(NOW - timedelta(hours=1)),),
    )
    store = Store.open(sqlite)
    try:
        start(store)
        await take_logs(store)
        (stored,) = store.read_sync(lambda: store.calls.latest(10))
        assert (stored.call.model, stored.call.status, stored.call.outcome) == ("\ufffdm", 200, "success")
        assert ended_at_ms(stored.id) <= int(datetime.now(UTC).timestamp() * 1000)
    finally:
        store.close()


async def test_logs_of_a_copied_file_are_those_of_its_original(
    sqlite: DatabaseConfig, tmp_path: Path
) -> None:
    old = OldDatabase(sqlite)
    old.set(API_KEYS=[fake_key(1)], AUTH_TOKEN=ADMIN)
    old.add_requests((local(NOW - timedelta(hours=1)), "gemini-2.5-pro", fake_key(1), True, 200, 9))
    assert sqlite.path is not None
    copy = tmp_path / "copied, with a ? in its name.db"
    copy.write_bytes(sqlite.path.read_bytes())
    store = Store.open(sqlite)
    try:
        start(store)
        await take_logs(store)
        with open_foreign(DatabaseConfig("sqlite", path=copy)) as foreign:
            logs = OldLogs(
                store, foreign.read, foreign.gemini_balance, settings=LiveSettings(), zone=SHANGHAI
            )
            assert await logs.look() == 0
            assert await logs.step() is None
    finally:
        store.close()
