"""What the pool learned is written behind, read at start, and passed to other processes."""

import asyncio
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from gateway.control.memory import PoolMemory, name_of
from gateway.pool.bucket import BucketState
from gateway.pool.changes import BucketChange, KeyChange, LimitCount, LimitState, State
from gateway.pool.key import KeyState
from gateway.pool.wire import from_json
from gateway.protocols.failures import FailureKind
from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.control.waiting import until
from tests.store.conftest import OpenStore, Outage
from tests.store.programs import arguments
from tests.store.samples import key_row

NOW_S = 1_793_000_000.0
ROOT = Path(__file__).parents[2]


class FakePool:
    """Hands out what a test says is dirty, and keeps what it is given."""

    def __init__(self) -> None:
        self.dirty: list[State] = []
        self.restored: list[State] = []
        self.applied: list[State] = []

    def take_dirty(self, now_s: float) -> Sequence[State]:
        taken, self.dirty = self.dirty, []
        return taken

    def restore(self, states: Iterable[State], now_s: float) -> int:
        self.restored = list(states)
        return len(self.restored)

    def apply_change(self, change: State, now_s: float) -> bool:
        self.applied.append(change)
        return not isinstance(change, LimitState)


def bucket(
    model: str = "gemini-2.5-flash", *, owner: int | str = 1, until_s: float | None = NOW_S + 60
) -> State:
    return BucketChange(
        provider="gemini",
        owner=owner,
        model=model,
        alias="k…1",
        state=BucketState.COOLING if until_s else BucketState.OPEN,
        kind=FailureKind.RATE_MINUTE,
        message="",
        since_s=NOW_S,
        until_s=until_s,
        streak=0,
    )


def key(
    key_id: int = 1, *, kind: FailureKind | None = FailureKind.BILLING, project: str | None = None
) -> State:
    state = KeyState.ACTIVE if kind is None else KeyState.RESTING
    until_s = None if kind is None else NOW_S + 60
    return KeyChange(key_id, "k…1", "gemini", state, kind, "", NOW_S, until_s, project)


def limits(*, fresh: int = 0) -> LimitState:
    count = LimitCount("PerMinute", "minute", tokens=False, value=10, allowed=10, heard_s=NOW_S, used=4)
    return LimitState("gemini", "p-1", "gemini-2.5-flash", NOW_S, (count,), fresh_requests=fresh)


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


def kept(store: Store) -> list[State | None]:
    return [from_json(text) for text in store.read_sync(store.pool_states.all)]


async def test_what_is_dirty_is_there_at_the_next_start(store: Store, pool: FakePool) -> None:
    states = [key(), bucket(), bucket(owner="1"), limits()]
    pool.dirty = states.copy()
    await PoolMemory(store, pool, wall_s=lambda: NOW_S).write()

    reborn = FakePool()
    count = await asyncio.to_thread(PoolMemory(store, reborn, wall_s=lambda: NOW_S).restore)

    assert count == 4
    assert sorted(reborn.restored, key=repr) == sorted(states, key=repr)


async def test_the_last_state_of_a_thing_is_kept_and_nothing_to_remember_leaves_no_row(
    store: Store, pool: FakePool
) -> None:
    memory = PoolMemory(store, pool)
    pool.dirty = [bucket(), bucket(until_s=NOW_S + 90), key(2)]
    await memory.write()
    assert sorted(kept(store), key=repr) == sorted([bucket(until_s=NOW_S + 90), key(2)], key=repr)

    pool.dirty = [bucket(until_s=None), key(2, kind=None)]
    await memory.write()
    assert kept(store) == []


async def test_what_was_used_is_shared_as_fresh_and_stored_as_counted(store: Store, pool: FakePool) -> None:
    shared: list[str] = []
    pool.dirty = [limits(fresh=3)]

    await PoolMemory(store, pool, share=shared.extend).write()

    assert [from_json(text) for text in shared] == [limits(fresh=3)]
    assert kept(store) == [limits()]


