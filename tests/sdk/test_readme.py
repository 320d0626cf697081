"""What README shows works as it stands, but for the address: its curl commands and its Python programs."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.house.source import ROOT, code_blocks
from tests.integration.running import RunningGateway
from tests.sdk.simulated import KEYS, SimulatedUpstream, small_world

SHOWN = code_blocks(ROOT / "README.md")
PROGRAMS = [block for language, block in SHOWN if language == "python"]
COMMANDS = [
    command
    for language, block in SHOWN
    if language == "sh"
    for command in block.split("\n\n")
    if command.startswith("curl")
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a gateway with the settings that README shows."""
    settings = {"API_KEYS": json.dumps(KEYS), "ALLOWED_TOKENS": '["sk-123456"]'}
    with (
        SimulatedUpstream(small_world()) as upstream,
        RunningGateway(tmp_path_factory.mktemp("readme"), upstream.url, settings) as running,
    ):
        yield running.url


def test_there_is_something_to_try() -> None:
    assert (len(COMMANDS), len(PROGRAMS)) == (2, 2)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("command", COMMANDS, ids=["openai", "gemini"])
def test_a_command_gets_an_answer(command: str, address: str) -> None:
    here = command.replace("http://localhost:8000", address).replace("curl", "curl -sS --noproxy '*'", 1)

    done = subprocess.run(["/bin/sh", "-c", here], capture_output=True, text=True, timeout=30, check=True)

    answer = json.loads(done.stdout)
    assert "Hello" in json.dumps(answer.get("choices") or answer["candidates"])


@pytest.mark.parametrize("program", PROGRAMS, ids=["openai", "google-genai"])
def test_a_program_prints_the_answer(program: str, address: str) -> None:
    here = program.replace("http://localhost:8000", address)

    done = subprocess.run(
        [sys.executable, "-c", here], capture_output=True, text=True, timeout=60, check=True
    )

    assert "Hello" in done.stdout
