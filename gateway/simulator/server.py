"""The simulated Gemini on a port: plain asyncio and httptools, one connection class.

Answers come from service.py, time from the loop and the wall. Listens on loopback unless told otherwise.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from email.utils import formatdate

from gateway.simulator.answers import Answer
from gateway.simulator.http1 import LAST_CHUNK, HttpRequest, RequestParser, http_chunk, response_head
from gateway.simulator.service import SimulatedGemini
from gateway.simulator.world import World

Clock = Callable[[], float]

_MAX_PIPELINED = 64


class SimulatorServer:
    """A running simulator. Close it, or use it in an `async with` block."""

    def __init__(self, server: asyncio.Server, connections: set["_Connection"]) -> None:
        self._server = server
        self._connections = connections
        self.port: int = server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """The base address with its version, as BASE_URL wants it."""
        return f"http://127.0.0.1:{self.port}/v1beta"

    async def serve_forever(self) -> None:
        await self._server.serve_forever()

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        self._server.close()
        for connection in list(self._connections):
            connection.cut()
        await self._server.wait_closed()

    async def __aenter__(self) -> "SimulatorServer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def run_simulator(
    world: World, host: str = "127.0.0.1", port: int = 0, *, clock: Clock = time.time
) -> SimulatorServer:
    """Serve `world` from the running loop.

    port    0 takes a free one; the server says which
    clock   seconds since 1970, for quotas
    raises  OSError when the port cannot be had
    """
    gemini = SimulatedGemini(world)
    connections: set[_Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(gemini, clock, connections), host, port)
    return SimulatorServer(server, connections)


class _Connection(asyncio.Protocol):
    """One connection: requests are answered one after another, timed by the loop and without tasks."""

    def __init__(self, gemini: SimulatedGemini, clock: Clock, connections: set["_Connection"]) -> None:
        self._gemini = gemini
        self._clock = clock
        self._connections = connections
        self._parser = RequestParser(self._request, self._continue)
        self._waiting: deque[HttpRequest] = deque()
        self._answer: Answer | None = None  # the one being sent
        self._next_piece = 0
        self._keep_alive = True
        self._paused = False
        self._due = False  # a piece is due but the client does not read
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"expected a stream transport, got {transport!r}")
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed(data)
        except ValueError:
            self._transport.write(response_head(400, (("Connection", "close"),), content_length=0))
            self._transport.close()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._due:
            self._due = False
            self._send_piece()

    def cut(self) -> None:
        self._transport.abort()

    def _continue(self) -> None:
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _request(self, request: HttpRequest) -> None:
        if self._answer is None:
            self._begin(request)
        elif len(self._waiting) < _MAX_PIPELINED:
            self._waiting.append(request)
        else:
            self._transport.abort()

    def _begin(self, request: HttpRequest) -> None:
        answer = self._gemini.answer(request, self._clock())
        self._answer = answer
        self._keep_alive = request.keep_alive
        if answer.first_byte_delay_s:
            self._timer = self._loop.call_later(answer.first_byte_delay_s, self._start, answer)
        else:
            self._start(answer)

    def _start(self, answer: Answer) -> None:
        headers = [
            ("Content-Type", answer.content_type),
            ("Vary", "Origin, X-Origin, Referer"),
            ("Date", formatdate(self._clock(), usegmt=True)),
            ("Server", "scaffolding on HTTPServer2"),
            ("X-Content-Type-Options", "nosniff"),
            *answer.headers,
        ]
        if not self._keep_alive:
            headers.append(("Connection", "close"))
        if answer.streamed:
            self._transport.write(response_head(answer.status, headers, content_length=None))
            self._next_piece = 0
            self._send_piece()
            return
        body = answer.pieces[0]
        self._transport.write(response_head(answer.status, headers, content_length=len(body)) + body)
        self._finish()

    def _send_piece(self) -> None:
        """Send the next event, and the rest at once when the world is in a hurry."""
        answer = self._answer
        while answer is not None:
            if self._paused:
                self._due = True
                return
            if self._next_piece == len(answer.pieces):
                self._transport.write(LAST_CHUNK)
                self._finish()
                return
            self._transport.write(http_chunk(answer.pieces[self._next_piece]))
            self._next_piece += 1
            if answer.piece_delay_s and self._next_piece < len(answer.pieces):
                self._timer = self._loop.call_later(answer.piece_delay_s, self._send_piece)
                return

    def _finish(self) -> None:
        self._answer = None
        if not self._keep_alive:
            self._transport.close()
        elif self._waiting:
            self._begin(self._waiting.popleft())
