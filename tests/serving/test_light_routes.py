"""The contract of light.py, on both fronts; what only one of them does says so in the test's name."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator

import orjson
import pytest

from gateway.serving.front import FrontKind
from gateway.serving.light import Reply, RequestHead
from gateway.serving.limits import Limits
from gateway.serving.tornado_light import TornadoReply
from tests.serving.fronts import Client, EchoRoute, HandRoute, Lab, Running, parse_answers, serving, until

GET = b"GET /hand HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /hand HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n"
BIG = b"x" * 1_000_000


@contextlib.asynccontextmanager
async def hand_over(running: Running, raw: bytes) -> AsyncIterator[tuple[Client, HandRoute]]:
    """A client that has sent `raw`, and the route that got it."""
    client = await running.connect()
    await client.send(raw)
    route = await running.lab.hand()
    try:
        yield client, route
    finally:
        await client.close()


async def test_a_route_learns_the_head_as_it_was_sent(kind: FrontKind) -> None:
    async with serving(kind) as running:
        answer = parse_answers(
            await running.ask(
                b"POST /echo?a=%20&b HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\n"
                b"Content-Length: 3\r\nConnection: close\r\n\r\nabc"
            )
        )[0]

    said = orjson.loads(answer.body)
    assert said["method"] == "POST"
    assert said["target"] == "/echo?a=%20&b"
    assert (said["path"], said["query"]) == ("/echo", "a=%20&b")
    assert said["headers"]["x-a"] == "1, 2"
    assert said["peer"] == "127.0.0.1"
    assert said["body"] == "abc"


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (b"X-Forwarded-For: 1.2.3.4, 5.6.7.8", "5.6.7.8"),
        (b"X-Real-Ip: 2001:db8::1", "2001:db8::1"),
        (b"X-Forwarded-For: nonsense", "127.0.0.1"),
    ],
)
async def test_the_client_behind_a_proxy_is_known(kind: FrontKind, header: bytes, peer: str) -> None:
    raw = b" HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n" + header + b"\r\n\r\n"
    async with serving(kind) as running:
        light = parse_answers(await running.ask(b"GET /echo" + raw))[0]
        tornado = parse_answers(await running.ask(b"GET /tornado" + raw))[0]

    assert orjson.loads(light.body)["peer"] == peer
    said = orjson.loads(tornado.body)
    assert (said["peer"], said["scheme"]) == (peer, "https")


async def test_forwarded_headers_mean_nothing_unless_trusted(kind: FrontKind) -> None:
    raw = b"GET /echo HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nConnection: close\r\n\r\n"
    async with serving(kind, xheaders=False) as running:
        answer = parse_answers(await running.ask(raw))[0]

    assert orjson.loads(answer.body)["peer"] == "127.0.0.1"


async def test_a_whole_answer_carries_its_length_and_a_date(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, GET) as (client, route):
        route.reply.head(201, [("X-A", "b"), ("Connection", "ignored"), ("Content-Length", "99")])
        route.reply.finish(b"hello")
        answer = await client.read_answer()

    assert (answer.status, answer.body) == (201, b"hello")
    assert answer.headers["x-a"] == "b"
    assert "date" in answer.headers
    assert "connection" not in answer.headers


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_an_answer_given_at_once_is_its_head_and_its_end(kind: FrontKind, method: bytes) -> None:
    raw = GET.replace(b"GET", method)
    async with serving(kind) as running:
        async with hand_over(running, raw) as (client, route):
            route.reply.head(201, [("X-A", "b")], content_length=5)
            route.reply.finish(b"hello")
            in_two = await client.read_until(b"hello" if method == b"GET" else b"\r\n\r\n")
        async with hand_over(running, raw) as (client, route):
            route.reply.answer(201, [("X-A", "b")], b"hello")
            assert route.reply.started
            in_one = await client.read_until(b"hello" if method == b"GET" else b"\r\n\r\n")
            with pytest.raises(RuntimeError, match="given already"):
                route.reply.answer(200, [], b"again")

    assert _dateless(in_one) == _dateless(in_two)


def _dateless(raw: bytes) -> list[bytes]:
    return [line for line in raw.split(b"\r\n") if not line.startswith(b"Date: ")]


async def test_nothing_is_sent_before_the_first_write(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, GET) as (client, route):
        route.reply.head(200, [])
        was_started = route.reply.started
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.read(1), 0.05)

        route.reply.write(b"now")

        assert (was_started, route.reply.started) == (False, True)
        assert b"now" in await client.read_until(b"now")


async def test_pieces_are_chunked_and_arrive_one_by_one(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, GET) as (client, route):
        route.reply.head(200, [("Content-Type", "text/event-stream")])
        route.reply.write(b"one")
        assert (await client.read_until(b"3\r\none\r\n")).endswith(b"3\r\none\r\n")
        route.reply.write(b"two")
        await client.read_until(b"3\r\ntwo\r\n")
        route.reply.finish(b"three")
        assert await client.read_until(b"0\r\n\r\n") == b"5\r\nthree\r\n0\r\n\r\n"


async def test_a_declared_length_frames_the_pieces(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, GET) as (client, route):
        route.reply.head(200, [], content_length=6)
        route.reply.write(b"abc")
        route.reply.finish(b"def")
        answer = await client.read_answer()

    assert answer.body == b"abcdef"
    assert "transfer-encoding" not in answer.headers


async def test_http10_gets_a_body_that_ends_with_the_connection(kind: FrontKind) -> None:
    raw = b"GET /hand HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    async with serving(kind) as running, hand_over(running, raw) as (client, route):
        route.reply.head(200, [])
        route.reply.write(b"abc")
        route.reply.finish(b"def")
        answer = parse_answers(await client.read_all())[0]

    assert answer.body == b"abcdef"
    assert "transfer-encoding" not in answer.headers


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
async def test_an_answer_that_has_no_body_sends_none(kind: FrontKind, method: bytes, status: int) -> None:
    raw = method + b" /hand HTTP/1.1\r\nHost: x\r\n\r\n"
    for is_streamed in (False, True):
        async with serving(kind) as running, hand_over(running, raw) as (client, route):
            route.reply.head(status, [])
            if is_streamed:
                route.reply.write(b"abc")
                route.reply.write(b"def")
            route.reply.finish(b"" if status == 204 else b"ghi")
            await client.send(b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            received = await client.read_all()

        head, _, rest = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d" % status)
        assert b"Transfer-Encoding" not in head
        assert rest.startswith(b"HTTP/1.1 200")


async def test_a_body_arrives_in_order_and_then_its_end(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, POST + b"abc") as (client, route):
        await asyncio.wait_for(route.got_data.wait(), 5)
        assert route.body == b"abc"
        assert not route.ended.is_set()
        await client.send(b"def")
        await asyncio.wait_for(route.ended.wait(), 5)

        assert route.body == b"abcdef"
        assert route.told[-1] == "end"


async def test_a_large_body_arrives_whole(kind: FrontKind) -> None:
    raw = b"POST /hand HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BIG) + BIG
    async with serving(kind) as running, hand_over(running, raw) as (_, route):
        await asyncio.wait_for(route.ended.wait(), 5)
        assert route.body == BIG


async def test_a_paused_body_is_not_read_until_it_is_wanted(kind: FrontKind) -> None:
    class Shy(HandRoute):
        def data(self, chunk: bytes) -> None:
            super().data(chunk)
            self.reply.pause_body()

    routes: list[Shy] = []

    def make(reply: Reply, request: RequestHead) -> Shy:
        routes.append(Shy(reply, request))
        return routes[0]

    async with serving(kind, lab=Lab({"/shy": make})) as running:
        client = await running.connect()
        size = 20_000_000  # more than the kernel keeps for a connection
        client.writer.write(
            b"POST /shy HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
        )
        await until(lambda: bool(routes) and bool(routes[0].chunks))
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(routes[0].chunks) == 1
        assert not routes[0].ended.is_set()

        while not routes[0].ended.is_set():
            routes[0].reply.resume_body()
            await asyncio.sleep(0)

        assert len(routes[0].body) == size
        await client.close()


async def test_a_writer_is_told_to_wait_and_when_to_go_on(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, GET) as (client, route):
        client.stop_reading()
        route.reply.head(200, [])
        written = 0
        while route.reply.write(b"x" * 65536):
            written += 65536
            assert written < 50_000_000, "nothing ever told the writer to wait"
        assert not route.was_drained.is_set()

        client.go_on_reading()
        reading = asyncio.ensure_future(client.read_until(b"\r\n0\r\n\r\n"))
        await asyncio.wait_for(route.was_drained.wait(), 5)
        route.reply.finish(b"end")

        body = parse_answers(await reading)[0].body
        assert body == b"x" * (written + 65536) + b"end"  # the piece that was one too many is kept


async def test_a_client_that_leaves_is_reported_while_a_stream_runs(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, GET) as (client, route):
        route.reply.head(200, [])
        route.reply.write(b"first")
        await client.read_until(b"first\r\n")

        await client.close()

        await asyncio.wait_for(route.left.wait(), 1)
        assert route.reply.write(b"more") is True
        route.reply.finish()
        assert route.told.count("gone") == 1
        await until(lambda: running.front.open_connections == 0)


async def test_a_client_that_leaves_before_the_answer_is_reported(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, GET) as (client, route):
        await asyncio.wait_for(route.ended.wait(), 5)

        await client.close()

        await asyncio.wait_for(route.left.wait(), 1)


async def test_a_client_that_leaves_within_its_body_is_reported(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, POST + b"abc") as (client, route):
        await client.close()

        await asyncio.wait_for(route.left.wait(), 5)
        assert "end" not in route.told


async def test_a_reset_is_reported(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, GET) as (client, route):
        client.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
        )
        client.writer.transport.abort()

        await asyncio.wait_for(route.left.wait(), 5)


@pytest.mark.parametrize("is_started", [False, True])
async def test_an_abort_is_seen_as_a_truncated_answer(kind: FrontKind, is_started: bool) -> None:
    async with serving(kind) as running, hand_over(running, GET) as (client, route):
        if is_started:
            route.reply.head(200, [])
            route.reply.write(b"abc")
        route.reply.abort()
        received = await client.read_all()

    if is_started:
        assert received.endswith(b"3\r\nabc\r\n")
        with pytest.raises(AssertionError):
            parse_answers(received)
    else:
        assert received == b""


async def test_an_abort_of_an_unframed_body_is_a_reset(kind: FrontKind) -> None:
    async with serving(kind) as running, hand_over(running, b"GET /hand HTTP/1.0\r\n\r\n") as (client, route):
        route.reply.head(200, [])
        route.reply.write(b"abc")
        await client.read_until(b"abc")
        route.reply.abort()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(client.reader.read(), 5)


class Failing:
    """A route that raises where it is told to."""

    def __init__(self, reply: Reply, where: str) -> None:
        self.reply = reply
        self.where = where
        self.left = False

    def data(self, chunk: bytes) -> None:
        self._at("data")

    def end(self, body: bytes) -> None:
        if self.where == "stream":
            self.reply.head(200, [])
            self.reply.write(b"abc")
        self._at("end")
        self._at("stream")

    def gone(self) -> None:
        self.left = True

    def drained(self) -> None: ...

    def _at(self, where: str) -> None:
        if self.where == where:
            raise ValueError("the route is broken")


@pytest.mark.logs_errors("the route is broken on purpose")
@pytest.mark.parametrize("where", ["factory", "data", "end", "stream"])
async def test_a_broken_route_is_a_500_or_a_cut_and_one_line_in_the_log(
    kind: FrontKind, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    def make(reply: Reply, request: RequestHead) -> Failing:
        if where == "factory":
            raise ValueError("the route is broken")
        return Failing(reply, where)

    caplog.set_level(logging.INFO)
    raw = b"POST /broken?key=secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
    async with serving(kind, lab=Lab({"/broken": make})) as running:
        received = await running.ask(raw)

    if where == "stream":
        assert received.endswith(b"3\r\nabc\r\n")
    else:
        answer = parse_answers(received)[0]
        assert answer.status == 500
        assert b"the route is broken" not in answer.body
    records = [record for record in caplog.records if record.name == "gateway.serving"]
    assert len(records) == 1
    assert "/broken" in records[0].getMessage()
    assert "secret" not in records[0].getMessage()


async def test_a_connection_is_kept_for_the_next_request(kind: FrontKind) -> None:
    async with serving(kind) as running:
        client = await running.connect()
        for _ in range(3):
            await client.send(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.read_answer()).status == 200
        await client.send(b"GET /tornado HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.read_answer()).status == 200
        assert running.front.open_connections == 1
        await client.close()
        await until(lambda: running.front.open_connections == 0)


async def test_pipelined_requests_are_answered_in_order(kind: FrontKind) -> None:
    async with serving(kind) as running:
        client = await running.connect()
        ask = b"GET /hand?%d HTTP/1.1\r\nHost: x\r\n\r\n"
        await client.send(ask % 1 + b"GET /tornado?2 HTTP/1.1\r\nHost: x\r\n\r\n" + ask % 3)
        first = await running.lab.hand()
        await asyncio.sleep(0)
        assert running.lab.hands.empty()
        first.reply.head(200, [])
        first.reply.finish(b"first")
        assert (await client.read_answer()).body == b"first"
        assert orjson.loads((await client.read_answer()).body)["uri"] == "/tornado?2"
        third = await running.lab.hand()
        third.reply.head(200, [])
        third.reply.finish(b"third")
        assert (await client.read_answer()).body == b"third"
        await client.close()


async def test_a_client_that_waits_for_continue_gets_it(kind: FrontKind) -> None:
    raw = b"POST /hand HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    async with serving(kind) as running, hand_over(running, raw) as (client, route):
        assert (await client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        await client.send(b"abc")
        await asyncio.wait_for(route.ended.wait(), 5)
        assert route.body == b"abc"


async def test_nagle_is_off(kind: FrontKind) -> None:
    """A stream of small events is late by up to 40 ms otherwise."""
    async with serving(kind) as running:
        client = await running.connect()
        for _ in range(2):
            await client.send(GET)
            route = await running.lab.hand()
            sock = _socket_of(running, route)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
            route.reply.head(200, [])
            route.reply.finish(b"x")
            await client.read_answer()
        await client.close()


def _socket_of(running: Running, route: HandRoute) -> socket.socket:
    reply = route.reply
    if isinstance(reply, TornadoReply):
        return reply.connection.stream.socket
    sock = running.conns[0].sock
    assert sock is not None
    return sock


async def test_a_body_over_the_limit_is_413_from_its_declared_length(kind: FrontKind) -> None:
    raw = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"
    async with serving(kind, limits=Limits(max_body_bytes=10, linger_s=0.01)) as running:
        client: Client = await running.connect()
        await client.send(raw)
        answer = parse_answers(await client.read_all())[0]
        await client.close()

    assert answer.status == 413
    assert running.lab.echoed == 0


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(("body_bytes", "status"), [(50, 200), (51, 413)])
async def test_a_route_may_take_longer_bodies_than_usual(
    kind: FrontKind, framing: str, body_bytes: int, status: int
) -> None:
    def make(reply: Reply, request: RequestHead) -> EchoRoute:
        reply.limit_body(50)
        return EchoRoute(reply, request, lab)

    lab = Lab()
    lab.factories["/long"] = make
    head = b"POST /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    if framing == "length":
        raw = head + b"Content-Length: %d\r\n\r\n" % body_bytes + b"x" * body_bytes
    else:
        raw = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
            body_bytes,
            b"x" * body_bytes,
        )
    async with serving(kind, lab=lab, limits=Limits(max_body_bytes=10, linger_s=0.01)) as running:
        answer = parse_answers(await running.ask(raw))[0]

    assert answer.status == status
    assert lab.echoed == (1 if status == 200 else 0)


async def test_a_route_told_of_too_long_a_body_is_told_it_is_over(kind: FrontKind) -> None:
    raw = b"POST /hand HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"
    async with serving(kind, limits=Limits(max_body_bytes=10, linger_s=0.01)) as running:
        client = await running.connect()
        await client.send(raw)
        route = await running.lab.hand()
        answer = parse_answers(await client.read_all())[0]
        await client.close()

    assert answer.status == 413
    assert route.told == ["gone"]


async def test_a_client_that_left_a_paused_body_is_missed_when_it_goes_on(kind: FrontKind) -> None:
    async with serving(kind) as running:
        async with hand_over(running, POST.replace(b": 6", b": 600000")) as (client, route):
            route.reply.pause_body()
            await client.send(b"x" * 300_000)
        route.reply.resume_body()
        await asyncio.wait_for(route.left.wait(), 5)
        await until(lambda: running.front.open_connections == 0)


async def test_a_body_that_is_paused_does_not_outlive_its_answer(kind: FrontKind) -> None:
    async with serving(kind) as running:
        async with hand_over(running, POST.replace(b": 6", b": 600000")) as (client, route):
            route.reply.pause_body()
            await client.send(b"x" * 1000)
            route.reply.head(403, [])
            route.reply.finish(b"no")
            with contextlib.suppress(ConnectionError):  # Tornado resets a connection whose body it leaves
                assert (await client.read_answer()).status == 403
        await until(lambda: running.front.open_connections == 0)


async def test_an_answer_on_the_body_s_last_byte_keeps_the_connection(kind: FrontKind) -> None:
    class Hasty(HandRoute):
        def data(self, chunk: bytes) -> None:
            super().data(chunk)
            if len(self.body) == 6:
                self.reply.head(200, [])
                self.reply.finish(b"all of it")

    async with serving(kind, lab=Lab({"/hasty": Hasty})) as running:
        client = await running.connect()
        for _ in range(3):
            await client.send(POST.replace(b"hand", b"hasty") + b"abcdef")
            answer = await client.read_answer()
            assert (answer.status, answer.body) == (200, b"all of it")
        assert running.front.open_connections == 1
        await client.close()


async def test_refusals_are_rendered_by_the_application_with_status_and_path(kind: FrontKind) -> None:
    def reject(status: int, message: str, path: str | None) -> tuple[list[tuple[str, str]], bytes]:
        return [("X-Ours", "yes")], f"{status} {path} {message}".encode()

    raw = b"POST /echo?key=secret HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"
    async with serving(kind, limits=Limits(max_body_bytes=10, linger_s=0.01), reject=reject) as running:
        answer = parse_answers(await running.ask(raw))[0]

    assert answer.headers["x-ours"] == "yes"
    assert answer.body.startswith(b"413 /echo ")
    assert answer.headers["connection"] == "close"
