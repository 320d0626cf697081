"""What `make` does, asked without doing it."""

import subprocess

import pytest

from tests.house.source import ROOT


@pytest.mark.parametrize("target", ["install", "run", "bench"])
def test_our_sources_are_compiled_before_they_run(target: str) -> None:
    there = [f"--assume-old=.venv/{name}" for name in (".installed", ".installed-dev")]
    steps = subprocess.run(
        ["make", "--dry-run", *there, target], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    compiling = next(number for number, step in enumerate(steps) if "-m compileall" in step)
    running = [number for number, step in enumerate(steps) if "-m gateway" in step or "-m tests.load" in step]
    assert [number for number in running if number < compiling] == []
