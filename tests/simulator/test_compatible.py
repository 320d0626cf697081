"""The simulated OpenAI-compatible endpoint has the real one's quirks."""

from typing import Any

import orjson
import pytest

from gateway.simulator.answers import Answer
from tests.simulator.asking import KEY, Asker

BEARER = (("authorization", f"Bearer {KEY}"),)
CHAT = {"model": "gemini-3.5-flash", "messages": [{"role": "user", "content": "Hello"}]}


def post(resource: str, body: Any, headers: tuple[tuple[str, str], ...] = BEARER) -> Answer:
    return Asker().send(f"/v1beta/openai/{resource}", body, key=None, headers=headers)


def message_of(answer: Answer) -> str:
    (wrapped,) = orjson.loads(answer.pieces[0])
    message: str = wrapped["error"]["message"]
    return message


def test_a_chat_is_answered_whole_and_streamed() -> None:
    whole = orjson.loads(post("chat/completions", CHAT).pieces[0])
    streamed = post("chat/completions", {**CHAT, "stream": True})

    text = "".join(
        orjson.loads(line[6:])["choices"][0]["delta"].get("content", "")
        for piece in streamed.pieces
        for line in piece.split(b"\n\n")
        if line and line != b"data: [DONE]"
    )
    assert streamed.content_type == "text/event-stream"
    assert text.startswith(whole["choices"][0]["message"]["content"][:20])
    assert streamed.pieces[-1].endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ((), 400, "Authorization"),
        ((*BEARER, ("x-goog-api-key", KEY)), 400, "Multiple authentication credentials"),
        ((("authorization", "Bearer AQ.nobody"),), 400, "API key not valid"),
    ],
)
def test_the_key_is_a_bearer_token_and_errors_stand_in_an_array(
    headers: tuple[tuple[str, str], ...], status: int, words: str
) -> None:
    answer = post("chat/completions", CHAT, headers)

    assert answer.status == status
    assert words in message_of(answer)


@pytest.mark.parametrize(
    ("resource", "body", "words"),
    [
        ("chat/completions", {**CHAT, "odd": 1}, 'Unknown name "odd"'),
        ("chat/completions", {**CHAT, "messages": []}, "messages"),
        ("chat/completions", [], "Invalid JSON payload"),
        ("chat/completions", {**CHAT, "model": "gemini-9"}, "models/gemini-9 is not found"),
        ("embeddings", {"model": "gemini-embedding-001", "input": "x", "odd": 1}, 'Unknown name "odd"'),
    ],
)
def test_what_it_does_not_know_is_refused(resource: str, body: Any, words: str) -> None:
    assert words in message_of(post(resource, body))


def test_other_resources_are_not_there() -> None:
    answer = post("audio/speech", {})

    assert (answer.status, answer.content_type) == (404, "text/html; charset=UTF-8")
