"""The audit: one entry for every change that somebody makes, written in the change's own transaction."""

import time
from collections.abc import Callable, Mapping

import orjson

from gateway.control.results import Actor
from gateway.store.records import AuditRow
from gateway.store.store import Store

MAX_DETAIL_CHARS = 4000
KEPT_S = 400 * 86_400.0


class Trail:
    """Writes entries and reads them back. What it is given holds no secret: callers mask."""

    def __init__(self, store: Store, *, wall_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._wall_s = wall_s

    def note(self, actor: Actor, action: str, subject: str, detail: Mapping[str, object]) -> None:
        """Add an entry; inside `Store.write`, so that it holds if and only if the change does."""
        text = orjson.dumps(dict(detail), default=str).decode()
        if len(text) > MAX_DETAIL_CHARS:
            text = orjson.dumps({"cut": text[:MAX_DETAIL_CHARS]}).decode()
        now_ms = int(self._wall_s() * 1000)
        self._store.audit.add(AuditRow(now_ms, actor.name, actor.peer, action, subject, text))

    async def latest(
        self, limit: int, *, before_id: int | None = None, subject: str | None = None
    ) -> list[AuditRow]:
        """The last entries, the newest first."""
        return await self._store.read(
            lambda: self._store.audit.latest(limit, before_id=before_id, subject=subject)
        )

    async def prune(self) -> int:
        """Remove what is too old; a job for one process."""
        before_ms = int((self._wall_s() - KEPT_S) * 1000)
        return await self._store.write(lambda: self._store.audit.prune(before_ms))
