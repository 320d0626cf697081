"""Environment and database at start: the last change wins, on a real store."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.building import Opened, open_store
from gateway.control.configuration import configure
from gateway.settings.resolution import Origin
from gateway.settings.sources import Sources, read_sources
from gateway.store.records import KeyRow, SettingValue

ALICE, BOB = "sk-token-of-alice", "sk-token-of-bob"
KEY_ONE, KEY_TWO = "key-one-of-any-shape-0001", "key-two-of-any-shape-0002"


def sources(folder: Path, **environment: str) -> Sources:
    return read_sources({"DATA_DIR": str(folder), **environment})


@contextmanager
def start(folder: Path, **environment: str) -> Iterator[Opened]:
    """Open the store and merge the environment into it, as each start does."""
    opened = open_store(sources(folder, **environment))
    try:
        yield opened
    finally:
        opened.store.close()


def keys_of(opened: Opened) -> list[KeyRow]:
    store = opened.store
    return store.read_sync(store.keys.everything)


def secrets_of(opened: Opened) -> list[str]:
    return [row.secret for row in keys_of(opened)]


def tokens_of(opened: Opened) -> list[str]:
    store = opened.store
    return [row.secret for row in store.read_sync(store.tokens.everything)]


def edit(opened: Opened, name: str, json_value: str) -> None:
    """Change a setting as the admin page does: the environment's fingerprint stays."""
    store = opened.store

    def change() -> None:
        known = store.settings.all().get(name)
        fingerprint = known.fingerprint if known else None
        store.settings.put([SettingValue(name, json_value, fingerprint, Origin.ADMIN.value)])

    store.write_sync(change)


def test_the_first_start_fills_the_database_from_the_environment(tmp_path: Path) -> None:
    environment = {"API_KEYS": f"{KEY_ONE},{KEY_TWO}", "ALLOWED_TOKENS": f"{ALICE},{BOB}", "MAX_RETRIES": "7"}
    with start(tmp_path, **environment) as opened:
        assert opened.configuration.settings.max_retries == 7
        assert opened.configuration.origins["MAX_RETRIES"] is Origin.ENVIRONMENT
        assert secrets_of(opened) == [KEY_ONE, KEY_TWO]
        assert tokens_of(opened) == [ALICE, BOB]

    with start(tmp_path) as opened:  # a new machine with only the database
        assert opened.configuration.settings.max_retries == 7
        assert secrets_of(opened) == [KEY_ONE, KEY_TWO]
        assert tokens_of(opened) == [ALICE, BOB]


def test_aliases_do_not_show_the_secret(tmp_path: Path) -> None:
    with start(tmp_path, API_KEYS=KEY_ONE) as opened:
        (row,) = keys_of(opened)

    assert row.alias
    assert len(row.alias) < 12
    assert row.origin == "environment"


def test_an_admin_token_is_made_up_once_and_kept(tmp_path: Path) -> None:
    with start(tmp_path) as opened:
        made_up = opened.configuration.new_admin_token
        assert made_up is not None
        assert len(made_up) > 30
        assert opened.configuration.settings.auth_token == made_up
    with start(tmp_path) as opened:
        assert opened.configuration.new_admin_token is None
        assert opened.configuration.settings.auth_token == made_up


def test_two_new_databases_get_different_admin_tokens(tmp_path: Path) -> None:
    with start(tmp_path / "a") as one, start(tmp_path / "b") as other:
        assert one.configuration.new_admin_token != other.configuration.new_admin_token


def test_the_first_client_token_is_the_admin_s_when_none_is_set(tmp_path: Path) -> None:
    with start(tmp_path, ALLOWED_TOKENS=f"{ALICE},{BOB}") as opened:
        assert opened.configuration.new_admin_token is None
        assert opened.configuration.settings.auth_token == ALICE
    with start(tmp_path, ALLOWED_TOKENS=f"{BOB},{ALICE}") as opened:
        assert opened.configuration.settings.auth_token == BOB


def test_a_new_value_in_the_environment_wins(tmp_path: Path) -> None:
    with start(tmp_path, AUTH_TOKEN="sk-first-admin") as opened:
        edit(opened, "AUTH_TOKEN", '"sk-set-in-the-page"')
    with start(tmp_path, AUTH_TOKEN="sk-second-admin") as opened:
        assert opened.configuration.settings.auth_token == "sk-second-admin"


def test_what_the_environment_changes_is_in_the_audit_without_secrets(tmp_path: Path) -> None:
    def told(opened: Opened) -> list[tuple[str, str, str]]:
        entries = opened.store.read_sync(lambda: opened.store.audit.latest(9, about="setting"))
        return [(entry.actor, entry.subject, entry.detail) for entry in entries]

    with start(tmp_path, MAX_RETRIES="4", AUTH_TOKEN="sk-the-first") as opened:
        configure(opened.store, sources(tmp_path, MAX_RETRIES="4", AUTH_TOKEN="sk-the-first"))
        assert told(opened) == [], "the first start changes nothing"
    changed = sources(tmp_path, MAX_RETRIES="5", AUTH_TOKEN="sk-the-second", TIME_OUT="77")
    with start(tmp_path) as opened:
        configure(opened.store, changed)
        configure(opened.store, changed)

        assert sorted(told(opened)) == [
            ("environment", "setting AUTH_TOKEN", '{"from":"•••","to":"•••"}'),
            ("environment", "setting MAX_RETRIES", '{"from":"4","to":"5"}'),
            ("environment", "setting TIME_OUT", '{"from":"300","to":"77"}'),
        ]


