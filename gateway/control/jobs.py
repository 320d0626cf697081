"""Periodic jobs of the control plane: each a task of its own, with jitter; some in one process at a time.

What the jobs do is their owners' business. Started and stopped by lifecycle.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.errors import StoreUnavailable
from gateway.log import get_logger

log = get_logger("gateway.jobs")
_OFF_LOOK_S = 30.0
_LEASE_LOOK_S = 1.0
_JITTER = 0.1


class Holder(Protocol):
    """Knows whether this process is the one."""

    @property
    def held(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Job:
    """A thing to do again and again.

    every_s   asked before each wait, so that a changed setting counts from the next one; 0 is off for now
    alone     only in the process that holds the lease
    """

    name: str
    run: Callable[[], Awaitable[object]]
    every_s: Callable[[], float]
    alone: bool


class Jobs:
    """Runs jobs until they are stopped; a job that fails is logged and runs again when its time comes.

    holder   None when there is no other process
    random   uniform in [0, 1): processes do not work in step
    """

    def __init__(self, holder: Holder | None, random: Callable[[], float]) -> None:
        self._holder = holder
        self._random = random
        self._jobs: list[Job] = []
        self._tasks: list[asyncio.Task[None]] = []

    def add(
        self,
        name: str,
        run: Callable[[], Awaitable[object]],
        *,
        every_s: float | Callable[[], float],
        alone: bool = True,
    ) -> None:
        """Have a job run about every so many seconds, first within that time. Before `start`."""
        period = every_s if callable(every_s) else (lambda: every_s)
        self._jobs.append(Job(name, run, period, alone))

    def start(self) -> None:
        """Begin; on the running loop."""
        self._tasks = [asyncio.create_task(self._repeat(job), name=f"job-{job.name}") for job in self._jobs]

    async def stop(self) -> None:
        """Cancel what runs and wait for it."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, job: Job) -> None:
        is_first = True
        while True:
            every_s = job.every_s()
            if every_s <= 0:
                await asyncio.sleep(_OFF_LOOK_S)
                continue
            share = self._random() if is_first else 1.0 + _JITTER * (2 * self._random() - 1)
            is_first = False
            await asyncio.sleep(every_s * share)
            if job.every_s() > 0 and self._may_run(job):
                await self._run(job)

    async def _run(self, job: Job) -> None:
        try:
            if job.alone and self._holder is not None:
                await self._run_while_held(job)
            else:
                await job.run()
        except StoreUnavailable:
            log.info("job_put_off", job=job.name, reason="the database is away")
        except Exception:  # a job's mistake must not end the others, nor its own next turn
            log.exception("job_failed", job=job.name)

    async def _run_while_held(self, job: Job) -> None:
        """Run a job, and cut it off when another process has taken over."""
        task = asyncio.ensure_future(job.run())
        try:
            while not task.done():
                await asyncio.wait((task,), timeout=_LEASE_LOOK_S)
                if not task.done() and not self._may_run(job):
                    log.warning("job_cut_off", job=job.name, reason="another process holds the lease now")
                    return
            task.result()
        finally:
            await cancelled(task)

    def _may_run(self, job: Job) -> bool:
        return not job.alone or self._holder is None or self._holder.held


async def cancelled(task: "asyncio.Future[Any] | None") -> None:
    """End a task that one owns, whatever it was doing."""
    if task is None or task.done():
        return
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait((task,))
