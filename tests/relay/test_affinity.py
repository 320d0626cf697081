"""A conversation goes on with the key that signed it, as long as that key is well."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from gateway.protocols.conversations import fingerprint
from gateway.protocols.failures import Failure, FailureKind
from gateway.relay.plan import Framing, Plan
from tests.relay.bench import Bench
from tests.relay.clients import chat_translation, plan

SIGNATURE = "c2lnbmF0dXJl"


def event(*parts: dict[str, Any], finish: str | None = "STOP") -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}]}


def sse(*events: dict[str, Any]) -> list[bytes]:
    return [b"data: " + orjson.dumps(each) + b"\r\n\r\n" for each in events]


SIGNED = event({"text": "hi", "thoughtSignature": SIGNATURE})
LATE = [event({"text": "hi"}, finish=None), event({"text": "", "thoughtSignature": SIGNATURE})]
GO_ON = plan(Framing.WHOLE, conversation=fingerprint(SIGNATURE))

ANSWERS = [
    pytest.param(plan(Framing.WHOLE), [orjson.dumps(SIGNED)], id="whole"),
    pytest.param(plan(Framing.EVENTS), sse(*LATE), id="events"),
    pytest.param(plan(Framing.ARRAY), [orjson.dumps(LATE)], id="array"),
    pytest.param(plan(Framing.WHOLE, translation=chat_translation), [orjson.dumps(SIGNED)], id="chat"),
    pytest.param(plan(Framing.EVENTS, translation=chat_translation), sse(*LATE), id="chat stream"),
]


@pytest.mark.parametrize(("first", "answer"), ANSWERS)
async def test_the_next_call_prefers_the_key_that_signed(first: Plan, answer: Sequence[bytes]) -> None:
    bench = Bench("key-1", "key-2", "key-3")
    bench.begin(first)
    bench.answer(*answer)
    signer = bench.transport.sent[0].key

    for _ in range(4):
        bench.begin(GO_ON)
        bench.answer(orjson.dumps(SIGNED))

    assert {transfer.key for transfer in bench.transport.sent} == {signer}


async def test_a_signer_that_rests_is_not_waited_for() -> None:
    bench = Bench("key-1", "key-2")
    bench.begin(plan(Framing.WHOLE))
    bench.answer(orjson.dumps(SIGNED))
    signer = bench.transport.sent[0].key
    lease = bench.pool.lease(GO_ON.model, bench.engine.wall_s(), pinned=int(signer[-1]))
    bench.pool.report_failure(lease, Failure(FailureKind.RATE_DAY, 429), bench.engine.wall_s())  # type: ignore[arg-type]

    bench.begin(GO_ON)

    assert bench.transport.sent[-1].key != signer


async def test_a_conversation_nobody_knows_takes_its_turn() -> None:
    bench = Bench("key-1", "key-2")
    for _ in range(2):
        bench.begin(plan(Framing.WHOLE, conversation=fingerprint("of another gateway")))

    assert {transfer.key for transfer in bench.transport.sent} == {"key-1", "key-2"}