def test_an_edit_wins_over_an_environment_that_did_not_change(tmp_path: Path) -> None:
    with start(tmp_path, MAX_RETRIES="7") as opened:
        edit(opened, "MAX_RETRIES", "9")
    for environment in ({"MAX_RETRIES": "7"}, {}, {"MAX_RETRIES": "[7]"}):
        with start(tmp_path, **environment) as opened:
            assert opened.configuration.settings.max_retries == 9
            assert opened.configuration.origins["MAX_RETRIES"] is Origin.ADMIN


def test_a_value_taken_out_of_the_environment_stays(tmp_path: Path) -> None:
    with start(tmp_path, MAX_RETRIES="7", AUTH_TOKEN="sk-first-admin"):
        pass
    with start(tmp_path) as opened:
        assert opened.configuration.settings.max_retries == 7
        assert opened.configuration.settings.auth_token == "sk-first-admin"


def test_a_key_taken_out_of_the_list_goes_and_the_admin_s_keys_stay(tmp_path: Path) -> None:
    with start(tmp_path, API_KEYS=f"{KEY_ONE},{KEY_TWO}") as opened:
        store = opened.store
        store.write_sync(lambda: store.keys.add([KeyRow("key-of-the-admin", "k…n", origin="admin")]))
    with start(tmp_path, API_KEYS=KEY_TWO) as opened:
        assert secrets_of(opened) == [KEY_TWO, "key-of-the-admin"]


def test_a_key_removed_by_the_admin_does_not_come_back_from_the_same_list(tmp_path: Path) -> None:
    with start(tmp_path, API_KEYS=f"{KEY_ONE},{KEY_TWO}") as opened:
        store = opened.store
        hashes = dict(zip(secrets_of(opened), store.read_sync(store.keys.origins), strict=True))
        store.write_sync(lambda: store.keys.remove([hashes[KEY_ONE][0]]))
    with start(tmp_path, API_KEYS=f"{KEY_TWO},{KEY_ONE}") as opened:  # only its order is new
        assert secrets_of(opened) == [KEY_TWO]


def test_what_is_known_of_a_key_survives_a_change_of_the_list(tmp_path: Path) -> None:
    with start(tmp_path, API_KEYS=KEY_ONE) as opened:
        store, (row,) = opened.store, keys_of(opened)
        store.write_sync(
            lambda: store.keys.change([row.id], dead_reason="key_leaked", dead_since_ms=1, enabled=False)
        )
    with start(tmp_path, API_KEYS=f"{KEY_ONE},{KEY_TWO}") as opened:
        first, second = keys_of(opened)

    assert (first.secret, first.dead_reason, first.enabled) == (KEY_ONE, "key_leaked", False)
    assert (second.secret, second.dead_reason, second.enabled) == (KEY_TWO, None, True)


def test_an_empty_list_takes_the_environment_s_tokens_away(tmp_path: Path) -> None:
    with start(tmp_path, ALLOWED_TOKENS=f"{ALICE},{BOB}", AUTH_TOKEN="sk-first-admin"):
        pass
    with start(tmp_path, ALLOWED_TOKENS="[]") as opened:
        assert tokens_of(opened) == []


def test_replicas_that_start_together_agree_on_one_admin_token(tmp_path: Path) -> None:
    begin = threading.Barrier(3)
    made_up: list[str | None] = []
    used: list[str] = []

    def replica() -> None:
        begin.wait(10)
        with start(tmp_path, API_KEYS=KEY_ONE) as opened:
            made_up.append(opened.configuration.new_admin_token)
            used.append(opened.configuration.settings.auth_token)
            assert secrets_of(opened) == [KEY_ONE]

    threads = [threading.Thread(target=replica) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(used) == 3
    assert len(set(used)) == 1
    assert [token for token in made_up if token is not None] == [used[0]]


def test_the_made_up_token_may_be_chosen_by_the_caller(tmp_path: Path) -> None:
    with start(tmp_path, AUTH_TOKEN="sk-first-admin") as opened:
        store = opened.store
        store.write_sync(
            lambda: store.settings.put([SettingValue("AUTH_TOKEN", '""', None, Origin.ADMIN.value)])
        )
        again = configure(store, sources(tmp_path), new_token=lambda: "sk-chosen-here")

    assert again.new_admin_token == "sk-chosen-here"
    assert again.settings.auth_token == "sk-chosen-here"


@pytest.mark.parametrize("value", ["not json", '"many"', "-1"])
def test_a_stored_value_that_cannot_be_used_is_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    with start(tmp_path, AUTH_TOKEN="sk-first-admin") as opened:
        edit(opened, "MAX_RETRIES", value)
    with start(tmp_path) as opened:
        assert opened.configuration.settings.max_retries == 3

    assert "MAX_RETRIES in the database" in caplog.text


def test_rows_of_a_newer_version_do_not_stop_an_older_one(tmp_path: Path) -> None:
    with start(tmp_path, AUTH_TOKEN="sk-first-admin", MAX_RETRIES="7") as opened:
        store = opened.store
        rows = [
            SettingValue("MAX_RETRIES", "8", None, "synchronised"),
            SettingValue("OF_TOMORROW", "1", None, "synchronised"),
        ]
        store.write_sync(lambda: store.settings.put(rows))
    with start(tmp_path) as opened:
        assert opened.configuration.settings.max_retries == 8


def test_changes_are_told_without_their_secrets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with start(tmp_path, AUTH_TOKEN="sk-first-admin", MAX_RETRIES="7", API_KEYS=KEY_ONE):
        pass
    with start(tmp_path, AUTH_TOKEN="sk-second-admin", MAX_RETRIES="8", API_KEYS=KEY_TWO):
        pass

    assert "MAX_RETRIES changed from 7 to 8" in caplog.text
    assert "AUTH_TOKEN changed" in caplog.text
    for secret in ("sk-first-admin", "sk-second-admin", KEY_ONE, KEY_TWO):
        assert secret not in caplog.text
