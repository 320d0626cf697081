"""The pool's memory: its states written behind, read at start, and passed between processes.

What a state says is the pool's business (gateway/pool/memory.py, wire.py); here it travels.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Protocol

from gateway.control.bus import MAX_PAYLOAD_BYTES
from gateway.errors import StoreError, StoreUnavailable
from gateway.log import get_logger
from gateway.pool.changes import BucketChange, KeyChange, LimitState, State
from gateway.pool.memory import identity, is_nothing
from gateway.pool.wire import from_json, to_json
from gateway.store.records import PoolStateName, PoolStateRow
from gateway.store.store import Store

log = get_logger("gateway.memory")
KEY, BUCKET, LIMITS, PROBE = "key", "bucket", "limits", "probe"
KEPT_S = 21 * 86_400.0
"""What was not written for so long says nothing any more: longer than the longest rest and the memory of
limits. A key's own state stays as long as the key."""
_SLICE = 200
_CHUNK = 1_000
_MAX_PENDING = 200_000
_LAST_WRITE_S = 3.0


class Remembering(Protocol):
    """The pool, as its memory sees it."""

    def take_dirty(self, now_s: float) -> Sequence[State]: ...

    def restore(self, states: Iterable[State], now_s: float) -> int: ...

    def apply_change(self, change: State, now_s: float) -> bool: ...


class PoolMemory:
    """Writes what the pool learned within about `every_s`, never on a call's path.

    share     tells other processes (texts for `heard` there); None when there are none
    acted     hears what of the others' news changed something here

    An outage of the database is waited out: of each thing the last state is kept.
    """

    def __init__(
        self,
        store: Store,
        pool: Remembering,
        *,
        share: Callable[[Sequence[str]], None] | None = None,
        acted: Callable[[Sequence[State]], None] | None = None,
        wall_s: Callable[[], float] = time.time,
        every_s: float = 0.5,
    ) -> None:
        self._store = store
        self._pool = pool
        self._share = share
        self._acted = acted
        self._wall_s = wall_s
        self._every_s = every_s
        self._pending: dict[str, State] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def restore(self) -> int:
        """Give the pool what was remembered; its keys are there already. Blocks; before the loop runs."""
        states = self._store.read_sync(self._read_all)
        count = self._pool.restore(states, self._wall_s())
        log.info("pool_remembers", states=len(states), still_true=count)
        return count

    async def reload(self) -> None:
        """Take in everything that is stored, when news from the others may have been missed."""
        states = await self._store.read(self._read_all)
        self._pool.restore(states, self._wall_s())

    def heard(self, texts: Sequence[str]) -> None:
        """Take in what other processes learned."""
        now_s = self._wall_s()
        lines = (line for text in texts for line in text.split("\n"))
        states = [state for line in lines if (state := from_json(line)) is not None]
        news = [state for state in states if self._pool.apply_change(state, now_s)]
        if news and self._acted is not None:
            self._acted(news)

    def note(self, states: Iterable[State]) -> None:
        """Remember and share states that the pool does not tell itself: a probe's verdict."""
        self._take(list(states))

    def start(self) -> None:
        """Begin; on the running loop."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._write_behind(), name="pool-memory")

    async def stop(self) -> None:
        """Write what is left, within a moment, and end."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=_LAST_WRITE_S)
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None
        try:
            async with asyncio.timeout(_LAST_WRITE_S):
                await self.write()
        except (StoreError, TimeoutError):
            log.warning("pool_states_lost", count=len(self._pending))

    async def prune(self) -> int:
        """Forget what says nothing any more; a job for one process. Gives how much."""
        before_ms = int((self._wall_s() - KEPT_S) * 1000)
        return await self._store.write(partial(self._prune, before_ms))

    # Writing

    async def _write_behind(self) -> None:
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(self._every_s):
                    await self._stopping.wait()
            except TimeoutError:
                pass
            else:
                return
            try:
                await self.write()
            except StoreUnavailable:  # the store says so, once
                pass
            except Exception:  # a mistake of ours must not end the memory
                log.exception("pool_states_not_written")

    async def write(self) -> None:
        """Share and write what the pool learned since the last time. Raises StoreError."""
        await self._gather()
        while self._pending:
            batch = dict(islice(self._pending.items(), _CHUNK))
            for name in batch:
                del self._pending[name]
            rows, gone = await _rows(batch.values())
            try:
                await self._store.write(partial(self._put, rows, gone))
            except (StoreUnavailable, asyncio.CancelledError):
                # What came meanwhile is newer.
                self._pending = batch | self._pending
                raise

    async def _gather(self) -> None:
        states = self._pool.take_dirty(self._wall_s())
        for start in range(0, len(states), _SLICE):
            self._take(states[start : start + _SLICE])
            if start:
                await asyncio.sleep(0)  # a hundred thousand states must not stop the calls

    def _take(self, states: Sequence[State]) -> None:
        if self._share is not None:
            texts = [text for state in states if (text := _text(state)) is not None]
            self._share(list(_packed(texts)))
        for state in states:
            name = identity(state)
            self._pending.pop(name, None)
            self._pending[name] = state
        while len(self._pending) > _MAX_PENDING:
            del self._pending[next(iter(self._pending))]

    def _put(self, rows: Sequence[PoolStateRow], gone: Sequence[PoolStateName]) -> None:
        self._store.pool_states.put_many(rows)
        self._store.pool_states.remove_many(gone)

    # Reading

    def _read_all(self) -> list[State]:
        texts = self._store.pool_states.all(besides=PROBE)
        return [state for text in texts if (state := from_json(text)) is not None]

    def _prune(self, before_ms: int) -> int:
        states = self._store.pool_states
        removed = states.prune(before_ms, kinds=(BUCKET, LIMITS, PROBE))
        return removed + states.prune_keys(KEY)


