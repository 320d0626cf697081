"""Short ways to make keys, pools and failures for the pool's tests."""

from gateway.pool.key import KeySpec
from gateway.pool.lease import Lease
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.protocols.failures import Failure, FailureKind, QuotaViolation

# A Wednesday, 12:00 in Los Angeles, and a whole minute.
NOON_S = 1_768_420_800.0
MODEL = "gemini-3-flash"


def key(key_id: int, **changes: object) -> KeySpec:
    values: dict[str, object] = {"id": key_id, "alias": f"k{key_id}", "secret": f"secret-{key_id}"} | changes
    return KeySpec(**values)  # type: ignore[arg-type]  # the test names the fields it cares about


def pool_of(*keys: KeySpec | int, jitter: float = 0.0, **limits: float) -> Pool:
    pool = Pool(PoolLimits(**limits), lambda: jitter)  # type: ignore[arg-type]  # some limits are counts
    pool.apply(item if isinstance(item, KeySpec) else key(item) for item in keys)
    return pool


def lent(pool: Pool, model: str = MODEL, now_s: float = NOON_S, **options: object) -> Lease:
    """Lease, and insist on getting one."""
    got = pool.lease(model, now_s, **options)  # type: ignore[arg-type]  # passed on as they are
    assert isinstance(got, Lease), got
    return got


def turns(pool: Pool, count: int, model: str = MODEL, now_s: float = NOON_S) -> list[int]:
    """The ids of so many successful calls, one after the other."""
    ids = []
    for _ in range(count):
        lease = lent(pool, model, now_s)
        pool.report_success(lease, now_s)
        ids.append(lease.key_id)
    return ids


def failure(kind: FailureKind, **facts: object) -> Failure:
    return Failure(kind, **({"status": 429} | facts))  # type: ignore[arg-type]  # the test names the facts


def fail(pool: Pool, kind: FailureKind, model: str = MODEL, now_s: float = NOON_S, **facts: object) -> int:
    """Let the next key fail; its id."""
    lease = lent(pool, model, now_s)
    pool.report_failure(lease, failure(kind, **facts), now_s)
    return lease.key_id


def per_minute(value: int | None, *, tokens: bool = False) -> QuotaViolation:
    if tokens:
        return QuotaViolation(
            "GenerateContentInputTokensPerModelPerMinute-FreeTier",
            "generativelanguage.googleapis.com/generate_content_free_tier_input_token_count",
            value,
            "minute",
            tokens=True,
        )
    return QuotaViolation(
        "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
        "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        value,
        "minute",
        tokens=False,
    )


def per_day(value: int | None) -> QuotaViolation:
    return QuotaViolation(
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
        "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        value,
        "day",
        tokens=False,
    )


def teach(
    pool: Pool, violation: QuotaViolation, *, key_id: int = 1, now_s: float = NOON_S, after_s: float = 20.0
) -> float:
    """Let a key be refused for a limit; when the minute after it is over and all of it is free again."""
    kind = FailureKind.TOKENS_MINUTE if violation.tokens else FailureKind.RATE_MINUTE
    if violation.window == "day":
        kind = FailureKind.RATE_DAY
    lease = lent(pool, pinned=key_id, now_s=now_s)
    pool.report_failure(lease, failure(kind, retry_after_s=after_s, violations=(violation,)), now_s)
    return now_s + 64
