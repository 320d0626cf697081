"""The failure table of the pool, row by row: body → kind → key and bucket → call."""

from dataclasses import dataclass

import pytest

from gateway.pool.bucket import BucketState
from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.key import KeyState
from gateway.pool.limits import RetryLimits
from gateway.pool.policy import Action, AttemptCount, answered_status, decide
from gateway.protocols.failures import Failure, FailureKind, classify, from_transport
from gateway.protocols.reply_signs import read_signs, reply_failure, stream_failure
from tests.pool import gemini_errors as seen
from tests.pool.builders import MODEL, NOON_S, key, lent, pool_of

K, A, S, B = FailureKind, Action, KeyState, BucketState


def judged(reply: object) -> Failure:
    failure = reply_failure(read_signs(reply))
    assert failure is not None
    return failure


def cut_off() -> Failure:
    failure = stream_failure(read_signs({"candidates": [{"content": {"parts": [{"text": "Once upon"}]}}]}))
    assert failure is not None
    return failure


@dataclass(frozen=True)
class Row:
    """key: state and seconds of rest (None: for good) · mate: state of another key of the same project."""

    name: str
    failure: Failure
    kind: FailureKind
    action: Action
    answered: int
    key: KeyState = S.ACTIVE
    key_rest_s: float | None = None
    mate: KeyState = S.ACTIVE
    bucket: BucketState = B.OPEN
    bucket_rest_s: float = 0.0
    busy: bool = False

    def __str__(self) -> str:
        return self.name


HOUR_S, DAY_S = 3600.0, 86_400.0
TO_MIDNIGHT_S = next_pacific_midnight(NOON_S) - NOON_S
TO_NEXT_MINUTE_S = 60.0
POLICY_LIMITED = {"candidates": [{"finishReason": "PUP_LIMITED_DISABLED"}]}