async def _rows(states: Iterable[State]) -> tuple[list[PoolStateRow], list[PoolStateName]]:
    """Rows to write and rows to remove."""
    rows: list[PoolStateRow] = []
    gone: list[PoolStateName] = []
    for number, state in enumerate(states, start=1):
        if is_nothing(state):
            gone.append(name_of(state))
        elif (text := _text(_settled(state))) is not None:
            rows.append(PoolStateRow(name_of(state), text))
        if number % _SLICE == 0:
            await asyncio.sleep(0)
    return rows, gone


def _settled(state: State) -> State:
    """A state as it is stored: what is fresh has been counted in, and is not to be added again."""
    if isinstance(state, LimitState) and (state.fresh_requests or state.fresh_tokens):
        return replace(state, fresh_requests=0, fresh_tokens=0)
    return state


def name_of(state: State) -> PoolStateName:
    """The row of a state."""
    if isinstance(state, KeyChange):
        return PoolStateName(state.provider, owner_name(state.key_id), "", KEY)
    kind = BUCKET if isinstance(state, BucketChange) else LIMITS
    return PoolStateName(state.provider, owner_name(state.owner), state.model, kind)


def owner_name(owner: int | str) -> str:
    """Whose a state is, in words: a project's name may be digits too."""
    return f"key={owner}" if isinstance(owner, int) else f"project={owner}"


def _packed(texts: Iterable[str]) -> Iterator[str]:
    """Texts by the line, as many as one change may carry: a busy pool learns thousands of things a second."""
    lines: list[str] = []
    size = 0
    for text in texts:
        size += 4 * len(text) + 1  # a character has four bytes at most
        if lines and size > MAX_PAYLOAD_BYTES:
            yield "\n".join(lines)
            lines, size = [], 4 * len(text) + 1
        lines.append(text)
    if lines:
        yield "\n".join(lines)


def _text(state: State) -> str | None:
    try:
        return to_json(state)
    except TypeError:  # a client's model name that is no text: such a bucket is known here only
        return None
