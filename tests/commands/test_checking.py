"""`keys check`: what the upstream says of keys, and what follows."""

from pathlib import Path

import orjson

from gateway.simulator import error_bodies
from gateway.store.config import DatabaseConfig
from gateway.store.records import KeyRow
from gateway.store.store import Store
from tests.commands.conftest import Command
from tests.control.gateways import fake_key
from tests.fakes.upstream import FakeUpstream

ADMIN = "sk-test-admin-of-length"


def rows(folder: Path) -> list[KeyRow]:
    store = Store.open(DatabaseConfig("sqlite", path=folder / "default_db"))
    try:
        return store.read_sync(store.keys.everything)
    finally:
        store.close()


def settings(upstream: FakeUpstream) -> dict[str, str]:
    keys = ",".join(fake_key(number) for number in range(3))
    return {"AUTH_TOKEN": ADMIN, "API_KEYS": keys, "BASE_URL": upstream.url}


def test_keys_are_told_by_what_came_out_and_the_refused_are_remembered(
    command: Command, tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(error_bodies.api_key_invalid(), key=fake_key(1))

    checked = command("keys", "check", **settings(fake_upstream))

    assert checked.code == 1
    assert checked.out.startswith("ok: 2\nkey_invalid: 1\n  AIza…")
    assert all(fake_key(number) not in checked.out + checked.err for number in range(3))
    assert [row.dead_reason for row in rows(tmp_path)] == [None, "key_invalid", None]
    assert all(row.enabled for row in rows(tmp_path))


def test_refused_keys_can_be_disabled_at_once(
    command: Command, tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(error_bodies.api_key_invalid(), key=fake_key(1))
    fake_upstream.error(error_bodies.overloaded(), key=fake_key(2))

    checked = command("keys", "check", "--disable-refused", **settings(fake_upstream))

    assert "1 keys were disabled." in checked.out
    assert [row.enabled for row in rows(tmp_path)] == [True, False, True]


def test_programs_are_told_in_json_and_by_the_exit_code(
    command: Command, fake_upstream: FakeUpstream
) -> None:
    checked = command("keys", "check", "--generate", "--json", **settings(fake_upstream))

    assert checked.code == 0
    assert len(orjson.loads(checked.out)["ok"]) == 3
    assert {seen.verb for seen in fake_upstream.requests} == {"generateContent"}


def test_only_the_keys_asked_for_are_checked(command: Command, fake_upstream: FakeUpstream) -> None:
    checked = command("keys", "check", "--state", "dead", **settings(fake_upstream))

    assert (checked.code, checked.out) == (0, "There is no such key.\n")
    assert fake_upstream.requests == []
