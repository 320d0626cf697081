"""The audit: one entry for every change that somebody makes, written in the change's own transaction."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from gateway.control.results import Actor
from gateway.store.records import AuditRow
from gateway.store.store import Store

MAX_DETAIL_CHARS = 4000
KEPT_S = 400 * 86_400.0
_GOES_ON_S = 5.0


@dataclass(frozen=True, slots=True)
class _Last:
    """The last entry about keys, in case the next one goes on with it."""

    kind: tuple[Actor, str, bytes]
    id: int
    count: int
    at_s: float


class Trail:
    """Writes entries and reads them back. What it is given holds no secret: callers mask."""

    def __init__(self, store: Store, *, wall_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._wall_s = wall_s
        self._last: _Last | None = None  # the writer's thread's own

    def note(self, actor: Actor, action: str, subject: str, detail: Mapping[str, object]) -> int:
        """Add an entry and give its id; inside `Store.write`, so that it holds if the change does."""
        text = orjson.dumps(dict(detail), default=str).decode()
        if len(text) > MAX_DETAIL_CHARS:
            text = orjson.dumps({"cut": text[:MAX_DETAIL_CHARS]}).decode()
        now_ms = int(self._wall_s() * 1000)
        return self._store.audit.add(AuditRow(now_ms, actor.name, actor.peer, action, subject, text))

    def note_keys(self, actor: Actor, action: str, ids: Sequence[int], detail: Mapping[str, object]) -> None:
        """Add an entry about keys. One that goes on with the last, as bulk work does, is added to it."""
        if not ids:
            return
        count, now_s = len(ids), self._wall_s()
        kind = (actor, action, orjson.dumps(dict(detail), default=str))
        last = self._last
        if last is not None and last.count > 1 and last.kind == kind and now_s - last.at_s < _GOES_ON_S:
            count += last.count
            text = orjson.dumps({"keys": count, **detail}, default=str).decode()
            if self._store.audit.amend(last.id, "keys", text):
                self._last = _Last(kind, last.id, count, now_s)
                return
        subject = f"key {ids[0]}" if count == 1 else "keys"
        entry_id = self.note(actor, action, subject, {"keys": count, **detail})
        self._last = _Last(kind, entry_id, count, now_s)

    async def latest(
        self, limit: int, *, before_id: int | None = None, subject: str | None = None, about: str = ""
    ) -> list[AuditRow]:
        """The last entries, the newest first; of one subject, or of those that begin with `about`."""
        return await self._store.read(
            lambda: self._store.audit.latest(limit, before_id=before_id, subject=subject, about=about)
        )

    async def prune(self) -> int:
        """Remove what is too old; a job for one process."""
        before_ms = int((self._wall_s() - KEPT_S) * 1000)
        return await self._store.write(lambda: self._store.audit.prune(before_ms))
