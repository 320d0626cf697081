"""A request is judged by its bytes: not by how they were cut, what stands behind, or what came before."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.serving.events import END
from gateway.serving.known_heads import KnownHeads
from gateway.serving.limits import Limits
from gateway.serving.request_reader import RequestReader
from tests.serving.memory_wire import Judgement, MemoryFront, bytewise
from tests.serving.requests_of_chance import GOOD, pipelines
from tests.serving.tornado_reading import Read, read_by_tornado

UNHURRIED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SMALL = Limits(max_head_bytes=120, max_body_bytes=10)


def cut(raw: bytes, places: set[int]) -> list[bytes]:
    bounds = [0, *sorted(place for place in places if place < len(raw)), len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(bounds)]


async def judgements(messages: list[bytes], places: set[int], limits: Limits) -> dict[str, Judgement]:
    """Of the same bytes in many ways."""
    raw = b"".join(messages)
    ways = {
        "byte by byte": bytewise(raw),
        "whole": [raw],
        "a message a read": messages,
        "cut": cut(raw, places),
    }
    told = {}
    warm = MemoryFront(limits)
    for message in [*messages, *GOOD]:
        await warm.judge([message])
    for rests in (True, False):
        for way, pieces in ways.items():
            name = f"{way}, {'slowly' if rests else 'at once'}"
            told[f"{name}, cold"] = await MemoryFront(limits).judge(pieces, rests=rests)
            told[f"{name}, warm"] = await warm.judge(pieces, rests=rests)
    return told


@pytest.mark.parametrize("limits", [Limits(), SMALL], ids=["usual limits", "small limits"])
@UNHURRIED
@given(messages=pipelines(), places=st.sets(st.integers(1, 400), max_size=6))
def test_any_bytes_are_judged_the_same_in_any_cut_warm_or_cold(
    limits: Limits, messages: list[bytes], places: set[int]
) -> None:
    told = asyncio.run(judgements(messages, places, limits))

    meant = told["byte by byte, slowly, cold"]
    assert {way: judgement for way, judgement in told.items() if judgement != meant} == {}


def passed(raw: bytes) -> Iterator[tuple[Read, bytes]]:
    """The requests that our reader passes on, each with the bytes that it was read from."""
    reader = RequestReader(Limits(), lambda *_: None, KnownHeads(0))
    begun, body = 0, b""
    for place in range(len(raw)):
        reader.feed(raw[place : place + 1])
        while reader.events:
            event = reader.events.popleft()
            if isinstance(event, tuple):
                head, body = event[0], b""
            elif isinstance(event, bytes):
                body += event
            elif event is END:
                yield (head.method, head.target, body), raw[begun : place + 1]
                begun = place + 1


@UNHURRIED
@given(messages=pipelines())
def test_no_request_passes_that_tornado_would_refuse_or_read_otherwise(messages: list[bytes]) -> None:
    """But for more than one empty line before it, and what Tornado does not know: extensions and trailers."""
    for request, raw in passed(b"".join(messages)):
        theirs = asyncio.run(read_by_tornado(raw.lstrip(b"\r\n")))

        if b"chunked" in raw and (b";" in raw or not raw.endswith(b"\r\n0\r\n\r\n")):
            theirs = theirs or [request]
        assert theirs == [request]
