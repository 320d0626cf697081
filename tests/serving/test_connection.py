"""What our own connection class does beyond Tornado's: limits, timeouts, half-closed clients, closing."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.resources import open_many_files
from gateway.serving.events import Stage
from gateway.serving.light import Reply, RequestHead
from gateway.serving.limits import Limits
from gateway.serving.server import LlhttpFront
from tests.serving.fronts import Client, Lab, Running, parse_answers, serving, until

GET = b"GET /hand HTTP/1.1\r\nHost: x\r\n\r\n"
ECHO = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
# 100 ms is promised, 10 to 60 are usual; the rest is for a machine that is busy with other tests.
NOTICE_S = 0.3
SMALL = Limits(max_head_bytes=1000, max_header_count=10, max_body_bytes=100, chunk_overhead_bytes=200)


class Clock:
    """Loop time that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Timed:
    """A front whose deadlines pass when the test says so."""

    def __init__(self, running: Running, clock: Clock) -> None:
        self.running = running
        self.clock = clock

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        front = self.running.front
        assert isinstance(front, LlhttpFront)
        front.sweep()


@contextlib.asynccontextmanager
async def timed(limits: Limits) -> AsyncIterator[tuple[Running, Timed]]:
    clock = Clock()
    async with serving("llhttp", limits=limits, clock=clock) as running:
        yield running, Timed(running, clock)


