"""Long work of the admin: one of a kind at a time, with progress that any process reads, and a way to stop.

What is done to each item is the caller's. Progress goes to the store about twice a second.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from gateway.control.jobs import cancelled
from gateway.control.results import Actor, Refused
from gateway.errors import StoreError
from gateway.log import get_logger
from gateway.store.records import TaskRow
from gateway.store.store import Store

log = get_logger("gateway.tasks")
MOST_RUNNING = 4
KEPT_S = 7 * 86_400.0
LOST_AFTER_S = 120.0
"""A running task that has told nothing for so long has died with its process."""
_TELL_S = 0.5
_IDS_KEPT = 2_000
_FOUND_AT_ONCE = 1_000
_DONE, _STOPPED, _FAILED, _RUNNING, _LOST = "done", "stopped", "failed", "running", "lost"

Outcomes = Mapping[str, Sequence[int]]
"""What came of some items: a word for it -> the items."""
Work = Callable[[Sequence[int]], Awaitable[Outcomes]]


@dataclass(frozen=True, slots=True)
class Found:
    """Items that are found while the work goes on, so that however many there are, few are held.

    total   how many there were at the beginning
    after   the next ones, at most so many, behind the last one that was found; none at the end
    """

    total: int
    after: Callable[[int | None, int], Awaitable[Sequence[int]]]

    def __len__(self) -> int:
        return self.total


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """Items that came out alike. `ids` are the first of them."""

    outcome: str
    count: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """Long work, as it stood when it was last told.

    state     "running", "done", "stopped", "failed", or "lost" when its process died
    groups    what came of the items done, the largest group first
    """

    id: str
    kind: str
    state: str
    done: int
    total: int
    started_at_ms: int
    updated_at_ms: int
    actor: str
    groups: tuple[TaskGroup, ...]

    @property
    def is_over(self) -> bool:
        return self.state != _RUNNING

    @property
    def subject(self) -> str:
        """What it works on: "keys" or "calls"."""
        return self.kind.rpartition(" ")[2]


class TaskRunner:
    """Begins tasks here, and tells of everybody's."""

    def __init__(self, store: Store, *, wall_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._wall_s = wall_s
        self._running: dict[str, asyncio.Task[None]] = {}
        self._beginning = asyncio.Lock()

    async def begin(
        self, kind: str, items: Sequence[int] | Found, work: Work, actor: Actor, *, at_once: int
    ) -> Task | Refused:
        """Start working on items, `at_once` of them at a time; refused while such work is under way."""
        async with self._beginning:
            latest = await self.latest(20)
            if any(task.kind == kind and not task.is_over for task in latest):
                return Refused.because("", "Such work is under way already. Wait for its end, or stop it.")
            if len(self._running) >= MOST_RUNNING:
                return Refused.because("", "Too much is under way at once. Wait for something to end.")
            now_ms = self._now_ms()
            row = TaskRow(
                id=secrets.token_hex(12),
                kind=kind,
                state=_RUNNING,
                done=0,
                total=len(items),
                started_at_ms=now_ms,
                updated_at_ms=now_ms,
                actor=actor.name[:40],
                stop_asked=False,
                outcome="{}",
            )
            await self._store.write(lambda: self._store.tasks.put(row))
            running = asyncio.create_task(self._run(row, items, work, at_once), name=f"task-{kind}")
            self._running[row.id] = running
            running.add_done_callback(lambda _: self._running.pop(row.id, None))
            return self._read(row)

    async def find(self, task_id: str) -> Task | None:
        """A task of whatever process."""
        row = await self._store.read(lambda: self._store.tasks.find(task_id))
        return None if row is None else self._read(row)

    async def latest(self, limit: int = 20) -> list[Task]:
        """The tasks begun last, the newest first."""
        rows = await self._store.read(lambda: self._store.tasks.latest(limit))
        return [self._read(row) for row in rows]

    async def ask_to_stop(self, task_id: str) -> bool:
        """Have a task stop within a moment, whatever process it runs in; False when there is none."""
        return await self._store.write(lambda: self._store.tasks.ask_to_stop(task_id))

    async def stop(self) -> None:
        """End everything that runs here; what was done stays done."""
        for running in list(self._running.values()):
            await cancelled(running)

    async def prune(self) -> int:
        """Forget old tasks; a job for one process."""
        before_ms = self._now_ms() - int(KEPT_S * 1000)
        return await self._store.write(lambda: self._store.tasks.prune(before_ms))

    async def _run(self, row: TaskRow, items: Sequence[int] | Found, work: Work, at_once: int) -> None:
        found: dict[str, list[int]] = {}
        counts: dict[str, int] = {}
        done, state, told_s = 0, _DONE, self._wall_s()
        try:
            async for part in in_parts(items, at_once):
                for outcome, ids in (await work(part)).items():
                    counts[outcome] = counts.get(outcome, 0) + len(ids)
                    kept = found.setdefault(outcome, [])
                    kept += ids[: _IDS_KEPT - len(kept)]
                done += len(part)
                if self._wall_s() - told_s >= _TELL_S:
                    told_s = self._wall_s()
                    if await self._tell(row, _RUNNING, done, counts, found):
                        state = _STOPPED
                        break
        except asyncio.CancelledError:
            state = _STOPPED
            raise
        except StoreError as error:
            state = _FAILED
            log.warning("task_failed", task=row.kind, reason=str(error))
        except Exception:  # nobody awaits it: the operator must not wait for ever either
            state = _FAILED
            log.exception("task_failed", task=row.kind)
        finally:
            await self._tell_the_end(row, state, done, counts, found)

    async def _tell_the_end(
        self, row: TaskRow, state: str, done: int, counts: dict[str, int], found: dict[str, list[int]]
    ) -> None:
        try:
            await self._tell(row, state, done, counts, found)
        except StoreError as error:
            log.warning("task_end_not_told", task=row.kind, reason=str(error))

    async def _tell(
        self, row: TaskRow, state: str, done: int, counts: dict[str, int], found: dict[str, list[int]]
    ) -> bool:
        """Write how far a task is; True when somebody asked it to stop."""
        outcome = {name: [count, found[name]] for name, count in counts.items()}
        told = replace(
            row, state=state, done=done, updated_at_ms=self._now_ms(), outcome=orjson.dumps(outcome).decode()
        )

        def put() -> bool:
            self._store.tasks.put(told)
            return self._store.tasks.is_asked_to_stop(row.id)

        return await self._store.write(put)

    def _read(self, row: TaskRow) -> Task:
        state = row.state
        if state == _RUNNING and self._now_ms() - row.updated_at_ms > LOST_AFTER_S * 1000:
            state = _LOST
        groups = [
            TaskGroup(name, count, tuple(ids)) for name, (count, ids) in orjson.loads(row.outcome).items()
        ]
        groups.sort(key=lambda group: -group.count)
        return Task(
            id=row.id,
            kind=row.kind,
            state=state,
            done=row.done,
            total=row.total,
            started_at_ms=row.started_at_ms,
            updated_at_ms=row.updated_at_ms,
            actor=row.actor,
            groups=tuple(groups),
        )

    def _now_ms(self) -> int:
        return int(self._wall_s() * 1000)


async def in_parts(items: Sequence[int] | Found, at_once: int) -> AsyncIterator[Sequence[int]]:
    """The items, so many at a time."""
    if not isinstance(items, Found):
        for start in range(0, len(items), at_once):
            yield items[start : start + at_once]
        return
    last: int | None = None
    while found := await items.after(last, _FOUND_AT_ONCE):
        for start in range(0, len(found), at_once):
            yield found[start : start + at_once]
        last = found[-1]
