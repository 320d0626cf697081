"""Changes of keys, tokens and settings, carried out where calls are served: here, and in every other process.

Whoever changed rows says so here after the commit; the others hear it on the bus. Both read the rows anew, so
that what is told need not be believed, and nothing secret travels.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence

import orjson

from gateway.control.bus import Bus
from gateway.control.configuration import stored_settings
from gateway.control.limiter import Limiter
from gateway.control.paid_key import is_without_row
from gateway.control.roster import fill_tokens, key_spec
from gateway.control.tokens import TokenBook
from gateway.log import Redaction, get_logger
from gateway.pool.pool import Pool
from gateway.settings.live import LiveHolder
from gateway.settings.resolution import resolve
from gateway.store.records import KeyRow
from gateway.store.store import Store

log = get_logger("gateway.control")
KEYS, RESET, TOKENS, SETTINGS = "keys", "reset", "tokens", "settings"
_IDS_A_MESSAGE = 500
_EVERYTHING = "[]"
_MOST_MESSAGES = 250
"""Beyond so many the others had better read all keys."""
_SLICE = 200
_NAMES_CHARS = 1000


class Telling:
    """For a program beside the gateways on a database, such as the command line: tells them what changed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keys_changed(self, ids: Sequence[int]) -> None:
        """Rows of keys were added, changed or removed."""
        await self._tell(KEYS, _messages(ids))

    async def keys_reset(self, ids: Sequence[int]) -> None:
        """Faults and learned limits of keys are to be forgotten."""
        await self._tell(RESET, _messages(ids))

    async def tokens_changed(self) -> None:
        """Rows of tokens were added, changed or removed."""
        await self._tell(TOKENS, [""])

    async def settings_changed(self, names: Sequence[str]) -> None:
        """Rows of settings were written or removed."""
        await self._tell(SETTINGS, [",".join(names)[:_NAMES_CHARS]])

    async def _tell(self, topic: str, messages: Sequence[str]) -> None:
        told = [(topic, message) for message in messages]
        await self._store.write(lambda: self._store.changes.add(secrets.token_hex(8), told))


class Following:
    """Applies rows to the pool, the token book and the settings.

    One reading at a time, and applied before the next begins: what is applied last was read last.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        *,
        pool: Pool,
        tokens: TokenBook,
        limiter: Limiter,
        live: LiveHolder,
        redaction: Redaction,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._bus = bus
        self._pool = pool
        self._tokens = tokens
        self._limiter = limiter
        self._live = live
        self._redaction = redaction
        self._wall_s = wall_s
        self._turn = asyncio.Lock()
        live.subscribe(lambda old, new: self._admin_changed(old.auth_token, new.auth_token))

    def listen(self) -> None:
        """Hear the others."""
        self._bus.listen(KEYS, self._heard_keys, reload=self.reload_keys)
        self._bus.listen(RESET, self._heard_reset, reload=lambda: None)
        self._bus.listen(TOKENS, lambda _: self.reload_tokens(), reload=self.reload_tokens)
        self._bus.listen(SETTINGS, lambda _: self.reload_settings(), reload=self.reload_settings)

    # After a change made here.

    async def keys_changed(self, ids: Sequence[int]) -> None:
        """Rows of keys were added, changed or removed."""
        await self._apply_keys(ids)
        self._bus.publish(KEYS, *_messages(ids))

    async def keys_reset(self, ids: Sequence[int]) -> None:
        """Faults and learned limits of keys were forgotten here, and are to be in the others."""
        self._bus.publish(RESET, *_messages(ids))

    async def tokens_changed(self) -> None:
        """Rows of tokens were added, changed or removed."""
        await self.reload_tokens()
        self._bus.publish(TOKENS, "")

    async def settings_changed(self, names: Sequence[str]) -> None:
        """Rows of settings were written or removed."""
        await self.reload_settings()
        self._bus.publish(SETTINGS, ",".join(names)[:_NAMES_CHARS])

    # Reading anew.

    async def reload_keys(self) -> None:
        """Make the pool hold what the table holds."""
        async with self._turn:
            rows = await self._store.read(self._store.keys.everything)
            there = {row.id for row in rows}
            held = (key_id for key_id in self._pool.key_ids() if not is_without_row(key_id))
            gone = [key_id for key_id in held if key_id not in there]
            await self._put(rows, gone)

    async def reload_tokens(self) -> None:
        """Make exactly the stored tokens valid."""
        async with self._turn:
            rows = await self._store.read(self._store.tokens.everything)
            self._redaction.also_know(row.secret for row in rows)
            fill_tokens(rows, self._tokens, self._limiter, admin_secret=self._live.current.auth_token)
        await self._limiter.resync()

    async def reload_settings(self) -> None:
        """Make the stored settings hold."""
        async with self._turn:
            rows = await self._store.read(self._store.settings.all)
            resolution = resolve({}, stored_settings(rows))
            for warning in resolution.warnings:
                log.warning("stored_setting_unusable", warning=warning)
            if resolution.needs_admin_token:  # never open, and never locked out, by somebody else's mistake
                log.error("stored_settings_without_admin_token")
                return
            self._redaction.also_know((resolution.settings.auth_token, resolution.settings.metrics_token))
            self._live.swap(resolution.settings)

    async def _heard_keys(self, messages: Sequence[str]) -> None:
        told = [orjson.loads(message) for message in messages]
        if not all(told):
            await self.reload_keys()
            return
        await self._apply_keys(list(dict.fromkeys(key_id for ids in told for key_id in ids)))

    async def _heard_reset(self, messages: Sequence[str]) -> None:
        told = [orjson.loads(message) for message in messages]
        ids = [key_id for part in told for key_id in part] if all(told) else self._pool.key_ids()
        for start in range(0, len(ids), _SLICE):
            now_s = self._wall_s()
            for key_id in ids[start : start + _SLICE]:
                self._pool.revive(key_id, now_s)
                self._pool.reopen(key_id, now_s)
            await asyncio.sleep(0)

    async def _apply_keys(self, ids: Sequence[int]) -> None:
        async with self._turn:
            rows = await self._store.read(lambda: self._store.keys.named(ids))
            there = {row.id for row in rows}
            gone = [key_id for key_id in ids if key_id not in there and not is_without_row(key_id)]
            await self._put(rows, gone)

    async def _put(self, rows: Sequence[KeyRow], gone: Sequence[int]) -> None:
        """Change the pool slice by slice: a hundred thousand keys must not stop the calls."""
        for start in range(0, len(rows), _SLICE):
            part = rows[start : start + _SLICE]
            self._redaction.also_know(row.secret for row in part)
            for row in part:
                self._pool.put(key_spec(row))
            await asyncio.sleep(0)
        for start in range(0, len(gone), _SLICE):
            for key_id in gone[start : start + _SLICE]:
                self._pool.remove(key_id)
            await asyncio.sleep(0)

    def _admin_changed(self, old: str, new: str) -> None:
        if old != new:
            self._tokens.set_admin(new)


def _messages(ids: Sequence[int]) -> list[str]:
    """What is told of changed keys: which, or that there are too many to name."""
    messages = [
        orjson.dumps(list(ids[start : start + _IDS_A_MESSAGE])).decode()
        for start in range(0, len(ids), _IDS_A_MESSAGE)
    ]
    return messages if len(messages) <= _MOST_MESSAGES else [_EVERYTHING]
