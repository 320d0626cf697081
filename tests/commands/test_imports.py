"""`import`: a gemini-balance from wherever it stands, and keys of other programs."""

import contextlib
import sqlite3
from pathlib import Path

from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.commands.conftest import Command
from tests.run_contract.child import assert_clean
from tests.store.old_gateway import ADMIN, ALICE, FIRST, OF_OLD, SECOND, fill


def test_a_command_takes_over_a_file_and_can_be_run_again(command: Command, tmp_path: Path) -> None:
    old_file = tmp_path / "old.db"
    fill(DatabaseConfig("sqlite", path=old_file))
    before = old_file.read_bytes()
    arguments = ("import", "gemini-balance", "--from", str(old_file))

    looked = command(*arguments, "--dry-run")
    first = command(*arguments)
    second = command(*arguments)

    assert "API_KEYS: 2." in looked.out
    assert "Nothing was changed." in looked.out
    assert "API_KEYS: 2 came, 0 were here already.\nALLOWED_TOKENS: 1 came" in first.out, first.err
    assert "Settings: 2 came (AUTH_TOKEN, MAX_FAILURES)." in first.out
    assert "left: GITHUB_REPO_NAME there is no such setting here." in first.out
    assert "Logs: 1 rows came." in first.out
    assert "API_KEYS: 0 came, 2 were here already.\nALLOWED_TOKENS: 0 came" in second.out
    assert "Logs: 0 rows came." in second.out
    assert old_file.read_bytes() == before
    assert_clean(first.out + first.err, ADMIN, ALICE, FIRST, OF_OLD)


def test_an_old_env_file_is_enough(command: Command, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / ".env").write_text(
        f'API_KEYS=["{FIRST}"]\nALLOWED_TOKENS=["{ALICE}"]\nAUTH_TOKEN={ADMIN}\nMAX_FAILURES=10\n'
        "DATABASE_TYPE=mysql\nMYSQL_HOST=127.0.0.1\nMYSQL_PORT=9\nMYSQL_USER=u\nMYSQL_DATABASE=d\n"
    )

    done = command("import", "gemini-balance", "--from", "old/.env")

    assert done.code == 0, done.err
    assert "Only the .env file is read" in done.err
    assert "API_KEYS: 1 came" in done.out
    assert "Settings: 2 came (AUTH_TOKEN, MAX_FAILURES)." in done.out


def test_what_is_no_gemini_balance_is_said_in_words(command: Command, tmp_path: Path) -> None:
    here = command("import", "gemini-balance", AUTH_TOKEN=ADMIN)
    missing = command("import", "gemini-balance", "--from", "no-such-file")
    wrong = command("import", "gemini-balance", "--from", "mysql://nowhere")

    assert [each.code for each in (here, missing, wrong)] == [1, 1, 1]
    assert "There is no table of gemini-balance in the SQLite file" in here.err
    assert "no-such-file cannot be read" in missing.err
    assert "mysql://USER@HOST:3306/DATABASE" in wrong.err


def test_the_database_the_gateway_lives_on_needs_no_naming(command: Command, tmp_path: Path) -> None:
    fill(DatabaseConfig("sqlite", path=tmp_path / "default_db"))

    first = command("import", "gemini-balance")
    second = command("import", "gemini-balance", "--logs-days", "3")

    assert "API_KEYS: 2 came, 0 were here already." in first.out, first.err
    assert "Logs: 1 rows came." in first.out
    assert "API_KEYS: 0 came, 2 were here already." in second.out
    assert "Logs: 0 rows came." in second.out


def test_a_mysql_elsewhere_is_named_by_its_address(command: Command, mysql: DatabaseConfig) -> None:
    fill(mysql)
    name = f"{mysql.user}@{mysql.host}:{mysql.port}/{mysql.database}"

    done = command(
        *("import", "gemini-balance", "--from", f"mysql://{name}", "--without-logs"),
        OLD_DATABASE_PASSWORD=mysql.password,
    )

    assert "API_KEYS: 2 came, 0 were here already." in done.out, done.err
    assert "Logs" not in done.out


def test_a_password_on_the_command_line_is_warned_of_and_not_repeated(
    command: Command, mysql: DatabaseConfig
) -> None:
    done = command(
        "import", "gemini-balance", "--from", f"mysql://nobody:{OF_OLD}@{mysql.host}:{mysql.port}/d"
    )

    assert done.code == 1
    assert "OLD_DATABASE_PASSWORD hides it" in done.err
    assert OF_OLD not in done.out + done.err


def test_options_that_mean_nothing_are_refused(command: Command) -> None:
    days = command("import", "gemini-balance", "--logs-days", "0")
    zone = command("import", "gemini-balance", "--time-zone", "Nowhere/Else")

    assert (days.code, zone.code) == (2, 2)
    assert "must be a whole number from 1 to 400" in days.err
    assert "must be a time zone such as Asia/Shanghai" in zone.err


# Other programs


def test_the_channels_of_a_one_api_are_read_from_its_database(command: Command, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "one-api.db")) as database:
        database.execute(
            "CREATE TABLE channels "
            "(id integer, type integer, key text, status integer, name text, `group` text)"
        )
        database.executemany(
            "INSERT INTO channels VALUES (?, ?, ?, ?, ?, ?)",
            [(1, 24, f"{FIRST}\n{SECOND}", 1, "free", "default,vip"), (2, 1, "sk-openai", 1, "openai", "")],
        )
        database.commit()

    done = command("import", "one-api", "one-api.db")

    assert done.code == 0, done.err
    assert "2 keys were added, 0 were there already." in done.err
    assert "1 rows were of other providers" in done.err
    store = Store.open(DatabaseConfig("sqlite", path=tmp_path / "default_db"))
    try:
        rows = store.read_sync(store.keys.everything)
    finally:
        store.close()
    assert [(row.secret, row.note, row.tags) for row in rows] == [
        (FIRST, "free", ("vip",)),
        (SECOND, "free", ("vip",)),
    ]


def test_an_export_of_gpt_load_is_a_text(command: Command, tmp_path: Path) -> None:
    (tmp_path / "keys-gemini-all.txt").write_text(f"{FIRST}\n{SECOND}\n")

    done = command("import", "gpt-load", "keys-gemini-all.txt")

    assert "2 keys were added" in done.err


def test_a_database_without_channels_is_told_in_words(command: Command, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE something (id integer)")
        database.commit()

    done = command("import", "new-api", "other.db")

    assert done.code == 1
    assert "There is no table of channels in" in done.err
