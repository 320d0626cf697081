"""The older generation of SDKs, which many programs still use, in an interpreter of its own.

Each SDK runs one script through all its flows; a test judges one of them. OLD_SDK_PYTHON names the
interpreter (`make old-sdk` makes it).
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import TOKEN, RunningGateway
from tests.sdk.clients import MODEL, NO_MODEL
from tests.sdk.flows import output_of

SCRIPTS = Path(__file__).parent.parent / "integration" / "old_sdk"
QUESTION = "What is a gateway?"

Found = dict[str, Any]
RunFlows = Callable[[str], Found]


@pytest.fixture(scope="session")
def run_flows(house: RunningGateway) -> RunFlows:
    """Run a script once for each gateway and give what it found."""
    results: dict[str, Found] = {}

    def run(name: str) -> Found:
        if name not in results:
            results[name] = _run(name, house.url)
        return results[name]

    return run


def _run(name: str, url: str) -> Found:
    interpreter = os.environ.get("OLD_SDK_PYTHON", "")
    if not interpreter or not Path(interpreter).exists():
        pytest.skip("OLD_SDK_PYTHON names no interpreter; `make old-sdk` makes one")
    script = str(SCRIPTS / f"{name}_flows.py")
    found: Found = json.loads(output_of([interpreter, script, url, TOKEN, MODEL]))
    return found


@pytest.fixture
def old_openai(run_flows: RunFlows) -> Found:
    return run_flows("openai")


@pytest.fixture
def old_genai(run_flows: RunFlows) -> Found:
    return run_flows("google_genai")


@pytest.fixture
def generativeai(run_flows: RunFlows) -> Found:
    return run_flows("google_generativeai")


def test_the_sdks_are_of_the_older_generation(
    old_openai: Found, old_genai: Found, generativeai: Found
) -> None:
    assert old_openai["version"].startswith("1.")
    assert old_genai["version"].startswith("1.")
    assert generativeai["version"].startswith("0.8.")


def test_openai_1_chats(old_openai: Found) -> None:
    assert QUESTION in old_openai["answer"]
    assert old_openai["finish"] == "stop"
    assert old_openai["tokens"] > 0


def test_openai_1_streams_and_counts(old_openai: Found) -> None:
    assert old_openai["streamed"] == old_openai["answer"] == old_openai["async"]
    assert old_openai["pieces"] > 3
    assert old_openai["streamed_tokens"] == old_openai["tokens"]


def test_openai_1_goes_round_the_tool_loop(old_openai: Found) -> None:
    finish, name, arguments = old_openai["call"]
    assert (finish, name) == ("tool_calls", "get_weather")
    assert "city" in arguments
    assert "blue sky" in old_openai["after_tool"]
    assert old_openai["helper_calls"] == ["get_weather"]


def test_openai_1_lists_models(old_openai: Found) -> None:
    assert MODEL in old_openai["models"]
    assert old_openai["model"] == MODEL


def test_openai_1_embeds_speaks_listens_and_paints(old_openai: Found) -> None:
    assert old_openai["vectors"] == [8, 8]
    assert QUESTION in old_openai["completed"]
    assert (old_openai["spoken"], old_openai["heard"]) == ("RIFF", True)
    assert old_openai["painted"] == ["iVBORw0K", "iVBORw0K"]  # a PNG's first bytes
    assert old_openai["changed"] == ["iVBORw0K"]


def test_openai_1_is_relayed_to_googles_own_endpoint(old_openai: Found) -> None:
    assert QUESTION in old_openai["relayed"]


def test_openai_1_raises_the_classes_it_should(old_openai: Found) -> None:
    assert old_openai["errors"]["token"][:2] == ["AuthenticationError", 401]
    kind, status, message = old_openai["errors"]["model"]
    assert (kind, status) == ("NotFoundError", 404)
    assert NO_MODEL in message


def test_google_genai_1_answers_on_every_base_address(old_genai: Found) -> None:
    assert set(old_genai["bases"]) == {"", "/", "/gemini", "/gemini/v1beta"}
    assert all(QUESTION in answer for answer in old_genai["bases"].values())


def test_google_genai_1_streams(old_genai: Found) -> None:
    assert old_genai["streamed"] == old_genai["bases"][""] == old_genai["async"]
    assert old_genai["pieces"] > 1


def test_google_genai_1_calls_functions_in_a_chat(old_genai: Found) -> None:
    assert "blue sky over" in old_genai["after_tool"]
    assert "What did I ask?" in old_genai["chat"]


def test_google_genai_1_counts_embeds_and_lists(old_genai: Found) -> None:
    assert old_genai["count"] > 0
    assert old_genai["embedded"] == [3072, 3072]
    assert f"models/{MODEL}" in old_genai["models"]
    assert old_genai["model"] == f"models/{MODEL}"


def test_google_genai_1_raises_the_classes_it_should(old_genai: Found) -> None:
    assert old_genai["errors"] == {
        "token": ["ClientError", 401, "UNAUTHENTICATED"],
        "model": ["ClientError", 404, "NOT_FOUND"],
    }


def test_generativeai_answers_and_streams_an_array(generativeai: Found) -> None:
    assert QUESTION in generativeai["answer"]
    assert generativeai["streamed"] == generativeai["answer"]
    assert generativeai["pieces"] > 1


def test_generativeai_reads_enums_counts_and_embeds(generativeai: Found) -> None:
    assert generativeai["finish"] == "MAX_TOKENS"
    assert generativeai["count"] > 0
    assert generativeai["embedded"] == 3072
    assert generativeai["embedded_several"] == [3072, 3072]


def test_generativeai_calls_functions_in_a_chat(generativeai: Found) -> None:
    assert "blue sky over" in generativeai["after_tool"]


def test_generativeai_lists_models(generativeai: Found) -> None:
    assert f"models/{MODEL}" in generativeai["models"]
    assert generativeai["model"] == f"models/{MODEL}"


def test_generativeai_raises_the_classes_it_should(generativeai: Found) -> None:
    assert generativeai["errors"]["token"][:2] == ["Unauthorized", 401]
    kind, status, message = generativeai["errors"]["model"]
    assert (kind, status) == ("NotFound", 404)
    assert NO_MODEL in message
    # It cannot read the array that an error comes in when it streams, from Google no more than from here.
    assert generativeai["errors"]["streamed"][0] == "BadRequest"
