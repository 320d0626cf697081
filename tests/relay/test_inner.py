"""An inner call gives its whole answer to the one who waits, and ends with the waiting."""

import asyncio

import orjson
import pytest

from gateway.protocols.error_bodies import Problem
from gateway.relay.call import Ticket
from gateway.relay.inner import CallFailed, complete, reply_of, several
from gateway.relay.plan import Framing
from tests.fakes import gemini_replies
from tests.relay.bench import Bench
from tests.relay.clients import plan

REPLY = orjson.dumps(gemini_replies.text())
TICKET = Ticket("request-1", None, (), 2, 0.0)


async def test_the_answer_is_given_to_the_one_who_waits() -> None:
    bench = Bench()
    waiting = asyncio.ensure_future(complete(bench.engine, plan(Framing.WHOLE), TICKET))
    await asyncio.sleep(0)

    bench.answer(REPLY)

    answer = await waiting
    assert (answer.status, answer.body, answer.failed) == (200, REPLY, False)


async def test_an_error_is_an_answer_in_the_plans_dialect() -> None:
    bench = Bench("key-1")
    waiting = asyncio.ensure_future(complete(bench.engine, plan(Framing.WHOLE), TICKET))
    await asyncio.sleep(0)

    bench.answer(b'{"error":{"code":404,"message":"no such model","status":"NOT_FOUND"}}', status=404)

    answer = await waiting
    assert (answer.status, answer.failed) == (404, True)
    assert orjson.loads(answer.body)["error"]["status"] == "NOT_FOUND"


async def test_who_stops_waiting_stops_the_call() -> None:
    bench = Bench()
    waiting = asyncio.ensure_future(complete(bench.engine, plan(Framing.WHOLE), TICKET))
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert bench.transport.sent[0].cancelled
    assert bench.record.outcome == "client_closed"


async def test_a_reply_is_given_as_it_was_parsed() -> None:
    bench = Bench()
    waiting = asyncio.ensure_future(reply_of(bench.engine, plan(Framing.WHOLE), TICKET))
    await asyncio.sleep(0)

    bench.answer(REPLY)

    assert await waiting == gemini_replies.text()
    assert bench.record.prompt_tokens == gemini_replies.usage()["promptTokenCount"]


async def test_what_fails_says_what_the_client_is_told() -> None:
    bench = Bench("key-1")
    waiting = asyncio.ensure_future(reply_of(bench.engine, plan(Framing.WHOLE), TICKET))
    await asyncio.sleep(0)

    bench.answer(b'{"error":{"code":400,"message":"too hot","status":"INVALID_ARGUMENT"}}', status=400)

    with pytest.raises(CallFailed, match="too hot") as failed:
        await waiting
    assert failed.value.problem.status == 400


async def test_several_are_asked_a_few_at_a_time_and_found_in_order() -> None:
    under_way: set[int] = set()
    most = 0

    async def ask(number: int) -> int:
        nonlocal most
        under_way.add(number)
        most = max(most, len(under_way))
        for _ in range(5 - number):  # the first ends last
            await asyncio.sleep(0)
        under_way.remove(number)
        return number * 10

    found = await several(range(5), ask, at_once=2, until_s=asyncio.get_running_loop().time() + 5)

    assert (found, most) == ([0, 10, 20, 30, 40], 2)


async def test_the_first_that_fails_ends_the_others() -> None:
    ended: list[str] = []

    async def ask(name: str) -> None:
        if name == "bad":
            raise CallFailed(Problem(429, "no more", "rate_minute"))
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    with pytest.raises(CallFailed, match="no more"):
        await several(["good", "bad"], ask, at_once=2, until_s=asyncio.get_running_loop().time() + 5)
    assert ended == ["good"]


async def test_several_take_no_longer_than_they_may() -> None:
    async def ask(_: int) -> None:
        await asyncio.Event().wait()

    with pytest.raises(CallFailed) as failed:
        await several([1, 2], ask, at_once=2, until_s=asyncio.get_running_loop().time())
    assert failed.value.problem.status == 504
