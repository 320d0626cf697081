"""The upstream's model list in memory: read once, given while it ages, kept when the upstream is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from gateway.control.model_list import FRESH_S, RETRY_S, ModelList
from gateway.relay.inner import CallFailed
from tests.fakes import gemini_replies
from tests.relay.bench import Bench

OVERLOADED = b'{"error":{"code":400,"message":"no list today","status":"FAILED_PRECONDITION"}}'


class LoopClock:
    """The loop's time, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead_s = 0.0
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self.ahead_s)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> LoopClock:
    return LoopClock(monkeypatch)


@pytest.fixture
async def bench() -> Bench:
    return Bench(max_retries=0)


@pytest.fixture
async def models(bench: Bench) -> AsyncIterator[ModelList]:
    made = ModelList(bench.engine, lambda: "new-id")
    yield made
    await made.stop()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def page(*names: str, **more: Any) -> bytes:
    return orjson.dumps({**gemini_replies.models(*names), **more})


async def first_list(bench: Bench, models: ModelList, *names: str) -> None:
    waiting = asyncio.ensure_future(models.current())
    await settle()
    bench.answer(page(*names))
    await waiting


async def test_the_first_client_waits_for_all_pages(bench: Bench, models: ModelList) -> None:
    waiting = asyncio.ensure_future(models.current())
    await settle()
    bench.answer(page("a", "b", nextPageToken="p/2"))
    await settle()
    bench.answer(page("b", "c"))

    listing = await waiting

    assert [model["name"] for model in listing.models] == ["models/a", "models/b", "models/c"]
    assert models.names == {"a", "b", "c"}
    urls = [transfer.request.url for transfer in bench.transport.sent]
    assert urls == [
        "https://upstream.example/v1beta/models?pageSize=1000",
        "https://upstream.example/v1beta/models?pageSize=1000&pageToken=p%2F2",
    ]


async def test_clients_who_come_together_ask_once(bench: Bench, models: ModelList) -> None:
    waiting = [asyncio.ensure_future(models.current()) for _ in range(3)]
    await settle()
    waiting[0].cancel()  # one that leaves does not end it for the others
    await settle()
    bench.answer(page("a"))

    assert (await waiting[1]).names == (await waiting[2]).names == {"a"}
    assert len(bench.transport.sent) == 1


async def test_an_aged_list_is_given_while_a_new_one_is_read(
    bench: Bench, models: ModelList, clock: LoopClock
) -> None:
    await first_list(bench, models, "old")
    clock.ahead_s = FRESH_S - 1
    assert (await models.current()).names == {"old"}
    await settle()
    assert len(bench.transport.sent) == 1

    clock.ahead_s = FRESH_S + 1
    assert (await models.current()).names == {"old"}
    await settle()
    bench.answer(page("new"))
    await settle()

    assert models.names == {"new"}
    assert len(bench.transport.sent) == 2


async def test_the_last_list_stays_when_the_upstream_is_away(
    bench: Bench, models: ModelList, clock: LoopClock
) -> None:
    await first_list(bench, models, "kept")
    clock.ahead_s = FRESH_S + 1
    models.refresh_soon()
    await settle()
    bench.answer(OVERLOADED, status=400)
    await settle()

    assert (await models.current()).names == {"kept"}
    await settle()
    assert len(bench.transport.sent) == 2  # not asked again at once

    clock.ahead_s += RETRY_S
    models.refresh_soon()
    await settle()
    assert len(bench.transport.sent) == 3


async def test_without_any_list_the_client_is_told_why_and_the_next_one_asks_again(
    bench: Bench, models: ModelList
) -> None:
    waiting = asyncio.ensure_future(models.current())
    await settle()
    bench.answer(OVERLOADED, status=400)

    with pytest.raises(CallFailed, match="no list today"):
        await waiting
    await first_list(bench, models, "there")
    assert models.names == {"there"}


async def test_another_upstreams_list_is_forgotten(bench: Bench, models: ModelList) -> None:
    await first_list(bench, models, "theirs")
    models.forget()
    assert models.names == frozenset()

    await first_list(bench, models, "ours")
    assert models.names == {"ours"}


async def test_what_is_being_read_is_forgotten_too(bench: Bench, models: ModelList) -> None:
    waiting = asyncio.ensure_future(models.current())
    await settle()
    models.forget()

    with pytest.raises(CallFailed):
        await waiting
    assert bench.transport.sent[0].cancelled
    await first_list(bench, models, "ours")
    assert models.names == {"ours"}


async def test_the_pages_end_some_time(bench: Bench, models: ModelList) -> None:
    waiting = asyncio.ensure_future(models.current())
    await settle()
    while not waiting.done():
        bench.answer(page("a", nextPageToken="again"))
        await settle()

    assert len(bench.transport.sent) == 20
