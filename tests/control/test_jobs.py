"""Periodic jobs run again and again, alone where they must, and end when they are told to."""

import asyncio

import pytest

from gateway.control.jobs import Jobs
from gateway.errors import StoreUnavailable
from tests.control.waiting import until


class Bell:
    """A job that tells that it ran."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()

    async def run(self) -> None:
        await asyncio.sleep(0)
        self.rung.set()


class Lease:
    held = True


async def test_a_job_runs_again_and_again_and_not_after_the_stop() -> None:
    runs: list[int] = []

    async def run() -> None:
        runs.append(await asyncio.sleep(0, len(runs)))

    jobs = Jobs(None, lambda: 0.5)
    jobs.add("counting", run, every_s=0.01)
    jobs.start()
    await until(lambda: len(runs) >= 3)
    await jobs.stop()
    count = len(runs)
    await asyncio.sleep(0.05)

    assert len(runs) == count


async def test_jobs_for_one_process_run_only_where_the_lease_is() -> None:
    lease = Lease()
    lease.held = False
    alone, everywhere = Bell(), Bell()
    jobs = Jobs(lease, lambda: 0.5)
    jobs.add("alone", alone.run, every_s=0.01)
    jobs.add("everywhere", everywhere.run, every_s=0.01, alone=False)
    jobs.start()
    try:
        await asyncio.wait_for(everywhere.rung.wait(), 5)
        assert not alone.rung.is_set()
        lease.held = True
        await asyncio.wait_for(alone.rung.wait(), 5)
    finally:
        await jobs.stop()


async def test_a_running_job_is_cut_off_when_the_lease_is_lost() -> None:
    lease = Lease()
    began, ended = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    jobs = Jobs(lease, lambda: 0.0)
    jobs.add("long", run, every_s=0.01)
    jobs.start()
    try:
        await asyncio.wait_for(began.wait(), 5)
        lease.held = False
        await asyncio.wait_for(ended.wait(), 5)
    finally:
        await jobs.stop()


async def test_stopping_ends_a_job_in_the_middle() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    jobs = Jobs(Lease(), lambda: 0.0)
    jobs.add("long", run, every_s=0.01)
    jobs.start()
    await asyncio.wait_for(began.wait(), 5)
    await jobs.stop()

    assert ended.is_set()


@pytest.mark.logs_errors("a job fails")
@pytest.mark.parametrize("error", [RuntimeError("a mistake"), StoreUnavailable("away")])
async def test_a_job_that_fails_runs_again(error: Exception) -> None:
    runs: list[int] = []

    async def run() -> None:
        runs.append(await asyncio.sleep(0, len(runs)))
        raise error

    jobs = Jobs(None, lambda: 0.5)
    jobs.add("failing", run, every_s=0.01)
    jobs.start()
    try:
        await until(lambda: len(runs) >= 3)
    finally:
        await jobs.stop()


async def test_a_job_that_is_off_does_not_run() -> None:
    bell = Bell()
    jobs = Jobs(None, lambda: 0.5)
    jobs.add("off", bell.run, every_s=lambda: 0.0)
    jobs.start()
    await asyncio.sleep(0.05)
    await jobs.stop()

    assert not bell.rung.is_set()
