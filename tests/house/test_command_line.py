"""The command line answers for itself before anything is configured."""

import runpy
import subprocess
import sys

import pytest

from gateway.__main__ import main
from tests.house.source import ROOT


def test_help_is_there_without_any_setting() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "gateway", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert answer.returncode == 0
    commands = (
        "serve",
        "demo",
        "migrate",
        "keys",
        "doctor",
        "import",
        "export",
        "backup",
        "restore",
        "rekey",
    )
    assert all(command in answer.stdout for command in commands)
    assert answer.stderr == ""


@pytest.mark.parametrize("command", ["serve", "demo", "keys", "doctor", "import", "export", "rekey"])
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage:")


def test_an_unknown_command_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sevre"])

    assert ended.value.code == 2
    assert "sevre" in capsys.readouterr().err


def test_the_document_says_what_the_command_line_takes() -> None:
    document = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    command_line = runpy.run_path(str(ROOT / "scripts" / "command_line.py"))["command_line"]

    assert document == command_line(), "run: .venv/bin/python scripts/command_line.py > docs/command-line.md"
