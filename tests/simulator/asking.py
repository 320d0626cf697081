"""Asking the simulated Gemini without sockets."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.simulator.answers import Answer
from gateway.simulator.http1 import HttpRequest
from gateway.simulator.service import SimulatedGemini
from gateway.simulator.world import Project, SimulatedKey, World, world_of
from gateway.streaming.json_array import JsonArraySplitter
from gateway.streaming.sse import SseDecoder

KEY = "AQ.demo-test-1-not-a-real-key"


def plain_world(**more: Any) -> World:
    return world_of([SimulatedKey(KEY, Project("1"))], **more)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


@dataclass
class Asker:
    """A client of one simulated Gemini; `now_s` is its clock."""

    world: World = field(default_factory=plain_world)
    now_s: float = 1_793_000_000.0

    def __post_init__(self) -> None:
        self.gemini = SimulatedGemini(self.world)

    def send(
        self,
        target: str,
        body: Any = None,
        *,
        key: str | None = KEY,
        headers: tuple[tuple[str, str], ...] = (),
        method: str | None = None,
    ) -> Answer:
        sent = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        if key is not None:
            headers = (("x-goog-api-key", key), *headers)
        method = method or ("GET" if body is None else "POST")
        return self.gemini.answer(HttpRequest(method, target, headers, sent, keep_alive=True), self.now_s)

    def ask(self, target: str, body: Any = None, **how: Any) -> tuple[int, Any]:
        answer = self.send(target, body, **how)
        return answer.status, orjson.loads(answer.pieces[0])

    def generate(self, body: Any, *, model: str = "gemini-3.5-flash", **how: Any) -> Any:
        """Give the reply, or the message of the error with its status before it."""
        status, reply = self.ask(f"/v1beta/models/{model}:generateContent", body, **how)
        return reply if status == 200 else f"{status} {reply['error']['message']}"

    def stream(self, body: Any, *, model: str = "gemini-3.5-flash", query: str = "?alt=sse") -> list[Any]:
        answer = self.send(f"/v1beta/models/{model}:streamGenerateContent{query}", body)
        assert answer.status == 200
        decoder = SseDecoder() if query else JsonArraySplitter()
        return [orjson.loads(event) for piece in answer.pieces for event in decoder.feed(piece)]


def parts_of(reply: Any) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = reply["candidates"][0]["content"].get("parts", [])
    return parts


def text_of(reply: Any) -> str:
    return "".join(part.get("text", "") for part in parts_of(reply) if not part.get("thought"))
