"""Heads that came before: read without llhttp, and as llhttp would read them, whatever stands behind them."""

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.serving.events import Event, Stage
from gateway.serving.head import Head
from gateway.serving.known_heads import LONGEST_BYTES, KnownHeads
from gateway.serving.light import Reply, RequestHead
from gateway.serving.limits import Limits
from gateway.serving.request_reader import RequestReader
from tests.serving.fronts import SOON_S, HandRoute, Lab, parse_answers, serving
from tests.serving.raw_cases import BYE, CASES, RawCase
from tests.serving.test_raw_requests import events_of

UNHURRIED = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LIMITS = Limits()
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n%b\r\n%b"
# What clients may send behind one another: heads that are remembered, and heads that only look like them.
MESSAGES = (
    POST % (b"", 3, b"", b"abc"),
    POST % (b"", 0, b"", b""),
    POST % (b"", 12, b"", b"\r\n\r\nlength: 1"),
    POST % (b"Authorization: Bearer s\r\n", 5, b"Accept: */*\r\n", b"hello"),
    POST % (b"X-Strength: 3\r\n", 3, b"", b"abc"),
    POST % (b"X-Strength: 1\r\n", 3, b"", b"abc"),
    POST % (b"", 3, b"X-Strength: 7\r\n", b"abc"),
    POST % (b"", 3, b"X-Content-Length: 7\r\n", b"abc"),
    POST % (b"", 3, b"Connection: keep-alive\r\n", b"abc"),
    POST % (b"", 3, b"Connection: close\r\n", b"abc"),
    POST % (b"", 3, b"Expect: 100-continue\r\n", b"abc"),
    POST % (b"", 3, b"Upgrade: h2c\r\n", b"abc"),
    POST % (b"", 3, b"Content-Length: 3\r\n", b"abc"),
    POST % (b"", 3, b"Transfer-Encoding: chunked\r\n", b"abc"),
    (POST % (b"", 3, b"", b"abc")).replace(b"Length: 3", b"Length: 0003"),
    (POST % (b"", 3, b"", b"abc")).replace(b"Length: 3", b"Length:3"),
    (POST % (b"", 3, b"", b"abc")).replace(b"Length: 3", b"Length:  3"),
    (POST % (b"", 3, b"", b"abc")).replace(b"Length: 3", b"Length: 3 "),
    (POST % (b"", 3, b"", b"abc")).replace(b"Length: 3", b"Length: +3"),
    (POST % (b"", 3, b"", b"abc")).replace(b"Length: 3", b"Length: "),
    (POST % (b"", 3, b"", b"abc")).replace(b"Length: 3", b"Length: 99999999999999999999"),
    (POST % (b"", 3, b"", b"abc")).replace(b"Content-Length", b"content-length"),
    (POST % (b"", 3, b"", b"abc")).replace(b"1.1\r\n", b"1.0\r\n"),
    (POST % (b"", 3, b"", b"abc")).replace(b"/echo", b"/tornado"),
    b"GET /echo?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /echo HTTP/1.1\r\nHost: x\r\nX-Strength: 7\r\n\r\n",
    b"\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n",
    b"HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
)
RAW = st.sampled_from([*MESSAGES, *(case.raw for case in CASES)])


def cut(raw: bytes, places: set[int]) -> list[bytes]:
    bounds = [0, *sorted(place for place in places if place < len(raw)), len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(bounds)]


def warmed(*earlier: bytes) -> KnownHeads:
    """Heads as connections before have left them."""
    known = KnownHeads(LIMITS.max_head_bytes)
    for raw in earlier:
        events_of([raw], known)
    return known


@UNHURRIED
@given(
    earlier=st.lists(RAW, max_size=4),
    pipelined=st.lists(st.sampled_from(MESSAGES), max_size=3),
    last=RAW,
    places=st.sets(st.integers(1, 500), max_size=6),
    digits=st.sampled_from([b"0", b"1", b"3", b"11", b"007", b"", b"-1", b"3 ", b"0x3"]),
)
def test_what_came_before_changes_nothing_in_what_is_read(
    earlier: list[bytes], pipelined: list[bytes], last: bytes, places: set[int], digits: bytes
) -> None:
    """Whole or cut anywhere, one message or many, the same length or another."""
    last = last.replace(b"Content-Length: 3", b"Content-Length: " + digits)
    raw = b"".join([*pipelined, last])

    meant = events_of([bytes([byte]) for byte in raw])

    assert events_of(cut(raw, places), warmed(*earlier, *pipelined, last)) == meant


