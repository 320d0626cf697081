"""The offer to take in the logs of the gemini-balance whose tables stand beside ours, as long work."""

import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC

from gateway.control.key_tasks import WORKS
from gateway.control.old_logs import OldLogs
from gateway.control.results import Actor, Refused
from gateway.control.tasks import Outcomes, Task, TaskRunner
from gateway.log import get_logger
from gateway.settings.live import LiveHolder
from gateway.store.store import Store

log = get_logger("gateway.control")
KIND = "import calls"
_AT_ONCE = 500
_ASKED_AGAIN_S = 60.0


class MoveDesk:
    """Offers and begins it. Raises StoreError when the database is away or refuses.

    environment   what the environment of this process sets: the old program's clock went by its TZ
    """

    def __init__(
        self,
        store: Store,
        live: LiveHolder,
        *,
        environment: Mapping[str, object],
        runner: TaskRunner,
        wall_s: Callable[[], float],
    ) -> None:
        self._store = store
        self._live = live
        self._runner = runner
        self._wall_s = wall_s
        name = environment.get("TIMEZONE")
        self._zone = zoneinfo.ZoneInfo(str(name)) if name else UTC
        self._is_there: bool | None = None
        self._waiting, self._asked_s = 0, float("-inf")

    async def waiting(self) -> int:
        """At most so many rows of old logs could be taken in; 0 where there is no gemini-balance."""
        if self._is_there is None:
            self._is_there = await self._store.read(self._store.gemini_balance.is_there)
        if not self._is_there:
            return 0
        if self._wall_s() - self._asked_s > _ASKED_AGAIN_S:
            self._waiting = await self._logs().look()
            self._asked_s = self._wall_s()
        return self._waiting

    async def begin(self, actor: Actor) -> Task | Refused:
        """Take the old logs in, as a task; what was taken in before does not come again."""
        if not await self.waiting():
            return Refused.because("", "There is no log of gemini-balance to take in.")
        logs = self._logs()
        total = await logs.look()

        async def work(part: Sequence[int]) -> Outcomes:
            rows = left = 0
            while rows < len(part) and (step := await logs.step()) is not None:
                rows, left = rows + step.rows, left + step.left
            if left:
                log.warning("old_calls_left_out", count=left, reason="their time cannot be: is TZ right?")
            self._asked_s = float("-inf")
            return {WORKS: part[: rows - left]}

        return await self._runner.begin(KIND, range(total), work, actor, at_once=_AT_ONCE)

    def _logs(self) -> OldLogs:
        store = self._store
        return OldLogs(
            store,
            store.read,
            store.gemini_balance,
            settings=self._live.current,
            zone=self._zone,
            wall_s=self._wall_s,
        )
