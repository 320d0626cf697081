"""The log of calls for an operator: found, read, exported as they come, deleted in small batches."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.control.results import Actor, Refused
from gateway.control.tasks import Found, Outcomes, Task, TaskRunner
from gateway.control.trail import Trail
from gateway.store.call_query import CallQuery
from gateway.store.records import StoredCall
from gateway.store.store import Store

MOST_A_PAGE = 500
_EXPORT_CHUNK = 200
_DELETE_CHUNK = 200
_MOST_DELETED = 5_000_000
LOOK_ROWS = 5_000
"""Calls that are looked at in one go for what no index knows."""
LOOKS = 20
_LOOK_S = 0.04
"""A page is looked for so long: a look more is begun while there is time, up to LOOKS."""


@dataclass(frozen=True, slots=True)
class CallPage:
    """A page of calls, newest first.

    next_before_id   where the next page begins, None at the end. What no index knows is looked for among so
                     many calls only: then a page may be short, even empty, with more to come
    newer_after_id   behind which call the page of newer ones begins; None on the first page
    """

    calls: tuple[StoredCall, ...]
    next_before_id: int | None
    newer_after_id: int | None = None


class CallLog:
    """Reads and deletes calls. Raises StoreError when the database is away or refuses."""

    def __init__(
        self,
        store: Store,
        *,
        trail: Trail,
        runner: TaskRunner,
        clock_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._store = store
        self._trail = trail
        self._runner = runner
        self._clock_s = clock_s

    async def page(self, asked: CallQuery, *, before_id: int | None = None, limit: int = 50) -> CallPage:
        """The newest calls that match, of those older than `before_id`."""
        limit = min(max(limit, 1), MOST_A_PAGE)

        def read() -> CallPage:
            ids, further_id = self._walk(asked, limit, before_id)
            newer_id = None if before_id is None else ids[0] if ids else before_id - 1
            return CallPage(tuple(self._store.calls.named(ids)), further_id, newer_id)

        return await self._store.read(read)

    async def page_after(self, asked: CallQuery, after_id: int, *, limit: int = 50) -> CallPage:
        """The calls that match next after `after_id`; the first page when these would not fill one."""
        limit = min(max(limit, 1), MOST_A_PAGE)

        def read() -> CallPage | None:
            ids, further_id = self._walk(asked, limit, after_id, oldest_first=True)
            if further_id is None:
                return None
            calls = self._store.calls.named(ids)
            return CallPage(tuple(calls), ids[0] if ids else further_id + 1, further_id)

        return await self._store.read(read) or await self.page(asked, limit=limit)

    async def newer(self, asked: CallQuery, after_id: int, most: int) -> int:
        """How many calls came that match since one was the newest, counted up to `most`."""
        search = self._store.call_search
        return len(await self._store.read(lambda: search.ids(asked, most, after_id=after_id)))

    async def count(self, asked: CallQuery, most: int) -> int | None:
        """How many calls match, counted up to `most`; None when no index knows: it would take too long."""
        if asked.is_loose or asked.conditions > 1:
            return None
        return await self._store.read(lambda: self._store.call_search.count(asked, most))

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
        total = await self._store.read(lambda: self._store.call_search.count(asked, _MOST_DELETED))
        if not total:
            return Refused.because("", "No call matches.")
        detail = {"calls": total, "matching": _named(asked)}
        await self._store.write(lambda: self._trail.note(actor, "deleted", "calls", detail))
        found = Found(total, partial(self._older, asked))
        return await self._runner.begin("delete calls", found, self._remove, actor, at_once=_DELETE_CHUNK)

    async def _older(self, asked: CallQuery, before_id: int | None, most: int) -> list[int]:
        """The next calls that match, newest first; none only at the end."""
        while True:
            ids, before_id = await self._store.read(partial(self._walk, asked, most, before_id))
            if ids or before_id is None:
                return ids

    def _walk(
        self, asked: CallQuery, limit: int, edge_id: int | None, *, oldest_first: bool = False
    ) -> tuple[list[int], int | None]:
        """Calls that match beyond an id, in the order of the walk, and where to go on; None at the end."""
        search, found = self._store.call_search, list[int]()
        ends_s = self._clock_s() + _LOOK_S
        for _ in range(LOOKS if asked.is_loose else 1):
            further_id = (
                search.horizon(asked, edge_id, LOOK_ROWS, oldest_first=oldest_first)
                if asked.is_loose
                else None
            )
            before_id, after_id = edge_id, None if further_id is None else further_id - 1
            if oldest_first:
                before_id, after_id = None if further_id is None else further_id + 1, edge_id
            found += search.ids(
                asked,
                limit + 1 - len(found),
                before_id=before_id,
                after_id=after_id,
                oldest_first=oldest_first,
            )
            if len(found) > limit:
                return found[:limit], found[limit - 1]
            edge_id = further_id
            if further_id is None or self._clock_s() >= ends_s:
                break
        return found, edge_id

    async def _remove(self, ids: Sequence[int]) -> Outcomes:
        await self._store.write(partial(self._store.call_search.remove, ids))
        return {"ok": ids}


def _named(asked: CallQuery) -> dict[str, object]:
    """The conditions of a query that are set."""
    given = {name: getattr(asked, name) for name in CallQuery.__slots__}
    return {name: value for name, value in given.items() if value is not None and value != ()}
