"""What a reported call teaches: faults, rests and recoveries laid on keys and buckets.

The hands of `effects`, which says what to do; this does it on a roster. Called by `pool` only.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.pool.bucket import Bucket, Owner
from gateway.pool.changes import Change, key_change, opened, rested
from gateway.pool.effects import (
    EFFECTS,
    Effect,
    bucket_streak,
    bucket_until_s,
    doubt_rest_s,
    names_the_project,
    project_rest_s,
)
from gateway.pool.key import Fault, Key, KeyState
from gateway.pool.lease import Charge, Lease
from gateway.pool.limits import PoolLimits
from gateway.pool.quota import LearnedRest, teaches
from gateway.pool.roster import Roster
from gateway.pool.selection import Ring
from gateway.protocols.failures import Failure, FailureKind

_QUOTA_USED_UP = frozenset({FailureKind.RATE_MINUTE, FailureKind.TOKENS_MINUTE, FailureKind.RATE_DAY})


@dataclass(frozen=True, slots=True)
class Lesson:
    """A failure and the circumstances it is judged in.

    serial   number of the last lease the pool has given
    jitter   in [0, 1)
    """

    failure: Failure
    now_s: float
    serial: int
    limits: PoolLimits
    jitter: float


def learn_success(roster: Roster, lease: Lease, now_s: float, tokens: int | None) -> tuple[Change, ...]:
    """Clear what the success disproves; costs next to nothing when nothing was held against the key.

    tokens   input tokens that the answer says were used
    """
    key = lease.key
    ring = roster.rings.get(lease.model)
    if lease.charge is not None and ring is not None:
        _count_success(roster, ring, key.owner, lease.charge, tokens, now_s)
    if key.fault is None and not key.doubts and (ring is None or not ring.buckets):
        return ()
    changes: list[Change] = []
    key.doubts = 0
    if _disproved(key.fault, lease):
        roster.set_fault(key, None)
        changes.append(key_change(key, now_s))
    bucket = ring.buckets.get(key.owner) if ring is not None else None
    if ring is not None and bucket is not None and lease.serial > bucket.serial:
        if bucket.resting and bucket.learned:
            return tuple(changes)  # a success inside the limit says nothing against it
        if bucket.resting:
            changes.append(opened(bucket, key, lease.model, now_s))
        roster.lift(ring, bucket)
    return tuple(changes)


def learn_failure(roster: Roster, lease: Lease, lesson: Lesson) -> tuple[Change, ...]:
    """Do what the failure calls for; the effect is not NONE and not BUSY_MODEL."""
    key, failure = lease.key, lesson.failure
    effect = EFFECTS[failure.kind]
    if roster.due(lesson.now_s):  # a rest that is over must not be taken for one that lasts
        roster.wake(lesson.now_s, lesson.limits.wakes_per_lease)
    named = failure.project if names_the_project(failure.kind) else None
    learned = named is not None and key.project is None
    if learned:
        roster.set_project(key, named)
        roster.rest_all_learned(key.owner, lesson.now_s)
    if effect is Effect.DOUBT:
        return _doubt(roster, key, lesson)
    if effect is Effect.REST_BUCKET:
        changes = _rest_bucket(roster, lease, lesson)
        return (key_change(key, lesson.now_s), *changes) if learned else changes
    until_s = None
    if effect is Effect.REST_PROJECT:
        until_s = lesson.now_s + project_rest_s(failure.kind, lesson.limits, jitter=lesson.jitter)
    touched = [key] if effect is Effect.KILL_KEY else roster.keys_of(key, named)
    changes = _lay_fault(roster, touched, lesson, until_s)
    if learned and not any(change.alias == key.spec.alias for change in changes):
        return (key_change(key, lesson.now_s), *changes)
    return changes


def reopen_buckets(roster: Roster, key: Key, now_s: float) -> tuple[Change, ...]:
    """Forget every rest and every learned limit of a key's buckets, as an operator may."""
    changes: list[Change] = []
    for model, ring in roster.rings.items():
        meter = ring.meters.get(key.owner)
        if meter is not None:
            roster.forget_meter(ring, meter)
        bucket = ring.buckets.get(key.owner)
        if bucket is not None:
            if bucket.resting:
                changes.append(opened(bucket, key, model, now_s))
            roster.lift(ring, bucket)
    return tuple(changes)


