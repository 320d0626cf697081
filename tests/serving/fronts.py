"""Both fronts on a free loopback port, light routes driven by hand, and a client that speaks raw bytes."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from gateway.serving.connection import Conn
from gateway.serving.front import Front, FrontKind
from gateway.serving.light import Reply, RequestHead, RouteFactory
from gateway.serving.limits import Limits
from gateway.serving.refusal import Reject
from gateway.serving.server import LlhttpFront
from gateway.serving.tornado_front import TornadoFront

KINDS: tuple[FrontKind, ...] = ("llhttp", "tornado")
SOON_S = 5.0


class HandRoute:
    """A light route that records what the front tells it and leaves the answering to the test."""

    def __init__(self, reply: Reply, request: RequestHead) -> None:
        self.reply = reply
        self.request = request
        self.chunks: list[bytes] = []
        self.told: list[str] = []
        self.ended = asyncio.Event()
        self.left = asyncio.Event()
        self.was_drained = asyncio.Event()
        self.got_data = asyncio.Event()

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def data(self, chunk: bytes) -> None:
        self.told.append("data")
        self.chunks.append(chunk)
        self.got_data.set()

    def end(self, body: bytes) -> None:
        self.told.append("end")
        self.chunks.append(body)
        self.ended.set()

    def gone(self) -> None:
        self.told.append("gone")
        self.left.set()

    def drained(self) -> None:
        self.told.append("drained")
        self.was_drained.set()


class EchoRoute(HandRoute):
    """Answers, at the request's end, what it was asked."""

    def __init__(self, reply: Reply, request: RequestHead, lab: "Lab") -> None:
        super().__init__(reply, request)
        self.lab = lab

    def end(self, body: bytes) -> None:
        self.chunks.append(body)
        self.lab.echoed += 1
        request = self.request
        said = {
            "method": request.method,
            "target": request.target,
            "path": request.path,
            "query": request.query,
            "headers": dict(request.headers),
            "peer": self.reply.peer,
            "body": self.body.decode("latin-1"),
        }
        self.reply.head(200, [("Content-Type", "application/json")])
        self.reply.finish(orjson.dumps(said))


@dataclass
class Lab:
    """The light routes of a test: /echo answers, /hand waits for the test, `factories` are its own."""

    factories: dict[str, RouteFactory] = field(default_factory=dict)
    echoed: int = 0
    hands: "asyncio.Queue[HandRoute]" = field(default_factory=asyncio.Queue)

    def router(self, method: str, path: str) -> RouteFactory | None:
        factory = self.factories.get(path)
        if factory is None:
            factory = {"/echo": self._echo, "/hand": self._hand}.get(path)
        return factory

    async def hand(self) -> HandRoute:
        return await asyncio.wait_for(self.hands.get(), SOON_S)

    def _echo(self, reply: Reply, request: RequestHead) -> EchoRoute:
        return EchoRoute(reply, request, self)

    def _hand(self, reply: Reply, request: RequestHead) -> HandRoute:
        route = HandRoute(reply, request)
        self.hands.put_nowait(route)
        return route


class Hello(RequestHandler):
    def get(self) -> None:
        self.write({"uri": self.request.uri, "peer": self.request.remote_ip, "scheme": self.request.protocol})

    head = get

    def post(self) -> None:
        self.write(self.request.body)


class EchoSocket(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message, binary=isinstance(message, bytes))


def quiet(handler: RequestHandler) -> None:
    """Tornado's access log is not what these tests look at."""


def application(*routes: Any) -> Application:
    return Application(
        [(r"/", Hello), (r"/tornado", Hello), (r"/socket", EchoSocket), *routes], log_function=quiet
    )


