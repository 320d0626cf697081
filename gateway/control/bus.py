"""What processes on one database tell each other: changes written as rows, and asked for about every second.

Topics and payloads are the callers'; both ends of a topic are in `control`. Payloads hold no secrets.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from gateway.control.jobs import cancelled
from gateway.control.sightings import Sightings
from gateway.errors import StoreError, StoreUnavailable
from gateway.log import get_logger
from gateway.store.records import ChangeRow
from gateway.store.store import Store

log = get_logger("gateway.bus")
KEPT_S = 600.0
"""How long a change stays in the database."""
GAP_S = KEPT_S / 2
"""After so long without a look, changes may have been missed: everything is read anew."""
RELOAD = "reload"
"""The topic that says: something could not be told, read everything anew."""
MAX_PAYLOAD_BYTES = 60_000
_MAX_WAITING = 10_000
_BATCH = 500
_PAGE = 2_000
_GATHER_S = 0.02
_LISTENER_S = 30.0
_LAST_SEND_S = 2.0

Heard = Callable[[Sequence[str]], Awaitable[None] | None]
Reload = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, eq=False)
class _Listener:
    topic: str
    heard: Heard
    reload: Reload


class Bus:
    """Tells the others, and hears them; never itself.

    origin    names this process, no other has the same
    poll_s    how often the others are heard

    An outage of the database is waited out: what is to be told waits (the oldest goes when there is too
    much, and the others are told to read everything anew), and what was told meanwhile is heard afterwards.
    """

    def __init__(
        self,
        store: Store,
        *,
        origin: str | None = None,
        poll_s: float = 1.0,
        gap_s: float = GAP_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin = origin or secrets.token_hex(8)
        self._store = store
        self._poll_s = poll_s
        self._gap_s = gap_s
        self._clock_s = clock_s
        self._listeners: list[_Listener] = []
        self._stale: list[_Listener] = []
        self._sightings = Sightings()
        self._looked_s: float | None = None
        self._waiting: deque[tuple[str, str]] = deque()
        self._overflowed = False
        self._to_send = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def listen(self, topic: str, heard: Heard, *, reload: Reload) -> None:
        """Hear a topic from now on, on the loop's thread.

        heard    gets the payloads of a topic that came together, in order; may be asynchronous
        reload   is called when changes may have been missed; it is called again until it does not raise
        """
        self._listeners.append(_Listener(topic, heard, reload))

    def publish(self, topic: str, *payloads: str) -> None:
        """Tell the others soon. Never waits; call it on the loop's thread."""
        for payload in payloads:
            if _fits(payload):
                self._waiting.append((topic, payload))
            else:
                log.warning("change_too_large_to_tell", topic=topic, size=len(payload))
                self._overflowed = True
        self._drop_what_is_too_much()
        self._to_send.set()

    def mark(self) -> None:
        """Hear everything that is told from now on, also before `start`. Blocks; before the loop runs.

        To be called before what the changes are of is read from the database.
        """
        self._take_position(self._store.read_sync(self._read_position))

    def start(self) -> None:
        """Begin; on the running loop."""
        self._tasks = [
            asyncio.create_task(self._hear(), name="bus-hear"),
            asyncio.create_task(self._tell(), name="bus-tell"),
        ]

    async def stop(self) -> None:
        """Send what waits, within a moment, and end."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            await cancelled(task)
        try:
            async with asyncio.timeout(_LAST_SEND_S):
                await self._send()
        except (StoreError, TimeoutError):
            log.warning("changes_not_told", count=len(self._waiting))

    async def prune(self) -> int:
        """Remove changes that everybody has heard; a job for one process. Gives how many."""
        total = 0
        while removed := await self._store.write(lambda: self._store.changes.prune(int(KEPT_S * 1000))):
            total += removed
        return total

    # Telling

    async def _tell(self) -> None:
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            await asyncio.sleep(_GATHER_S)
            try:
                await self._send()
            except StoreUnavailable:  # the store says so, once
                self._to_send.set()
                await asyncio.sleep(self._poll_s)
            except Exception:  # a mistake of ours must not end the telling
                log.exception("changes_not_told")
                self._to_send.set()
                await asyncio.sleep(self._poll_s)

    async def _send(self) -> None:
        while self._waiting or self._overflowed:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            reload_too, self._overflowed = self._overflowed, False
            told = [*batch, (RELOAD, "")] if reload_too else batch
            try:
                await self._store.write(partial(self._store.changes.add, self.origin, told))
            except (StoreUnavailable, asyncio.CancelledError):
                # One whose commit was cut off is told twice: listeners bear that.
                self._waiting.extendleft(reversed(batch))
                self._overflowed |= reload_too
                self._drop_what_is_too_much()
                raise
            except StoreError:
                self._overflowed = not reload_too  # refused: the others read anew instead
                raise

    def _drop_what_is_too_much(self) -> None:
        while len(self._waiting) > _MAX_WAITING:
            self._waiting.popleft()
            self._overflowed = True

    # Hearing

    async def _hear(self) -> None:
        while True:
            try:
                await self.look()
            except StoreError:  # the store says so, once
                pass
            except Exception:  # a mistake of ours must not end the hearing
                log.exception("changes_not_heard")
            await asyncio.sleep(self._poll_s)

    async def look(self) -> None:
        """Hear what the others told since the last look. Raises StoreError."""
        began_s = self._clock_s()
        if self._looked_s is None or began_s - self._looked_s > self._gap_s:
            is_late = self._looked_s is not None
            self._take_position(await self._store.read(self._read_position))
            if is_late:
                self._miss("no look for long")
        await self._reload_stale()
        while True:
            last_id, late, fresh = await self._store.read(self._read_news)
            if last_id < self._sightings.last_id:
                # The last row is never removed, so this is another database: a backup, or a new one.
                self._take_position(await self._store.read(self._read_position))
                self._miss("the database was replaced")
                break
            self._looked_s = began_s
            self._sightings.saw([row.id for row in (*late, *fresh)], self._clock_s())
            await self._dispatch([*late, *fresh])
            if len(fresh) < _PAGE:
                break
        await self._reload_stale()

    def _read_position(self) -> tuple[int, list[int]]:
        changes = self._store.changes
        last_id = changes.last_id()
        lately = changes.after(max(last_id - Sightings.MOST_MISSING, 0), Sightings.MOST_MISSING)
        return last_id, [row.id for row in lately]

    def _take_position(self, position: tuple[int, list[int]]) -> None:
        last_id, lately = position
        self._looked_s = self._clock_s()
        self._sightings = Sightings()
        self._sightings.begin(last_id, lately, self._looked_s)

    def _read_news(self) -> tuple[int, list[ChangeRow], list[ChangeRow]]:
        changes, sightings = self._store.changes, self._sightings
        missing = sightings.missing
        late = changes.named(missing) if missing else []
        return changes.last_id(), late, changes.after(sightings.last_id, _PAGE)

    async def _dispatch(self, rows: Sequence[ChangeRow]) -> None:
        others = [row for row in rows if row.origin != self.origin]
        for topic, group in groupby(others, lambda row: row.topic):
            payloads = [row.payload for row in group]
            if topic == RELOAD:
                self._miss("another process could not tell everything")
            for listener in self._listeners:
                # What a stale one missed comes with its reload, and so does this.
                if listener.topic == topic and listener not in self._stale:
                    await _call(listener, listener.heard, payloads)

    def _miss(self, reason: str) -> None:
        log.warning("changes_may_be_missed", reason=reason)
        self._stale = list(self._listeners)

    async def _reload_stale(self) -> None:
        self._stale = [listener for listener in self._stale if not await _call(listener, listener.reload)]


async def _call(listener: _Listener, told: Callable[..., Awaitable[None] | None], *arguments: object) -> bool:
    """Tell a listener; True when it came to its end. One that fails or hangs does not stop the others."""
    try:
        waiting = told(*arguments)
        if waiting is not None:
            async with asyncio.timeout(_LISTENER_S):
                await waiting
    except StoreUnavailable:
        return False
    except Exception:  # a listener's mistake is not the bus's
        log.exception("listener_failed", topic=listener.topic)
        return False
    return True


def _fits(payload: str) -> bool:
    """Whether a payload is text that the column takes whole."""
    try:
        return len(payload.encode()) <= MAX_PAYLOAD_BYTES
    except UnicodeEncodeError:
        return False
