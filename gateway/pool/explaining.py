"""Why a key rests, until when, what was seen, and what is left of its learned limits.

Read-only views of a roster for the admin pages and metrics. Called by `pool` only.
"""

from collections.abc import Iterator

from gateway.pool.bucket import RESTING_STATES, Bucket, BucketState
from gateway.pool.changes import BucketExplanation, KeyExplanation, LimitExplanation, PoolCounts
from gateway.pool.key import Key
from gateway.pool.quota import Meter
from gateway.pool.roster import Roster
from gateway.pool.sentences import bucket_sentence, key_sentence, limit_phrase


def explain_key(roster: Roster, key: Key, now_s: float) -> KeyExplanation:
    """Say how a key stands, as a whole and with every model it is known for."""
    roster.settle(now_s)
    fault = key.fault
    buckets = []
    limits: list[LimitExplanation] = []
    for model, ring in roster.rings.items():
        meter = ring.meters.get(key.owner)
        known = list(limits_of(meter, now_s)) if meter is not None else []
        limits += known
        bucket = ring.buckets.get(key.owner)
        if bucket is not None:
            buckets.append(_bucket(bucket, model, known, now_s))
    kind, message = (fault.kind, fault.message) if fault else (None, "")
    until_s = fault.until_s if fault else None
    return KeyExplanation(
        key_id=key.spec.id,
        alias=key.spec.alias,
        provider=key.spec.provider,
        state=key.state,
        project=key.project,
        kind=kind,
        message=message,
        since_s=fault.since_s if fault else 0.0,
        until_s=until_s,
        doubts=key.doubts,
        in_flight=key.in_flight,
        buckets=tuple(buckets),
        limits=tuple(limits),
        sentence=key_sentence(key.state, kind, message, until_s=until_s, now_s=now_s),
    )


def count_keys(roster: Roster, now_s: float) -> PoolCounts:
    """Count keys by state and by model; costs what has to wake, not the number of keys."""
    roster.settle(now_s)
    models = {}
    for model, ring in roster.rings.items():
        states = dict.fromkeys(BucketState, 0)
        states[BucketState.OPEN] = len(ring.turns)
        for kind, count in ring.blocked.items():
            states[RESTING_STATES[kind]] += count
        models[model] = states
    return PoolCounts(roster.tally.copy(), models)


def _bucket(bucket: Bucket, model: str, limits: list[LimitExplanation], now_s: float) -> BucketExplanation:
    learned = None
    if bucket.resting and bucket.learned:
        used_up = [limit for limit in limits if limit.resets_s >= bucket.until_s] or limits
        learned = " and ".join(
            limit_phrase(limit.window, tokens=limit.tokens, used=limit.used, limit=limit.limit)
            for limit in used_up
        )
    return BucketExplanation(
        model=model,
        owner=bucket.owner,
        state=bucket.state,
        kind=bucket.kind,
        message=bucket.message,
        since_s=bucket.since_s,
        until_s=bucket.until_s,
        streak=bucket.streak,
        learned=bucket.resting and bucket.learned,
        sentence=bucket_sentence(
            bucket.state, bucket.kind, model=model, until_s=bucket.until_s, now_s=now_s, learned=learned
        ),
    )


def limits_of(meter: Meter, now_s: float) -> Iterator[LimitExplanation]:
    """Give what is known of a bucket's learned limits."""
    for limit in meter.limits:
        limit.count.settle(now_s)
        used = limit.count.used
        yield LimitExplanation(
            model=meter.model,
            quota_id=limit.quota_id,
            window=limit.window,
            tokens=limit.tokens,
            used=used,
            limit=limit.allowed,
            value=limit.value,
            heard_s=limit.heard_s,
            resets_s=limit.count.free_s(used, now_s) if used > 0 else now_s,
        )
