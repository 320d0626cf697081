"""An inner call gives its whole answer to the one who waits, and ends with the waiting."""

import asyncio

import orjson
import pytest

from gateway.relay.call import Ticket
from gateway.relay.inner import complete
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
