"""The systemd unit, judged by systemd's own checker."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

UNIT = ROOT / "deploy" / "systemd" / "gemini-balance-gateway.service"
MOST_EXPOSED = 20
"""Of 100, as `systemd-analyze security` counts; a unit that says nothing has 96."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit as if the checkout were where the unit says: with this Python in the place of that one."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: scripts/need-host-tools")
    text = UNIT.read_text(encoding="utf-8")
    text = text.replace("/opt/gemini-balance-gateway/.venv/bin/python", sys.executable)
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("WorkingDirectory=/opt/gemini-balance-gateway", f"WorkingDirectory={ROOT}"))
    return unit


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_systemd_understands_every_line(installed: Path) -> None:
    told = _analyze("verify", "--man=no", installed)

    assert [line for line in told.stderr.splitlines() if installed.name in line] == []


def test_the_service_can_reach_little_of_its_machine(installed: Path) -> None:
    told = _analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", installed)

    assert told.returncode == 0, told.stdout + told.stderr


def test_the_service_stops_later_than_the_gateway(installed: Path) -> None:
    text = UNIT.read_text(encoding="utf-8")

    assert int(re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[0]) > 25 + 10
    assert "serve --env-file %d/env" in text