TABLE = [
    Row("bad field", classify(400, seen.BAD_FIELD), K.CLIENT_ERROR, A.ANSWER, 400),
    Row("no such model", classify(404, seen.NO_SUCH_MODEL), K.NOT_FOUND, A.ANSWER, 404),
    Row("body too large", classify(413, seen.TOO_LARGE), K.CLIENT_ERROR, A.ANSWER, 413),
    Row("signature missing", classify(400, seen.SIGNATURE), K.CLIENT_ERROR, A.ANSWER, 400),
    Row("another key's file", classify(403, seen.FILE_DENIED), K.OBJECT_DENIED, A.ANSWER, 403),
    Row("another key's cache", classify(403, seen.CACHE_DENIED), K.OBJECT_DENIED, A.ANSWER, 403),
    Row("two credentials", classify(400, seen.TWO_CREDENTIALS), K.GATEWAY_FAULT, A.ANSWER, 503),
    Row("no credential", classify(403, seen.NO_CREDENTIAL), K.GATEWAY_FAULT, A.ANSWER, 503),
    Row("key invalid", classify(400, seen.KEY_INVALID), K.KEY_INVALID, A.NEXT_KEY, 503, key=S.DEAD),
    Row("key expired", classify(400, seen.KEY_EXPIRED), K.KEY_INVALID, A.NEXT_KEY, 503, key=S.DEAD),
    Row("old key refused", classify(401, seen.OLD_KEY_REFUSED), K.KEY_INVALID, A.NEXT_KEY, 503, key=S.DEAD),
    Row("key leaked", classify(403, seen.LEAKED), K.KEY_LEAKED, A.NEXT_KEY, 503, key=S.DEAD),
    Row("service blocked", classify(403, seen.SERVICE_BLOCKED), K.KEY_BLOCKED, A.NEXT_KEY, 503, key=S.DEAD),
    Row("referrer blocked", classify(403, seen.REFERRER_BLOCKED), K.KEY_BLOCKED, A.NEXT_KEY, 503, key=S.DEAD),
    Row(
        "suspended",
        classify(403, seen.SUSPENDED),
        K.PROJECT_SUSPENDED,
        A.NEXT_KEY,
        503,
        key=S.DEAD,
        mate=S.DEAD,
    ),
    Row("denied", classify(403, seen.DENIED), K.PROJECT_DENIED, A.NEXT_KEY, 503, key=S.DEAD, mate=S.DEAD),
    Row(
        "service disabled",
        classify(403, seen.SERVICE_DISABLED),
        K.SERVICE_DISABLED,
        A.NEXT_KEY,
        503,
        key=S.RESTING,
        key_rest_s=2 * HOUR_S,
        mate=S.RESTING,
    ),
    Row(
        "credits depleted",
        classify(429, seen.CREDITS_DEPLETED),
        K.BILLING,
        A.NEXT_KEY,
        429,
        key=S.RESTING,
        key_rest_s=6 * HOUR_S,
        mate=S.RESTING,
    ),
    Row(
        "spending cap",
        classify(429, seen.SPEND_CAP),
        K.BILLING,
        A.NEXT_KEY,
        429,
        key=S.RESTING,
        key_rest_s=6 * HOUR_S,
        mate=S.RESTING,
    ),
    Row(
        "payment required",
        classify(402, b'{"error":{"code":"payment_required","message":"Pay."}}'),
        K.BILLING,
        A.NEXT_KEY,
        503,
        key=S.RESTING,
        key_rest_s=6 * HOUR_S,
        mate=S.RESTING,
    ),
    Row(
        "requests a minute",
        classify(429, seen.MINUTE),
        K.RATE_MINUTE,
        A.NEXT_KEY,
        429,
        bucket=B.COOLING,
        bucket_rest_s=21.578569677,
    ),
    Row(
        "requests a minute, no delay",
        classify(429, seen.exhausted(seen.violation(seen.PER_MINUTE, seen.REQUESTS, "10"), delay=None)),
        K.RATE_MINUTE,
        A.NEXT_KEY,
        429,
        bucket=B.COOLING,
        bucket_rest_s=TO_NEXT_MINUTE_S,
    ),
    Row(
        "tokens a minute",
        classify(429, seen.TOKENS_MINUTE),
        K.TOKENS_MINUTE,
        A.NEXT_KEY,
        429,
        bucket=B.COOLING,
        bucket_rest_s=12,
    ),
    Row(
        "requests a day",
        classify(429, seen.DAY),
        K.RATE_DAY,
        A.NEXT_KEY,
        429,
        bucket=B.EXHAUSTED,
        bucket_rest_s=TO_MIDNIGHT_S,
    ),
    Row(
        "day and minute",
        classify(429, seen.DAY_AND_MINUTE),
        K.RATE_DAY,
        A.NEXT_KEY,
        429,
        bucket=B.EXHAUSTED,
        bucket_rest_s=TO_MIDNIGHT_S,
    ),
    Row(
        "limit 0",
        classify(429, seen.LIMIT_ZERO),
        K.NO_ALLOWANCE,
        A.NEXT_KEY,
        429,
        bucket=B.UNAVAILABLE,
        bucket_rest_s=2 * DAY_S,
    ),
    Row(
        "retired model",
        classify(404, seen.RETIRED_MODEL),
        K.NO_ALLOWANCE,
        A.NEXT_KEY,
        404,
        bucket=B.UNAVAILABLE,
        bucket_rest_s=2 * DAY_S,
    ),
    Row(
        "paid model",
        classify(400, seen.PAID_MODEL),
        K.NO_ALLOWANCE,
        A.NEXT_KEY,
        400,
        bucket=B.UNAVAILABLE,
        bucket_rest_s=2 * DAY_S,
    ),
    Row(
        "unexplained 429",
        classify(429, seen.UNEXPLAINED),
        K.RATE_UNKNOWN,
        A.NEXT_KEY,
        429,
        bucket=B.COOLING,
        bucket_rest_s=5,
    ),
    Row(
        "unexplained 429 with a header",
        classify(429, b"", retry_after="17"),
        K.RATE_UNKNOWN,
        A.NEXT_KEY,
        429,
        bucket=B.COOLING,
        bucket_rest_s=17,
    ),
    Row("location", classify(400, seen.LOCATION), K.LOCATION, A.OTHER_EGRESS, 400),
    Row("overloaded", classify(503, seen.OVERLOADED), K.OVERLOADED, A.BACK_OFF, 503, busy=True),
    Row("internal", classify(500, seen.INTERNAL), K.INTERNAL, A.BACK_OFF, 500, busy=True),
    Row(
        "bad gateway",
        classify(502, b"<html><title>502 Bad Gateway</title></html>"),
        K.INTERNAL,
        A.BACK_OFF,
        502,
        busy=True,
    ),
    Row("deadline", classify(504, seen.DEADLINE), K.DEADLINE, A.ONCE_MORE, 504),
    Row("network", from_transport("reset", "connection reset"), K.NETWORK, A.NEXT_KEY, 502),
    Row("timeout", from_transport("timeout_first_byte", "no answer for 300 s"), K.TIMEOUT, A.NEXT_KEY, 504),
    Row("empty", judged({"candidates": [{"finishReason": "STOP"}]}), K.EMPTY, A.ONCE_MORE, 200),
    Row(
        "malformed",
        judged({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}),
        K.MALFORMED,
        A.ONCE_MORE,
        200,
    ),
    Row("truncated", cut_off(), K.TRUNCATED, A.NEXT_KEY, 502),
    Row("prompt blocked", judged({"promptFeedback": {"blockReason": "SAFETY"}}), K.BLOCKED, A.ANSWER, 200),
    Row("answer blocked", judged({"candidates": [{"finishReason": "SAFETY"}]}), K.BLOCKED, A.ANSWER, 200),
    Row(
        "account limited",
        judged(POLICY_LIMITED),
        K.ACCOUNT_LIMITED,
        A.NEXT_KEY,
        503,
        key=S.RESTING,
        key_rest_s=6 * HOUR_S,
        mate=S.RESTING,
    ),
    Row("cancelled", classify(499, seen.CANCELLED), K.CANCELLED, A.ANSWER, 499),
    Row("strange refusal", classify(403, seen.STRANGE_REFUSAL), K.UNKNOWN, A.NEXT_KEY, 503),
]


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_a_failure_has_its_kind_its_effect_and_its_consequence(row: Row) -> None:
    pool = pool_of(key(1, project="projects/4711"), key(2, project="projects/4711"), 3)
    lease = lent(pool)
    assert lease.key_id == 1

    assert row.failure.kind is row.kind
    changes = pool.report_failure(lease, row.failure, NOON_S)

    told = pool.explain(1, NOON_S)
    assert told is not None
    assert told.state is row.key
    assert told.until_s == (None if row.key_rest_s is None else NOON_S + row.key_rest_s)
    assert [pool.explain(other, NOON_S).state for other in (2, 3)] == [row.mate, S.ACTIVE]  # type: ignore[union-attr]
    bucket = told.buckets[0] if told.buckets else None
    assert (bucket.state if bucket else B.OPEN) is row.bucket
    assert (bucket.until_s - NOON_S if bucket else 0) == pytest.approx(row.bucket_rest_s)
    untouched = row.key is S.ACTIVE and row.bucket is B.OPEN
    assert (changes == ()) == untouched
    assert pool.busy.is_busy(MODEL, NOON_S) == row.busy

    decision = decide(row.failure, AttemptCount(), RetryLimits(max_retries=3, remaining_s=60), random=0.5)
    assert decision.action is row.action
    assert answered_status(row.failure) == row.answered


def test_every_kind_has_its_row() -> None:
    assert {row.kind for row in TABLE} == set(FailureKind)
