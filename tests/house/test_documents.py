"""The documents agree with the tree and with each other."""

import configparser
import re
import subprocess
import sys

import pytest

from tests.house.source import ROOT, code_blocks

DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "grafana/*.md", "templates/*.md", "tests/load/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _requirements() -> list[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    declared = config["options"]["install_requires"] + config["options.extras_require"]["dev"]
    return [re.split(r"[ <>=\[]", line.strip())[0] for line in declared.splitlines() if line.strip()]


def test_the_readmes_tables_of_settings_are_the_declared_ones() -> None:
    checked = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "readme.py"), "--check"], capture_output=True, text=True
    )

    assert checked.stdout == ""


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):(?!=)", _read("Makefile"), re.MULTILINE))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_link_into_the_project_leads_somewhere(name: str) -> None:
    inside = [
        target for target in LINK.findall(_read(name)) if "://" not in target and not target.startswith("#")
    ]

    folder = (ROOT / name).parent
    assert [target for target in inside if not (folder / target.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_names_only_targets_that_the_makefile_has(name: str) -> None:
    commands = [block for _, block in code_blocks(ROOT / name)] + re.findall(r"`([^`\n]+)`", _read(name))
    named = {
        target
        for text in commands
        for target in re.findall(r"^\s*make (?:-C \S+ )?([a-z]+[a-z-]*)", text, re.MULTILINE)
    }

    assert named - _targets() == set()


def test_both_readmes_show_the_same_commands() -> None:
    assert _code("README.md") == _code("README.zh-CN.md")


def _code(name: str) -> list[tuple[str, str]]:
    """Code blocks without comments and with quoted text removed, which a translation may change."""
    return [
        (language, re.sub(r"\"[^\"\n]*[^\x00-\x7f][^\"\n]*\"", '""', re.sub(r"\s*#.*", "", block)))
        for language, block in code_blocks(ROOT / name)
        if language != "text"
    ]


def test_every_dependency_earns_its_place_in_the_architecture() -> None:
    table = _read("ARCHITECTURE.md")

    assert [name for name in _requirements() if f"`{name}`" not in table] == []


def test_every_dependency_is_pinned() -> None:
    pinned = {
        _plain(line.partition("==")[0]) for line in _read("constraints.txt").splitlines() if "==" in line
    }

    assert {_plain(name) for name in _requirements()} - pinned == set(), "run: make lock"


def test_the_changelog_keeps_its_form() -> None:
    text = _read("CHANGELOG.md")

    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[0].startswith("[Unreleased]")
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= CHANGES


def test_the_makefile_lists_its_targets() -> None:
    listing = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert {"run", "test", "demo", "lint", "bench", "lock", "clean"} <= set(
        re.findall(r"make ([a-z-]+)", listing)
    )