LIMIT_CASES = [
    ("a long header", b"GET /echo HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 1000 + b"\r\n\r\n", 431),
    ("a header that does not end", b"GET /echo HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 2000, 431),
    ("many short headers", b"GET /echo HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10 + b"\r\n", 431),
    ("many headers that do not end", b"GET /echo HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 12, 431),
    ("a long target", b"GET /" + b"x" * 1000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ("a target that does not end", b"GET /" + b"x" * 2000, 414),
    ("a declared body", b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n" + b"x" * 101, 413),
    ("a chunked body", CHUNKED + b"33\r\n" + b"x" * 51 + b"\r\n32\r\n" + b"x" * 50 + b"\r\n0\r\n\r\n", 413),
    ("a declared body for a handler", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", 413),
    (
        "a chunked body for a handler",
        CHUNKED.replace(b"/echo", b"/") + b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n",
        413,
    ),
]


@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("name", "raw", "status"), LIMIT_CASES, ids=[case[0] for case in LIMIT_CASES])
async def test_what_is_over_a_limit_is_refused_and_the_answer_arrives(
    name: str, raw: bytes, status: int, piecewise: bool
) -> None:
    async with serving("llhttp", limits=SMALL) as running:
        client = await running.connect()
        await client.send(raw, piecewise=piecewise)
        answers = parse_answers(await client.read_all())
        await client.close()

    assert [answer.status for answer in answers] == [status]
    assert running.lab.echoed == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"1;" + b"x" * 5000,
        b"1\r\nx\r\n0\r\nA: " + b"x" * 5000,
    ],
    ids=["an extension", "a trailer"],
)
async def test_chunks_that_are_mostly_overhead_are_refused(raw: bytes) -> None:
    async with serving("llhttp", limits=SMALL) as running:
        answers = parse_answers(await running.ask(CHUNKED + raw, piecewise=True))

    assert [answer.status for answer in answers] == [400]


async def test_a_body_in_one_byte_chunks_is_within_the_overhead() -> None:
    async with serving("llhttp", limits=SMALL) as running:
        raw = (
            CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            + b"1\r\nx\r\n" * 100
            + b"0\r\n\r\n"
        )
        answers = parse_answers(await running.ask(raw, piecewise=True))

    assert [answer.status for answer in answers] == [200]


async def test_a_body_over_the_limit_ends_the_route_first_told_it_is_gone() -> None:
    async with serving("llhttp", limits=SMALL) as running:
        client = await running.connect()
        await client.send(CHUNKED.replace(b"echo", b"hand") + b"65\r\n" + b"x" * 101)
        route = await running.lab.hand()
        answers = parse_answers(await client.read_all())
        await client.close()

    assert [answer.status for answer in answers] == [413]
    assert route.told[-1] == "gone"
    assert "end" not in route.told


async def test_a_client_waiting_for_continue_is_refused_before_it_sends() -> None:
    raw = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n"
    async with serving("llhttp", limits=SMALL) as running:
        answers = parse_answers(await running.ask(raw))

    assert [answer.status for answer in answers] == [413]


async def test_one_connection_too_many_is_answered_503() -> None:
    async with serving("llhttp", limits=Limits(max_connections=1)) as running:
        first = await running.connect()
        await first.send(ECHO)
        await first.read_answer()
        answers = parse_answers(await running.ask(ECHO))
        await first.send(ECHO)
        assert (await first.read_answer()).status == 200
        await first.close()

    assert [answer.status for answer in answers] == [503]


# Timeouts


async def test_a_head_that_does_not_end_is_408() -> None:
    async with timed(Limits(head_timeout_s=10)) as (running, time):
        client = await running.connect()
        await client.send(b"GET /echo HTTP/1.1\r\nHost")
        await until(lambda: [conn.reader.stage for conn in running.conns] == [Stage.HEAD])
        time.pass_time(9)
        await client.send(b": x\r\nA")  # more bytes buy no more time
        await until(lambda: running.conns[0].reader.header_count != 0)
        time.pass_time(2)
        answers = parse_answers(await client.read_all())
        await client.close()

    assert [answer.status for answer in answers] == [408]


async def test_a_connection_without_a_byte_is_closed_without_an_answer() -> None:
    async with timed(Limits(head_timeout_s=10)) as (running, time):
        client = await running.connect()
        await until(lambda: running.front.open_connections == 1)
        time.pass_time(11)
        assert await client.read_all() == b""
        await client.close()


async def test_a_body_that_stops_is_408_and_the_route_is_told() -> None:
    async with timed(Limits(body_timeout_s=10)) as (running, time):
        client = await running.connect()
        await client.send(b"POST /hand HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
        route = await running.lab.hand()
        time.pass_time(9)
        await client.send(b"d")
        await until(lambda: route.body == b"abcd")
        time.pass_time(9)  # each piece buys new time
        assert route.told == ["data", "data"]
        time.pass_time(2)
        answers = parse_answers(await client.read_all())
        await client.close()

    assert [answer.status for answer in answers] == [408]
    assert route.told[-1] == "gone"


async def test_a_body_the_route_pauses_does_not_time_out() -> None:
    async with timed(Limits(body_timeout_s=10)) as (running, time):
        client = await running.connect()
        await client.send(b"POST /hand HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
        route = await running.lab.hand()
        await until(lambda: route.body == b"abc")
        route.reply.pause_body()
        time.pass_time(100)
        route.reply.resume_body()
        await client.send(b"def")
        await asyncio.wait_for(route.ended.wait(), 5)
        await client.close()


async def test_an_answer_may_take_as_long_as_it_likes() -> None:
    async with timed(Limits(head_timeout_s=1, body_timeout_s=1, idle_timeout_s=1)) as (running, time):
        client = await running.connect()
        await client.send(GET)
        route = await running.lab.hand()
        await asyncio.wait_for(route.ended.wait(), 5)
        time.pass_time(1000)
        route.reply.head(200, [])
        route.reply.finish(b"late")
        assert (await client.read_answer()).body == b"late"
        await client.close()


async def test_an_idle_connection_is_closed() -> None:
    async with timed(Limits(idle_timeout_s=10)) as (running, time):
        client = await running.connect()
        await client.send(ECHO)
        await client.read_answer()
        time.pass_time(9)
        assert running.front.open_connections == 1
        time.pass_time(2)
        assert await client.read_all() == b""
        await client.close()


async def test_a_client_that_reads_nothing_is_cut() -> None:
    async with timed(Limits(write_stall_timeout_s=10)) as (running, time):
        client = await running.connect()
        client.stop_reading()
        await client.send(GET)
        route = await running.lab.hand()
        route.reply.head(200, [])
        while route.reply.write(b"x" * 65536):
            pass
        time.pass_time(11)
        await asyncio.wait_for(route.left.wait(), 5)
        await until(lambda: running.front.open_connections == 0)
        client.writer.transport.abort()


async def test_what_waits_is_not_overtaken_when_the_client_makes_room() -> None:
    async with serving("llhttp") as running:
        client = await running.connect()
        client.stop_reading()
        await client.send(GET)
        route = await running.lab.hand()
        route.reply.head(200, [])
        pieces = [b"%08d" % 0 * 8192]
        while route.reply.write(pieces[-1]):
            pieces.append(b"%08d" % len(pieces) * 8192)
        came = _recv(client.writer.get_extra_info("socket"))
        assert came, "there is room again, and the loop had no turn to fill it"
        for number in range(3):
            pieces.append(b"last%d" % number)
            route.reply.write(pieces[-1])
        route.reply.finish()

        client.go_on_reading()
        came += await client.read_until(b"\r\n0\r\n\r\n")
        assert parse_answers(came)[0].body == b"".join(pieces)
        await client.close()


async def test_a_client_that_reads_slowly_is_not_cut() -> None:
    async with timed(Limits(write_stall_timeout_s=10)) as (running, time):
        client = await running.connect()
        client.stop_reading()
        await client.send(GET)
        route = await running.lab.hand()
        route.reply.head(200, [])
        route.reply.finish(b"x" * 40_000_000)
        raw = client.writer.get_extra_info("socket")
        received = 0
        for _ in range(5):
            before = received
            while received < before + 4_000_000:
                received += len(_recv(raw))
                await asyncio.sleep(0)
            time.pass_time(11)
            assert running.front.open_connections == 1
        client.writer.transport.abort()


def _recv(sock: socket.socket) -> bytes:
    duplicate = socket.socket(fileno=socket.dup(sock.fileno()))
    with duplicate:
        try:
            return duplicate.recv(1 << 20)
        except BlockingIOError:
            return b""


# Closing


async def test_an_early_answer_survives_a_client_that_goes_on_sending() -> None:
    """Closing with input unread makes the kernel reset the connection, which destroys the answer."""
    async with serving("llhttp") as running:
        client = await running.connect()
        await client.send(b"POST /hand HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
        route = await running.lab.hand()
        route.reply.head(401, [])
        route.reply.finish(b"no")
        for _ in range(80):
            await client.send(b"x" * 100_000)
        answers = parse_answers(await client.read_all())
        await client.close()

    assert [(answer.status, answer.body) for answer in answers] == [(401, b"no")]
    assert answers[0].headers["connection"] == "close"
    assert "data" not in route.told


async def test_an_early_answer_to_a_body_already_here_keeps_the_connection() -> None:
    class Early:
        def __init__(self, reply: Reply, request: RequestHead) -> None:
            reply.head(401, [])
            reply.finish(b"no")

        def data(self, chunk: bytes) -> None:
            raise AssertionError("called after the end")

        def end(self, body: bytes) -> None:
            raise AssertionError("called after the end")

        def gone(self) -> None:
            raise AssertionError("called after the end")

        drained = gone

    raw = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    async with serving("llhttp", lab=Lab({"/early": Early})) as running:
        client = await running.connect()
        for _ in range(2):
            await client.send(raw)
            answer = await client.read_answer()
            assert (answer.status, answer.headers.get("connection")) == (401, None)
        await client.close()


async def test_a_client_that_does_not_close_after_the_last_answer_is_closed() -> None:
    async with timed(Limits(linger_s=2)) as (running, time):
        client = await running.connect()
        await client.send(ECHO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert await client.read_all()
        assert running.front.open_connections == 1
        time.pass_time(3)
        await until(lambda: running.front.open_connections == 0)
        await client.close()


# Half-closed clients


async def past_every_look(running: Running) -> None:
    """Until the front has looked, as often as it does, whether the half-closed client is there."""
    (conn,) = running.conns
    await until(lambda: conn.half_closed is not None)
    client = conn.half_closed
    assert client is not None
    await until(lambda: client.due_looks == 0)


async def test_a_client_that_shuts_its_side_still_gets_its_answer() -> None:
    async with serving("llhttp") as running:
        client = await running.connect()
        await client.send(GET)
        client.writer.write_eof()
        route = await running.lab.hand()
        await past_every_look(running)
        route.reply.head(200, [])
        route.reply.write(b"abc")
        await past_every_look(running)
        route.reply.finish(b"def")
        answers = parse_answers(await client.read_all())
        await client.close()

    assert [(answer.status, answer.body) for answer in answers] == [(100, b""), (200, b"abcdef")]
    assert "gone" not in route.told


async def test_a_client_that_shuts_its_side_within_a_stream_gets_the_rest() -> None:
    async with serving("llhttp") as running:
        client = await running.connect()
        await client.send(GET)
        route = await running.lab.hand()
        route.reply.head(200, [])
        route.reply.write(b"abc")
        head = await client.read_until(b"abc\r\n")
        client.writer.write_eof()
        await past_every_look(running)
        route.reply.write(b"def")
        route.reply.finish()
        answers = parse_answers(head + await client.read_all())
        await client.close()

    assert answers[0].body == b"abcdef"
    assert "gone" not in route.told


async def test_pipelined_requests_before_a_half_close_are_all_answered() -> None:
    async with serving("llhttp") as running:
        client = await running.connect()
        client.writer.write(ECHO + ECHO + ECHO)
        client.writer.write_eof()
        answers = parse_answers(await client.read_all())
        await client.close()

    assert [answer.status for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize("is_started", [False, True], ids=["before the answer", "within a stream"])
async def test_a_client_that_closes_altogether_is_noticed_at_once_though_nothing_is_written(
    is_started: bool,
) -> None:
    """A cancelled call must not run on upstream: 100 ms is the promise."""
    async with serving("llhttp") as running:
        client: Client = await running.connect()
        await client.send(GET)
        route = await running.lab.hand()
        if is_started:
            route.reply.head(200, [])
            route.reply.write(b"abc")
            await client.read_until(b"abc\r\n")
        await client.close()
        await asyncio.wait_for(route.left.wait(), NOTICE_S)


async def test_a_bad_second_request_is_answered_after_the_first() -> None:
    async with serving("llhttp") as running:
        client = await running.connect()
        await client.send(GET + b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
        route = await running.lab.hand()
        await until(lambda: running.conns[0].reader.is_over)
        route.reply.head(200, [])
        route.reply.finish(b"first")
        answers = parse_answers(await client.read_all())
        await client.close()

    assert [(answer.status, answer.body) for answer in answers][:1] == [(200, b"first")]
    assert [answer.status for answer in answers] == [200, 400]


async def test_a_flood_of_pipelined_requests_is_not_read_ahead() -> None:
    """At most one buffer of requests waits in memory; the rest waits in the kernel."""
    async with serving("llhttp") as running:
        client = await running.connect()
        client.writer.write(GET * 200_000)
        await running.lab.hand()
        (conn,) = running.conns
        await until(lambda: conn.is_reading_paused)
        assert client.writer.transport.get_write_buffer_size() > 0
        assert len(conn.reader.events) <= 2 * 65536 // len(GET) + 2
        client.writer.transport.abort()


async def test_a_burst_of_clients_waits_to_be_accepted() -> None:
    """A client for whom there is no room tries again after a second."""
    open_many_files()
    async with serving("llhttp") as running:
        with contextlib.ExitStack() as clients:
            for _ in range(1500):  # while the loop is kept from accepting any of them
                clients.enter_context(socket.create_connection(("127.0.0.1", running.port), 0.5))
            await until(lambda: running.front.open_connections == 1500)
