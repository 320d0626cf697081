"""`export`: what leaves, for whom, and that it can come back."""

import stat
import zipfile
from pathlib import Path

import orjson

from gateway.store.config import DatabaseConfig
from gateway.store.records import CallRecord
from gateway.store.store import Store
from tests.commands.conftest import Command
from tests.control.gateways import fake_key, now_ms

ADMIN, CLIENT = "sk-test-admin-of-length", "sk-client"


def filled(command: Command, folder: Path) -> None:
    given = {"AUTH_TOKEN": ADMIN, "API_KEYS": fake_key(1), "ALLOWED_TOKENS": CLIENT}
    command("migrate", CUSTOM_HEADERS='{"X-A": "b c"}', **given)
    store = Store.open(DatabaseConfig("sqlite", path=folder / "default_db"))
    for number in range(3):
        call = CallRecord(
            f"call-{number}", now_ms(), "openai", "chat", "gemini", None, 1, 500, "broken", None, False, 5
        )
        store.records.put(call)
    store.close()


def test_everything_is_written_for_its_owner_alone(command: Command, tmp_path: Path) -> None:
    filled(command, tmp_path)

    done = command("export", "out")

    assert done.out == "keys.jsonl: 1\ntokens.jsonl: 1\nsettings.env: 2\ncalls.jsonl: 3\n", done.err
    out = tmp_path / "out"
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in out.iterdir()} == {0o600}
    assert orjson.loads((out / "keys.jsonl").read_bytes())["secret"] == fake_key(1)
    assert orjson.loads((out / "tokens.jsonl").read_bytes())["secret"] == CLIENT
    calls = [orjson.loads(line) for line in (out / "calls.jsonl").read_text().splitlines()]
    assert [call["request_id"] for call in calls] == ["call-2", "call-1", "call-0"]


def test_keys_and_settings_come_back_elsewhere(command: Command, tmp_path: Path) -> None:
    filled(command, tmp_path)
    command("export", "out", "--without-calls")
    elsewhere = {"DATA_DIR": str(tmp_path / "elsewhere")}

    keys = command("keys", "import", "out/keys.jsonl", "--env-file", "out/settings.env", **elsewhere)
    seen = command("export", "again", "--env-file", "out/settings.env", **elsewhere)

    assert "1 keys were added" in keys.err
    assert not (tmp_path / "out" / "calls.jsonl").exists()
    assert "settings.env: 2" in seen.out
    first, second = (tmp_path / "out" / "settings.env"), (tmp_path / "again" / "settings.env")
    assert first.read_text() == second.read_text()
    assert f"AUTH_TOKEN={ADMIN}" in first.read_text()


def test_a_zip_holds_the_same(command: Command, tmp_path: Path) -> None:
    filled(command, tmp_path)

    command("export", "out.zip")

    assert stat.S_IMODE((tmp_path / "out.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["keys.jsonl", "tokens.jsonl", "settings.env", "calls.jsonl"]
        assert len(archive.read("calls.jsonl").splitlines()) == 3
        assert archive.testzip() is None


def test_a_place_that_cannot_be_written_is_told_in_words(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = command("export", "file/inside", AUTH_TOKEN=ADMIN)

    assert done.code == 1
    assert "cannot be written" in done.err
