"""Every raw case on both fronts, sent whole and byte by byte; and llhttp's reader alone, cut anywhere."""

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.serving.front import FrontKind
from gateway.serving.known_heads import KnownHeads
from gateway.serving.limits import Limits
from gateway.serving.refusal import Refusal
from gateway.serving.request_reader import RequestReader
from tests.serving.fronts import KINDS, Lab, parse_answers, serving
from tests.serving.raw_cases import CASES, WAITS, RawCase

# A busy machine makes drawing examples slow, which says nothing about the reader.
UNHURRIED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LIMITS = Limits()


@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_our_front_answers_each_raw_request_as_the_table_says(case: RawCase, piecewise: bool) -> None:
    async with serving("llhttp") as running:
        answers = parse_answers(await running.ask(case.raw, piecewise=piecewise))

        assert tuple(answer.status for answer in answers) == case.llhttp
        assert running.lab.echoed == case.reached


@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_tornados_front_differs_only_where_the_table_says(case: RawCase, piecewise: bool) -> None:
    reached = case.reached if case.reached_tornado is None else case.reached_tornado
    async with serving("tornado") as running:
        client = await running.connect()
        await client.send(case.raw, piecewise=piecewise)
        if case.tornado is WAITS:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.reader.read(1), 0.1)
            await client.close()
            return
        received = await client.read_all()
        await client.close()

        # Tornado closes with input unread: later bytes reset the connection, and may destroy the answer.
        was_reset = piecewise and len(parse_answers(received)) < len(case.tornado)
        if not was_reset:
            assert tuple(answer.status for answer in parse_answers(received)) == case.tornado
            assert running.lab.echoed <= reached


def events_of(pieces: list[bytes], known: KnownHeads | None = None) -> list[object]:
    """What the reader makes of these pieces, comparable: bodies joined, refusals by status."""
    known = KnownHeads(LIMITS.max_head_bytes) if known is None else known
    reader = RequestReader(LIMITS, Lab().router, known)
    told: list[object] = []
    unread = b""
    for piece in pieces:
        if reader.upgrade is not None:
            unread += piece  # the connection has stopped reading
        whole = reader.feed(piece)
        if whole is not None:
            assert not reader.events
            reader.events.append((whole[0], len(whole[2]), whole[1], whole[2]))
        while reader.events:
            event = reader.events.popleft()
            if isinstance(event, bytes):
                if told and isinstance(told[-1], bytes):
                    told[-1] += event
                else:
                    told.append(event)
            elif isinstance(event, tuple):
                head, body_bytes, factory, body = event
                told.append((head.method, head.target, head.path, head.query, head.is_http11))
                told.append((head.keep_alive, head.continues, head.headers, body_bytes, factory is None))
                told += [] if body is None else [body, "end"] if body else ["end"]
            elif isinstance(event, Refusal):
                told.append(event.status)
            else:
                told.append("end")
    if reader.upgrade is not None:
        told.append(("leftover", reader.leftover + unread))
    return told


@UNHURRIED
@given(case=st.sampled_from(CASES), cuts=st.sets(st.integers(1, 200), max_size=6))
def test_any_cut_of_the_bytes_reads_as_the_same_events(case: RawCase, cuts: set[int]) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(case.raw)), len(case.raw)]
    pieces = [case.raw[start:end] for start, end in itertools.pairwise(bounds)]

    assert events_of(pieces) == events_of([bytes([byte]) for byte in case.raw])


@UNHURRIED
@given(
    cases=st.lists(st.sampled_from(CASES), min_size=1, max_size=3),
    junk=st.binary(max_size=20),
    place=st.integers(0, 400),
    gap=st.integers(0, 10),
    cut=st.integers(1, 400),
)
def test_requests_with_junk_in_them_are_read_or_refused_and_a_refusal_is_the_last_event(
    cases: list[RawCase], junk: bytes, place: int, gap: int, cut: int
) -> None:
    raw = b"".join(case.raw for case in cases)
    raw = raw[:place] + junk + raw[place + gap :]

    told = events_of([raw[:cut], raw[cut:]])

    assert all(not isinstance(event, int) for event in told[:-1])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refused_request_never_reaches_the_application_again(kind: FrontKind) -> None:
    lab = Lab()
    async with serving(kind, lab=lab) as running:
        raw = b"GET /echo HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
        answers = parse_answers(await running.ask(raw))

    assert [answer.status for answer in answers] == [400]
    assert lab.echoed == 0