def _count_success(
    roster: Roster, ring: Ring, owner: Owner, charge: Charge, tokens: int | None, now_s: float
) -> None:
    meter = ring.meters.get(owner)
    if meter is not None and (tokens is not None or charge.beyond is not None):
        meter.succeed(charge, tokens, now_s)
        roster.touch(meter)
        roster.rest_learned(ring, meter, now_s)


def _disproved(fault: Fault | None, lease: Lease) -> bool:
    if fault is None or fault.until_s is None:
        return False
    # A key rests in doubt because nothing explained its failures: any success answers that. Other rests
    # are only lifted by calls that began after them.
    return fault.kind is FailureKind.UNKNOWN or lease.serial > fault.serial


def _doubt(roster: Roster, key: Key, lesson: Lesson) -> tuple[Change, ...]:
    if key.state is not KeyState.ACTIVE:
        return ()  # a call that began before the rest: it has been paid for
    key.doubts += 1
    rest_s = doubt_rest_s(key.doubts, lesson.limits, jitter=lesson.jitter)
    return _lay_fault(roster, (key,), lesson, lesson.now_s + rest_s) if rest_s else ()


def _rest_bucket(roster: Roster, lease: Lease, lesson: Lesson) -> tuple[Change, ...]:
    key, failure = lease.key, lesson.failure
    ring = roster.ring(lease.model)
    if ring.due(lesson.now_s):
        roster.wake_ring(ring, lesson.now_s, lesson.limits.wakes_per_lease)
    bucket = ring.buckets.get(key.owner)
    # Calls that were already under way when the bucket began to rest fail for the same reason: they may
    # lengthen a rest they explain better, but must not double one that nobody explains.
    late = bucket is not None and bucket.resting and lease.serial <= bucket.serial
    if late and failure.kind is FailureKind.RATE_UNKNOWN:
        return ()
    until_s = bucket_until_s(failure, bucket, lesson.now_s, lesson.limits, jitter=lesson.jitter)
    streak = bucket_streak(failure, bucket)
    learned = _learn_limits(roster, ring, lease, lesson, until_s)
    if learned is not None and learned.kind is failure.kind:
        until_s = max(until_s, learned.until_s)
    if bucket is None:
        bucket = Bucket(key.owner)
    bucket.serial = lesson.serial
    if bucket.resting and not bucket.learned and until_s <= bucket.until_s:
        return ()
    ring.rest(bucket, roster.active_of(key.owner), kind=failure.kind, until_s=until_s)
    bucket.message, bucket.since_s, bucket.streak = failure.message, lesson.now_s, streak
    return (rested(bucket, key, lease.model),)


def _learn_limits(
    roster: Roster, ring: Ring, lease: Lease, lesson: Lesson, until_s: float
) -> LearnedRest | None:
    """Take in the limits that a refusal names; say how long what is known of them lets the bucket rest."""
    failure, owner = lesson.failure, lease.key.owner
    if failure.kind not in _QUOTA_USED_UP:
        return None
    meter = ring.meters.get(owner)
    if meter is not None:
        if lease.charge is not None:
            meter.refund(lease.charge)
        roster.touch(meter)
    for violation in failure.violations:
        if teaches(violation) and (meter is not None or violation.value):
            meter = roster.meter(ring, owner, lease.model, lesson.now_s)
            meter.learn(violation, lesson.now_s, until_s)
            roster.touch(meter)
    return None if meter is None else meter.rest(lesson.now_s)


def _lay_fault(
    roster: Roster, keys: Iterable[Key], lesson: Lesson, until_s: float | None
) -> tuple[Change, ...]:
    failure = lesson.failure
    fault = Fault(failure.kind, failure.message, lesson.now_s, until_s, lesson.serial)
    changes: list[Change] = []
    for key in keys:
        if _is_worse(fault, key.fault):
            roster.set_fault(key, fault)
            changes.append(key_change(key, lesson.now_s, failure.activation_url))
    return tuple(changes)


def _is_worse(fault: Fault, held: Fault | None) -> bool:
    if held is None:
        return True
    if held.until_s is None:
        return False
    return fault.until_s is None or fault.until_s > held.until_s