@UNHURRIED
@given(
    raws=st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=3),
    junk=st.binary(max_size=20),
    place=st.integers(0, 300),
    gap=st.integers(0, 10),
    places=st.sets(st.integers(1, 500), max_size=3),
)
def test_nor_does_it_where_the_same_bytes_come_with_junk_in_them(
    raws: list[bytes], junk: bytes, place: int, gap: int, places: set[int]
) -> None:
    raw = b"".join(raws)
    raw = raw[:place] + junk + raw[place + gap :]
    pieces = cut(raw, places)

    assert events_of(pieces, warmed(*raws)) == events_of(pieces)


@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_raw_request_is_answered_the_second_time_as_the_first(
    case: RawCase, piecewise: bool
) -> None:
    async with serving("llhttp") as running:
        for _ in range(2):
            running.lab.echoed = 0
            answers = parse_answers(await running.ask(case.raw, piecewise=piecewise))

            assert tuple(answer.status for answer in answers) == case.llhttp
            assert running.lab.echoed == case.reached


class Reading:
    """A connection's reader, and the heads that it shares with others."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.known = KnownHeads(limits.max_head_bytes)
        self.reader = RequestReader(limits, Lab().router, self.known)

    def feed(self, raw: bytes) -> list[Event]:
        whole = self.reader.feed(raw)
        events = [*self.reader.events]
        if whole is not None:
            head, factory, body = whole
            events.append((head, len(body), factory, body))
        self.reader.events.clear()
        return events

    def head_of(self, raw: bytes) -> Head:
        beginning = self.feed(raw)[0]
        assert isinstance(beginning, tuple)
        return beginning[0]


def test_a_head_that_came_before_is_the_same_object_whatever_the_length_of_its_body() -> None:
    reading = Reading()

    heads = {reading.head_of(POST % (b"Accept: */*\r\n", size, b"", b"x" * size)) for size in (3, 0, 12345)}

    assert len(heads) == 1
    assert "content-length" not in heads.pop().headers


def test_a_known_head_is_read_before_its_body_comes() -> None:
    reading = Reading()
    raw = POST % (b"", 6, b"", b"")
    head = reading.head_of(raw + b"abcdef")

    [beginning] = reading.feed(raw)
    assert isinstance(beginning, tuple)
    assert (beginning[0], beginning[1], beginning[3]) == (head, 6, None)
    assert reading.reader.stage is Stage.BODY
    assert reading.feed(b"abc") == [b"abc"]
    *rest, _ = reading.feed(b"def" + raw)
    assert rest[0] == b"def"
    assert reading.reader.stage is Stage.BODY


@pytest.mark.parametrize(
    "line", [b"traceparent: 00-1-2-01\r\n", b"Idempotency-Key: 1\r\n", b"X-Request-Id: 1\r\n"]
)
def test_what_a_client_says_once_is_not_kept(line: bytes) -> None:
    reading = Reading()
    raw = POST % (line, 0, b"", b"")

    assert reading.head_of(raw) is not reading.head_of(raw)


def test_no_head_is_kept_that_another_length_would_make_too_long() -> None:
    raw = POST % (b"", 0, b"", b"")
    reading = Reading(Limits(max_head_bytes=len(raw) + 5))

    assert reading.head_of(raw) is not reading.head_of(raw)


def test_a_head_that_goes_on_differently_behind_its_length_is_another() -> None:
    reading = Reading()
    one, other = (POST % (b"", 0, b"X-A: %b\r\n" % value, b"") for value in (b"1", b"2"))
    heads = [reading.head_of(raw) for raw in (one, one, other, other, one, one)]

    assert [head.headers["x-a"] for head in heads] == ["1", "1", "2", "2", "1", "1"]
    assert heads[0] is heads[1]
    assert heads[2] is heads[3]
    assert heads[4] is heads[5]


def test_long_heads_are_not_kept() -> None:
    reading = Reading()
    raw = POST % (b"Cookie: %b\r\n" % (b"x" * LONGEST_BYTES), 0, b"", b"")

    assert reading.head_of(raw) is not reading.head_of(raw)


def test_heads_that_nobody_sends_any_more_are_forgotten_and_others_stay() -> None:
    reading = Reading()
    old, used = (POST % (b"X-A: %b\r\n" % name, 0, b"", b"") for name in (b"old", b"used"))
    heads = [reading.head_of(raw) for raw in (old, used)]

    for now_s in (100.0, 200.0, 300.0):
        reading.known.age(now_s)
        assert reading.head_of(used) is heads[1]
    assert reading.head_of(old) is not heads[0]


def test_as_many_heads_as_ever_come_only_some_are_kept() -> None:
    known = KnownHeads(LIMITS.max_head_bytes)
    reader = RequestReader(LIMITS, Lab().router, known)
    for number in range(5000):
        reader.feed(POST % (b"X-A: %b%d\r\n" % (b"x" * 500, number), 0, b"", b""))
        reader.events.clear()

    kept = [*known._young, *known._old]

    assert len(kept) > 100
    assert sum(len(key) for key in kept) <= 2 * 256 * 1024


async def test_a_connection_goes_on_behind_known_heads() -> None:
    raw = POST % (b"", 3, b"", b"abc")
    async with serving("llhttp") as running:
        for _ in range(2):
            answers = parse_answers(await running.ask(raw + raw + BYE))

            assert [answer.status for answer in answers] == [200, 200, 404]


class Slow(HandRoute):
    """Takes its body in pieces, and not at once."""

    def __init__(self, reply: Reply, request: RequestHead) -> None:
        super().__init__(reply, request)
        reply.pause_body()


async def test_a_route_that_takes_its_body_later_has_it_later_the_second_time_too() -> None:
    lab = Lab()

    def slow(reply: Reply, request: RequestHead) -> Slow:
        route = Slow(reply, request)
        lab.hands.put_nowait(route)
        return route

    lab.factories["/slow"] = slow
    raw = POST.replace(b"/echo", b"/slow")
    async with serving("llhttp", lab=lab) as running:
        client = await running.connect()
        for body in (b"abc", b"", b"abcdef"):
            await client.send(raw % (b"", len(body), b"", body) + raw % (b"", len(body), b"", body))
            for _ in range(2):
                hand = await lab.hand()
                await asyncio.sleep(0)
                assert hand.told == []
                assert hand.reply.body_bytes == len(body)
                hand.reply.resume_body()
                await asyncio.wait_for(hand.ended.wait(), SOON_S)
                assert hand.body == body
                hand.reply.head(204, [])
                hand.reply.finish()
                assert (await client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
        await client.close()


async def test_an_answer_before_the_body_leaves_the_connection_open_the_second_time_too() -> None:
    class Hasty(HandRoute):
        def __init__(self, reply: Reply, request: RequestHead) -> None:
            super().__init__(reply, request)
            reply.gather_body()
            reply.head(401, [], content_length=0)
            reply.finish()

    async with serving("llhttp", lab=Lab({"/echo": Hasty})) as running:
        answers = parse_answers(await running.ask(3 * (POST % (b"", 3, b"", b"abc")) + BYE))

    assert [answer.status for answer in answers] == [401, 401, 401, 404]


async def test_a_client_that_waits_for_a_word_gets_it_the_second_time_too() -> None:
    async with serving("llhttp") as running:
        client = await running.connect()
        for _ in range(3):
            await client.send(POST % (b"Expect: 100-continue\r\n", 3, b"", b"abc"))
            assert await client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert (await client.read_answer()).status == 200
        await client.close()


@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte by byte"])
async def test_a_known_head_opens_no_door_to_a_longer_body(piecewise: bool) -> None:
    async with serving("llhttp", limits=Limits(max_body_bytes=5)) as running:
        for _ in range(2):
            raw = POST % (b"", 5, b"", b"abcde") + POST % (b"", 6, b"", b"abcdef")
            answers = parse_answers(await running.ask(raw, piecewise=piecewise))

            assert [answer.status for answer in answers] == [200, 413]
