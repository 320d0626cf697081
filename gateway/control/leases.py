"""Being the one process that does a thing: a lease in the database, renewed in time, lost in time.

The database's clock says how long it lasts there; here it ends no later by our own steady clock.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

from gateway.control.jobs import cancelled
from gateway.errors import StoreError
from gateway.log import get_logger
from gateway.store.store import Store

log = get_logger("gateway.leases")
_RELEASE_S = 1.0


class LeaseKeeper:
    """Takes a lease when it is free and keeps it.

    name     of the lease, the same in every process
    holder   names this process, no other has the same
    ttl_s    at most so long after its holder died another one holds the lease

    The lease itself lasts two thirds of `ttl_s` and is asked for every third: whoever waits sees it run out
    in time. A renewal that fails is tried again while the lease lasts.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        holder: str,
        *,
        ttl_s: float = 15.0,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._name = name
        self._holder = holder
        self._lasts_s = ttl_s * 2 / 3
        self._turn_s = ttl_s / 3
        self._again_s = ttl_s / 12
        self._clock_s = clock_s
        self._ends_s = float("-inf")
        self._was_held = False
        self._task: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        """Whether this process is the one, now."""
        return self._clock_s() < self._ends_s

    def start(self) -> None:
        """Begin asking for the lease; on the running loop."""
        self._task = asyncio.create_task(self._keep(), name=f"lease-{self._name}")

    async def stop(self) -> None:
        """Give the lease back, so that another need not wait for its end."""
        await cancelled(self._task)
        self._task = None
        # Also when it is not held for all we know: a take that was cut off may have been made.
        self._ends_s = float("-inf")
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(_RELEASE_S):
                await self._store.write(lambda: self._store.leases.release(self._name, self._holder))

    async def _keep(self) -> None:
        while True:
            try:
                granted = await self.renew()
            except StoreError:  # the store says why, once
                await asyncio.sleep(self._again_s)
            except Exception:  # a mistake of ours must not end the keeping
                log.exception("lease_not_kept", lease=self._name)
                await asyncio.sleep(self._again_s)
            else:
                self._say(held=granted)
                await asyncio.sleep(self._turn_s)

    async def renew(self) -> bool:
        """Ask for the lease once. Raises StoreError."""
        # Counted from before the question: the database's answer began later, so its lease ends later.
        asked_s = self._clock_s()
        ttl_ms = int(self._lasts_s * 1000)
        granted = await self._store.write(lambda: self._store.leases.take(self._name, self._holder, ttl_ms))
        self._ends_s = asked_s + self._lasts_s if granted else float("-inf")
        return granted

    def _say(self, *, held: bool) -> None:
        if held != self._was_held:
            self._was_held = held
            log.info("lease_taken" if held else "lease_lost", lease=self._name, holder=self._holder)
