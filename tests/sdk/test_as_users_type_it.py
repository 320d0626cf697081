"""The commands of the users' guides, letter for letter but for the address, with the tokens they show."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from google import genai
from google.genai import types

from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL
from tests.sdk.simulated import KEYS, SimulatedUpstream, small_world

TOKEN = "sk-123456"
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@pytest.fixture(scope="module", params=["llhttp", "tornado"])
def guide(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a gateway that is set up as the guide does it."""
    settings = {
        "API_KEYS": json.dumps(KEYS),
        "ALLOWED_TOKENS": f'["{TOKEN}"]',
        "AUTH_TOKEN": TOKEN,
        "TZ": "Asia/Shanghai",
        "DATABASE_TYPE": "sqlite",
        "SQLITE_DATABASE": "default_db",
        "HTTP_FRONT": str(request.param),
    }
    with (
        SimulatedUpstream(small_world()) as upstream,
        RunningGateway(tmp_path_factory.mktemp("guide"), upstream.url, settings) as running,
    ):
        yield running.url


def shell(command: str, address: str) -> str:
    """Run a command of the guide with the address put in; the guide's model is one the simulator has not."""
    command = command.replace("http://localhost:8000", address).replace("gemini-1.5-flash", MODEL)
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("curl ", "curl -sS --noproxy '*' --max-time 20 ", 1)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


CHAT = """curl -X POST "http://localhost:8000/v1/chat/completions" -H "Authorization: Bearer sk-123456" \
-H "Content-Type: application/json" \
-d '{"model":"gemini-1.5-flash","messages":[{"role":"user","content":"你好，请介绍一下自己"}],\
"temperature":0.7}'"""
NATIVE = """curl -X POST "http://localhost:8000/gemini/v1beta/models/gemini-1.5-flash:generateContent" \
-H "Authorization: Bearer sk-123456" -H "Content-Type: application/json" \
-d '{"contents":[{"parts":[{"text":"你好，请介绍一下自己"}]}]}'"""


def test_the_chat_command(guide: str) -> None:
    answer = json.loads(shell(CHAT, guide))

    assert "你好，请介绍一下自己" in answer["choices"][0]["message"]["content"]


def test_the_native_command(guide: str) -> None:
    answer = json.loads(shell(NATIVE, guide))

    assert "你好，请介绍一下自己" in answer["candidates"][0]["content"]["parts"][0]["text"]


@pytest.mark.parametrize(
    "credential",
    [
        '-H "Authorization: Bearer sk-123456"',
        '-H "authorization: bearer sk-123456"',
        '-H "x-goog-api-key: sk-123456"',
        '-H "x-api-key: sk-123456"',
        '-H "api-key: sk-123456"',
        "?key=sk-123456",
    ],
)
@pytest.mark.parametrize("command", [CHAT, NATIVE], ids=["chat", "native"])
def test_the_token_goes_anywhere(guide: str, command: str, credential: str) -> None:
    bearer = '-H "Authorization: Bearer sk-123456"'
    if credential.startswith("?"):
        command = command.replace(bearer, "").replace('" ', f'{credential}" ', 1)
    else:
        command = command.replace(bearer, credential)

    assert "你好" in shell(command, guide)


@pytest.mark.parametrize("path", ["/v1/models", "/hf/v1/models", "/openai/v1/models", "/models"])
def test_model_lists_in_openai_s_form(guide: str, path: str) -> None:
    listed = json.loads(
        shell(f'curl "http://localhost:8000{path}" -H "Authorization: Bearer {TOKEN}"', guide)
    )

    assert listed["object"] == "list"
    # Google's own list, which is what /openai/v1 gives, has the names with their collection.
    assert MODEL in [model["id"].removeprefix("models/") for model in listed["data"]]