@dataclass
class Running:
    """A front that serves, and the client's side of it."""

    front: Front
    lab: Lab
    port: int

    async def connect(self) -> "Client":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 26)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Client(reader, writer)

    @property
    def conns(self) -> list[Conn]:
        """Our own front's connections."""
        assert isinstance(self.front, LlhttpFront)
        return self.front.connections

    async def ask(self, raw: bytes, *, piecewise: bool = False) -> bytes:
        """Everything the front answers to these bytes until it closes, or until it awaits more."""
        client = await self.connect()
        try:
            await client.send(raw, piecewise=piecewise)
            return await client.read_all()
        finally:
            await client.close()


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def stop_reading(self) -> None:
        """From now on what the front sends fills the kernel's buffers."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def go_on_reading(self) -> None:
        cast("asyncio.Transport", self.writer.transport).resume_reading()

    async def send(self, raw: bytes, *, piecewise: bool = False) -> None:
        """Send whole, or byte by byte: the front, on the same loop, reads between two bytes."""
        with contextlib.suppress(ConnectionError):
            if not piecewise:
                self.writer.write(raw)
                await self.writer.drain()
                return
            for byte in raw:
                self.writer.write(bytes([byte]))
                await self.writer.drain()
                await asyncio.sleep(0)

    async def read_all(self) -> bytes:
        """Until the front closes. A reset ends the bytes as well."""
        received = b""
        with contextlib.suppress(ConnectionError):
            while piece := await asyncio.wait_for(self.reader.read(1 << 20), SOON_S):
                received += piece
        return received

    async def read_until(self, end: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(end), SOON_S)

    async def read_answer(self) -> "Answer":
        """One answer framed by Content-Length."""
        head = await self.read_until(b"\r\n\r\n")
        answer = parse_answers(head)[0]
        length = int(answer.headers.get("content-length", "0"))
        answer.body = await asyncio.wait_for(self.reader.readexactly(length), SOON_S)
        return answer

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def parse_answers(raw: bytes) -> list[Answer]:
    """Answers in a row, by their framing; what follows an unframed head is its body."""
    answers = []
    while raw:
        head, separator, raw = raw.partition(b"\r\n\r\n")
        assert separator, f"an answer's head breaks off: {head!r}"
        status_line, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = status_line.partition(" ")
        assert version == "HTTP/1.1", status_line
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(rest[:3])
        if headers.get("transfer-encoding") == "chunked":
            body, raw = _unchunk(raw)
        elif "content-length" in headers:
            length = int(headers["content-length"])
            body, raw = raw[:length], raw[length:]
        elif status < 200:
            body = b""
        else:
            body, raw = raw, b""
        answers.append(Answer(status, headers, body))
    return answers


def _unchunk(raw: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, separator, raw = raw.partition(b"\r\n")
        assert separator, "the chunked body breaks off"
        length = int(size, 16)
        body += raw[:length]
        assert raw[length : length + 2] == b"\r\n"
        raw = raw[length + 2 :]
        if length == 0:
            return body, raw


@contextlib.asynccontextmanager
async def serving(
    kind: FrontKind,
    *,
    lab: Lab | None = None,
    app: Application | None = None,
    limits: Limits | None = None,
    xheaders: bool = True,
    reject: Reject | None = None,
    clock: Callable[[], float] | None = None,
) -> AsyncIterator[Running]:
    """A front on a free port; cut at the end. With a clock of its own the test sweeps by itself."""
    lab = lab or Lab()
    shared: dict[str, Any] = {
        "application": app or application(),
        "light": lab.router,
        "limits": limits or Limits(),
        "xheaders": xheaders,
        "reject": reject,
    }
    front: LlhttpFront | TornadoFront
    if kind == "llhttp":
        front = LlhttpFront(**shared, clock=clock, sweep_s=0 if clock else 0.2)
    else:
        front = TornadoFront(**shared)
    sockets = bind_sockets(0, "127.0.0.1")
    await front.add_sockets(sockets)
    try:
        yield Running(front, lab, sockets[0].getsockname()[1])
    finally:
        await front.drain(0)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens elsewhere on the loop."""
    async with asyncio.timeout(SOON_S):
        while not condition():  # noqa: ASYNC110 - what is awaited here has no event
            await asyncio.sleep(0.001)
