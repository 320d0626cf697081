"""docs/hosts.md: what its commands name is there and is understood, and both languages say the same.

What needs Docker or root is marked so; the files those commands use are carried out by the other tests here.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings.catalogue import BY_NAME
from tests.container.test_compose import compose, env_file
from tests.house.source import ROOT, code_blocks
from tests.house.test_documents import LINK

__all__ = ["env_file"]  # a fixture of another module

ENGLISH, CHINESE = ROOT / "docs" / "hosts.md", ROOT / "docs" / "hosts.zh-CN.md"


def _blocks(path: Path, language: str) -> list[str]:
    return [block for kind, block in code_blocks(path) if kind == language]


def _commands() -> list[list[str]]:
    """Each command of the document as its words; `a && b` are two."""
    lines = [line for block in _blocks(ENGLISH, "sh") for line in block.splitlines() if line[:1] != "#"]
    return [shlex.split(each) for line in lines for each in line.split(" && ")]


def test_both_languages_show_the_same() -> None:
    assert code_blocks(ENGLISH) == code_blocks(CHINESE)


def test_every_block_of_commands_says_what_it_needs() -> None:
    assert [block for block in _blocks(ENGLISH, "sh") if not block.startswith("# needs ")] == []


def test_what_commands_take_from_the_project_is_there() -> None:
    taken = [
        word
        for command in _commands()
        for word in command
        if re.match(r"(deploy|scripts|docker-compose)[\w./-]*$", word)
    ]

    assert len(taken) > 6
    assert [word for word in taken if not (ROOT / word).is_file()] == []


@pytest.mark.parametrize(
    "command", [each for each in _commands() if each[:2] == ["docker", "compose"]], ids=" ".join
)
def test_compose_understands_the_command(command: list[str], env_file: Path) -> None:
    files = tuple(
        command[at + 1] for at, word in enumerate(command[:-1]) if word == "-f" and "up" in command[at:]
    )

    told = compose(files or ("docker-compose.yml",), env_file, "config", "--quiet")

    assert (told.returncode, told.stderr) == (0, "")


def test_commands_of_the_gateway_exist() -> None:
    named = {command[-1] for command in _commands() if command[-3:-1] == ["-m", "gateway"]}

    assert named == {"doctor"}
    for name in named:
        subprocess.run([sys.executable, "-m", "gateway", name, "--help"], check=True, capture_output=True)


def test_what_nginx_proxy_manager_is_told_is_what_our_nginx_does() -> None:
    ours = (ROOT / "deploy" / "nginx" / "gateway-proxy.conf").read_text(encoding="utf-8").splitlines()
    (told,) = _blocks(ENGLISH, "nginx")

    assert [line for line in told.splitlines() if line not in ours] == []


@pytest.mark.parametrize("path", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_links_lead_somewhere_and_settings_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    inside = [target for target in LINK.findall(text) if "://" not in target]
    names = set(re.findall(r"`([A-Z][A-Z_]{3,})(?:=[^`]*)?`", text))

    assert [target for target in inside if not (path.parent / target).exists()] == []
    assert {"TIME_OUT", "DATA_DIR", "WORKERS"} <= names
    assert names - set(BY_NAME) - {"IMAGE", "SIGTERM", "MYSQL_…"} == set()