async def test_news_of_others_reach_the_pool_and_those_that_changed_something_are_told(
    store: Store, pool: FakePool
) -> None:
    shared: list[str] = []
    acted: list[State] = []
    pool.dirty = [bucket(), limits()]
    await PoolMemory(store, pool, share=shared.extend).write()

    other = FakePool()
    PoolMemory(store, other, acted=acted.extend).heard([*shared, "{}", "of another release"])

    assert other.applied == [bucket(), limits()]
    assert acted == [bucket()]


async def test_a_noted_verdict_is_shared_and_kept(store: Store, pool: FakePool) -> None:
    shared: list[str] = []
    memory = PoolMemory(store, pool, share=shared.extend)

    memory.note([key()])
    await memory.write()

    assert [from_json(text) for text in shared] == [key()]
    assert kept(store) == [key()]


async def test_it_writes_within_a_second_by_itself_and_at_its_end(store: Store, pool: FakePool) -> None:
    memory = PoolMemory(store, pool)
    memory.start()
    pool.dirty = [bucket()]
    await until(lambda: kept(store) == [bucket()], within_s=2.5)

    pool.dirty = [key()]
    await memory.stop()

    assert key() in kept(store)


@pytest.mark.logs_errors("the store says that the database is away")
async def test_an_outage_loses_nothing(store: Store, pool: FakePool, outage: Outage) -> None:
    memory = PoolMemory(store, pool, every_s=0.05)
    outage.begin()
    memory.start()
    pool.dirty = [bucket(), key()]
    await until(lambda: not store.health().ok)
    pool.dirty = [bucket(until_s=NOW_S + 90)]
    await until(lambda: not pool.dirty)
    outage.end()
    await until(lambda: store.health().ok)
    await memory.stop()

    assert sorted(kept(store), key=repr) == sorted([bucket(until_s=NOW_S + 90), key()], key=repr)


async def test_a_model_whose_name_is_no_text_spoils_nothing(store: Store, pool: FakePool) -> None:
    pool.dirty = [bucket("gemini-\ud800"), bucket("m" * 5_000), bucket()]
    shared: list[str] = []

    await PoolMemory(store, pool, share=shared.extend).write()

    assert len(kept(store)) == 2
    assert len("\n".join(shared).split("\n")) == 2


async def test_thousands_of_states_are_written(store: Store, pool: FakePool) -> None:
    pool.dirty = [bucket(owner=number) for number in range(2_500)]

    await PoolMemory(store, pool).write()

    assert len(kept(store)) == 2_500


async def test_pruning_takes_what_says_nothing_any_more(store: Store, pool: FakePool) -> None:
    store.write_sync(lambda: store.keys.add([key_row("sk-1")]))
    (row,) = store.read_sync(store.keys.everything)
    now_s = row.updated_at_ms / 1000
    pool.dirty = [key(row.id), key(row.id + 1), bucket()]
    memory = PoolMemory(store, pool, wall_s=lambda: now_s)
    await memory.write()

    assert await memory.prune() == 1
    assert sorted(kept(store), key=repr) == sorted([key(row.id), bucket()], key=repr)
    later = PoolMemory(store, pool, wall_s=lambda: now_s + 22 * 86_400)
    assert await later.prune() == 1
    assert kept(store) == [key(row.id)]


def test_a_project_and_a_key_of_the_same_number_are_two_owners() -> None:
    assert name_of(bucket(owner=1)) != name_of(bucket(owner="1"))


async def test_a_killed_process_has_written_what_is_older_than_a_second(
    store: Store, config: DatabaseConfig
) -> None:
    learning = await asyncio.create_subprocess_exec(
        *arguments("learning", config), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert learning.stdin is not None
    assert learning.stdout is not None
    try:
        learning.stdin.write(b"\n")
        async with asyncio.timeout(20):
            await learning.stdout.readuntil(b"learned\n")
        await asyncio.sleep(1.0)  # the second that may be lost
    finally:
        learning.kill()
        await learning.communicate()

    (state,) = kept(store)
    assert isinstance(state, BucketChange)
    assert state.kind is FailureKind.RATE_DAY
