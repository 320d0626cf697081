"""Clients that cannot live in the tests' interpreter, driven by scripts whose findings the tests judge.

`make js-sdk` and `make langchain` install what the scripts need.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import TOKEN
from tests.sdk.clients import THINKING_MODEL

PROJECT = Path(__file__).parents[2]
SCRIPTS = PROJECT / "tests" / "integration"


@dataclass(frozen=True, slots=True)
class Flows:
    """What a script found, flow by flow."""

    found: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """What a flow found; the flow's own error fails the test that asks for it."""
        flow = self.found[name]
        if "error" in flow:
            pytest.fail(f"{name}: {flow['error']}", pytrace=False)
        return flow.get("value")


def run_javascript(script: str, url: str) -> Flows:
    """Run `{script}_flows.mjs` against a gateway; skips the test where node or the SDKs are missing."""
    node = shutil.which("node")
    if node is None or not (SCRIPTS / "js_sdk" / "node_modules" / ".installed").exists():
        pytest.skip("needs node and the JavaScript SDKs; `make js-sdk` installs them")
    return _run([node, str(SCRIPTS / "js_sdk" / f"{script}_flows.mjs"), url, TOKEN])


def run_langchain(url: str) -> Flows:
    """Run LangChain's flows against a gateway; skips the test where its environment is missing."""
    interpreter = PROJECT / ".venv-langchain" / "bin" / "python"
    if not interpreter.exists():
        pytest.skip("needs LangChain; `make langchain` installs it")
    return _run([str(interpreter), str(SCRIPTS / "langchain" / "flows.py"), url, TOKEN, THINKING_MODEL])


def _run(command: list[str]) -> Flows:
    return Flows(json.loads(output_of(command)))


def output_of(command: list[str]) -> str:
    """What a client's script prints, run with nothing of the test's own environment."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
