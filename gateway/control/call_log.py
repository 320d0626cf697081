"""The log of calls for an operator: found, read, exported as they come, deleted in small batches."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.control.results import Actor, Refused
from gateway.control.tasks import Outcomes, Task, TaskRunner
from gateway.control.trail import Trail
from gateway.store.call_search import CallQuery
from gateway.store.records import StoredCall
from gateway.store.store import Store

MOST_A_PAGE = 500
_EXPORT_CHUNK = 200
_DELETE_CHUNK = 200
_MOST_DELETED = 5_000_000


@dataclass(frozen=True, slots=True)
class CallPage:
    """A page of calls, newest first; `next_before_id` is where the next page begins, None at the end."""

    calls: tuple[StoredCall, ...]
    next_before_id: int | None


class CallLog:
    """Reads and deletes calls. Raises StoreError when the database is away or refuses."""

    def __init__(self, store: Store, *, trail: Trail, runner: TaskRunner) -> None:
        self._store = store
        self._trail = trail
        self._runner = runner

    async def page(self, asked: CallQuery, *, before_id: int | None = None, limit: int = 50) -> CallPage:
        """The newest calls that match, of those older than `before_id`."""
        limit = min(max(limit, 1), MOST_A_PAGE)

        def read() -> tuple[list[int], list[StoredCall]]:
            ids = self._store.call_search.ids(asked, limit + 1, before_id=before_id)
            return ids, self._store.calls.named(ids[:limit])

        ids, calls = await self._store.read(read)
        return CallPage(tuple(calls), ids[limit - 1] if len(ids) > limit else None)

    async def read(self, call_id: int) -> StoredCall | None:
        """One call with its attempts, its error and, if it was kept, its request."""
        found = await self._store.read(lambda: self._store.calls.named([call_id], bodies=True))
        return found[0] if found else None

    async def read_by_request_id(self, request_id: str) -> StoredCall | None:
        """The newest call of a request id, as `read`."""
        return await self._store.read(lambda: self._store.calls.by_request_id(request_id))

    async def export(self, asked: CallQuery, *, most: int = 10_000_000) -> AsyncIterator[list[StoredCall]]:
        """The calls that match, newest first, a part at a time: nothing is held but that part."""
        before_id: int | None = None
        left = most
        while left > 0:
            page = await self.page(asked, before_id=before_id, limit=min(_EXPORT_CHUNK, left))
            if page.calls:
                yield list(page.calls)
            left -= len(page.calls)
            before_id = page.next_before_id
            if before_id is None:
                return

    async def delete(self, ids: Sequence[int], actor: Actor) -> int:
        """Delete calls with everything kept of them; gives how many there were. Sums stay as they are."""
        removed = 0
        for start in range(0, len(ids), _DELETE_CHUNK):
            part = ids[start : start + _DELETE_CHUNK]
            removed += await self._store.write(partial(self._store.call_search.remove, part))
        detail = {"calls": removed}
        await self._store.write(lambda: self._trail.note(actor, "deleted", "calls", detail))
        return removed

    async def delete_matching(self, asked: CallQuery, actor: Actor) -> Task | Refused:
        """Delete everything that matches now, as a task."""
        ids = await self._store.read(lambda: self._store.call_search.ids(asked, _MOST_DELETED))
        if not ids:
            return Refused.because("", "No call matches.")
        detail = {"calls": len(ids), "matching": _named(asked)}
        await self._store.write(lambda: self._trail.note(actor, "deleted", "calls", detail))
        return await self._runner.begin("delete calls", ids, self._remove, actor, at_once=_DELETE_CHUNK)

    async def _remove(self, ids: Sequence[int]) -> Outcomes:
        await self._store.write(partial(self._store.call_search.remove, ids))
        return {"ok": ids}


def _named(asked: CallQuery) -> dict[str, object]:
    """The conditions of a query that are set."""
    given = {name: getattr(asked, name) for name in CallQuery.__slots__}
    return {name: value for name, value in given.items() if value is not None and value != ()}
