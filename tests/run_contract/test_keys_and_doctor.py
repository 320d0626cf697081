"""`keys import`, `keys export` and `doctor`, as child processes, beside a gateway that runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.control.gateways import fake_key
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import eventually
from tests.integration.running import KEYS, RunningGateway
from tests.run_contract.child import environment


def run(*arguments: str, given: str = "", **settings: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command beside its data: a `.env` in the checkout is its owner's, not the test's."""
    folder = Path(settings["DATA_DIR"])
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=folder,
        env=environment(folder, settings),
        input=given.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )


def stored(data_dir: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    store = Store.open(DatabaseConfig("sqlite", path=data_dir / "default_db"))
    try:
        return [(row.secret, row.origin, row.tags) for row in store.read_sync(store.keys.everything)]
    finally:
        store.close()


def test_keys_come_in_from_standard_input_and_go_out_to_a_file(tmp_path: Path) -> None:
    text = f"keys:\n{fake_key(1)} {fake_key(2)}\n{fake_key(1)}\nAIzaSyTooShort\n"
    data = {"DATA_DIR": str(tmp_path), "AUTH_TOKEN": "sk-test-admin"}

    into = run("keys", "import", "-", "--tag", "free", given=text, **data)
    again = run("keys", "import", "-", given=text, **data)
    out = run("keys", "export", str(tmp_path / "keys.txt"), **data)
    shown = run("keys", "export", **data)

    assert into.returncode == again.returncode == out.returncode == 0, into.stderr
    assert b"2 keys were added, 0 were there already." in into.stderr
    assert b"Line 4" in into.stderr
    assert b"0 keys were added, 2 were there already." in again.stderr
    assert stored(tmp_path) == [(fake_key(1), "import", ("free",)), (fake_key(2), "import", ("free",))]
    assert (tmp_path / "keys.txt").read_text().split() == [fake_key(1), fake_key(2)]
    assert (tmp_path / "keys.txt").stat().st_mode & 0o077 == 0
    assert shown.stdout.split() == [fake_key(1).encode(), fake_key(2).encode()]
    assert fake_key(1).encode() not in into.stdout + into.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("keys", "import", "no-such-file"), b"no-such-file cannot be read"),
        (("keys", "import", "-"), b"There is no key in this text"),
        (("keys", "export", "/no/such/folder/keys"), b"cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    tmp_path: Path, arguments: tuple[str, ...], words: bytes
) -> None:
    failed = run(*arguments, DATA_DIR=str(tmp_path), AUTH_TOKEN="sk-test-admin")

    assert failed.returncode == 1
    assert words in failed.stderr
    assert b"Traceback" not in failed.stderr


def test_a_gateway_that_runs_lends_imported_keys_soon(tmp_path: Path, fake_upstream: FakeUpstream) -> None:
    with RunningGateway(tmp_path, fake_upstream.url, {}) as gateway:
        run("keys", "import", "-", given=fake_key(1), DATA_DIR=str(tmp_path))

        assert eventually(
            lambda: gateway.on_loop(lambda services: len(services.pool.key_ids())) == len(KEYS) + 1
        )


def test_the_doctor_finds_nothing_wrong_with_a_gateway_that_works(
    tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    with RunningGateway(tmp_path, fake_upstream.url, {}):
        found = run("doctor", DATA_DIR=str(tmp_path), BASE_URL=fake_upstream.url)

    assert found.returncode == 0, found.stdout
    assert b"Nothing is wrong." in found.stdout
    assert b"3 ready" in found.stdout
    assert fake_upstream.url.encode() in found.stdout


def test_the_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"this is no database at all, whatever its name says" * 10)

    found = run(
        "doctor",
        DATA_DIR=str(tmp_path),
        SQLITE_DATABASE="broken",
        BASE_URL="http://127.0.0.1:9/v1beta",
        PROXIES="http://user:secret@127.0.0.1:9",
    )

    assert found.returncode == 1
    assert b"is not a SQLite database" in found.stdout
    assert b"cannot be reached through http://***@127.0.0.1:9" in found.stdout
    assert b"secret" not in found.stdout


def test_the_doctor_of_a_first_start_tells_what_will_happen(
    tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    found = run("doctor", DATA_DIR=str(tmp_path), BASE_URL=fake_upstream.url, API_KEYS=fake_key(1))

    assert found.returncode == 0, found.stdout
    assert b"the first start will fill it" in found.stdout
    assert b"API_KEYS names 1 keys" in found.stdout
    assert not (tmp_path / "default_db").exists()
