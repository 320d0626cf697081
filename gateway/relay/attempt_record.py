"""What is written down of an attempt when it is over."""

from collections.abc import Sequence

from gateway.pool.changes import BucketChange, Change
from gateway.pool.lease import Lease
from gateway.protocols.failures import FailureKind
from gateway.protocols.shapes import JsonObject
from gateway.relay.attempt import Attempt
from gateway.relay.engine import Engine
from gateway.relay.plan import Plan
from gateway.store.records import AttemptRecord


def note_attempt(
    engine: Engine,
    plan: Plan,
    records: list[AttemptRecord],
    attempt: Attempt,
    kind: FailureKind | None,
    wall_s: float,
    changes: Sequence[Change] = (),
) -> None:
    """Add the record of an attempt that ends now to those of its call, and tell the observer.

    kind     None for one that succeeded
    wall_s   epoch seconds now
    changes  what the pool made of it
    """
    lease = attempt.lease
    bucket_state = failure_kind = None
    if changes:
        engine.observer.pool_changed(changes)
        bucket_state = _state_after(lease, changes)
    if kind is not None:
        engine.observer.attempt_failed(plan.model, kind, lease.key_id)
        failure_kind = kind.value
    duration_ms = int((engine.now_s() - attempt.started_s) * 1000)
    records.append(
        AttemptRecord(
            len(records) + 1,
            lease.key_id,
            lease.alias,
            failure_kind,
            attempt.status,
            duration_ms,
            int(wall_s * 1000) - duration_ms,
            bucket_state,
        )
    )


def input_tokens(usage: JsonObject | None) -> int | None:
    """What the answer's usageMetadata says the request used of the key's token limits."""
    count = None if usage is None else usage.get("promptTokenCount")
    return count if isinstance(count, int) and count >= 0 else None


def _state_after(lease: Lease, changes: Sequence[Change]) -> str | None:
    """How the lease's key stands because of the attempt; a project's suspension changes other keys too."""
    for change in changes:
        if isinstance(change, BucketChange) or change.key_id == lease.key_id:
            return change.state.value
    return None
