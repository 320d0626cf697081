"""What the pages tell people to paste works as it is, whatever stands in it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from admin.snippets import Snippet, snippets_of
from admin.trial import DIALECTS, MOST_CHARS, Dialect, Trial
from tests.integration.running import TOKEN, RunningGateway
from tests.sdk.clients import MODEL
from tests.sdk.flows import SCRIPTS
from tests.sdk.simulated import KEYS, SimulatedUpstream, small_world

JS_SDKS = SCRIPTS / "js_sdk"
HOSTILE = "it's \"quoted\" $HOME `id` \\ \n end'; rm -rf / # ${x} {y} %s 你好 \u2028 </script>"
"""Everything that could break out of a literal of a shell, of Python or of JavaScript."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with (
        SimulatedUpstream(small_world()) as upstream,
        RunningGateway(
            tmp_path_factory.mktemp("snippets"), upstream.url, {"API_KEYS": ",".join(KEYS)}
        ) as running,
    ):
        yield running


def trial(dialect: Dialect, **fields: object) -> Trial:
    usual: dict[str, object] = {"dialect": dialect, "model": MODEL, "prompt": HOSTILE, "system": HOSTILE}
    return Trial(**{**usual, **fields})  # type: ignore[arg-type]  # a test names what it changes


def run(snippet: Snippet) -> str:
    """Run a snippet as its reader would; what it printed."""
    commands = {
        "curl": ["sh", "-c", snippet.code],
        "python": [sys.executable, "-c", snippet.code],
        "javascript": ["node", "--input-type=module", "-e", snippet.code],
    }
    done = subprocess.run(
        commands[snippet.id],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=JS_SDKS if snippet.id == "javascript" else None,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def said(snippet: Snippet, trial: Trial, output: str) -> str:
    """The text of the answer; curl prints what came on the wire."""
    if snippet.id != "curl":
        return output.strip()
    lines = [
        line.removeprefix("data: ")
        for line in output.splitlines()
        if line.strip() not in ("", "data: [DONE]")
    ]
    events = [orjson.loads(line) for line in (lines if trial.stream else ["".join(lines)])]
    return "".join(_text(event) for event in events).strip()


def _text(event: Any) -> str:
    for choice in event.get("choices", ()):
        return str(choice.get("delta", choice.get("message", {})).get("content") or "")
    for candidate in event.get("candidates", ()):
        return "".join(part.get("text", "") for part in candidate["content"].get("parts", ()))
    return ""


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("language", ["curl", "python", "javascript"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_snippet_runs_as_it_is(
    gateway: RunningGateway, dialect: Dialect, language: str, stream: bool
) -> None:
    if language == "javascript" and not (shutil.which("node") and (JS_SDKS / "node_modules").exists()):
        pytest.skip("needs node and the JavaScript SDKs; `make js-sdk` installs them")
    asked = trial(dialect, stream=stream)
    snippet = next(each for each in snippets_of(asked, gateway.url, TOKEN) if each.id == language)

    assert len(said(snippet, asked, run(snippet))) > 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_value_stays_a_value(dialect: Dialect) -> None:
    hostile = trial(dialect, model=HOSTILE)
    for snippet in snippets_of(hostile, f"http://h/{HOSTILE}", HOSTILE):
        if snippet.id == "python":
            compile(snippet.code, "snippet", "exec")
        if snippet.id == "curl":
            command = snippet.code.replace("curl", "printf '%s\\0'", 1)
            words = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout.split(b"\0")
            assert orjson.loads(words[-2]) == hostile.body


def test_a_model_is_one_segment_of_the_path() -> None:
    assert Trial("gemini", model="../x?key=1#y", stream=False).path.endswith(
        "/models/..%2Fx%3Fkey%3D1%23y:generateContent"
    )


def test_what_is_tried_has_a_sensible_length() -> None:
    long = Trial(model="m" * 999, system="s" * 99_999, prompt="p" * 99_999).bounded()

    assert (len(long.model), len(long.system), len(long.prompt)) == (256, MOST_CHARS, MOST_CHARS)
