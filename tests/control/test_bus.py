"""What one process tells reaches the others: once, in order, and through every outage."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from gateway.control.bus import GAP_S, KEPT_S, MAX_PAYLOAD_BYTES, Bus
from gateway.errors import StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.control.waiting import until
from tests.fakes.clock import FakeClock
from tests.store.conftest import OpenStore, Outage, query


class Ear:
    """Hears one topic."""

    def __init__(self, bus: Bus, topic: str = "keys") -> None:
        self.payloads: list[str] = []
        self.reloads = 0
        bus.listen(topic, self.heard, reload=self.reload)

    def heard(self, payloads: Sequence[str]) -> None:
        self.payloads += payloads

    async def reload(self) -> None:
        await asyncio.sleep(0)
        self.reloads += 1


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


async def told(bus: Bus, topic: str, *payloads: str) -> None:
    """Publish and send at once."""
    bus.publish(topic, *payloads)
    await bus.stop()


async def test_a_change_reaches_the_others_within_a_second_or_two_and_not_its_origin(
    open_store: OpenStore,
) -> None:
    ours, theirs = Bus(open_store()), Bus(open_store())
    ear, own_ear = Ear(theirs), Ear(ours)
    for bus in (ours, theirs):
        bus.mark()
        bus.start()
    began_s = time.monotonic()
    try:
        ours.publish("keys", "1", "2")
        ours.publish("other", "x")
        ours.publish("keys", "3")
        await until(lambda: len(ear.payloads) == 3)
    finally:
        await ours.stop()
        await theirs.stop()

    assert time.monotonic() - began_s < 2.5
    assert ear.payloads == ["1", "2", "3"]
    assert own_ear.payloads == []


async def test_a_change_is_heard_once(store: Store) -> None:
    ours, theirs = Bus(store), Bus(store)
    ear = Ear(theirs)
    await theirs.look()

    await told(ours, "keys", "1")
    await theirs.look()
    await theirs.look()

    assert ear.payloads == ["1"]


async def test_what_was_told_before_the_mark_is_not_heard_and_what_comes_after_it_is(store: Store) -> None:
    ours, theirs = Bus(store), Bus(store)
    ear = Ear(theirs)
    await told(ours, "keys", "old")
    await asyncio.to_thread(theirs.mark)
    await told(ours, "keys", "new")

    await theirs.look()

    assert (ear.payloads, ear.reloads) == (["new"], 0)


async def test_a_change_that_appears_below_one_heard_already_is_heard(
    store: Store, config: DatabaseConfig
) -> None:
    """On MySQL ids are given before the commit."""
    bus = Bus(store)
    ear = Ear(bus)
    row = "INSERT INTO `change` (id, at_ms, origin, topic, payload) VALUES (?, 0, 'b', 'keys', ?)"
    query(config, row, 8, "eight")
    query(config, row, 10, "ten")
    await bus.look()
    for number, payload in ((13, "thirteen"), (11, "eleven"), (9, "nine"), (12, "twelve")):
        query(config, row, number, payload)
        await bus.look()
    await bus.look()

    assert ear.payloads == ["thirteen", "eleven", "nine", "twelve"]


async def test_more_changes_than_one_page_are_all_heard(store: Store) -> None:
    ours, theirs = Bus(store), Bus(store)
    ear = Ear(theirs)
    await theirs.look()
    payloads = [str(number) for number in range(4500)]

    await told(ours, "keys", *payloads)
    await theirs.look()

    assert ear.payloads == payloads


@pytest.mark.logs_errors("a listener fails")
async def test_a_listener_that_fails_stops_nobody(store: Store) -> None:
    ours, theirs = Bus(store), Bus(store)

    def failing(_: Sequence[str]) -> None:
        raise RuntimeError("a mistake")

    theirs.listen("keys", failing, reload=lambda: None)
    ear = Ear(theirs)
    await theirs.look()
    await told(ours, "keys", "1")
    await theirs.look()
    await told(ours, "keys", "2")
    await theirs.look()

    assert ear.payloads == ["1", "2"]


@pytest.mark.logs_errors("the store says that the database is away")
async def test_an_outage_is_waited_out_on_both_sides(open_store: OpenStore, outage: Outage) -> None:
    ours, theirs = Bus(open_store(), poll_s=0.05), Bus(open_store(), poll_s=0.05)
    ear = Ear(theirs)
    for bus in (ours, theirs):
        bus.mark()
        bus.start()
    try:
        ours.publish("keys", "before")
        await until(lambda: ear.payloads == ["before"])
        outage.begin()
        ours.publish("keys", "during")
        await asyncio.sleep(0.5)  # nothing tells that there was no change to hear
        assert ear.payloads == ["before"]
        outage.end()
        await until(lambda: "during" in ear.payloads)
        ours.publish("keys", "after")
        await until(lambda: "after" in ear.payloads)
    finally:
        await ours.stop()
        await theirs.stop()

    assert list(dict.fromkeys(ear.payloads)) == ["before", "during", "after"]
    assert ear.reloads == 0


async def test_after_a_gap_in_which_changes_may_be_gone_everything_is_read_anew(
    store: Store, clock: FakeClock
) -> None:
    ours, theirs = Bus(store), Bus(store, clock_s=clock)
    ear = Ear(theirs)
    await theirs.look()
    await told(ours, "keys", "missed")
    clock.advance(GAP_S + 1)

    await theirs.look()
    await told(ours, "keys", "next")
    await theirs.look()

    assert (ear.payloads, ear.reloads) == (["next"], 1)


async def test_a_reload_that_fails_is_tried_again(store: Store, clock: FakeClock) -> None:
    bus = Bus(store, clock_s=clock)
    tries: list[int] = []

    async def reload() -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            raise StoreUnavailable("away")

    bus.listen("keys", lambda _: None, reload=reload)
    await bus.look()
    clock.advance(GAP_S + 1)
    for _ in range(4):
        await bus.look()

    assert tries == [0, 1, 2]


async def test_another_database_in_its_place_is_read_anew(store: Store, config: DatabaseConfig) -> None:
    ours, theirs = Bus(store), Bus(store)
    ear = Ear(theirs)
    await told(ours, "keys", "1", "2")
    await theirs.look()
    query(config, "DELETE FROM `change`")

    await theirs.look()
    await told(ours, "keys", "3")
    await theirs.look()

    assert (ear.payloads, ear.reloads) == (["3"], 1)


@pytest.mark.parametrize("payload", ["x" * (MAX_PAYLOAD_BYTES + 1), "\ud800"], ids=["too long", "no text"])
async def test_what_cannot_be_told_makes_the_others_read_everything_anew(store: Store, payload: str) -> None:
    ours, theirs = Bus(store), Bus(store)
    ear = Ear(theirs)
    await theirs.look()

    await told(ours, "keys", payload, "2")
    await theirs.look()

    assert (ear.payloads, ear.reloads) == (["2"], 1)


async def test_more_than_can_wait_makes_the_others_read_everything_anew(store: Store) -> None:
    ours, theirs = Bus(store), Bus(store)
    ear = Ear(theirs)
    await theirs.look()

    await told(ours, "keys", *(str(number) for number in range(10_001)))
    await theirs.look()

    assert ear.reloads == 1
    assert ear.payloads[:1] == ["1"]


async def test_old_changes_are_pruned(store: Store, config: DatabaseConfig) -> None:
    bus = Bus(store)
    await told(bus, "keys", *(str(number) for number in range(6_000)))
    query(config, "UPDATE `change` SET at_ms = at_ms - ?", int(KEPT_S * 1000) + 5_000)
    await told(bus, "keys", "new")

    assert await bus.prune() == 6_000
    assert query(config, "SELECT payload FROM `change`") == [("new",)]
