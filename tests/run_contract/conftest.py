"""A database of a random name on a real MySQL or MariaDB, made here and dropped at the end."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import pymysql
import pytest


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
