"""Long work: one of a kind, told of, stopped, and never silently lost."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.control.results import Refused
from gateway.control.tasks import Outcomes, Task, TaskRunner
from gateway.store.store import Store
from tests.control.gateways import ADMIN
from tests.control.waiting import until
from tests.store.conftest import OpenStore


class Clock:
    """A wall clock that moves by a second each time it is read."""

    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture
def runner(store: Store) -> TaskRunner:
    return TaskRunner(store, wall_s=Clock())


async def _odd_and_even(ids: Sequence[int]) -> Outcomes:
    return {"odd": [each for each in ids if each % 2], "even": [each for each in ids if not each % 2]}


async def _begun(runner: TaskRunner, kind: str = "count", work: object = _odd_and_even) -> Task:
    task = await runner.begin(kind, range(1, 8), work, ADMIN, at_once=3)  # type: ignore[arg-type]
    assert isinstance(task, Task)
    return task


async def _over(runner: TaskRunner, task_id: str) -> Task:
    async with asyncio.timeout(15):
        while True:
            task = await runner.find(task_id)
            assert task is not None
            if task.is_over:
                return task
            await asyncio.sleep(0.01)


async def test_a_task_ends_with_its_items_grouped_by_outcome(runner: TaskRunner) -> None:
    task = await _begun(runner)

    over = await _over(runner, task.id)

    assert (task.state, task.total, task.actor) == ("running", 7, "admin")
    assert (over.state, over.done) == ("done", 7)
    assert [(each.outcome, each.count, each.ids) for each in over.groups] == [
        ("odd", 4, (1, 3, 5, 7)),
        ("even", 3, (2, 4, 6)),
    ]


async def test_progress_is_seen_by_another_process_which_may_stop_it(
    runner: TaskRunner, open_store: OpenStore
) -> None:
    elsewhere = TaskRunner(open_store(), wall_s=runner._wall_s)
    gate = asyncio.Semaphore(2)

    async def slowly(ids: Sequence[int]) -> Outcomes:
        await gate.acquire()
        return {"ok": ids}

    task = await _begun(runner, work=slowly)
    seen: list[int] = []

    async def look() -> None:
        while not seen or seen[-1] < 6:
            found = await elsewhere.find(task.id)
            assert found is not None
            seen.append(found.done)
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), 10)
    assert await elsewhere.ask_to_stop(task.id)
    gate.release()
    over = await _over(elsewhere, task.id)

    assert over.state in ("stopped", "done")
    assert not await elsewhere.ask_to_stop("no-such-task")


async def test_only_one_of_a_kind_is_under_way_whichever_process_began_it(
    runner: TaskRunner, open_store: OpenStore
) -> None:
    elsewhere = TaskRunner(open_store(), wall_s=runner._wall_s)
    gate = asyncio.Event()

    async def wait(ids: Sequence[int]) -> Outcomes:
        await gate.wait()
        return {"ok": ids}

    task = await _begun(runner, work=wait)

    assert isinstance(await elsewhere.begin("count", [1], wait, ADMIN, at_once=1), Refused)
    other = await elsewhere.begin("another", [1], _odd_and_even, ADMIN, at_once=1)
    gate.set()
    await _over(runner, task.id)
    again = await elsewhere.begin("count", [1], _odd_and_even, ADMIN, at_once=1)

    assert isinstance(other, Task)
    assert isinstance(again, Task)
    await _over(elsewhere, again.id)
    await _over(elsewhere, other.id)


async def test_a_task_whose_process_ends_is_stopped(runner: TaskRunner) -> None:
    async def for_ever(ids: Sequence[int]) -> Outcomes:
        await asyncio.Event().wait()
        return {"ok": ids}

    task = await _begun(runner, work=for_ever)
    await asyncio.sleep(0)

    await runner.stop()

    assert (await _over(runner, task.id)).state == "stopped"


async def test_a_task_whose_process_was_killed_is_told_as_lost(store: Store) -> None:
    clock = Clock()
    runner = TaskRunner(store, wall_s=clock)

    async def for_ever(ids: Sequence[int]) -> Outcomes:
        await asyncio.Event().wait()
        return {"ok": ids}

    task = await _begun(runner, work=for_ever)
    clock.now_s += 1000

    found = await runner.find(task.id)
    assert found is not None
    assert found.state == "lost"
    again = await runner.begin("count", [1], _odd_and_even, ADMIN, at_once=1)
    assert isinstance(again, Task)
    await runner.stop()


@pytest.mark.logs_errors("the work fails")
async def test_work_that_fails_ends_its_task_in_words(runner: TaskRunner) -> None:
    async def failing(ids: Sequence[int]) -> Outcomes:
        raise RuntimeError(f"no good: {ids}")

    task = await _begun(runner, work=failing)

    assert (await _over(runner, task.id)).state == "failed"
    await until(lambda: not runner._running)
