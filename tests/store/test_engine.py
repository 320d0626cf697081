"""Places that cannot hold a database and servers that let nobody in: words that say what to change."""

import contextlib
import gc
import os
import socket
import sqlite3
import ssl
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.engine import make_database
from gateway.store.store import Store
from tests.store.conftest import query

PASSWORD = "pass-密-word"
NOBODY = 65534


def _refusal(config: DatabaseConfig) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        Store.open(config)
    words = str(caught.value)
    assert PASSWORD not in words
    assert PASSWORD not in repr(config)
    return words


@contextlib.contextmanager
def _as_nobody() -> Iterator[None]:
    """Root ignores the modes of files; another user does not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may reach."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder
        for each in folder.rglob("*"):
            each.chmod(0o755)


def test_a_folder_that_may_not_be_written_is_named(open_folder: Path) -> None:
    folder = open_folder / "data"
    folder.mkdir(mode=0o555)

    with _as_nobody():
        words = _refusal(DatabaseConfig("sqlite", path=folder / "db"))

    assert words.startswith(f"The data folder {folder} cannot be written (Permission denied) by user ")
    assert "DATA_DIR" in words


def test_a_folder_that_cannot_be_made_is_named(open_folder: Path) -> None:
    with _as_nobody():
        words = _refusal(DatabaseConfig("sqlite", path=open_folder / "data" / "db"))

    if os.geteuid() == 0:
        assert words.startswith(f"The data folder {open_folder / 'data'} cannot be made (Permission denied).")


def test_a_folder_under_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    words = _refusal(DatabaseConfig("sqlite", path=tmp_path / "file" / "db"))

    assert "cannot be" in words
    assert "DATA_DIR" in words


def test_a_file_that_may_not_be_written_is_named(open_folder: Path) -> None:
    folder = open_folder / "data"
    folder.mkdir()
    folder.chmod(0o777)
    config = DatabaseConfig("sqlite", path=folder / "db")
    Store.open(config).close()
    (folder / "db").chmod(0o444)
    (folder / "db.lock").chmod(0o666)

    with _as_nobody():
        words = _refusal(config)

    assert words == f"{folder / 'db'} cannot be opened for writing. Check its owner and rights."


def test_a_folder_in_the_files_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()

    words = _refusal(DatabaseConfig("sqlite", path=tmp_path / "db"))

    assert words == (
        f"{tmp_path / 'db'} is a folder, not a database file. Change SQLITE_DATABASE or remove it."
    )


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    text = b"API_KEYS=abc\n" * 1000
    (tmp_path / ".env").write_bytes(text)

    words = _refusal(DatabaseConfig("sqlite", path=tmp_path / ".env"))

    assert words.startswith(f"{tmp_path / '.env'} is not a SQLite database.")
    assert (tmp_path / ".env").read_bytes() == text


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "db").touch()

    Store.open(DatabaseConfig("sqlite", path=tmp_path / "db")).close()

    assert query(DatabaseConfig("sqlite", path=tmp_path / "db"), "SELECT count(*) FROM request") == [(0,)]


def test_a_locked_file_is_named_in_time(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        began_s = time.monotonic()

        words = _refusal(DatabaseConfig("sqlite", path=tmp_path / "db", lock_s=0.2))

    assert words == f"{tmp_path / 'db'} is locked by another program."
    assert time.monotonic() - began_s < 3.0


def test_a_wrong_password_is_said(mysql: DatabaseConfig) -> None:
    # A user who is there: for one who is not, MariaDB plays another user's way of signing in, by chance.
    user = f"u_{mysql.database[-12:]}"
    query(mysql, f"CREATE USER {user}@'%' IDENTIFIED BY 'the right one'")
    try:
        words = _refusal(replace(mysql, user=user, password="another one"))
    finally:
        query(mysql, f"DROP USER {user}@'%'")

    assert f"refuses user '{user}': wrong password or unknown user" in words
    assert "MYSQL_PASSWORD" in words


def test_a_password_outside_latin_1_lets_its_user_in(mysql: DatabaseConfig) -> None:
    user = f"u_{mysql.database[-12:]}"
    query(mysql, f"CREATE USER {user}@'%' IDENTIFIED BY '{PASSWORD}'")
    try:
        query(mysql, f"GRANT ALL ON {mysql.database}.* TO {user}@'%'")
        Store.open(replace(mysql, user=user, password=PASSWORD)).close()
    finally:
        query(mysql, f"DROP USER {user}@'%'")


def test_a_user_without_rights_is_said(mysql: DatabaseConfig) -> None:
    user = f"u_{mysql.database[-12:]}"
    query(mysql, f"CREATE USER {user}@'%' IDENTIFIED BY '{PASSWORD}'")
    try:
        words = _refusal(replace(mysql, user=user, password=PASSWORD))
    finally:
        query(mysql, f"DROP USER {user}@'%'")

    assert f"User '{user}' may not use the MySQL database '{mysql.database}'" in words


def test_an_unknown_database_is_said(mysql: DatabaseConfig) -> None:
    words = _refusal(replace(mysql, database="not_there"))

    assert "has no database 'not_there'" in words
    assert "MYSQL_DATABASE" in words


def test_an_unknown_host_is_said(mysql: DatabaseConfig) -> None:
    words = _refusal(replace(mysql, host="db.invalid", password=PASSWORD))

    assert "The database host 'db.invalid' is not known here" in words


def test_a_port_where_nobody_answers_is_said(mysql: DatabaseConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    words = _refusal(replace(mysql, port=port, password=PASSWORD))

    assert f"No MySQL server answers at 127.0.0.1:{port}" in words


def test_a_socket_where_nobody_answers_is_said(mysql: DatabaseConfig, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        # PyMySQL leaves the socket that could not connect to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        words = _refusal(replace(mysql, socket=str(tmp_path / "none.sock"), password=PASSWORD))
        gc.collect()

    assert words == f"There is no MySQL server at the socket {tmp_path / 'none.sock'}. Check MYSQL_SOCKET."


def test_a_connection_does_not_read_what_the_system_trusts(
    mysql: DatabaseConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs 30 to 50 ms of CPU, and no certificate is checked."""
    read: list[object] = []
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *parts: read.append(parts))
    database = make_database(mysql)

    with contextlib.closing(database):
        database.connect()

    assert read == []
