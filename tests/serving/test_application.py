"""Tornado handlers and WebSockets on both fronts: what the application relies on."""

import asyncio

import pytest
from tornado import httputil
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler, stream_request_body
from tornado.websocket import websocket_connect

from gateway.serving.front import FrontKind
from gateway.serving.limits import Limits
from tests.serving.fronts import application, parse_answers, serving, until

BLOCK = b"x" * 65536


class Pump(RequestHandler):
    """Streams blocks, each awaited, and counts them."""

    flushed = 0
    is_waiting = False
    broke = asyncio.Event()

    async def get(self) -> None:
        cls = type(self)
        try:
            for _ in range(int(self.get_argument("blocks"))):
                self.write(BLOCK)
                flush = self.flush()
                cls.is_waiting = not flush.done() or cls.is_waiting
                await flush
                cls.flushed += 1
        except StreamClosedError:
            cls.broke.set()


class Waiting(RequestHandler):
    left: asyncio.Event
    begun: asyncio.Event

    async def get(self) -> None:
        self.begun.set()
        await self.left.wait()

    def on_connection_close(self) -> None:
        self.left.set()


@stream_request_body
class Upload(RequestHandler):
    """Takes a body piece by piece, slowly, and raises its own limit."""

    def prepare(self) -> None:
        self.total = 0
        self.request.connection.set_max_body_size(10_000_000)  # type: ignore[union-attr]  # Tornado's own extension

    async def data_received(self, chunk: bytes) -> None:
        await asyncio.sleep(0)
        self.total += len(chunk)

    def post(self) -> None:
        self.write(str(self.total))


class Broken(RequestHandler):
    async def get(self) -> None:
        self.write("abc")
        await self.flush()
        self.request.connection.write_headers(  # type: ignore[union-attr]  # always set while a request runs
            httputil.ResponseStartLine("", 200, "OK\r\nX: y"), httputil.HTTPHeaders()
        )


async def test_a_handler_that_awaits_its_flushes_waits_for_the_client(kind: FrontKind) -> None:
    Pump.flushed, Pump.is_waiting = 0, False
    async with serving(kind, app=application((r"/pump", Pump))) as running:
        client = await running.connect()
        client.stop_reading()
        await client.send(b"GET /pump?blocks=400 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await until(lambda: Pump.is_waiting and Pump.flushed > 0)
        assert Pump.flushed < 200

        client.go_on_reading()
        answer = parse_answers(await client.read_all())[0]
        assert answer.body == BLOCK * 400
        await client.close()


async def test_a_handlers_flush_fails_once_the_client_has_left(kind: FrontKind) -> None:
    Pump.broke, Pump.is_waiting = asyncio.Event(), False
    async with serving(kind, app=application((r"/pump", Pump))) as running:
        client = await running.connect()
        client.stop_reading()
        await client.send(b"GET /pump?blocks=100000 HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: Pump.is_waiting)
        client.writer.transport.abort()
        await asyncio.wait_for(Pump.broke.wait(), 5)


async def test_a_handler_hears_of_a_client_that_left(kind: FrontKind) -> None:
    Waiting.left, Waiting.begun = asyncio.Event(), asyncio.Event()
    async with serving(kind, app=application((r"/wait", Waiting))) as running:
        client = await running.connect()
        await client.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(Waiting.begun.wait(), 5)
        await client.close()
        await asyncio.wait_for(Waiting.left.wait(), 1)


async def test_a_handler_takes_a_body_in_pieces_and_may_raise_its_limit(kind: FrontKind) -> None:
    limits = Limits(max_body_bytes=1000)
    async with serving(kind, app=application((r"/upload", Upload)), limits=limits) as running:
        body = b"x" * 3_000_000
        raw = b"POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(
            body
        )
        answer = parse_answers(await running.ask(raw + body))[0]

    assert (answer.status, answer.body) == (200, b"3000000")


@pytest.mark.logs_errors("the handler is broken on purpose")
async def test_a_handler_that_would_split_its_answer_is_stopped(kind: FrontKind) -> None:
    async with serving(kind, app=application((r"/broken", Broken))) as running:
        received = await running.ask(b"GET /broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert b"X: y" not in received


async def test_head_and_not_modified_have_no_body(kind: FrontKind) -> None:
    async with serving(kind) as running:
        raw = b"GET /tornado HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        whole = parse_answers(await running.ask(raw + b"\r\n"))[0]
        head = await running.ask(raw.replace(b"GET", b"HEAD") + b"\r\n")
        same = await running.ask(raw + b"If-None-Match: " + whole.headers["etag"].encode() + b"\r\n\r\n")

    assert head.endswith(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(whole.body) in head
    assert same.startswith(b"HTTP/1.1 304 ")
    assert same.endswith(b"\r\n\r\n")


async def test_a_websocket_speaks_both_ways(kind: FrontKind) -> None:
    async with serving(kind) as running:
        socket = await websocket_connect(f"ws://127.0.0.1:{running.port}/socket")
        for message in ("hello", b"\x00\x01", "x" * 200_000):
            await socket.write_message(message, binary=isinstance(message, bytes))
            assert await asyncio.wait_for(socket.read_message(), 5) == message
        socket.close()
        assert await asyncio.wait_for(socket.read_message(), 5) is None


@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte by byte"])
async def test_a_frame_sent_with_the_handshake_is_not_lost(kind: FrontKind, piecewise: bool) -> None:
    handshake = (
        b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    frame = b"\x81\x82\x00\x00\x00\x00hi"
    async with serving(kind) as running:
        client = await running.connect()
        await client.send(handshake + frame, piecewise=piecewise)
        head = await client.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert await client.read_until(b"hi") == b"\x81\x02hi"
        await client.close()


async def test_a_websocket_behind_a_pipelined_request_comes_after_its_answer(kind: FrontKind) -> None:
    handshake = (
        b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with serving(kind) as running:
        client = await running.connect()
        await client.send(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n" + handshake)
        assert (await client.read_answer()).status == 200
        assert (await client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        await client.close()


async def test_an_upgrade_the_handler_refuses_is_answered(kind: FrontKind) -> None:
    raw = b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with serving(kind) as running:
        client = await running.connect()
        await client.send(raw)
        answer = await client.read_answer()
        await client.close()

    assert answer.status in (400, 426)


async def test_a_detached_connection_is_no_longer_the_fronts(kind: FrontKind) -> None:
    if kind == "tornado":
        return  # HTTPServer goes on counting it
    async with serving(kind) as running:
        socket = await websocket_connect(f"ws://127.0.0.1:{running.port}/socket")
        await until(lambda: running.front.open_connections == 0)
        await running.front.drain(0)
        await socket.write_message("still here")
        assert await asyncio.wait_for(socket.read_message(), 5) == "still here"
        socket.close()
