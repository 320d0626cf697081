"""`migrate`, `backup`, `restore` and `rekey`, on files as they are found."""

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from gateway.store.config import DatabaseConfig
from gateway.store.records import BoundObject, KeptResponse, ResponseLink
from gateway.store.secrets import Cipher
from gateway.store.store import Store
from tests.commands.conftest import Command
from tests.control.gateways import fake_key

ADMIN = "sk-test-admin"


def filled(command: Command, **settings: str) -> None:
    ended = command("migrate", AUTH_TOKEN=ADMIN, API_KEYS=f"{fake_key(1)},{fake_key(2)}", **settings)
    assert ended.code == 0, ended.err


def secrets_in(path: Path, *keys: str) -> list[str]:
    store = Store.open(DatabaseConfig("sqlite", path=path), cipher=Cipher(keys))
    try:
        return [row.secret for row in store.read_sync(store.keys.everything)]
    finally:
        store.close()


def stored_in(path: Path, table: str = "api_key", column: str = "secret") -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [value for (value,) in database.execute(f"SELECT {column} FROM {table}")]


# Backups


def test_a_backup_is_made_while_the_database_is_in_use_and_put_back(command: Command, tmp_path: Path) -> None:
    filled(command)
    path, copy = tmp_path / "default_db", tmp_path / "copy"
    serving = Store.open(DatabaseConfig("sqlite", path=path))
    try:
        made = command("backup", str(copy))
        serving.write_sync(lambda: serving.keys.remove_named([1]))
        refused = command("restore", str(copy))
    finally:
        serving.close()
    restored = command("restore", str(copy))

    assert made.code == 0, made.err
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("copy-*"))
    assert refused.code == 1
    assert "is in use. Stop every gateway that runs on it" in refused.err
    assert restored.code == 0, restored.err
    assert secrets_in(path) == [fake_key(1), fake_key(2)]
    assert secrets_in(tmp_path / "default_db.before-restore") == [fake_key(2)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_backup_in_a_folder_gets_a_name_with_the_time(command: Command, tmp_path: Path) -> None:
    filled(command)
    (tmp_path / "backups").mkdir()

    command("backup", "backups")

    (made,) = (tmp_path / "backups").iterdir()
    assert made.name.startswith("default_db-2")
    assert secrets_in(made) == [fake_key(1), fake_key(2)]


def test_a_backup_becomes_the_database_where_there_is_none(command: Command, tmp_path: Path) -> None:
    filled(command)
    command("backup", "copy")

    restored = command("restore", "copy", DATA_DIR=str(tmp_path / "elsewhere"))

    assert restored.code == 0, restored.err
    assert secrets_in(tmp_path / "elsewhere" / "default_db") == [fake_key(1), fake_key(2)]


def test_a_backup_of_a_newer_version_is_refused(command: Command, tmp_path: Path) -> None:
    filled(command)
    command("backup", "copy")
    with contextlib.closing(sqlite3.connect(tmp_path / "copy")) as database:
        database.execute(
            "INSERT INTO gateway_migration SELECT 99, '9999_later', applied FROM gateway_migration LIMIT 1"
        )
        database.commit()

    refused = command("restore", "copy")

    assert refused.code == 1
    assert "written by a newer version of the gateway (it has 9999_later)" in refused.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no database at all" * 100, "cannot be read as a database"),
        (b"", "is not a database of this gateway"),
    ],
)
def test_what_is_no_backup_is_not_restored(
    command: Command, tmp_path: Path, content: bytes, words: str
) -> None:
    filled(command)
    (tmp_path / "copy").write_bytes(content)

    refused = command("restore", "copy")

    assert refused.code == 1
    assert words in refused.err
    assert secrets_in(tmp_path / "default_db") == [fake_key(1), fake_key(2)]


def test_a_damaged_database_gives_way_to_its_backup(command: Command, tmp_path: Path) -> None:
    filled(command)
    command("backup", "copy")
    (tmp_path / "default_db").write_bytes(b"overwritten by something else" * 1000)

    restored = command("restore", "copy")

    assert restored.code == 0, restored.err
    assert secrets_in(tmp_path / "default_db") == [fake_key(1), fake_key(2)]


def test_mysql_is_backed_up_with_its_own_tools(command: Command) -> None:
    mysql = {"DATABASE_TYPE": "mysql", "MYSQL_HOST": "db", "MYSQL_USER": "u", "MYSQL_DATABASE": "d"}

    refused = command("backup", "copy", **mysql)

    assert refused.code == 1
    assert "mysqldump --single-transaction" in refused.err


# Encryption


def test_encryption_is_turned_on_changed_and_turned_off(command: Command, tmp_path: Path) -> None:
    filled(command, ALLOWED_TOKENS="sk-client", PAID_KEY=fake_key(3))
    path = tmp_path / "default_db"
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    store = Store.open(DatabaseConfig("sqlite", path=path))
    store.write_sync(lambda: store.objects.put([BoundObject("files/a", 1, details="said")]))
    kept = KeptResponse(ResponseLink("resp_a", None, 1, 5, 4), b"said")
    store.write_sync(lambda: store.responses.put([kept]))
    store.close()

    on = command("rekey", ENCRYPTION_KEY=old)
    again = command("rekey", ENCRYPTION_KEY=old)
    sealed = [*stored_in(path), *stored_in(path, "access_token"), *stored_in(path, "bound_object", "details")]
    sealed += stored_in(path, "kept_response", "body")
    changed = command("rekey", ENCRYPTION_KEY=f"{new},{old}")
    with_new_alone = secrets_in(path, new)
    settings = "\n".join(stored_in(path, "setting", "value"))
    off = command("rekey", "--off", ENCRYPTION_KEY=new)

    assert on.out == "7 secrets were encrypted anew with the first key.\n", on.err
    assert again.out.startswith("0 secrets")
    assert all(value.startswith("fernet:") for value in sealed)
    assert changed.out.startswith("7 secrets")
    assert with_new_alone == [fake_key(1), fake_key(2)]
    assert ADMIN not in settings
    assert fake_key(3) not in settings
    assert off.out.startswith("7 secrets were decrypted.")
    assert stored_in(path) == [fake_key(1), fake_key(2)]


def test_many_secrets_are_written_anew_in_batches(command: Command, tmp_path: Path) -> None:
    keys = ",".join(fake_key(number) for number in range(450))
    command("migrate", AUTH_TOKEN=ADMIN, API_KEYS=keys)

    ended = command("rekey", ENCRYPTION_KEY=Fernet.generate_key().decode())

    assert ended.out.startswith("451 secrets")
    assert {value[:7] for value in stored_in(tmp_path / "default_db")} == {"fernet:"}


def test_without_a_key_there_is_nothing_to_encrypt_with(command: Command) -> None:
    refused = command("rekey", AUTH_TOKEN=ADMIN)

    assert refused.code == 1
    assert "ENCRYPTION_KEY is not set" in refused.err


def test_a_key_that_does_not_open_what_is_stored_changes_nothing(command: Command, tmp_path: Path) -> None:
    filled(command, ENCRYPTION_KEY=(right := Fernet.generate_key().decode()))

    refused = command("rekey", ENCRYPTION_KEY=Fernet.generate_key().decode())

    assert refused.code == 1
    assert "ENCRYPTION_KEY does not open the secrets in the database" in refused.err
    assert secrets_in(tmp_path / "default_db", right) == [fake_key(1), fake_key(2)]