@pytest.mark.parametrize("path", ["/v1beta/models", "/gemini/v1beta/models"])
@pytest.mark.parametrize("bearer", [True, False])
def test_model_lists_in_google_s_form(guide: str, path: str, bearer: bool) -> None:
    command = (
        f'curl "http://localhost:8000{path}" -H "Authorization: Bearer {TOKEN}"'
        if bearer
        else f'curl "http://localhost:8000{path}?key={TOKEN}"'
    )

    assert f"models/{MODEL}" in [model["name"] for model in json.loads(shell(command, guide))["models"]]


UPLOAD = """head=$(curl "http://localhost:8000/upload/v1beta/files?key=sk-123456" -D - -o /dev/null \
-H "X-Goog-Upload-Protocol: resumable" -H "X-Goog-Upload-Command: start" \
-H "X-Goog-Upload-Header-Content-Length: 5" -H "X-Goog-Upload-Header-Content-Type: text/plain" \
-H "Content-Type: application/json" -d '{"file": {"display_name": "TEXT"}}')
url=$(printf %s "$head" | grep -i "x-goog-upload-url: " | cut -d" " -f2 | tr -d "\\r")
printf hello | curl -sS --noproxy '*' "$url" -H "Content-Length: 5" -H "X-Goog-Upload-Offset: 0" \
-H "X-Goog-Upload-Command: upload, finalize" --data-binary @-"""


def test_the_upload_commands_of_google_s_guide(guide: str) -> None:
    file = json.loads(shell(UPLOAD, guide))["file"]
    prompt = {"contents": [{"parts": [{"text": "What?"}, {"file_data": {"file_uri": file["uri"]}}]}]}
    asked = NATIVE.replace(NATIVE[NATIVE.index("-d ") :], f"-d '{json.dumps(prompt)}'")

    assert (file["displayName"], file["sizeBytes"]) == ("TEXT", "5")
    assert all("What?" in shell(asked, guide) for _ in KEYS)


def test_a_streamed_command_prints_events(guide: str) -> None:
    lines = shell(CHAT.replace('"temperature":0.7', '"stream":true'), guide).splitlines()

    assert lines[0].startswith("data: {")
    assert [line for line in lines if line][-1] == "data: [DONE]"


def test_a_native_stream_prints_events_or_an_array(guide: str) -> None:
    command = NATIVE.replace(":generateContent", ":streamGenerateContent")
    array = json.loads(shell(command, guide))
    events = shell(command.replace("streamGenerateContent", "streamGenerateContent?alt=sse"), guide)

    assert len(array) > 1
    assert events.startswith("data: {")


def test_cherry_studio_given_the_bare_address(guide: str) -> None:
    headers = f'-H "Authorization: Bearer {TOKEN}" -H "Content-Type: application/json"'
    chat = shell(
        f'curl "http://localhost:8000/v1/chat/completions" {headers} -d \'{{"model":"{MODEL}","stream":true,'
        '"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}\'',
        guide,
    )
    gemini = shell(
        f'curl "http://localhost:8000/v1beta/models/{MODEL}:streamGenerateContent?alt=sse" '
        f'-H "x-goog-api-key: {TOKEN}" -H "Content-Type: application/json" '
        '-d \'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}\'',
        guide,
    )

    assert '"usage":{' in chat
    assert '"usageMetadata"' in gemini


def test_the_health_check_of_the_compose_file(guide: str) -> None:
    assert json.loads(shell('curl "http://localhost:8000/health"', guide))["status"] == "healthy"
    assert shell('curl -o /dev/null -w "%{http_code}" -I "http://localhost:8000/health"', guide) == "200"


def test_google_s_client_of_the_guide(guide: str) -> None:
    with genai.Client(
        api_key="sk-123456", http_options=types.HttpOptions(base_url=f"{guide}/gemini/v1beta")
    ) as client:
        assert client.models.generate_content(model=MODEL, contents="你好").text


def test_openai_s_client_of_the_guide(guide: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "你好"}]
    with openai.OpenAI(api_key="sk-123456", base_url=f"{guide}/v1") as client:
        assert client.chat.completions.create(model=MODEL, messages=messages).choices[0].message.content
