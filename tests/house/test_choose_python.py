"""Which interpreter `make` builds environments with, among stand-ins that say how fast they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT


def stand_in(path: Path, *, takes_us: int, suits: bool = True) -> Path:
    """An interpreter that is asked with -c whether it suits, and with -I how long the yardstick takes it."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f'#!/bin/sh\nif [ "$1" = -I ]; then echo {takes_us}; else exit {0 if suits else 1}; fi\n',
        encoding="ascii",
    )
    path.chmod(0o755)
    return path


def chosen(ours: Path | None, systems: Path) -> str:
    path = [str(ours.parent)] if ours else []
    environment = {"PATH": os.pathsep.join([*path, "/usr/bin", "/bin"]), "SYSTEM_PYTHON": str(systems)}
    command = [ROOT / "scripts/choose-python"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("takes_us", "is_taken"), [(400, True), (500, True), (530, True), (540, False), (600, False)]
)
def test_the_systems_is_taken_unless_the_other_is_clearly_faster(
    tmp_path: Path, takes_us: int, is_taken: bool
) -> None:
    ours = stand_in(tmp_path / "bin/python3", takes_us=500)
    systems = stand_in(tmp_path / "usr/python3", takes_us=takes_us)

    assert chosen(ours, systems) == str(systems if is_taken else ours)


def test_one_that_is_too_old_or_makes_no_environments_is_not_taken(tmp_path: Path) -> None:
    ours = stand_in(tmp_path / "bin/python3", takes_us=500)
    systems = stand_in(tmp_path / "usr/python3", takes_us=100, suits=False)

    assert chosen(ours, systems) == str(ours)
    assert chosen(ours, tmp_path / "missing") == str(ours)


def test_the_systems_is_taken_when_the_one_on_the_path_does_not_suit(tmp_path: Path) -> None:
    ours = stand_in(tmp_path / "bin/python3", takes_us=100, suits=False)
    systems = stand_in(tmp_path / "usr/python3", takes_us=500)

    assert chosen(ours, systems) == str(systems)


def test_where_none_suits_the_one_on_the_path_is_named(tmp_path: Path) -> None:
    """make-venv then says what is wrong with it, or installs what is missing."""
    ours = stand_in(tmp_path / "bin/python3", takes_us=500, suits=False)
    systems = stand_in(tmp_path / "usr/python3", takes_us=100, suits=False)

    assert chosen(ours, systems) == str(ours)


def test_a_real_one_says_how_long_its_work_takes(tmp_path: Path) -> None:
    real = tmp_path / "bin/python3"
    real.parent.mkdir()
    real.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="ascii")
    real.chmod(0o755)

    assert chosen(real, stand_in(tmp_path / "usr/python3", takes_us=1)) == str(tmp_path / "usr/python3")
    assert chosen(real, stand_in(tmp_path / "usr/python3", takes_us=10**9)) == str(real)
