"""Which key an uploaded file, a cached content, a batch or an interaction belongs to.

The provider knows such a thing only under the key, or project, that made it. Memory first, then the store.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from gateway.errors import StoreError
from gateway.log import get_logger
from gateway.pool.lease import Lease
from gateway.protocols.object_names import continuation_name
from gateway.store.records import BoundObject, ObjectPlace
from gateway.store.store import Store

log = get_logger("gateway.objects")
MAX_NAME_CHARS = 512
_LOOK_UP_S = 2.0
_LIFETIMES_S = (
    ("files/", 48 * 3600.0),
    ("cachedContents/", 30 * 86_400.0),
    ("batches/", 60 * 86_400.0),
    ("interactions/", 60 * 86_400.0),
    ("uploads/", 86_400.0),
    ("continuations/", 86_400.0),
)
"""Google keeps files for 48 hours; the others live as long as asked, or for weeks. Uploads are ours."""
_OTHER_LIFETIME_S = 30 * 86_400.0
_MOST_HEARD = 1_000
"""Kept only until the store has them, which is soon."""
_PAST_ITS_END_S = 3600.0
"""A thing that has just expired is still asked for at its own key, which says so in the right words."""


class ObjectBook:
    """Objects by name. Bounded: the one used longest ago leaves memory first, and is still in the store.

    A call looks in memory (`known`); what is not there is looked up (`look_up`) before the call is sent.
    """

    def __init__(
        self, store: Store, *, max_entries: int = 20_000, wall_s: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._max_entries = max_entries
        self._wall_s = wall_s
        self._entries: dict[str, BoundObject] = {}  # in the order of their last use
        self._heard: dict[
            str, BoundObject
        ] = {}  # of what answers spoke, in that order; the store knows better

    def __len__(self) -> int:
        return len(self._entries)

    def known(self, name: str) -> BoundObject | None:
        """An object from memory; None for one that is not there, which the store may know."""
        found = self._entries.pop(name, None)
        if found is None or self._is_over(found):
            return None
        self._entries[name] = found
        return found

    async def look_up(self, names: Sequence[str]) -> dict[str, BoundObject]:
        """Those of the objects named that are known, from memory or the store, by one question at most.

        A store that is away or slow knows nothing: the call goes on without.
        """
        found = {name: entry for name in names if (entry := self.known(name)) is not None}
        asked = [name for name in names if name not in found and _fits(name)]
        if asked:
            for entry in await self._read(asked):
                if not self._is_over(entry):
                    self._keep(entry)
                    found[entry.name] = entry
            for name in asked:
                if name not in found and name in self._heard:
                    found[name] = self._heard[name]
        return found

    def remember(
        self,
        name: str,
        key_id: int,
        *,
        project: str | None = None,
        token_id: int | None = None,
        expires_s: float | None = None,
        details: str = "",
    ) -> BoundObject | None:
        """Note whose an object is, and give it as noted; None for a name that cannot be one. Does not wait.

        expires_s   epoch seconds when the provider forgets it; None when it does not say
        details     what its kind needs to be known, see BoundObject
        """
        entry = self._entry(name, key_id, project, token_id, expires_s, details)
        if entry is not None:
            self._keep(entry)
            self._store.write_later(lambda: self._store.objects.put([entry]))
        return entry

    def learn(
        self, name: str, key_id: int, *, project: str | None = None, token_id: int | None = None
    ) -> None:
        """Note whose an object seems to be that an answer spoke of; what is known of it stays."""
        if self.known(name) is None:
            entry = self._entry(name, key_id, project, token_id, None, "")
            if entry is not None:
                self._heard[name] = entry
                while len(self._heard) > _MOST_HEARD:
                    del self._heard[next(iter(self._heard))]
                self._store.write_later(lambda: self._store.objects.put_new([entry]))

    def note_continuation(self, token: str, lease: Lease, token_id: int | None) -> None:
        """Note whose a reply is that goes on in another request: only its project can go on with it."""
        if (name := continuation_name(token)) is not None:
            self.remember(name, lease.key_id, project=lease.project, token_id=token_id)

    async def settle(self) -> None:
        """Wait until every process can find what was remembered here: its next call may come to any of them.

        A store that is away or slow is not waited for long.
        """
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                await self._store.write(lambda: None)  # changes are made in order
        except (StoreError, TimeoutError) as error:
            log.warning("object_not_shared_yet", reason=str(error) or "the database is slow")

    async def page(
        self,
        collection: str,
        *,
        limit: int,
        token_id: int | None = None,
        behind: ObjectPlace | None = None,
        oldest_first: bool = False,
    ) -> list[BoundObject]:
        """A page of the objects of a collection, the newest first unless asked. Raises StoreError.

        token_id   only those this token has made; None for all of them
        """
        now_ms = int(self._wall_s() * 1000)
        objects = self._store.objects
        return await self._store.read(
            lambda: objects.page(
                collection,
                now_ms=now_ms,
                limit=limit,
                token_id=token_id,
                behind=behind,
                oldest_first=oldest_first,
            )
        )

    async def count(self, collection: str) -> int:
        """How many objects of a collection there are. Raises StoreError."""
        return await self._store.read(lambda: self._store.objects.count(collection))

    async def expired(self, collection: str, *, limit: int) -> list[BoundObject]:
        """Objects of a collection whose time is over, the oldest first. Raises StoreError."""
        now_ms = int(self._wall_s() * 1000)
        return await self._store.read(lambda: self._store.objects.expired(collection, now_ms, limit))

    def shorten(self, entry: BoundObject, in_s: float) -> None:
        """Let an object expire soon. Does not wait."""
        ends_ms = int((self._wall_s() + in_s + _PAST_ITS_END_S) * 1000)
        shorter = replace(entry, expires_at_ms=ends_ms)
        self._keep(shorter)
        self._store.write_later(lambda: self._store.objects.put([shorter]))

    def drop(self, name: str) -> None:
        """Forget an object that was deleted. Does not wait."""
        self._entries.pop(name, None)
        self._store.write_later(lambda: self._store.objects.remove([name]))

    async def prune(self, spared: str = "", for_s: float = 0.0) -> int:
        """Remove what has expired from the store; a job for one process. Gives how many. Raises StoreError.

        spared   a collection whose objects stay so long after their end
        """
        now_ms = int(self._wall_s() * 1000)
        ends_ms = now_ms - int(for_s * 1000)
        return await self._store.write(lambda: self._store.objects.prune(now_ms, spared, ends_ms))

    def _entry(
        self,
        name: str,
        key_id: int,
        project: str | None,
        token_id: int | None,
        expires_s: float | None,
        details: str,
    ) -> BoundObject | None:
        """None for a name that cannot be one."""
        if not _fits(name):
            log.warning("object_not_remembered", size=len(name))
            return None
        now_s = self._wall_s()
        end_s = expires_s if expires_s is not None else now_s + _lifetime_s(name)
        return BoundObject(
            name=name,
            key_id=key_id,
            project=project,
            token_id=token_id,
            created_at_ms=int(now_s * 1000),
            expires_at_ms=int((end_s + _PAST_ITS_END_S) * 1000),
            details=details,
        )

    async def _read(self, names: Sequence[str]) -> Iterable[BoundObject]:
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                return await self._store.read(lambda: self._store.objects.find(names))
        except (StoreError, TimeoutError) as error:
            log.warning("object_not_looked_up", reason=str(error) or "the database is slow")
            return ()

    def _keep(self, entry: BoundObject) -> None:
        entries = self._entries
        entries.pop(entry.name, None)
        entries[entry.name] = entry
        while len(entries) > self._max_entries:
            del entries[next(iter(entries))]

    def _is_over(self, entry: BoundObject) -> bool:
        return entry.expires_at_ms is not None and entry.expires_at_ms < self._wall_s() * 1000


def _lifetime_s(name: str) -> float:
    for start, lifetime_s in _LIFETIMES_S:
        if name.startswith(start):
            return lifetime_s
    return _OTHER_LIFETIME_S


def _fits(name: str) -> bool:
    """Whether a client's name can be one of ours: the column's length, and text."""
    return 0 < len(name) <= MAX_NAME_CHARS and name.isprintable()
