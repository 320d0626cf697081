"""Responses that clients go on from: found at once here, soon in every process, only by their owner."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.control import kept_responses
from gateway.control.kept_responses import KeptResponses
from gateway.errors import BadRequest
from gateway.protocols.shapes import JsonObject
from gateway.settings.live import LiveHolder
from gateway.settings.model import LiveSettings
from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.control.gateways import built
from tests.control.waiting import until
from tests.fakes.clock import FakeClock
from tests.store.conftest import OpenStore, Outage, query

ALICE, BOB = 1, 2
ADMIN = None
DAY_S = 86_400.0
NOISE = "".join(chr(33 + number * number % 89) for number in range(997))


@dataclass
class Gateway:
    """Kept responses of one process, its settings and its clock."""

    kept: KeptResponses
    live: LiveHolder
    clock: FakeClock
    store: Store


@pytest.fixture
async def opened(open_store: OpenStore) -> AsyncIterator[list[Gateway]]:
    made: list[Gateway] = []
    yield made
    for gateway in made:
        await gateway.kept.stop()


@pytest.fixture
def here(opened: list[Gateway], open_store: OpenStore) -> Gateway:
    return gateway_on(open_store(), opened)


def gateway_on(store: Store, opened: list[Gateway], *, patience_s: Sequence[float] = ()) -> Gateway:
    live, clock = LiveHolder(LiveSettings()), FakeClock()
    kept = KeptResponses(store, live, wall_s=clock, patience_s=patience_s)
    opened.append(Gateway(kept, live, clock, store))
    return opened[-1]


def change(gateway: Gateway, **settings: Any) -> None:
    gateway.live.swap(gateway.live.current.model_copy(update=settings))


def response(name: str, previous: str | None = None, **members: Any) -> JsonObject:
    said = {"id": f"msg_{name}_0", "type": "message", "content": [{"type": "output_text", "text": name}]}
    return {"id": f"resp_{name}", "previous_response_id": previous, "output": [said], **members}


def asked(text: str, **members: Any) -> JsonObject:
    return {"type": "message", "role": "user", "content": text, **members}


async def kept_of(gateway: Gateway, name: str, token_id: int | None = ALICE) -> JsonObject | None:
    found = await gateway.kept.find(name, token_id)
    return None if found is None else found.response


async def test_a_response_is_found_at_once_and_when_it_is_written(here: Gateway) -> None:
    here.kept.keep(response("a"), [asked("Hello?")], ALICE)

    at_once = await here.kept.find("resp_a", ALICE)
    await here.kept.stop()
    later = await here.kept.find("resp_a", ALICE)

    assert at_once is not None
    assert (at_once.response, at_once.input) == (response("a"), [asked("Hello?")])
    assert later == at_once
    assert "Hello" not in repr(later)


async def test_it_is_kept_as_it_was_whatever_becomes_of_the_object(here: Gateway) -> None:
    told = response("a")
    here.kept.keep(told, [], ALICE)

    told["output"].clear()

    assert await kept_of(here, "resp_a") == response("a")


async def test_every_process_finds_it_also_after_a_restart(
    here: Gateway, opened: list[Gateway], open_store: OpenStore
) -> None:
    there = gateway_on(open_store(), opened)
    here.kept.keep(response("a"), [], ALICE)
    await here.kept.stop()

    assert await kept_of(there, "resp_a") == response("a")
    here.store.close()
    assert await kept_of(gateway_on(open_store(), opened), "resp_a") == response("a")


async def test_what_another_process_is_just_writing_is_waited_for(
    here: Gateway, opened: list[Gateway], open_store: OpenStore
) -> None:
    there = gateway_on(open_store(), opened, patience_s=(0.0,) * 1000)
    looking = [
        asyncio.ensure_future(there.kept.conversation("resp_b", ALICE)),
        asyncio.ensure_future(there.kept.find("resp_b", ALICE)),
        asyncio.ensure_future(there.kept.remove("resp_a", BOB)),
    ]
    await there.store.read(lambda: None)

    here.kept.keep(response("a"), [], ALICE)
    here.kept.keep(response("b", "resp_a"), [], ALICE)
    conversation, found, removed = await asyncio.gather(*looking)

    assert conversation == [*response("a")["output"], *response("b")["output"]]
    assert found is not None
    assert removed is False


async def test_a_conversation_is_told_from_its_beginning(here: Gateway) -> None:
    here.kept.keep(response("a"), [asked("1"), asked("2")], ALICE)
    here.kept.keep(response("b", "resp_a"), [asked("3")], ALICE)
    await here.kept.stop()
    here.kept.keep(response("c", "resp_b"), [], ALICE)  # the one is in memory yet, the others are not
    here.kept.keep(response("branch", "resp_a"), [asked("5")], ALICE)

    told = await here.kept.conversation("resp_c", ALICE)
    branch = await here.kept.conversation("resp_branch", ALICE)

    outputs = {name: response(name)["output"] for name in ("a", "b", "c", "branch")}
    begun = [asked("1"), asked("2"), *outputs["a"]]
    assert told == [*begun, asked("3"), *outputs["b"], *outputs["c"]]
    assert branch == [*begun, asked("5"), *outputs["branch"]]


async def test_a_conversation_with_a_gap_is_not_there(here: Gateway) -> None:
    here.kept.keep(response("a"), [], ALICE)
    here.kept.keep(response("b", "resp_a"), [], ALICE)
    assert await here.kept.remove("resp_a", ALICE) is True

    assert await here.kept.conversation("resp_b", ALICE) is None
    assert await here.kept.conversation("resp_none", ALICE) is None
    assert await here.kept.conversation("no id of ours", ALICE) is None
    assert await kept_of(here, "resp_b") is not None


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_conversation_is_bounded(
    here: Gateway, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    monkeypatch.setattr(kept_responses, "MOST_RESPONSES", 3)
    here.kept.keep(response("0"), [], ALICE)
    for n in range(1, 4):
        here.kept.keep(response(str(n), f"resp_{n - 1}"), [], ALICE)
    here.kept.keep(response("ring", "resp_ring"), [], ALICE)
    if is_written:
        await here.kept.stop()

    assert len(await here.kept.conversation("resp_2", ALICE) or ()) == 3
    for name in ("resp_3", "resp_ring") if is_written else ("resp_ring",):
        with pytest.raises(BadRequest, match="more than 3 responses"):
            await here.kept.conversation(name, ALICE)


async def test_what_is_read_at_once_is_bounded(here: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    here.kept.keep(response("a", text=NOISE), [], ALICE)
    here.kept.keep(response("b", "resp_a", text=NOISE), [], ALICE)
    await here.kept.stop()

    monkeypatch.setattr(kept_responses, "MOST_BYTES_TOGETHER", 1800)

    assert await kept_of(here, "resp_b") is not None
    with pytest.raises(BadRequest, match="Begin anew"):
        await here.kept.conversation("resp_b", ALICE)
    with pytest.raises(BadRequest, match="Begin anew"):
        await here.kept.items(["msg_a_0", "msg_b_0"], ALICE)


async def test_items_are_found_by_their_ids(here: Gateway) -> None:
    here.kept.keep(response("a"), [asked("first"), asked("second", id="msg_own_7")], ALICE)
    await here.kept.stop()
    here.kept.keep(response("b"), [asked("third")], ALICE)

    found = await here.kept.items(
        ["msg_a_0", "msg_a_i0", "msg_a_i1", "msg_a_9", "msg_b_i0", "msg_b_i1", "msg_none_0", "?"], ALICE
    )

    assert found == {
        "msg_a_0": response("a")["output"][0],
        "msg_a_i0": asked("first", id="msg_a_i0"),
        "msg_b_i0": asked("third", id="msg_b_i0"),
    }
    assert await here.kept.items([], ALICE) == {}


async def test_items_of_too_many_responses_are_refused(
    here: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_responses, "MOST_RESPONSES", 2)

    with pytest.raises(BadRequest, match="more than 2 responses"):
        await here.kept.items(["msg_a_0", "msg_b_0", "msg_c_0"], ALICE)


@pytest.mark.parametrize("is_written", [True, False])
async def test_what_is_another_tokens_looks_as_if_it_did_not_exist(here: Gateway, is_written: bool) -> None:
    here.kept.keep(response("a"), [], ALICE)
    here.kept.keep(response("admins"), [], ADMIN)
    if is_written:
        await here.kept.stop()

    assert await kept_of(here, "resp_a", BOB) is None
    assert await here.kept.conversation("resp_a", BOB) is None
    assert await here.kept.items(["msg_a_0"], BOB) == {}
    assert await here.kept.remove("resp_a", BOB) is False
    assert await kept_of(here, "resp_admins", ALICE) is None
    assert await kept_of(here, "resp_a", ADMIN) is not None


async def test_without_isolation_every_token_sees_all(here: Gateway) -> None:
    change(here, files_user_isolation_enabled=False)
    here.kept.keep(response("a"), [], ALICE)

    assert await kept_of(here, "resp_a", BOB) is not None


async def test_a_conversation_through_another_tokens_response_is_not_there(here: Gateway) -> None:
    here.kept.keep(response("a"), [], ALICE)
    here.kept.keep(response("b", "resp_a"), [], BOB)

    assert await here.kept.conversation("resp_b", BOB) is None
    assert await here.kept.conversation("resp_b", ADMIN) is not None


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_removed_response_is_gone_for_good(here: Gateway, is_written: bool) -> None:
    here.kept.keep(response("a"), [], ALICE)
    if is_written:
        await here.kept.stop()

    removed = [await here.kept.remove("resp_a", ALICE) for _ in range(2)]
    await here.kept.stop()

    assert removed == [True, False]
    assert await kept_of(here, "resp_a") is None


async def test_one_with_the_id_of_another_does_not_take_its_place(here: Gateway) -> None:
    here.kept.keep(response("a"), [], ALICE)
    here.kept.keep(response("a", text="waiting"), [], BOB)
    await here.kept.stop()
    here.kept.keep(response("a", text="written"), [], BOB)
    await here.kept.stop()

    assert await kept_of(here, "resp_a", ALICE) == response("a")
    assert await kept_of(here, "resp_a", BOB) is None


async def test_many_that_come_at_once_are_all_written(here: Gateway, config: DatabaseConfig) -> None:
    for n in range(120):
        here.kept.keep(response(str(n)), [asked(str(n))], ALICE)
    await here.kept.stop()

    assert query(config, "SELECT COUNT(*) FROM kept_response") == [(120,)]
    assert here.kept.counts == {"kept": 120}


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (response("x" * 200), "unfit"),
        (response("a", "resp_" + "x" * 200), "unfit"),
        (response("a", "chatcmpl-1"), "unfit"),
        ({"output": []}, "unfit"),
        (response("a", number=2**70), "unfit"),
        (response("a", text="\ud800"), "unfit"),
        (response("a", text="x" * kept_responses.MOST_BYTES), "too_large"),
    ],
)
async def test_what_cannot_be_kept_is_counted_and_hurts_nobody(
    here: Gateway, told: JsonObject, outcome: str
) -> None:
    here.kept.keep(told, [], ALICE)
    here.kept.keep(response("b"), [], ALICE)
    await here.kept.stop()

    assert here.kept.counts == {outcome: 1, "kept": 1}
    assert await kept_of(here, str(told.get("id"))) is None
    assert await kept_of(here, "resp_b") is not None


async def test_what_waits_for_the_database_is_bounded(here: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_responses, "MOST_WAITING_BYTES", 2500)

    for name in "abc":
        here.kept.keep(response(name, text=NOISE), [], ALICE)
    await here.kept.stop()
    here.kept.keep(response("d", text=NOISE), [], ALICE)
    await here.kept.stop()

    assert here.kept.counts == {"kept": 3, "lost": 1}
    found = [await kept_of(here, f"resp_{name}") is not None for name in "abcd"]
    assert found == [True, True, False, True]


@pytest.mark.logs_errors("the store says that the database is away")
async def test_what_comes_while_the_database_is_away_is_not_kept(here: Gateway, outage: Outage) -> None:
    outage.begin()
    here.kept.keep(response("a"), [], ALICE)
    await here.kept.stop()
    outage.end()
    await until(lambda: here.store.health().ok)
    here.kept.keep(response("b"), [], ALICE)
    await here.kept.stop()

    assert here.kept.counts == {"kept": 1, "lost": 1}
    assert await kept_of(here, "resp_a") is None
    assert await kept_of(here, "resp_b") is not None


async def test_without_a_database_the_client_is_told_so(here: Gateway) -> None:
    here.store.close()

    for asking in (
        here.kept.find("resp_a", ALICE),
        here.kept.conversation("resp_a", ALICE),
        here.kept.items(["msg_a_0"], ALICE),
        here.kept.remove("resp_a", ALICE),
    ):
        with pytest.raises(BadRequest, match="database is away") as refused:
            await asking
        assert refused.value.status == 503


async def test_with_zero_days_nothing_is_kept_asked_for_or_left(
    here: Gateway, config: DatabaseConfig
) -> None:
    here.kept.keep(response("a"), [], ALICE)
    await here.kept.stop()
    change(here, responses_kept_days=0)
    here.kept.keep(response("b"), [], ALICE)

    assert await kept_of(here, "resp_a") is None
    assert await kept_of(here, "resp_b") is None
    assert await here.kept.conversation("resp_a", ALICE) is None
    assert await here.kept.prune() == 1
    assert query(config, "SELECT id FROM kept_response") == []


async def test_what_is_too_old_is_not_found_and_forgotten(here: Gateway, config: DatabaseConfig) -> None:
    here.kept.keep(response("old"), [], ALICE)
    await here.kept.stop()
    here.clock.advance(DAY_S)
    here.kept.keep(response("new"), [], ALICE)
    await here.kept.stop()
    here.clock.advance(6 * DAY_S - 1)
    assert await kept_of(here, "resp_old") is not None
    assert await here.kept.prune() == 0

    here.clock.advance(1)

    assert await kept_of(here, "resp_old") is None
    assert await here.kept.prune() == 1
    assert query(config, "SELECT id FROM kept_response") == [("resp_new",)]


async def test_of_too_much_the_oldest_go(
    here: Gateway, config: DatabaseConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_responses, "_PRUNED_AT_ONCE", 2)
    for n in range(6):
        here.clock.advance(1)
        here.kept.keep(response(str(n), text=NOISE), [], ALICE)
    await here.kept.stop()
    ((packed_bytes,),) = query(config, "SELECT MAX(packed_bytes) FROM kept_response")
    monkeypatch.setattr(kept_responses, "_MB", packed_bytes * 2)
    change(here, responses_kept_mb=1)

    assert await here.kept.prune() == 4
    assert sorted(query(config, "SELECT id FROM kept_response")) == [("resp_4",), ("resp_5",)]
    assert await here.kept.prune() == 0


async def test_a_gateway_that_stops_has_written_what_it_kept(
    open_store: OpenStore, config: DatabaseConfig
) -> None:
    async with built(open_store()) as services:
        services.kept_responses.keep(response("a"), [], ALICE)

    assert query(config, "SELECT id FROM kept_response") == [("resp_a",)]


async def test_what_became_of_responses_is_told(open_store: OpenStore) -> None:
    async with built(open_store()) as services:
        services.kept_responses.keep(response("a"), [], ALICE)
        services.kept_responses.keep(response("b", number=2**70), [], ALICE)
        await services.kept_responses.stop()
        told = services.metrics.exposition()[0].decode()

    assert 'gateway_kept_responses_total{outcome="kept"} 1.0' in told
    assert 'gateway_kept_responses_total{outcome="unfit"} 1.0' in told
