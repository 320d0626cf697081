"""Bodies that a route wants whole: every byte of them, however they come, and what they cost meanwhile."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator

import pytest

from gateway.serving.front import FrontKind
from gateway.serving.light import Reply, RequestHead
from gateway.serving.limits import MIB, Limits
from gateway.serving.long_body import LONG_BYTES, LongBody
from gateway.serving.server import LlhttpFront
from tests.serving.fronts import Client, HandRoute, Lab, Running, parse_answers, serving, until

SIZES = (
    0,
    1,
    LONG_BYTES - 1,
    LONG_BYTES,
    LONG_BYTES + 1,
    2 * LONG_BYTES,
    2 * LONG_BYTES + 1,
    MIB,
    3 * MIB + 7,
)
RECEIVE_BYTES = 64 * 1024


class GatheringRoute(HandRoute):
    """Wants its body whole, and gives it back."""

    def __init__(self, reply: Reply, request: RequestHead) -> None:
        super().__init__(reply, request)
        reply.gather_body()

    def end(self, body: bytes) -> None:
        super().end(body)
        self.reply.head(200, [("x-told", " ".join(self.told))])
        self.reply.finish(self.body)


class WaitingRoute(GatheringRoute):
    """Likewise, but answers when the test says so."""

    def end(self, body: bytes) -> None:
        HandRoute.end(self, body)


def lab_of() -> Lab:
    """The routes: /gather answers, /wait waits for the test."""
    lab = Lab()

    def waiting(reply: Reply, request: RequestHead) -> WaitingRoute:
        route = WaitingRoute(reply, request)
        lab.hands.put_nowait(route)
        return route

    lab.factories |= {"/gather": GatheringRoute, "/wait": waiting}
    return lab


@contextlib.asynccontextmanager
async def gathering(
    kind: FrontKind = "llhttp", limits: Limits | None = None
) -> AsyncIterator[tuple[Running, Client]]:
    async with serving(kind, lab=lab_of(), limits=limits) as running:
        client = await running.connect()
        try:
            yield running, client
        finally:
            await client.close()


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def with_length(body: bytes, path: bytes = b"/gather", more: bytes = b"") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n"
    return head % (path, more, len(body)) + body


def chunked(body: bytes, dice: random.Random) -> bytes:
    raw = b"POST /gather HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    while body:
        size = dice.randint(1, 3 * RECEIVE_BYTES)
        piece, body = body[:size], body[size:]
        raw += b"%x\r\n%b\r\n" % (len(piece), piece)
    return raw + b"0\r\n\r\n"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("is_chunked", [False, True], ids=["declared", "chunked"])
async def test_a_gathered_body_is_told_once_and_is_what_was_sent(
    kind: FrontKind, size: int, is_chunked: bool
) -> None:
    body = noise(size)
    raw = chunked(body, random.Random(size)) if is_chunked else with_length(body)
    async with gathering(kind) as (_, client):
        await client.send(raw)
        answer = await client.read_answer()

    assert answer.body == body
    assert answer.headers["x-told"] == "end"


@pytest.mark.parametrize("seed", range(12))
async def test_pieces_of_any_size_and_what_follows_them_are_read_as_they_were_sent(
    kind: FrontKind, seed: int
) -> None:
    """Three requests in a row, cut anywhere: in a head, in a body, at their borders."""
    dice = random.Random(seed)
    bodies = [noise(dice.choice(SIZES) + dice.randint(0, 1000)) for _ in range(3)]
    raw = b"".join(chunked(body, dice) if dice.random() < 0.3 else with_length(body) for body in bodies)
    async with gathering(kind) as (_, client):
        answering = asyncio.ensure_future(_answers(client, len(bodies)))
        while raw:
            size = dice.choice((1, 100, 10_000, 300_000))
            await client.send(raw[:size])
            raw = raw[size:]
            if dice.random() < 0.5:
                await asyncio.sleep(0)
        answers = await answering

    assert answers == bodies


async def _answers(client: Client, count: int) -> list[bytes]:
    return [(await client.read_answer()).body for _ in range(count)]


async def test_the_piece_behind_a_long_body_is_held_to_the_rules() -> None:
    async with gathering() as (_, client):
        await client.send(with_length(noise(MIB)) + b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
        answers = parse_answers(await client.read_all())

    assert [answer.status for answer in answers] == [200, 400]


async def test_a_last_request_with_a_long_body_is_answered_and_what_follows_is_not_read() -> None:
    body = noise(MIB)
    async with gathering() as (_, client):
        await client.send(with_length(body, more=b"Connection: close\r\n") + with_length(b"more"))
        answers = parse_answers(await client.read_all())

    assert [answer.body for answer in answers] == [body]


async def test_a_client_that_waits_to_be_asked_for_a_long_body_is_asked() -> None:
    raw = with_length(noise(MIB), more=b"Expect: 100-continue\r\n")
    head, body = raw[:-MIB], raw[-MIB:]
    async with gathering() as (_, client):
        await client.send(head)
        assert await client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(body)
        answer = await client.read_answer()

    assert answer.body == body


async def test_a_client_that_shuts_its_side_behind_a_long_body_gets_its_answer() -> None:
    body = noise(MIB)
    async with gathering() as (_, client):
        await client.send(with_length(body))
        client.writer.write_eof()
        answers = parse_answers(await client.read_all())

    assert [answer.body for answer in answers if answer.status == 200] == [body]


@pytest.mark.parametrize("leave", ["close", "reset", "shut"])
async def test_a_client_that_leaves_within_a_long_body_is_noticed(kind: FrontKind, leave: str) -> None:
    async with gathering(kind) as (running, client):
        await client.send(with_length(noise(3 * MIB), b"/wait")[: 2 * MIB])
        route = await running.lab.hand()
        if leave == "close":
            await client.close()
        elif leave == "reset":
            client.writer.transport.abort()
        else:
            client.writer.write_eof()
        await asyncio.wait_for(route.left.wait(), 5)

        assert route.told == ["gone"]
        if isinstance(running.front, LlhttpFront):
            await until(lambda: running.front.open_connections == 0)


@pytest.mark.parametrize("is_chunked", [False, True], ids=["declared", "chunked"])
async def test_a_gathered_body_over_the_limit_is_413(is_chunked: bool) -> None:
    body = noise(MIB + 1)
    raw = chunked(body, random.Random(0)) if is_chunked else with_length(body)
    async with gathering("llhttp", Limits(max_body_bytes=MIB)) as (_, client):
        await client.send(raw)
        answers = parse_answers(await client.read_all())

    assert [answer.status for answer in answers] == [413]


async def test_a_body_as_long_as_the_limit_is_taken(kind: FrontKind) -> None:
    body = noise(MIB)
    async with gathering(kind, Limits(max_body_bytes=MIB)) as (_, client):
        await client.send(with_length(body))
        answer = await client.read_answer()

    assert answer.body == body


async def test_each_piece_of_a_long_body_buys_time_and_silence_is_408() -> None:
    now = [1000.0]
    async with serving(
        "llhttp", lab=lab_of(), limits=Limits(body_timeout_s=10), clock=lambda: now[0]
    ) as running:
        front = running.front
        assert isinstance(front, LlhttpFront)
        client = await running.connect()
        raw = with_length(noise(3 * MIB), b"/wait")
        await client.send(raw[:MIB])
        route = await running.lab.hand()
        for sent in (MIB, 2 * MIB):
            await _received(running, sent - 1000)
            now[0] += 9
            front.sweep()
            assert route.told == []
            await client.send(raw[sent : sent + MIB])
        await _received(running, 3 * MIB - 1000)
        now[0] += 11
        front.sweep()
        answers = parse_answers(await client.read_all())
        await client.close()

    assert [answer.status for answer in answers] == [408]
    assert route.told == ["gone"]


async def _received(running: Running, least_bytes: int) -> None:
    (conn,) = running.conns
    await until(lambda: (body := conn.reader.long_body) is not None and body.filled_bytes >= least_bytes)


# The memory itself.


def test_room_grows_with_what_has_come_and_not_with_what_is_said() -> None:
    body = LongBody(b"begun", 1000 * MIB)
    taken = [body.filled_bytes + len(body.room())]
    while body.filled_bytes < 40 * MIB:
        body.filled(len(body.room()))
        taken.append(body.filled_bytes + len(body.room()))

    assert taken[0] <= 5 + MIB
    assert all(after <= max(2 * before, MIB) for before, after in itertools.pairwise(taken))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_into_the_room_is_what_is_taken(seed: int) -> None:
    dice = random.Random(seed)
    sent = noise(dice.randint(LONG_BYTES, 5 * MIB))
    begun = dice.choice((0, 1, RECEIVE_BYTES))
    body = LongBody(sent[:begun], len(sent))
    place = begun
    while not body.is_whole:
        room = body.room()
        size = min(len(room), dice.choice((1, 1000, RECEIVE_BYTES, 10 * MIB)))
        if dice.random() < 0.1:
            size = len(room)
        room[:size] = sent[place : place + size]
        body.filled(size)
        place += size

    assert body.take() == sent


def test_room_never_reaches_into_the_next_request() -> None:
    body = LongBody(b"x" * 10, 100)

    assert len(body.room()) == 90
