"""Lists of keys for pages and the API: filtered and paged by the database, explained by the pool.

The database makes one scan off the loop; the pool is asked only about the keys of the page.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.control.key_paste import without_keys
from gateway.control.key_views import PROVIDERS, KeyDetail, KeyFilter, KeyPage, KeyView, view_of
from gateway.control.probe import last_result
from gateway.control.tasks import Found
from gateway.pool.bucket import Bucket, BucketState
from gateway.pool.calendar import quota_day
from gateway.pool.pool import Pool
from gateway.protocols.redaction import masked
from gateway.store.key_query import KeyQuery, Owners
from gateway.store.key_search import ALL, FoundKeys
from gateway.store.key_use import KeyHour, KeyUse
from gateway.store.records import KeyRow
from gateway.store.secrets import secret_hash
from gateway.store.store import Store

PAGE_SIZES = (20, 50, 100, 200, 500)
HOURS_SHOWN = 24
_EVENTS_SHOWN = 100
_SHORTEST_SECRET = 10
_BUCKET_STATES = {
    "resting": BucketState.COOLING,
    "exhausted": BucketState.EXHAUSTED,
    "unavailable": BucketState.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows of some keys, by their ids."""

    rows: Mapping[int, KeyRow]
    uses: Mapping[int, KeyUse]
    hours: Mapping[int, list[KeyHour]]


class KeyList:
    """Reads keys. Raises StoreUnavailable while the database is away.

    rowless   keys that are no rows of the table (paid_key.py)
    """

    def __init__(
        self,
        store: Store,
        pool: Pool,
        *,
        rowless: Callable[[], Sequence[KeyRow]] = tuple,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._pool = pool
        self._rowless = rowless
        self._wall_s = wall_s

    async def page(self, asked: KeyFilter, *, page: int = 1, page_size: int = 50) -> KeyPage:
        """A page of the keys that match; a page beyond the last is the last."""
        page_size = min(max(page_size, 1), PAGE_SIZES[-1])
        now_s = self._wall_s()
        query = _query(asked, self._buckets(asked, now_s), now_s)
        beside = [row.id for row in self._rowless()] if page <= 1 else []
        if page <= 1 and not query.is_narrow:
            found, known = await self._first_page(query, page_size, beside, now_s)
        else:
            found, known = await self._store.read(lambda: self._page(query, page_size, page, beside, now_s))
        views = self._views(found.ids, known, now_s)
        matching = tuple(view for view in self._views(beside, known, now_s) if _is_asked(view, asked))
        return KeyPage(views, found.counts, found.total, found.page, page_size, matching)

    def _page(
        self, query: KeyQuery, size: int, page: int, beside: Sequence[int], now_s: float
    ) -> tuple[FoundKeys, "_Known"]:
        """Runs inside `Store.read`."""
        found = self._store.key_search.page(query, size=size, page=page)
        return found, self._known([*found.ids, *beside], now_s)

    async def _first_page(
        self, query: KeyQuery, size: int, beside: Sequence[int], now_s: float
    ) -> tuple[FoundKeys, "_Known"]:
        """Where nothing narrows the list, the first page need not wait until all keys are counted."""
        search = self._store.key_search

        def rows() -> tuple[list[int], _Known]:
            ids = search.ids(query, limit=size)
            return ids, self._known([*ids, *beside], now_s)

        counts, (ids, known) = await asyncio.gather(
            self._store.read(lambda: search.count(query)), self._store.read(rows)
        )
        return FoundKeys(tuple(ids), counts, query.total(counts), 1), known

    async def named(self, ids: Sequence[int]) -> list[KeyView]:
        """Some keys, in the order of their ids; those that are gone are missing."""
        now_s = self._wall_s()
        known = await self._store.read(lambda: self._known(ids, now_s))
        return list(self._views(sorted(known.rows), known, now_s))

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

    async def ids(self, asked: KeyFilter, most: int = ALL) -> list[int]:
        """The ids of the first keys that match, in the filter's order."""
        query, search = self._asked(asked), self._store.key_search
        return await self._store.read(lambda: search.ids(query, limit=most))

    async def found(self, asked: KeyFilter) -> Found:
        """The keys that match, to be gone through in the order in which they were added: those that are
        there now and match when their turn comes."""
        query, search = self._asked(asked), self._store.key_search

        def begin() -> tuple[int, int]:
            return query.total(search.count(query)), search.newest()

        total, until_id = await self._store.read(begin)

        async def after(last: int | None, most: int) -> list[int]:
            return await self._store.read(lambda: search.ids_after(query, last or 0, most, until_id=until_id))

        return Found(total, after)

    async def without_secrets(self, asked: KeyFilter) -> KeyFilter:
        """The filter with whole keys in their masked form, by which they are found, too: what an address
        says is kept in histories and logs."""
        text = without_keys(asked.text)
        if text == asked.text and len(text) >= _SHORTEST_SECRET and await self._is_key(text):
            text = masked(text)
        return asked if text == asked.text else replace(asked, text=text)

    async def _is_key(self, text: str) -> bool:
        """Whether there is such a key, of whatever shape."""
        hashed = secret_hash(text)
        ids_of = self._store.keys.ids_of
        return any(row.secret == text for row in self._rowless()) or await self._store.read(
            lambda: any(ids_of([hashed], provider) for provider in PROVIDERS)
        )

    async def tags(self) -> list[str]:
        """Every tag in use."""
        return await self._store.read(self._store.key_search.tags)

    def _known(self, ids: Sequence[int], now_s: float) -> "_Known":
        """What the database knows of some keys. Runs inside `Store.read`."""
        hour, uses = _hour(now_s), self._store.key_uses
        rowless = (replace(row, secret="") for row in self._rowless())
        rows = {row.id: row for row in (*self._store.keys.shown(ids), *rowless)}
        return _Known(
            {key_id: rows[key_id] for key_id in ids if key_id in rows},
            uses.of(ids, quota_day(hour)),
            uses.hours(ids, hour - HOURS_SHOWN + 1),
        )

    def _views(self, ids: Sequence[int], known: "_Known", now_s: float) -> tuple[KeyView, ...]:
        """Those that are there, explained by the pool."""
        return tuple(
            view_of(
                known.rows[key_id],
                self._pool.explain(key_id, now_s),
                known.uses.get(key_id),
                known.hours.get(key_id, []),
            )
            for key_id in ids
            if key_id in known.rows
        )

    def _asked(self, asked: KeyFilter) -> KeyQuery:
        """A filter as the database understands it, as of now."""
        now_s = self._wall_s()
        return _query(asked, self._buckets(asked, now_s), now_s)

    def _buckets(self, asked: KeyFilter, now_s: float) -> list[Bucket]:
        """The buckets that rest, when the filter asks about them: a copy of the list, read off the loop."""
        if not asked.model and asked.state not in ("exhausted", "unavailable"):
            return []
        return self._pool.resting_buckets(now_s, provider=asked.provider, model=asked.model or None)


def _is_asked(key: KeyView, asked: KeyFilter) -> bool:
    """Whether a key without a row, and so without note, tags and project, matches a filter."""
    state = "ready" if key.state == "active" else key.state
    return (
        asked.provider in ("", key.provider)
        and asked.state in ("", state)
        and asked.reason in ("", key.kind)
        and asked.text.casefold() in key.alias.casefold()
        and not (asked.tag or asked.project or asked.model or asked.failed)
    )


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
