"""A lease is held by one process, and moves when that one dies."""

import asyncio
import contextlib
import subprocess
import time
from pathlib import Path

import pytest

from gateway.control.leases import LeaseKeeper
from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.control.waiting import until
from tests.fakes.clock import FakeClock
from tests.store.conftest import OpenStore, Outage
from tests.store.programs import arguments

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


def keeper(store: Store, holder: str, ttl_s: float = 1.5) -> LeaseKeeper:
    return LeaseKeeper(store, "jobs", holder, ttl_s=ttl_s)


async def test_one_of_two_holds_it_and_the_other_takes_over_when_it_is_given_back(
    open_store: OpenStore,
) -> None:
    first, second = keeper(open_store(), "a"), keeper(open_store(), "b")
    first.start()
    await until(lambda: first.held)
    second.start()
    await asyncio.sleep(1.0)  # longer than the lease lasts without renewal would show
    assert [each.held for each in (first, second)] == [True, False]

    await first.stop()
    try:
        await until(lambda: second.held, within_s=1.5)
        assert [each.held for each in (first, second)] == [False, True]
    finally:
        await second.stop()


async def test_it_ends_by_itself_when_it_is_not_renewed(store: Store, clock: FakeClock) -> None:
    keeping = LeaseKeeper(store, "jobs", "a", ttl_s=15, clock_s=clock)
    assert not keeping.held

    assert await keeping.renew()
    seen = [keeping.held]
    for seconds in (9.9, 0.2):
        clock.advance(seconds)
        seen.append(keeping.held)

    assert seen == [True, True, False]


async def test_it_is_lost_at_once_when_another_has_it(store: Store) -> None:
    keeping = LeaseKeeper(store, "jobs", "a")
    await keeping.renew()
    await store.write(lambda: store.leases.release("jobs", "a"))
    await store.write(lambda: store.leases.take("jobs", "b", 60_000))

    assert not await keeping.renew()
    assert not keeping.held


@pytest.mark.logs_errors("the store says that the database is away")
async def test_during_an_outage_nobody_holds_it_and_afterwards_somebody_does(
    store: Store, outage: Outage
) -> None:
    keeping = keeper(store, "a", ttl_s=0.6)
    keeping.start()
    try:
        await until(lambda: keeping.held)
        outage.begin()
        await until(lambda: not keeping.held, within_s=5)
        outage.end()
        await until(lambda: keeping.held)
    finally:
        await keeping.stop()


async def test_it_moves_within_its_time_when_its_holder_is_killed(
    store: Store, config: DatabaseConfig
) -> None:
    ttl_s = 2.0
    holder = await asyncio.create_subprocess_exec(
        *arguments("holding", config), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    waiting = keeper(store, "waiting", ttl_s)
    try:
        holder.stdin.write(b"\n")
        async with asyncio.timeout(20):
            await holder.stdout.readuntil(b"held\n")
        waiting.start()
        await asyncio.sleep(1.5)  # past the first lease: it is the renewals that keep it
        assert not waiting.held

        holder.kill()
        killed_s = time.monotonic()
        await until(lambda: waiting.held, within_s=ttl_s + 1.0)
        assert time.monotonic() - killed_s <= ttl_s + 0.3
    finally:
        with contextlib.suppress(ProcessLookupError):
            holder.kill()
        await holder.communicate()
        await waiting.stop()
