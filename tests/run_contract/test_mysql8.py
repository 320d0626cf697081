"""MySQL 8 as its image starts it: the default password plugin, over TCP, without TLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.mysql8 import Account, MySQL8Door
from tests.run_contract.child import Child, run_command
from tests.run_contract.conftest import Place


@pytest.fixture
def door(place: Place) -> Iterator[MySQL8Door]:
    with MySQL8Door(Account.of(place.settings)) as door:
        yield door


def _settings(place: Place, door: MySQL8Door, **other: str) -> dict[str, str]:
    reached = {"MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": str(door.port)}
    return {**place.settings, **reached, "AUTH_TOKEN": "sk-mysql8-admin", **other}


def test_the_gateway_signs_in_by_mysql_8s_own_password_plugin(
    tmp_path: Path, place: Place, door: MySQL8Door
) -> None:
    with Child(tmp_path, settings=_settings(place, door, API_KEYS="key-in-mysql8")) as gateway:
        assert gateway.get("/health").json["database"] == "ok"
        assert gateway.stop() == 0

    assert door.signed_in > 0
    with place.connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {place.settings['MYSQL_DATABASE']}.api_key")
        assert cursor.fetchone() == (1,)


def test_a_wrong_password_there_is_told_in_words(tmp_path: Path, place: Place, door: MySQL8Door) -> None:
    ended = run_command(tmp_path, "serve", settings=_settings(place, door, MYSQL_PASSWORD="another-one"))

    assert ended.returncode == 1
    assert "wrong password" in ended.stderr
    assert "another-one" not in ended.stderr
    assert "Traceback" not in ended.stderr
