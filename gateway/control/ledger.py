"""Where the relay's outcomes go: metrics, the request log, the log, and the rows of keys that died.

Implements the relay's `Observer`. Nothing here waits: records go on a queue, changes to the writer's thread.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.log import get_logger
from gateway.metrics import Metrics
from gateway.pool.changes import BucketChange, Change, KeyChange
from gateway.pool.key import KeyState
from gateway.protocols.failures import FailureKind
from gateway.store.records import CallRecord
from gateway.store.store import Store

log = get_logger("gateway.calls")
_QUIET = frozenset({"success", "blocked", "client_closed"})


class Ledger:
    """Hears what happened to attempts, calls and keys."""

    __slots__ = ("_metrics", "_store", "streams_open")

    def __init__(self, metrics: Metrics, store: Store) -> None:
        self._metrics = metrics
        self._store = store
        self.streams_open = 0

    def attempt_over(self, model: str, kind: FailureKind | None, key_id: int) -> None:
        self._metrics.attempt_over(model, kind, key_id)

    def call_over(self, record: CallRecord) -> None:
        self._metrics.call_over(record)
        self._store.records.put(record)
        if record.outcome not in _QUIET:
            log.info(
                "call_failed",
                request_id=record.request_id,
                outcome=record.outcome,
                kind=record.failure_kind,
                status=record.status,
                dialect=record.dialect,
                operation=record.operation,
                model=record.model,
                attempts=len(record.attempts),
                duration_ms=record.duration_ms,
            )

    def stream_began(self) -> None:
        self.streams_open += 1

    def stream_over(self) -> None:
        self.streams_open -= 1

    def pool_changed(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, KeyChange):
                self._key_changed(change)
            else:
                self._bucket_changed(change)

    def _key_changed(self, change: KeyChange) -> None:
        log.warning(
            f"key_{change.state.value}",
            key=change.alias,
            reason=None if change.kind is None else change.kind.value,
            project=change.project,
            until=_moment(change.until_s),
            said=change.message[:300],
        )
        is_dead = change.state is KeyState.DEAD and change.kind is not None
        if not is_dead and change.state is not KeyState.ACTIVE:
            return
        reason = change.kind.value if is_dead and change.kind is not None else None
        since_ms = int(change.since_s * 1000) if is_dead else 0
        self._store.write_later(
            lambda: self._store.keys.change([change.key_id], dead_reason=reason, dead_since_ms=since_ms)
        )

    @staticmethod
    def _bucket_changed(change: BucketChange) -> None:
        log.info(
            f"bucket_{change.state.value}",
            key=change.alias,
            model=change.model,
            reason=change.kind.value,
            until=_moment(change.until_s),
        )


def _moment(epoch_s: float | None) -> str | None:
    """A moment as people read it in a log, in UTC."""
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="seconds")
