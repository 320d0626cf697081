"""What the pool says of its keys, kept in their rows and as their history.

The rows are what keys are found by (store/key_search.py) and what a new start begins with.
"""

import time
from collections.abc import Callable, Sequence

from gateway.pool.changes import KeyChange
from gateway.pool.key import KeyState
from gateway.store.records import KeyEvent
from gateway.store.store import Store

KEPT_S = 90 * 86_400.0
BATCH = 500


def keep_states(store: Store, changes: Sequence[KeyChange]) -> None:
    """Write how keys stand now; inside `Store.write`."""
    for change in changes:
        dead, resting = change.state is KeyState.DEAD, change.state is KeyState.RESTING
        kind = None if change.kind is None else change.kind.value
        columns: dict[str, object] = {
            "rest_reason": kind if resting else None,
            "rest_until_ms": _ms(change.until_s) if resting else None,
        }
        if change.state is not KeyState.DISABLED:  # that is the administrator's, and hides the rest
            columns["dead_reason"] = kind if dead else None
            columns["dead_since_ms"] = _ms(change.since_s) if dead else 0
        if change.project is not None:
            columns["seen_project"] = change.project[:128]
        store.keys.change([change.key_id], **columns)
    store.key_events.add(_event(change) for change in changes)


async def prune_events(store: Store, *, wall_s: Callable[[], float] = time.time) -> int:
    """Forget the oldest history, a little at a time; a job for one process. Gives how much."""
    before_ms = int((wall_s() - KEPT_S) * 1000)
    total = 0
    while removed := await store.write(lambda: store.key_events.prune(before_ms, BATCH)):
        total += removed
    return total


def _event(change: KeyChange) -> KeyEvent:
    return KeyEvent(
        key_id=change.key_id,
        at_ms=int(change.since_s * 1000),
        event=change.state.value,
        kind=None if change.kind is None else change.kind.value,
        message=change.message,
        until_ms=None if change.until_s is None else _ms(change.until_s),
    )


def _ms(at_s: float | None) -> int:
    return int((at_s or 0.0) * 1000)
