"""The mock upstream: answers generateContent and streamGenerateContent, at once or paced, and nothing else.

Run as `python -m tests.load.mock PORT`. Requests are recognised by their head's end and Content-Length only.
"""

import asyncio
import re
import sys

import orjson

EVENTS = 50
PACE_S = 0.02
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def _reply(text: str, finish: str | None) -> bytes:
    candidate: dict[str, object] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return orjson.dumps(
        {
            "candidates": [candidate],
            "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 50, "totalTokenCount": 58},
            "modelVersion": "gemini-3.5-flash",
            "responseId": "mock-response",
        }
    )


WHOLE_BODY = _reply("x" * 1250, "STOP")
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(WHOLE_BODY),
    WHOLE_BODY,
)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNKS = [
    _chunk(b"data: %b\r\n\r\n" % _reply("y" * 60, "STOP" if number == EVENTS - 1 else None))
    for number in range(EVENTS)
]
BURST = STREAM_HEAD + b"".join(CHUNKS) + b"0\r\n\r\n"


class Mock(asyncio.Protocol):
    """One connection. Model names choose what is done: `…-paced`, `…-slow` (an event a second), `…-burst`."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            found = _LENGTH.search(head)
            total = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < total:
                return
            self._buffer = self._buffer[total:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        transport = self._transport
        assert transport is not None
        target = head.split(b" ", 2)[1]
        if b":streamGenerateContent" not in target:
            transport.write(WHOLE)
        elif b"-burst" in target:
            transport.write(BURST)
        else:
            transport.write(STREAM_HEAD)
            self._pace(0, 1.0 if b"-slow" in target else PACE_S)

    def _pace(self, number: int, pause_s: float) -> None:
        transport = self._transport
        assert transport is not None
        if transport.is_closing():
            return
        transport.write(CHUNKS[number])
        if number + 1 < EVENTS:
            asyncio.get_running_loop().call_later(pause_s, self._pace, number + 1, pause_s)
        else:
            transport.write(b"0\r\n\r\n")


async def serve(port: int) -> None:
    """Listen on loopback until killed."""
    server = await asyncio.get_running_loop().create_server(Mock, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
