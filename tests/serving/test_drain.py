"""Stopping without losing an answer, on both fronts."""

import asyncio
import gc
import socket
import warnings

import pytest
from tornado.web import RequestHandler

from gateway.serving.front import FrontKind
from tests.serving.fronts import application, parse_answers, serving, until


class Slow(RequestHandler):
    begun: asyncio.Event
    may_end: asyncio.Event

    async def get(self) -> None:
        self.begun.set()
        await self.may_end.wait()
        self.write("abcdef")


GET = b"GET /hand HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_draining_closes_idle_connections_and_takes_no_new_ones(kind: FrontKind) -> None:
    async with serving(kind) as running:
        idle = await running.connect()
        await idle.send(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
        await idle.read_answer()

        assert await running.front.drain(5) == 0

        assert await idle.read_all() == b""
        assert running.front.open_connections == 0
        with pytest.raises(ConnectionRefusedError):
            await running.connect()
        await idle.close()


def received(client: socket.socket) -> bytes:
    """What has come, and nothing if the connection was reset."""
    with client:
        client.settimeout(5)
        try:
            return client.recv(65536)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_that_comes_as_the_draining_begins_is_not_forgotten(
    kind: FrontKind, turns: int
) -> None:
    """Between its coming and its first byte read lie turns of the loop. Ours answers on each of them."""
    async with serving(kind) as running:
        client = socket.create_connection(("127.0.0.1", running.port))
        client.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(turns):
            await asyncio.sleep(0)

        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            assert await running.front.drain(5) == 0
            gc.collect()

        assert running.front.open_connections == 0
        answer = received(client)
    assert answer.startswith(b"HTTP/1.1 200 ") or (kind == "tornado" and not answer)


async def test_answers_under_way_end_and_say_that_the_connection_closes(kind: FrontKind) -> None:
    async with serving(kind) as running:
        waiting, streaming = await running.connect(), await running.connect()
        await waiting.send(GET)
        waiting_route = await running.lab.hand()
        await streaming.send(GET)
        streaming_route = await running.lab.hand()
        streaming_route.reply.head(200, [])
        streaming_route.reply.write(b"one")
        begun = await streaming.read_until(b"one\r\n")

        draining = asyncio.ensure_future(running.front.drain(5))
        done, _ = await asyncio.wait([draining], timeout=0.05)
        assert not done
        streaming_route.reply.finish(b"two")
        waiting_route.reply.head(200, [])
        waiting_route.reply.finish(b"here")

        answer = parse_answers(await waiting.read_all())[0]
        stream = parse_answers(begun + await streaming.read_all())[0]
        await waiting.close()
        await streaming.close()
        assert await draining == 0
    assert (answer.body, answer.headers["connection"]) == (b"here", "close")
    assert stream.body == b"onetwo"


async def test_what_does_not_end_in_time_is_cut_and_counted(kind: FrontKind) -> None:
    async with serving(kind) as running:
        client = await running.connect()
        await client.send(GET)
        route = await running.lab.hand()
        route.reply.head(200, [])
        route.reply.write(b"one")
        await client.read_until(b"one\r\n")

        assert await running.front.drain(0.05) == 1

        assert b"0\r\n\r\n" not in await client.read_all()
        assert route.left.is_set()
        await until(lambda: running.front.open_connections == 0)
        await client.close()


async def test_a_tornado_handlers_answer_under_way_ends(kind: FrontKind) -> None:
    Slow.begun, Slow.may_end = asyncio.Event(), asyncio.Event()
    async with serving(kind, app=application((r"/slow", Slow))) as running:
        client = await running.connect()
        await client.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(Slow.begun.wait(), 5)
        draining = asyncio.ensure_future(running.front.drain(5))
        done, _ = await asyncio.wait([draining], timeout=0.05)
        assert not done
        Slow.may_end.set()
        answers = parse_answers(await client.read_all())
        await client.close()
        assert await draining == 0

    assert [(answer.status, answer.body) for answer in answers] == [(200, b"abcdef")]
