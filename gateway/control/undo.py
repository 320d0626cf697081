"""Deletions that can be taken back for some minutes, of keys and of access tokens alike."""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from gateway.store.deleted_rows import DeletedRows
from gateway.store.store import Store

UNDO_S = 600.0
_AT_ONCE = 1_000
"""Rows that come back in one transaction, between which calls are written."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many went, and by what name they can be brought back for some minutes."""

    count: int
    batch: str


class Undo:
    """Deletes rows of one kind and brings them back. What follows from it is its caller's to see to."""

    def __init__(self, store: Store, rows: DeletedRows, *, wall_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._rows = rows
        self._wall_s = wall_s

    def take(self, ids: Sequence[int], batch: str) -> int:
        """Delete the rows named, inside `Store.write`; gives how many there were."""
        return self._rows.take(ids, batch, int(self._wall_s() * 1000))

    async def bring_back(self, batch: str) -> AsyncIterator[list[int]]:
        """Undo a deletion, a part at a time; gives the ids of each part once they are back."""

        def bring() -> tuple[list[int], bool]:
            return self._rows.bring_back(batch, _AT_ONCE), self._rows.holds(batch)

        is_more = True
        while is_more:
            ids, is_more = await self._store.write(bring)
            yield ids

    async def holds(self, batch: str) -> bool:
        """Whether there is something of a deletion to bring back."""
        return bool(batch) and await self._store.read(lambda: self._rows.holds(batch))

    async def prune(self) -> int:
        """Forget for good what was deleted some minutes ago; a job for one process."""
        before_ms = int((self._wall_s() - UNDO_S) * 1000)
        return await self._store.write(lambda: self._rows.prune(before_ms))


def new_batch() -> str:
    """A name for what is deleted together, which nobody can guess."""
    return secrets.token_hex(12)
