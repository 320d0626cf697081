"""What the programs people use really send: one test a habit, over a simulator as strict as Gemini.

Paths, headers and bodies as these programs were seen or are documented to send them.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from tests.integration.calling import BEARER, Answer, call, chat_body
from tests.integration.running import TOKEN, WAIT_S, RunningGateway
from tests.sdk.clients import EMBEDDING_MODEL, MODEL, THINKING_MODEL
from tests.sdk.simulated import KEYS, SimulatedUpstream, small_world

PAINTER = "gemini-3.1-flash-image"
GOOG = {"x-goog-api-key": TOKEN}
ASK: list[Any] = [{"role": "user", "content": "hi"}]
NATIVE_ASK = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
BROWSER = {
    "origin": "https://app.nextchat.example",
    "referer": "https://app.nextchat.example/",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "cross-site",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
}
STAINLESS = {
    "x-stainless-arch": "unknown",
    "x-stainless-lang": "js",
    "x-stainless-os": "Unknown",
    "x-stainless-package-version": "6.49.0",
    "x-stainless-retry-count": "0",
    "x-stainless-runtime": "browser:chrome",
    "x-stainless-runtime-version": "142.0.0",
    "x-stainless-timeout": "600",
}


@pytest.fixture(scope="module", params=["llhttp", "tornado"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    settings = {"API_KEYS": ",".join(KEYS), "HTTP_FRONT": str(request.param)}
    with (
        SimulatedUpstream(small_world()) as upstream,
        RunningGateway(tmp_path_factory.mktemp("habits"), upstream.url, settings) as running,
    ):
        yield running


def get(gateway: RunningGateway, path: str, headers: dict[str, str] = BEARER) -> Answer:
    return call(gateway, path, None, method="GET", headers=headers)


def post(gateway: RunningGateway, path: str, body: Any, headers: dict[str, str] = BEARER) -> Answer:
    return call(gateway, path, orjson.dumps(body), headers=headers)


def said(answer: Answer) -> str:
    """The text of an answer of any form: OpenAI's or Gemini's, whole or streamed."""
    assert answer.status == 200, answer.body
    if "event-stream" not in answer.headers["content-type"]:
        return _text_of(answer.json)
    events = [event for event in answer.events if event != b"[DONE]"]
    return "".join(_text_of(orjson.loads(event)) for event in events)


def _text_of(body: Any) -> str:
    if "candidates" in body:
        parts = body["candidates"][0]["content"].get("parts", [])
        return "".join(part.get("text", "") for part in parts if not part.get("thought"))
    choices = body["choices"]
    message = (choices[0].get("message") or choices[0]["delta"]) if choices else {}
    return message.get("content") or ""


def preflight(gateway: RunningGateway, path: str, *headers: str, method: str = "POST") -> Answer:
    """What a browser asks before it sends a request with these headers; passes only if it then would."""
    answer = call(
        gateway,
        path,
        None,
        method="OPTIONS",
        headers={
            **BROWSER,
            "access-control-request-method": method,
            "access-control-request-headers": ",".join(sorted(headers)),
        },
    )
    allowed = {name.strip() for name in answer.headers["access-control-allow-headers"].lower().split(",")}
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"]
    assert set(headers) <= allowed
    return answer


# Cherry Studio.


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",  # the bare address
        "/chat/completions",  # the address with a slash: nothing is added but the operation
        "/v1/v1/chat/completions",  # the address with /v1 where it is added again
        "/hf/v1/chat/completions",
    ],
)
def test_cherry_studio_s_openai_provider_streams(gateway: RunningGateway, path: str) -> None:
    answer = post(
        gateway,
        path,
        {
            "model": THINKING_MODEL,
            "messages": [{"role": "system", "content": "You are Cherry."}, *ASK],
            "stream": True,
            "stream_options": {"include_usage": True},
            "reasoning_effort": "medium",
        },
        {**BEARER, "http-referer": "https://cherry-ai.com", "x-title": "Cherry Studio"},
    )

    assert "hi" in said(answer)
    assert answer.events[-1] == b"[DONE]"
    assert b"reasoning_content" in answer.body
    assert orjson.loads(answer.events[-2])["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("path", ["/v1/models", "/models", "/openai/v1/models"])
def test_cherry_studio_lists_models_of_either_form(gateway: RunningGateway, path: str) -> None:
    listed = get(gateway, path).json["data"]

    # Google's own list, which is what /openai/v1 gives, has the names with their collection.
    assert MODEL in [model["id"].removeprefix("models/") for model in listed]


def test_cherry_studio_s_gemini_provider_streams(gateway: RunningGateway) -> None:
    answer = post(
        gateway,
        f"/v1beta/models/{THINKING_MODEL}:streamGenerateContent?alt=sse",
        {
            **NATIVE_ASK,
            "systemInstruction": {"role": "user", "parts": [{"text": "You are Cherry."}]},
            "safetySettings": [{"category": "HARM_CATEGORY_CIVIC_INTEGRITY", "threshold": "BLOCK_NONE"}],
            "generationConfig": {"thinkingConfig": {"includeThoughts": True}, "topP": 0.95},
        },
        {**GOOG, "x-goog-api-client": "google-genai-sdk/1.0.1 gl-node/web"},
    )
    listed = get(gateway, "/v1beta/models?pageSize=1000", GOOG)

    assert "hi" in said(answer)
    assert f"models/{MODEL}" in [model["name"] for model in listed.json["models"]]


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/v1/moderations", {"message", "type", "param", "code"}),
        ("/v1/messages/batches", {"message", "type"}),
    ],
)
def test_what_is_not_served_is_told_in_the_words_of_its_dialect(
    gateway: RunningGateway, path: str, keys: set[str]
) -> None:
    answer = post(gateway, path, {"model": MODEL, "input": "hi", "messages": ASK, "max_tokens": 5})

    assert answer.status == 404
    assert keys <= set(answer.error)


# NextChat and other programs in a browser.


def test_nextchat_streams_from_a_browser(gateway: RunningGateway) -> None:
    path = "/v1/chat/completions"
    preflight(gateway, path, "authorization", "content-type")
    answer = post(
        gateway,
        path,
        {
            "messages": [{"role": "system", "content": "\nYou are ChatGPT.\n"}, *ASK],
            "stream": True,
            "model": MODEL,
            "temperature": 0.5,
            "presence_penalty": 0,
            "frequency_penalty": 0,
            "top_p": 1,
        },
        {**BROWSER, **BEARER, "accept": "application/json"},
    )

    assert "hi" in said(answer)
    assert answer.headers["access-control-allow-origin"] == "*"


def test_nextchat_speaks_gemini_from_a_browser(gateway: RunningGateway) -> None:
    path = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
    preflight(gateway, path, "content-type", "x-goog-api-key")
    threshold = {"threshold": "BLOCK_NONE"}
    answer = post(
        gateway,
        path,
        {
            **NATIVE_ASK,
            "generationConfig": {"temperature": 0.5, "maxOutputTokens": 4000, "topP": 1},
            "safetySettings": [
                {"category": f"HARM_CATEGORY_{name}", **threshold}
                for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
            ],
        },
        {**BROWSER, **GOOG},
    )

    assert "hi" in said(answer)
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/dashboard/billing/subscription",
        "/v1/dashboard/billing/usage?start_date=2026-11-01&end_date=2026-11-26",
        "/dashboard/billing/credit_grants",
    ],
)
def test_a_balance_is_asked_for_in_vain_and_in_json(gateway: RunningGateway, path: str) -> None:
    preflight(gateway, path, "authorization", "content-type", method="GET")
    answer = get(gateway, path, {**BROWSER, **BEARER})

    assert answer.status == 404
    assert answer.error["message"]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_openai_s_sdk_runs_in_a_browser(gateway: RunningGateway) -> None:
    path = "/v1/chat/completions"
    preflight(gateway, path, "authorization", "content-type", *STAINLESS)

    answer = post(gateway, path, {"model": MODEL, "messages": ASK}, {**BROWSER, **STAINLESS, **BEARER})

    assert "hi" in said(answer)
    exposed = answer.headers["access-control-expose-headers"]
    assert "x-request-id" in exposed
    assert "retry-after" in exposed


def test_google_s_sdk_runs_in_a_browser(gateway: RunningGateway) -> None:
    path = f"/gemini/v1beta/models/{MODEL}:generateContent"
    preflight(gateway, path, "content-type", "x-goog-api-client", "x-goog-api-key")

    answer = post(
        gateway,
        path,
        NATIVE_ASK,
        {**BROWSER, **GOOG, "x-goog-api-client": "google-genai-sdk/2.32.0 gl-node/web"},
    )

    assert "hi" in said(answer)


def test_a_browser_may_upload_and_read_where_to(gateway: RunningGateway) -> None:
    path = "/gemini/upload/v1beta/files"
    names = ("command", "protocol", "offset", "header-content-length", "header-content-type", "file-name")
    preflight(gateway, path, "content-type", "x-goog-api-key", *(f"x-goog-upload-{name}" for name in names))

    answer = post(
        gateway,
        path,
        {"file": {"displayName": "notes"}},
        {**BROWSER, **GOOG, "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"},
    )

    assert answer.headers["x-goog-upload-url"].startswith(f"{gateway.url}{path}?")
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert "x-goog-upload-url" in exposed
    assert "x-goog-upload-status" in exposed


def test_an_error_reaches_the_browser_s_program_too(gateway: RunningGateway) -> None:
    answer = post(gateway, "/v1/chat/completions", {"model": MODEL, "messages": ASK}, BROWSER)

    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == "*"


# Open WebUI.


def test_open_webui_chats_with_a_header_for_each_thing_it_knows(gateway: RunningGateway) -> None:
    headers = {
        **BEARER,
        "x-openwebui-user-name": "Ada%20Lovelace",
        "x-openwebui-user-email": "ada@example.org",
        "x-openwebui-chat-id": "7b1e",
        "accept": "*/*",
        "user-agent": "Python/3.11 aiohttp/3.12",
    }
    answer = post(
        gateway,
        "/v1/chat/completions",
        {"stream": True, "model": MODEL, "messages": ASK, "stream_options": {"include_usage": True}},
        headers,
    )

    assert "hi" in said(answer)
    assert orjson.loads(answer.events[-2])["choices"] == []


def test_open_webui_asks_for_a_title_beside_the_chat(gateway: RunningGateway) -> None:
    task = "### Task:\nGenerate a concise, 3-5 word title with an emoji.\n### Output:\nJSON format"
    answer = post(
        gateway,
        "/v1/chat/completions",
        {
            "model": THINKING_MODEL,
            "messages": [{"role": "user", "content": task}],
            "stream": False,
            "max_completion_tokens": 1000,
        },
    )

    assert said(answer)


def test_open_webui_embeds_lists(gateway: RunningGateway) -> None:
    answer = post(
        gateway,
        "/v1/embeddings",
        {"input": ["one", "two"], "model": EMBEDDING_MODEL},
        {**BEARER, "user-agent": "python-requests/2.32"},
    )

    assert [len(entry["embedding"]) for entry in answer.json["data"]] == [3072, 3072]


def test_open_webui_paints_by_openai_s_engine(gateway: RunningGateway) -> None:
    answer = post(
        gateway,
        "/v1/images/generations",
        {"model": PAINTER, "prompt": "A kitten", "n": 1, "size": "512x512", "response_format": "b64_json"},
    )

    assert answer.json["data"][0]["b64_json"]


def test_open_webui_paints_by_gemini_s_engine(gateway: RunningGateway) -> None:
    parameters = {"sampleCount": 1, "outputOptions": {"mimeType": "image/png"}}
    predicted = post(
        gateway,
        "/v1beta/models/imagen-4.0-generate-001:predict",
        {"instances": {"prompt": "A kitten"}, "parameters": parameters},  # one object where a list belongs
        GOOG,
    )
    painted = post(
        gateway,
        f"/v1beta/models/{PAINTER}:generateContent",
        {"contents": [{"parts": [{"text": "A kitten"}]}]},
        GOOG,
    )

    assert predicted.json["predictions"][0]["bytesBase64Encoded"]
    assert any("inlineData" in part for part in painted.json["candidates"][0]["content"]["parts"])


def test_open_webui_speaks_and_listens(gateway: RunningGateway) -> None:
    speech = {"model": "tts-1", "input": "Hello.", "voice": "alloy", "response_format": "wav"}
    spoken = post(gateway, "/v1/audio/speech", speech)
    form = (
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        b'--b\r\nContent-Disposition: form-data; name="language"\r\n\r\nen\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="hello.wav"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + spoken.body + b"\r\n--b--\r\n"
    )
    headers = {**BEARER, "content-type": "multipart/form-data; boundary=b"}

    heard = call(gateway, "/v1/audio/transcriptions", form, headers=headers)

    assert spoken.headers["content-type"] == "audio/wav"
    assert spoken.body.startswith(b"RIFF")
    assert heard.json["text"]


# Gemini CLI, agents and translators.


def test_gemini_cli_sends_its_token_twice(gateway: RunningGateway) -> None:
    answer = post(
        gateway,
        f"/gemini/v1beta/models/{THINKING_MODEL}:streamGenerateContent?alt=sse",
        {
            **NATIVE_ASK,
            "systemInstruction": {"parts": [{"text": "You are Gemini CLI."}], "role": "user"},
            "tools": [{"functionDeclarations": [_CLI_TOOL]}],
            "generationConfig": {
                "temperature": 1,
                "topP": 0.95,
                "topK": 64,
                "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "HIGH"},
            },
        },
        {
            **BEARER,
            **GOOG,
            "user-agent": "GeminiCLI-tui/0.61.0/gemini-3.8-flash (linux; x64; terminal)",
            "x-goog-api-client": "google-genai-sdk/1.30.0 gl-node/v20.20.2",
            "accept-language": "*",
            "sec-fetch-mode": "cors",
            "accept-encoding": "gzip, deflate",
        },
    )

    assert "hi" in said(answer)


_CLI_TOOL = {
    "name": "update_topic",
    "description": "Manages your narrative flow.",
    "parametersJsonSchema": {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "summary": {"type": "string", "description": "Detailed."},
        },
        "required": [],
    },
}


def test_gemini_cli_s_router_writes_types_in_capitals(gateway: RunningGateway) -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "reasoning": {"type": "STRING"},
            "model_choice": {"type": "STRING", "enum": ["flash", "pro"]},
        },
        "required": ["reasoning", "model_choice"],
    }
    answer = post(
        gateway,
        "/v1beta/models/gemini-3.5-flash-lite:generateContent",
        {
            **NATIVE_ASK,
            "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema},
        },
        GOOG,
    )

    assert set(json.loads(said(answer))) == {"reasoning", "model_choice"}


def test_sillytavern_puts_the_key_before_the_form(gateway: RunningGateway) -> None:
    answer = post(
        gateway,
        f"/v1beta/models/{MODEL}:streamGenerateContent?key={TOKEN}&alt=sse",
        {
            **NATIVE_ASK,
            "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
            "generationConfig": {
                "stopSequences": [],
                "candidateCount": 1,
                "maxOutputTokens": 300,
                "topK": 40,
            },
        },
        {},
    )

    assert "hi" in said(answer)


def test_sillytavern_sends_what_it_leaves_empty(gateway: RunningGateway) -> None:
    answer = post(
        gateway,
        "/v1/chat/completions",
        {
            "model": MODEL,
            "messages": [*ASK, {"role": "assistant", "content": ""}],
            "logit_bias": {},
            "stop": [],
            "n": None,
            "seed": None,
            "tools": [],
            "user": None,
        },
    )

    assert "hi" in said(answer)


def test_a_channel_test_of_one_token_is_answered(gateway: RunningGateway) -> None:
    answer = post(
        gateway, "/v1/chat/completions", {"model": THINKING_MODEL, "messages": ASK, "max_tokens": 1}
    )

    assert answer.status == 200
    assert answer.json["choices"][0]["finish_reason"] == "length"


def test_agents_send_back_their_own_fields(gateway: RunningGateway) -> None:
    """Cline, Roo and Kilo keep a provider's reasoning and put caching marks on parts."""
    history = [
        {
            "role": "system",
            "content": [{"type": "text", "text": "You are Cline.", "cache_control": {"type": "ephemeral"}}],
        },
        {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
        {
            "role": "assistant",
            "content": "Hello.",
            "reasoning_content": "A greeting.",
            "reasoning_details": [],
        },
        {"role": "user", "content": [{"type": "text", "text": "And then?"}]},
    ]
    answer = post(
        gateway,
        "/v1/chat/completions",
        {
            "model": THINKING_MODEL,
            "messages": history,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    )

    assert "And then?" in said(answer)


# LangChain.


def test_langchain_s_token_ids_are_refused_with_the_way_out(gateway: RunningGateway) -> None:
    answer = post(gateway, "/v1/embeddings", {"input": [[15339, 1917]], "model": EMBEDDING_MODEL})

    assert answer.status == 400
    assert "token ids" in answer.error["message"]
    assert "check_embedding_ctx_length" in answer.error["message"]


# curl and scripts.


@pytest.mark.parametrize(
    "path", ["/v1beta/models", "/v1/models", f"/v1beta/models/{MODEL}", "/gemini/v1beta/models"]
)
def test_a_key_in_the_query_speaks_gemini(gateway: RunningGateway, path: str) -> None:
    answer = get(gateway, f"{path}?key={TOKEN}", {})

    assert answer.status == 200
    assert f"models/{MODEL}" in answer.body.decode()


def test_a_body_without_its_type_is_read_as_json(gateway: RunningGateway) -> None:
    """Curl's -d says it sends a form."""
    headers = {**BEARER, "content-type": "application/x-www-form-urlencoded"}

    assert "hi" in said(call(gateway, "/v1/chat/completions", chat_body(), headers=headers))
    assert "hi" in said(
        call(gateway, f"/v1beta/models/{MODEL}:generateContent", orjson.dumps(NATIVE_ASK), headers=headers)
    )


def test_a_large_body_waits_to_be_asked_for(gateway: RunningGateway) -> None:
    """Curl sends `Expect: 100-continue` and only then the picture."""
    body = chat_body(metadata={"filler": "x" * 1_100_000})
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname, address.port), WAIT_S) as client:
        client.settimeout(WAIT_S)
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
            + f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        assert client.recv(65536).startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        seen = b"".join(iter(lambda: client.recv(65536), b""))

    assert seen.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "path", ["/images/generations", "/audio/speech", "/audio/transcriptions", "/images/edits"]
)
def test_every_operation_is_known_without_a_version(gateway: RunningGateway, path: str) -> None:
    """OpenAI's SDK given the bare address joins the operation alone."""
    assert call(gateway, path, b"{}").body == call(gateway, f"/v1{path}", b"{}").body.replace(b"/v1/", b"/")
