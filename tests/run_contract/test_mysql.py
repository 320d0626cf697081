"""MySQL or MariaDB as the database: a database of a random name, made here and dropped at the end."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pymysql
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.run_contract.child import Child, assert_clean, run_command

TOKEN = "sk-123456"
KEY = "a-key-of-any-shape"


@dataclass(frozen=True, slots=True)
class Place:
    """A database that is empty, and a user who may use it and nothing else."""

    settings: dict[str, str]
    connection: "pymysql.Connection[pymysql.cursors.Cursor]"

    @property
    def password(self) -> str:
        return self.settings["MYSQL_PASSWORD"]


@pytest.fixture
def place() -> Iterator[Place]:
    """Make a database and a user of random names on the server that TEST_MYSQL_URL names."""
    server = urlsplit(os.environ.get("TEST_MYSQL_URL") or "mysql://root@127.0.0.1:3306")
    try:
        connection = pymysql.connect(
            host=server.hostname,
            port=server.port or 3306,
            user=unquote(server.username or "root"),
            password=unquote(server.password or ""),
            autocommit=True,
            connect_timeout=5,
        )
    except pymysql.MySQLError:
        pytest.skip("no MySQL or MariaDB server; TEST_MYSQL_URL may name one")
    name, password = f"gateway_test_{secrets.token_hex(6)}", secrets.token_urlsafe(12)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(f"CREATE USER '{name}'@'%%' IDENTIFIED BY %s", (password,))
        cursor.execute(f"GRANT ALL ON {name}.* TO '{name}'@'%'")
        try:
            yield Place(
                {
                    "DATABASE_TYPE": "mysql",
                    "MYSQL_HOST": server.hostname or "127.0.0.1",
                    "MYSQL_PORT": str(server.port or 3306),
                    "MYSQL_USER": name,
                    "MYSQL_PASSWORD": password,
                    "MYSQL_DATABASE": name,
                    "PORT": "0",
                },
                connection,
            )
        finally:
            cursor.execute(f"DROP USER '{name}'@'%'")
            cursor.execute(f"DROP DATABASE {name}")


def test_everything_is_kept_in_mysql(place: Place, tmp_path: Path, fake_upstream: FakeUpstream) -> None:
    settings = {"API_KEYS": KEY, "AUTH_TOKEN": TOKEN, "BASE_URL": fake_upstream.url}
    with Child(tmp_path, settings={**place.settings, **settings}) as gateway:
        assert gateway.generate(token=TOKEN).status == 200
        assert gateway.stop() == 0
        first_output = gateway.output
    with Child(tmp_path, settings=place.settings) as gateway:  # only the database variables
        assert gateway.generate(token=TOKEN).status == 200
        assert gateway.get("/health").json["database"] == "ok"
        assert gateway.stop() == 0

    with place.connection.cursor() as cursor:
        cursor.execute(f"SELECT outcome, status FROM {place.settings['MYSQL_DATABASE']}.request")
        assert list(cursor.fetchall()) == [("success", 200), ("success", 200)]
    assert not (tmp_path / "data").exists()
    assert_clean(first_output + gateway.output, place.password, TOKEN, KEY)


def test_a_changed_password_is_said_in_words(place: Place, tmp_path: Path) -> None:
    settings = {**place.settings, "MYSQL_PASSWORD": "the-password-of-last-week"}

    done = run_command(tmp_path, settings=settings)

    assert done.returncode == 1
    assert "password" in done.stderr
    assert "MYSQL_PASSWORD" in done.stderr
    assert_clean(done.stderr, settings["MYSQL_PASSWORD"])


def test_a_database_that_is_not_there_is_named(place: Place, tmp_path: Path) -> None:
    with place.connection.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON gateway_absent.* TO '{place.settings['MYSQL_USER']}'@'%'")

    done = run_command(tmp_path, settings={**place.settings, "MYSQL_DATABASE": "gateway_absent"})

    assert done.returncode == 1
    assert "gateway_absent" in done.stderr
    assert_clean(done.stderr, place.password)


def test_a_database_of_someone_else_is_refused_in_words(place: Place, tmp_path: Path) -> None:
    done = run_command(tmp_path, settings={**place.settings, "MYSQL_DATABASE": "mysql"})

    assert done.returncode == 1
    assert "may not use" in done.stderr
    assert_clean(done.stderr, place.password)
