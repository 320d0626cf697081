"""What becomes of objects whose time is over: files are deleted at Google too, everything is forgotten here.

Google deletes files itself after two days, so whatever it says to that, a file is forgotten.
"""

from collections.abc import Callable

from gateway.control.objects import ObjectBook
from gateway.log import get_logger
from gateway.pool.key import GEMINI, KeyState
from gateway.relay.engine import Engine
from gateway.store.records import BoundObject, KeyRow
from gateway.store.store import Store
from gateway.upstream.fetch import UpstreamCallFailed, fetch
from gateway.upstream.transport import FailureCause, Timeouts, UpstreamRequest

log = get_logger("gateway.objects")
MOST_A_SWEEP = 1_000
_ANSWER_S = 10.0
_MAX_BYTES = 1024 * 1024
_UNREACHABLE_IN_A_ROW = 3
_FILES = "files"


class ObjectSweep:
    """Two jobs for one process.

    interval_s   between two deletions of files; 0 leaves that to Google
    """

    def __init__(
        self, engine: Engine, store: Store, objects: ObjectBook, *, interval_s: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._store = store
        self._objects = objects
        self.interval_s = interval_s

    async def prune(self) -> int:
        """Forget what has expired; files are first to be deleted, which is tried twice. Raises StoreError."""
        return await self._objects.prune(_FILES, for_s=2 * self.interval_s())

    async def delete_files(self) -> int:
        """Delete files whose time is over, one after another; gives how many. Raises StoreError."""
        files = await self._objects.expired(_FILES, limit=MOST_A_SWEEP)
        ids = list({file.key_id for file in files})
        keys = {row.id: row for row in await self._store.read(lambda: self._store.keys.named(ids))}
        deleted = unreachable = 0
        for file in files:
            if await self._delete(file, keys.get(file.key_id)):
                self._objects.drop(file.name)
                deleted += 1
                unreachable = 0
                continue
            unreachable += 1
            if unreachable >= _UNREACHABLE_IN_A_ROW:
                log.info("file_cleanup_put_off", reason="Google cannot be reached")
                break
        if deleted:
            log.info("files_cleaned_up", files=deleted)
        return deleted

    async def _delete(self, file: BoundObject, row: KeyRow | None) -> bool:
        """Ask Google to delete a file. False when nobody answered."""
        engine = self._engine
        if row is None or self._is_dead(row.id):
            return True
        provider = engine.policy.providers.get(row.provider) or engine.policy.providers[GEMINI]
        proxy = engine.egress.choose(row.secret, ())
        try:
            request = UpstreamRequest(
                "DELETE",
                provider.url(file.name),
                headers=provider.call_headers(row.secret),
                timeouts=Timeouts(engine.policy.connect_s, _ANSWER_S, _ANSWER_S, 2 * _ANSWER_S),
                proxy=proxy,
            )
            await fetch(engine.transport, request, _MAX_BYTES)
        except UpstreamCallFailed as error:
            if proxy is not None and error.failure.cause is FailureCause.PROXY:
                engine.egress.failed(proxy)
            return False
        except ValueError:
            return True  # a key that cannot be sent owns nothing
        return True

    def _is_dead(self, key_id: int) -> bool:
        known = self._engine.pool.explain(key_id, self._engine.wall_s())
        return known is None or known.state is KeyState.DEAD
