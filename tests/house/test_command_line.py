"""The command line answers for itself before anything is configured."""

import subprocess
import sys

import pytest

from tests.house.source import ROOT


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_help_names_the_commands() -> None:
    answer = _run("--help")

    assert answer.returncode == 0
    assert all(command in answer.stdout for command in ("serve", "demo", "migrate", "keys", "doctor"))
    assert answer.stderr == ""


@pytest.mark.parametrize("command", ["serve", "demo", "migrate", "keys", "doctor"])
def test_each_command_has_help(command: str) -> None:
    answer = _run(command, "--help")

    assert answer.returncode == 0
    assert answer.stdout.startswith("usage:")


def test_an_unknown_command_is_refused_in_words() -> None:
    answer = _run("sevre")

    assert answer.returncode == 2
    assert "sevre" in answer.stderr
    assert "Traceback" not in answer.stderr
