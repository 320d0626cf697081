"""MySQL or MariaDB as the database."""

from pathlib import Path

from tests.fakes.upstream import FakeUpstream
from tests.run_contract.child import Child, assert_clean, run_command
from tests.run_contract.conftest import Place

TOKEN = "sk-123456"
KEY = "a-key-of-any-shape"


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
