"""The load: keep-alive connections that repeat one request, counting whole answers and events.

Run as `python -m tests.load.load PORT KIND CONNECTIONS SECONDS TOKEN`; prints one JSON line. An answer is
whole when its framing ends; a stream must also have brought all its events.
"""

import asyncio
import sys
import time

import orjson

from tests.load.mock import EVENTS

_NATIVE = orjson.dumps({"contents": [{"role": "user", "parts": [{"text": "hello there " * 8}]}]})
_MESSAGES = [{"role": "user", "content": "hello there " * 8}]


def _chat(model: str, *, stream: bool) -> tuple[str, bytes]:
    return "/v1/chat/completions", orjson.dumps({"model": model, "messages": _MESSAGES, "stream": stream})


def _stream(model: str) -> tuple[str, bytes]:
    return f"/v1beta/models/{model}:streamGenerateContent?alt=sse", _NATIVE


KINDS = {
    "native": ("/v1beta/models/gemini-3.5-flash:generateContent", _NATIVE),
    "chat": _chat("gemini-3.5-flash", stream=False),
    "native-paced": _stream("gemini-3.5-flash-paced"),
    "chat-paced": _chat("gemini-3.5-flash-paced", stream=True),
    "native-burst": _stream("gemini-3.5-flash-burst"),
    "chat-burst": _chat("gemini-3.5-flash-burst", stream=True),
    "native-slow": _stream("gemini-3.5-flash-slow"),
}
_BLOCK_ENDS = {"native": b"\r\n\r\n", "chat": b"\n\n"}


class Count:
    """What all connections of a run have seen."""

    def __init__(self) -> None:
        self.answers = 0
        self.events = 0
        self.errors = 0
        self.running = True


class Client(asyncio.Protocol):
    """One connection; sends again as soon as an answer is whole."""

    def __init__(self, request: bytes, kind: str, count: Count) -> None:
        self._request = request
        self._is_stream = kind not in ("native", "chat")
        self._count = count
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._events = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._count.running:
            self._count.errors += 1

    def data_received(self, data: bytes) -> None:
        if self._is_stream:
            self._take_stream(data)
            return
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self._buffer) >= end + 4 + length:
            self._done(ok=head.startswith(b"http/1.1 200"))

    def _take_stream(self, data: bytes) -> None:
        seen = data.count(b'"index":0')
        self._events += seen
        self._count.events += seen
        self._buffer = (self._buffer + data)[-7:]
        if self._buffer.endswith(b"\r\n0\r\n\r\n"):
            self._done(ok=self._events >= EVENTS)

    def _done(self, *, ok: bool) -> None:
        count = self._count
        count.answers += 1
        if not ok:
            count.errors += 1
        self._buffer = b""
        self._events = 0
        if count.running and self._transport is not None:
            self._transport.write(self._request)


async def run(port: int, kind: str, connections: int, seconds: float, token: str) -> dict[str, float]:
    """Load the gateway for some seconds; gives counts and the time they took."""
    path, body = KINDS[kind]
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    count = Count()
    loop = asyncio.get_running_loop()
    started_s = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: Client(request, kind, count), "127.0.0.1", port)
    await asyncio.sleep(seconds)
    count.running = False
    return {
        "answers": count.answers,
        "events": count.events,
        "errors": count.errors,
        "seconds": time.perf_counter() - started_s,
    }


if __name__ == "__main__":
    _, port_text, kind_text, connections_text, seconds_text, token_text = sys.argv
    result = asyncio.run(
        run(int(port_text), kind_text, int(connections_text), float(seconds_text), token_text)
    )
    sys.stdout.write(orjson.dumps(result).decode() + "\n")
