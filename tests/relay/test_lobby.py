"""Calls that find every key resting wait for the first one back, in their order, or are told at once."""

import orjson

from gateway.pool.key import KeySpec
from gateway.pool.lease import Lease
from gateway.pool.waiting import WaitingLimits
from gateway.protocols.failures import Failure, FailureKind
from gateway.relay.lobby import Lobby
from gateway.relay.plan import Framing, Pin
from tests.control.waiting import until
from tests.fakes import gemini_replies
from tests.relay.bench import Bench
from tests.relay.clients import MODEL, Client, plan

REPLY = orjson.dumps(gemini_replies.text())
WHOLE = plan(Framing.WHOLE)
REST = 0.05


def resting(bench: Bench, *, for_s: float, kind: FailureKind = FailureKind.RATE_MINUTE) -> None:
    """Make every key rest for the model."""
    while isinstance(leased := bench.pool.lease(MODEL, bench.engine.wall_s()), Lease):
        failure = Failure(kind, 429, retry_after_s=for_s)
        bench.pool.report_failure(leased, failure, bench.engine.wall_s())


def waiting_bench(*secrets: str, wait_s: float = 5.0) -> Bench:
    bench = Bench(*(secrets or ("key-1",)), wait_s=wait_s)
    bench.tick()
    return bench


async def test_a_call_is_held_for_the_earliest_key() -> None:
    bench = waiting_bench()
    resting(bench, for_s=REST)

    _, client = bench.begin(WHOLE)
    assert (bench.transport.sent, client.status) == ([], 0)
    await until(lambda: bench.transport.sent)
    bench.answer(REPLY)

    assert client.status == 200
    assert len(bench.record.attempts) == 1


async def test_a_call_whose_own_try_made_the_last_key_rest_is_held_too() -> None:
    bench = waiting_bench()
    _, client = bench.begin(WHOLE)
    bench.answer(
        orjson.dumps(
            {
                "error": {
                    "code": 429,
                    "status": "RESOURCE_EXHAUSTED",
                    "message": "Please retry in 0.05s.",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                            "violations": [
                                {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}
                            ],
                        },
                        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"},
                    ],
                }
            }
        ),
        status=429,
    )

    await until(lambda: len(bench.transport.sent) == 2)
    bench.answer(REPLY)

    assert client.status == 200
    assert [attempt.failure_kind for attempt in bench.record.attempts] == ["rate_minute", None]


async def test_a_key_that_comes_back_too_late_is_not_waited_for() -> None:
    bench = waiting_bench(wait_s=1.0)
    resting(bench, for_s=30.0)

    _, client = bench.begin(WHOLE)

    assert client.status == 429
    headers = dict(client.headers)
    assert 25 <= int(headers["retry-after"]) <= 35
    assert MODEL in orjson.loads(client.body)["error"]["message"]


async def test_with_no_time_to_wait_the_answer_is_at_once() -> None:
    bench = waiting_bench(wait_s=0.0)
    resting(bench, for_s=REST)

    _, client = bench.begin(WHOLE)

    assert client.status == 429


async def test_no_call_waits_beyond_its_deadline() -> None:
    bench = Bench("key-1", wait_s=60.0, deadline_s=10.0)
    bench.tick()
    resting(bench, for_s=20.0)

    _, client = bench.begin(WHOLE)

    assert client.status == 429


async def test_calls_go_in_the_order_they_came() -> None:
    bench = waiting_bench()
    resting(bench, for_s=REST)
    clients: list[Client] = [bench.begin(WHOLE)[1] for _ in range(3)]

    for number, client in enumerate(clients, start=1):
        await until(lambda number=number: len(bench.transport.sent) == number)  # type: ignore[misc]
        bench.answer(REPLY)
        assert client.status == 200


async def test_a_new_call_does_not_overtake_those_that_wait() -> None:
    bench = waiting_bench()
    resting(bench, for_s=REST)
    _, first = bench.begin(WHOLE)
    bench.advance(1.0)  # the key is back, and the lobby has not looked yet

    _, second = bench.begin(WHOLE)
    assert bench.transport.sent == []
    await until(lambda: bench.transport.sent)
    bench.answer(REPLY)

    assert (first.status, second.status) == (200, 0)


async def test_a_client_that_leaves_gives_up_its_place() -> None:
    bench = waiting_bench()
    resting(bench, for_s=REST)
    call, _ = bench.begin(WHOLE)
    _, second = bench.begin(WHOLE)

    call.gone()
    await until(lambda: bench.transport.sent)
    bench.answer(REPLY)

    assert second.status == 200
    assert [record.outcome for record in bench.observer.records] == ["client_closed", "success"]


async def test_a_full_lobby_answers_at_once() -> None:
    bench = waiting_bench()
    bench.engine.lobby = Lobby(
        bench.engine.loop, bench.pool, bench.engine.wall_s, limits=WaitingLimits(max_calls=1)
    )
    resting(bench, for_s=2.0)
    bench.begin(WHOLE)

    _, second = bench.begin(WHOLE)

    assert second.status == 429
    assert len(bench.engine.lobby) == 1


async def test_a_key_freed_by_somebody_else_is_noticed() -> None:
    bench = waiting_bench(wait_s=60.0)
    resting(bench, for_s=20.0)
    bench.begin(WHOLE)

    bench.pool.reopen(1, bench.engine.wall_s())

    await until(lambda: bench.transport.sent)


async def test_a_bound_call_waits_for_its_own_key() -> None:
    bench = waiting_bench("key-1", "key-2")
    lease = bench.pool.lease(MODEL, bench.engine.wall_s(), pinned=2)
    assert isinstance(lease, Lease)
    bench.pool.report_failure(
        lease, Failure(FailureKind.RATE_MINUTE, 429, retry_after_s=REST), bench.engine.wall_s()
    )

    bench.begin(plan(Framing.WHOLE, pin=Pin(2)))
    assert bench.transport.sent == []

    await until(lambda: bench.transport.sent)
    assert bench.transport.sent[0].key == "key-2"


async def test_a_bound_call_never_moves_to_another_key() -> None:
    bench = waiting_bench("key-1", "key-2")
    _, client = bench.begin(plan(Framing.WHOLE, pin=Pin(2)))

    bench.answer(b'{"error":{"code":403,"status":"PERMISSION_DENIED","message":"leaked"}}', status=403)

    assert [transfer.key for transfer in bench.transport.sent] == ["key-2"]
    assert client.status >= 400


async def test_a_bound_call_may_use_another_key_of_the_same_project() -> None:
    bench = waiting_bench("key-1", "key-2")
    bench.pool.put(KeySpec(id=1, alias="k1", secret="key-1", project="projects/1"))

    bench.begin(plan(Framing.WHOLE, pin=Pin(9, "projects/1")))

    assert [transfer.key for transfer in bench.transport.sent] == ["key-1"]


async def test_who_has_waited_in_vain_is_told_so() -> None:
    bench = waiting_bench(wait_s=1.3)
    resting(bench, for_s=REST)
    _, first = bench.begin(WHOLE)
    _, second = bench.begin(WHOLE)
    await until(lambda: bench.transport.sent)
    bench.answer(b'{"error":{"code":429,"message":"Please retry in 60s."}}', status=429)

    await until(lambda: second.status)

    assert (first.status, second.status) == (429, 429)
    assert len(bench.transport.sent) == 1
