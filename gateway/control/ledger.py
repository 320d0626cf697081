"""Where the relay's outcomes go: metrics, the request log, the log, and the rows of keys that died.

Implements the relay's `Observer`. Nothing here waits: records go on a queue, changes to the writer's thread.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.control.key_states import keep_states
from gateway.control.limiter import Limiter
from gateway.control.tokens import TokenBook
from gateway.log import get_logger
from gateway.metrics.metrics import Metrics
from gateway.pool.changes import BucketChange, Change, KeyChange
from gateway.protocols.failures import FailureKind
from gateway.store.records import CallRecord
from gateway.store.store import Store

log = get_logger("gateway.calls")
_QUIET = frozenset({"success", "blocked", "client_closed"})


class Ledger:
    """Hears what happened to attempts, calls and keys."""

    __slots__ = ("_limiter", "_metrics", "_store", "_tokens", "streams_open")

    def __init__(
        self, metrics: Metrics, store: Store, tokens: TokenBook, *, limiter: Limiter | None = None
    ) -> None:
        """`tokens` names the access tokens; `limiter` counts the tokens of those that are limited."""
        self._metrics = metrics
        self._store = store
        self._tokens = tokens
        self._limiter = limiter
        self.streams_open = 0

    def attempt_failed(self, model: str, kind: FailureKind, key_id: int) -> None:
        self._metrics.attempts_over(model, kind, key_id)

    def call_over(self, record: CallRecord, provider: str, own_s: float, telling_s: float | None) -> None:
        token = self._tokens.name_of(record.token_id)
        self._metrics.call_over(record, provider, token, own_s, telling_s)
        self._store.records.put(record)
        if record.total_tokens and self._limiter is not None:
            self._limiter.spent(record.token_id, record.total_tokens)
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
        keys = [change for change in changes if isinstance(change, KeyChange)]
        for change in changes:
            if isinstance(change, KeyChange):
                self._log_key(change)
            else:
                self._log_bucket(change)
        if keys:
            self._store.write_later(lambda: keep_states(self._store, keys))

    @staticmethod
    def _log_key(change: KeyChange) -> None:
        log.warning(
            f"key_{change.state.value}",
            key=change.alias,
            reason=None if change.kind is None else change.kind.value,
            project=change.project,
            until=_moment(change.until_s),
            said=change.message[:300],
        )

    @staticmethod
    def _log_bucket(change: BucketChange) -> None:
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
