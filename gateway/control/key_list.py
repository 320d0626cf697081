"""Lists of keys for pages and the API: filtered and paged by the database, explained by the pool.

The database makes one scan off the loop; the pool is asked only about the keys of the page.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.control.key_views import KeyDetail, KeyFilter, KeyPage, KeyView, view_of
from gateway.control.probe import last_result
from gateway.pool.bucket import Bucket, BucketState
from gateway.pool.calendar import quota_day
from gateway.pool.pool import Pool
from gateway.store.key_search import STANDINGS, KeyQuery, KeyStanding, Owners
from gateway.store.records import KeyRow
from gateway.store.store import Store

PAGE_SIZES = (20, 50, 100, 200, 500)
HOURS_SHOWN = 24
_EVENTS_SHOWN = 100
_BUCKET_STATES = {
    "resting": BucketState.COOLING,
    "exhausted": BucketState.EXHAUSTED,
    "unavailable": BucketState.UNAVAILABLE,
}


class KeyList:
    """Reads keys. Raises StoreUnavailable while the database is away."""

    def __init__(self, store: Store, pool: Pool, *, wall_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._pool = pool
        self._wall_s = wall_s

    async def page(self, asked: KeyFilter, *, page: int = 1, page_size: int = 50) -> KeyPage:
        """A page of the keys that match; a page beyond the last is the last."""
        page_size = min(max(page_size, 1), PAGE_SIZES[-1])
        now_s = self._wall_s()
        hour, day = _hour(now_s), quota_day(_hour(now_s))
        buckets = self._buckets(asked, now_s)

        def read() -> tuple[dict[KeyStanding, int], int, int, list[KeyRow], list[int]]:
            query = _query(asked, buckets, now_s)
            counts = self._store.key_search.count(query)
            total = sum(counts[each] for each in query.standings or STANDINGS)
            shown = min(max(page, 1), max(-(-total // page_size), 1))
            ids = (
                self._store.key_search.ids(query, limit=page_size, offset=(shown - 1) * page_size)
                if total
                else []
            )
            return counts, total, shown, self._store.keys.named(ids), ids

        counts, total, shown, rows, ids = await self._store.read(read)
        uses = await self._store.read(lambda: self._store.key_uses.of(ids, day))
        hours = await self._store.read(lambda: self._store.key_uses.hours(ids, hour - HOURS_SHOWN + 1))
        by_id = {row.id: row for row in rows}
        views = [
            view_of(by_id[key_id], self._pool.explain(key_id, now_s), uses.get(key_id), hours.get(key_id, []))
            for key_id in ids
            if key_id in by_id
        ]
        return KeyPage(tuple(views), counts, total, shown, page_size)

    async def named(self, ids: Sequence[int]) -> list[KeyView]:
        """Some keys, in the order of their ids; those that are gone are missing."""
        now_s = self._wall_s()
        hour = _hour(now_s)
        rows = await self._store.read(lambda: self._store.keys.named(ids))
        uses = await self._store.read(lambda: self._store.key_uses.of(ids, quota_day(hour)))
        hours = await self._store.read(lambda: self._store.key_uses.hours(ids, hour - HOURS_SHOWN + 1))
        return [
            view_of(row, self._pool.explain(row.id, now_s), uses.get(row.id), hours.get(row.id, []))
            for row in rows
        ]

    async def detail(self, key_id: int) -> KeyDetail | None:
        """Everything about one key, None when there is none."""
        views = await self.named([key_id])
        if not views:
            return None
        now_s = self._wall_s()
        since_hour = _hour(now_s) - HOURS_SHOWN + 1
        kinds = await self._store.read(lambda: self._store.key_uses.kinds(key_id, since_hour))
        events = await self._store.read(lambda: self._store.key_events.latest(key_id, _EVENTS_SHOWN))
        probe = await last_result(self._store, views[0].provider, key_id)
        return KeyDetail(views[0], self._pool.explain(key_id, now_s), kinds, tuple(events), probe)

    async def ids(self, asked: KeyFilter) -> list[int]:
        """The ids of all keys that match, in the filter's order."""
        now_s = self._wall_s()
        buckets = self._buckets(asked, now_s)
        return await self._store.read(lambda: self._store.key_search.ids(_query(asked, buckets, now_s)))

    async def tags(self) -> list[str]:
        """Every tag in use."""
        return await self._store.read(self._store.key_search.tags)

    def _buckets(self, asked: KeyFilter, now_s: float) -> list[Bucket]:
        """The buckets that rest, when the filter asks about them: a copy of the list, read off the loop."""
        if not asked.model and asked.state not in ("exhausted", "unavailable"):
            return []
        return self._pool.resting_buckets(now_s, provider=asked.provider, model=asked.model or None)


def _query(asked: KeyFilter, buckets: Sequence[Bucket], now_s: float) -> KeyQuery:
    """The filter as the database understands it."""
    query = KeyQuery(
        now_ms=int(now_s * 1000),
        day=quota_day(_hour(now_s)),
        text=asked.text,
        provider=asked.provider,
        reason=asked.reason,
        failed=asked.failed,
        since_hour=_hour(now_s) - HOURS_SHOWN + 1,
        tag=asked.tag,
        project=asked.project,
        sort=asked.sort,
        descending=asked.descending,
    )
    state = asked.state
    if state in ("dead", "disabled") or (state in ("ready", "resting") and not asked.model):
        return replace(query, standings=(state,))
    if state == "ready":
        return replace(query, standings=("ready",), besides=_owners(buckets, None))
    if asked.model or state:
        return replace(query, owners=_owners(buckets, _BUCKET_STATES.get(state)))
    return query


def _owners(buckets: Sequence[Bucket], state: BucketState | None) -> Owners:
    """Whose buckets rest, in one way when it is named."""
    owners = {each.owner for each in buckets if each.resting and state in (None, each.state)}
    return Owners(
        frozenset(owner for owner in owners if isinstance(owner, int)),
        frozenset(owner for owner in owners if isinstance(owner, str)),
    )


def _hour(now_s: float) -> int:
    return int(now_s // 3600)
