"""The Dockerfile by hadolint, and what its instructions must agree with elsewhere."""

import fnmatch
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.container.dockerfile import DOCKERFILE, stages
from tests.house.source import ROOT

TOOLS = f"{Path(sys.executable).parent}:{Path(sys.prefix) / 'bin'}"


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=TOOLS)
    if hadolint is None:
        pytest.skip("hadolint is not installed: make install-dev")

    told = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)

    assert (told.returncode, told.stdout) == (0, "")


def test_both_stages_stand_on_one_python_pinned_to_its_last_digit() -> None:
    bases = {stage.base for stage in stages()}

    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases.pop())


def test_the_last_stage_installs_nothing() -> None:
    """No compiler, no package tool at work: it takes what the first one made."""
    runs = [run.rest for run in stages()[-1].all("RUN")]

    assert [run for run in runs if re.search(r"\b(apt|apt-get|pip|gcc|cc|make)\b", run)] == []


def test_what_is_copied_is_let_through_and_nothing_else() -> None:
    let_through = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for stage in stages()
        for each in stage.all("COPY")
        if not each.flags
        for source in each.parts[:-1]
    }

    assert copied == let_through


def test_the_words_of_every_language_of_the_admin_stay_in_the_image() -> None:
    languages = {path.name for path in (ROOT / "admin" / "locale").iterdir() if path.is_dir()} | {"en"}
    pruning = next(run.rest for run in stages()[0].all("RUN") if "locale-data" in run.rest)
    kept = re.findall(r"! -name '?([\w*.]+)'?", pruning)

    assert "root.dat" in kept
    assert [
        each for each in languages if not any(fnmatch.fnmatch(f"{each}.dat", name) for name in kept)
    ] == []


def test_the_image_starts_by_exec_and_stops_by_sigterm() -> None:
    last = stages()[-1]

    assert last.one("ENTRYPOINT").rest.startswith("[")
    assert last.one("CMD").parts == ["serve"]
    assert last.one("STOPSIGNAL").rest == "SIGTERM"
    assert last.one("EXPOSE").rest == "8000"
    assert last.one("VOLUME").parts == ["/app/data"]
