"""The main job in small: both official SDKs talk and stream through the gateway."""

import openai
from google import genai
from google.genai import types

from tests.fakes.upstream import FakeUpstream
from tests.integration.running import KEYS, TOKEN, RunningGateway

MODEL = "gemini-3.5-flash"


def test_the_openai_sdk_gets_an_answer(gateway: RunningGateway) -> None:
    with openai.OpenAI(api_key=TOKEN, base_url=f"{gateway.url}/v1") as client:
        answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])

    assert answer.choices[0].message.content == "Hello from the fake upstream."
    assert answer.choices[0].finish_reason == "stop"


def test_the_google_sdk_streams_an_answer(gateway: RunningGateway) -> None:
    options = types.HttpOptions(base_url=f"{gateway.url}/gemini/v1beta")
    with genai.Client(api_key=TOKEN, http_options=options) as client:
        chunks = [chunk.text for chunk in client.models.generate_content_stream(model=MODEL, contents="hi")]

    assert "".join(chunk or "" for chunk in chunks) == "Hello from the fake upstream."
    assert len(chunks) > 1


def test_keys_take_turns(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    with openai.OpenAI(api_key=TOKEN, base_url=f"{gateway.url}/v1") as client:
        for _ in range(6):
            client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])

    used = [seen.key or "" for seen in fake_upstream.requests]
    assert sorted(used) == sorted([*KEYS, *KEYS])
