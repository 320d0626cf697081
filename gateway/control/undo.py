"""Deletions that can be taken back for some minutes, of keys and of access tokens alike."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.store.deleted_rows import DeletedRows
from gateway.store.store import Store

UNDO_S = 600.0


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

    async def bring_back(self, batch: str) -> list[int]:
        """Undo a deletion; gives the ids that are back."""
        return await self._store.write(lambda: self._rows.bring_back(batch))

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
