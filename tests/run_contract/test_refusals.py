"""What keeps the gateway from starting is said in words, with a code, without a traceback or a secret."""

import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.run_contract.child import Child, assert_clean, run_command

SECRET = "s3cret-not-to-be-shown"
FERNET = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@dataclass(frozen=True, slots=True)
class Case:
    """A start that must fail.

    files   name -> content, written into the folder first
    says    words the message must contain
    """

    says: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


CASES = {
    "env_file_missing": Case(("nowhere.env", "--env-file"), arguments=("--env-file", "nowhere.env")),
    "env_file_unreadable": Case(("line 2", ".env"), files={".env": b"MAX_RETRIES=3\nthis is no setting\n"}),
    "env_file_unreadable_by_name": Case(
        ("line 1", "mine.env"), arguments=("--env-file", "mine.env"), files={"mine.env": b"= nothing\n"}
    ),
    "env_file_with_a_bad_value": Case(
        ("MAX_RETRIES", "line 2 of .env", "whole number", "many"),
        files={".env": b"API_KEYS=['" + SECRET.encode() + b"']\nMAX_RETRIES=many\n"},
    ),
    "bad_value_in_the_environment": Case(
        ("TIME_OUT", "environment", "soon"), settings={"TIME_OUT": "soon", "AUTH_TOKEN": SECRET}
    ),
    "several_bad_values_at_once": Case(
        ("TIME_OUT", "MAX_RETRIES", "DATABASE_TYPE"),
        settings={"TIME_OUT": "soon", "MAX_RETRIES": "-1", "DATABASE_TYPE": "oracle"},
    ),
    "bad_port_on_the_command_line": Case(("PORT", "command line"), arguments=("--port", "seventy")),
    "bad_secret": Case(("ENCRYPTION_KEY", "Fernet"), settings={"ENCRYPTION_KEY": SECRET}),
    "bad_proxy": Case(("PROXIES",), settings={"PROXIES": f"gopher://me:{SECRET}@host:1"}),
    "host_of_another_machine": Case(("HOST", "192.0.2.1"), settings={"HOST": "192.0.2.1", "PORT": "0"}),
    "host_that_is_none": Case(("HOST", "no.such.host.invalid"), settings={"HOST": "no.such.host.invalid"}),
    "data_folder_under_a_file": Case(
        ("data folder", "file/data", "DATA_DIR"), settings={"DATA_DIR": "file/data"}, files={"file": b"x"}
    ),
    "database_is_no_database": Case(
        ("not a SQLite database", "SQLITE_DATABASE"),
        settings={"DATA_DIR": ".", "SQLITE_DATABASE": "letter"},
        files={"letter": b"Dear database, " * 500},
    ),
    "database_is_a_folder": Case(
        ("is a folder",), settings={"DATA_DIR": ".", "SQLITE_DATABASE": "box"}, files={"box/x": b""}
    ),
    "mysql_without_its_settings": Case(
        ("MYSQL_HOST", "MYSQL_USER", "MYSQL_DATABASE"), settings={"DATABASE_TYPE": "mysql"}
    ),
    "mysql_on_an_unknown_host": Case(
        ("no.such.host.invalid", "MYSQL_HOST"),
        settings={
            "DATABASE_TYPE": "mysql",
            "MYSQL_HOST": "no.such.host.invalid",
            "MYSQL_USER": "someone",
            "MYSQL_PASSWORD": SECRET,
            "MYSQL_DATABASE": "gateway",
        },
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_start_that_cannot_succeed_says_why(case: Case, tmp_path: Path) -> None:
    for name, content in case.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    settings = {"HOST": "127.0.0.1", "PORT": "0", **case.settings}
    if "--port" in case.arguments:
        del settings["PORT"]

    done = run_command(tmp_path, "serve", *case.arguments, settings=settings)

    assert done.returncode == 1
    assert done.stdout == ""
    assert "gateway: " in done.stderr
    assert [words for words in case.says if words not in done.stderr] == [], done.stderr
    assert_clean(done.stderr, SECRET)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = run_command(tmp_path, "--host", "127.0.0.1", "--port", port)

    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert_clean(done.stderr)
    assert not (tmp_path / "data").exists(), "nothing is left behind by a start that failed"


def test_mysql_where_nothing_listens_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
    settings = {
        "DATABASE_TYPE": "mysql",
        "MYSQL_HOST": "127.0.0.1",
        "MYSQL_PORT": port,
        "MYSQL_USER": "someone",
        "MYSQL_PASSWORD": SECRET,
        "MYSQL_DATABASE": "gateway",
        "PORT": "0",
    }

    done = run_command(tmp_path, settings=settings)

    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert_clean(done.stderr, SECRET)


def test_secrets_that_cannot_be_decrypted_are_said_to_need_their_key(tmp_path: Path) -> None:
    settings = {"API_KEYS": SECRET, "ENCRYPTION_KEY": FERNET}
    with Child(tmp_path, settings=settings) as gateway:
        assert gateway.stop() == 0

    done = run_command(tmp_path, settings={"PORT": "0"})

    assert done.returncode == 1
    assert "ENCRYPTION_KEY" in done.stderr
    assert_clean(done.stderr + gateway.output, SECRET, FERNET)


def test_wrong_arguments_are_exit_code_2(tmp_path: Path) -> None:
    done = run_command(tmp_path, "serve", "--prot", "0")

    assert done.returncode == 2
    assert "--prot" in done.stderr
    assert_clean(done.stderr)
