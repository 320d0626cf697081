"""Signing in to the admin, and staying signed in.

A session is a row in the store, so that every worker and machine knows it; each process remembers for a
moment what it saw there. The administrator's token opens it, and a changed one ends it.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import StoreUnavailable
from gateway.log import get_logger
from gateway.settings.live import LiveHolder
from gateway.store.records import SessionRow
from gateway.store.secrets import secret_hash
from gateway.store.store import Store

log = get_logger("gateway.sessions")
_FRESH_S = 2.0
"""So long a session is not asked for again: the time in which another worker may not know of its end."""
_STALE_S = 300.0
"""While the database is away, a session seen within that time is still believed."""
_EXTEND_AFTER = 0.1
"""A session is made longer once this share of its life is over: not with every request."""
_MAX_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in.

    lifetime_s   how long it lasts from now, to renew the cookie; None when that needs no renewal
    """

    expires_at_ms: int
    lifetime_s: int | None


@dataclass(frozen=True, slots=True)
class _Seen:
    row: SessionRow
    at_s: float


class SessionBook:
    """The sessions, by the random tokens in their cookies.

    wall_s    the wall clock, for expiry
    clock_s   a steady one, for the memory of this process
    """

    def __init__(
        self,
        store: Store,
        live: LiveHolder,
        *,
        wall_s: Callable[[], float] = time.time,
        clock_s: Callable[[], float] = time.monotonic,
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._store = store
        self._live = live
        self._wall_s = wall_s
        self._clock_s = clock_s
        self._new_token = new_token
        self._seen: dict[str, _Seen] = {}  # by token hash, in the order they were looked up

    @property
    def lifetime_s(self) -> int:
        """How long a session lasts without a request."""
        return self._live.current.admin_session_expire

    def is_right(self, secret: str) -> bool:
        """Whether a secret is the administrator's token; its time tells nothing of how close it was."""
        expected = self._live.current.auth_token
        return bool(expected) and hmac.compare_digest(_bytes(secret), _bytes(expected))

    async def begin(self) -> str:
        """Sign somebody in whose secret was right; gives the session's token. Raises StoreError."""
        token = self._new_token()
        now_ms = self._now_ms()
        row = SessionRow(secret_hash(token), self._mark(token), now_ms, now_ms + self.lifetime_s * 1000)

        def write() -> None:
            self._store.sessions.prune(now_ms)
            self._store.sessions.add(row)

        await self._store.write(write)
        self._keep(row)
        return token

    async def find(self, token: str, *, extend: bool = True) -> Session | None:
        """Who has this token; makes the session longer when part of it is over. Raises StoreError.

        extend   False for what a page does by itself, without anybody there
        """
        if not token:
            return None
        row = await self._look_up(secret_hash(token))
        now_ms = self._now_ms()
        if row is None or row.expires_at_ms <= now_ms or not hmac.compare_digest(row.mark, self._mark(token)):
            return None
        lifetime_ms = self.lifetime_s * 1000
        if not extend or row.expires_at_ms - now_ms > lifetime_ms * (1 - _EXTEND_AFTER):
            return Session(row.expires_at_ms, None)
        longer = SessionRow(row.token_hash, row.mark, row.created_at_ms, now_ms + lifetime_ms)
        self._keep(longer)
        self._store.write_later(lambda: self._store.sessions.extend(longer.token_hash, longer.expires_at_ms))
        return Session(longer.expires_at_ms, self.lifetime_s)

    async def end(self, token: str) -> None:
        """Sign out. Raises StoreError."""
        token_hash = secret_hash(token)
        self._seen.pop(token_hash, None)
        await self._store.write(lambda: self._store.sessions.remove(token_hash))

    async def end_all(self) -> int:
        """Sign everybody out, everywhere; gives how many were signed in. Raises StoreError."""
        self._seen.clear()
        return await self._store.write(self._store.sessions.remove_all)

    async def _look_up(self, token_hash: str) -> SessionRow | None:
        seen = self._seen.get(token_hash)
        now_s = self._clock_s()
        if seen is not None and now_s - seen.at_s < _FRESH_S:
            return seen.row
        try:
            row = await self._store.read(lambda: self._store.sessions.find(token_hash))
        except StoreUnavailable:
            if seen is not None and now_s - seen.at_s < _STALE_S:
                return seen.row
            raise
        if row is None:
            self._seen.pop(token_hash, None)
        else:
            self._keep(row)
        return row

    def _keep(self, row: SessionRow) -> None:
        self._seen.pop(row.token_hash, None)
        self._seen[row.token_hash] = _Seen(row, self._clock_s())
        if len(self._seen) > _MAX_REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def _mark(self, token: str) -> str:
        """Which administrator's token a session was opened with, told only to whoever has both."""
        return hmac.new(_bytes(token), _bytes(self._live.current.auth_token), hashlib.sha256).hexdigest()

    def _now_ms(self) -> int:
        return int(self._wall_s() * 1000)


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")
