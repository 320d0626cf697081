"""What is read of the pool at a scrape: keys one by one and together, and that it stays small."""

from collections.abc import Mapping

import orjson
import pytest

from gateway.control.readings import PoolReadings
from gateway.control.survey import QuotaSurvey
from gateway.control.tokens import Token, TokenBook
from gateway.metrics.metrics import Metrics
from gateway.pool.key import KeySpec
from gateway.pool.lease import Lease
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.protocols.failures import Failure, FailureKind, classify
from tests.fakes import gemini_errors
from tests.fakes.clock import FakeClock
from tests.metrics.samples import CALL, MODEL, families, value

# 2026-11-25, 12:00 in Los Angeles.
NOON_S = 1_795_636_800.0


class Readings:
    """A pool, and a scrape of it."""

    def __init__(self, count: int, *, most_keys: int = 200) -> None:
        self.clock = FakeClock(NOON_S)
        self.metrics = Metrics()
        self.tokens = TokenBook()
        self.pool = Pool(PoolLimits(), lambda: 0.0)
        self.pool.apply(
            KeySpec(id=number, alias=f"AI…{number}", secret=f"key-{number}") for number in range(1, count + 1)
        )
        self.readings = PoolReadings(
            self.metrics,
            self.pool,
            QuotaSurvey(self.pool, self.clock),
            wall_s=self.clock,
            most_keys=lambda: most_keys,
            tokens=self.tokens,
        )
        self.readings.watch()

    def fail(self, kind: FailureKind, status: int, **more: object) -> int:
        """Have the key whose turn it is fail, and give its id."""
        lease = self.pool.lease(MODEL, self.clock())
        assert isinstance(lease, Lease)
        failure = Failure(kind=kind, status=status, **more)  # type: ignore[arg-type]
        self.pool.report_failure(lease, failure, self.clock())
        return lease.key_id

    def told(self, name: str, **labels: str) -> float:
        return value(self.metrics, name, **labels)

    def labels(self, name: str) -> list[Mapping[str, str]]:
        return [sample.labels for sample in families(self.metrics)[name].samples]


def test_each_key_is_told_with_its_state_and_only_that_one() -> None:
    here = Readings(2)
    dead = here.fail(FailureKind.KEY_LEAKED, 403)

    assert here.told("gateway_key_up", key_id=str(dead)) == 0
    assert here.told("gateway_key_up", key_id="2" if dead == 1 else "1", provider="gemini") == 1
    states = {labels["key_id"]: labels["state"] for labels in here.labels("gateway_key_state")}
    assert sorted(states.values()) == ["active", "dead"]
    assert states[str(dead)] == "dead"
    assert here.told("gateway_keys", state="dead", provider="gemini") == 1


def test_a_resting_key_is_told_with_the_reason_and_the_time_left() -> None:
    here = Readings(1)
    here.fail(FailureKind.BILLING, 403)
    here.clock.advance(600.0)

    assert here.told("gateway_key_rest_seconds", reason="billing", key="AI…1") == 6 * 3600 - 600
    assert here.told("gateway_key_state", state="resting", key_id="1") == 1
    assert here.told("gateway_keys", state="resting") == 1


def test_a_model_whose_keys_rest_is_told_with_the_time_to_the_next() -> None:
    here = Readings(1)
    here.fail(FailureKind.RATE_MINUTE, 429, retry_after_s=40.0)
    here.clock.advance(10.0)

    assert here.told("gateway_next_key_seconds", model=MODEL, provider="gemini") == pytest.approx(30.0)
    assert here.told("gateway_model_keys", model=MODEL, state="cooling") == 1


async def test_learned_limits_are_told_with_what_is_left_of_them() -> None:
    here = Readings(2)
    for each in (gemini_errors.rate_minute(limit=20), gemini_errors.rate_day(limit=250)):
        lease = here.pool.lease(MODEL, here.clock())
        assert isinstance(lease, Lease)
        failure = classify(each.status, orjson.dumps(each.body))
        here.pool.report_failure(lease, failure, here.clock())
    await here.readings.refresh()

    quota = {"provider": "gemini", "model": MODEL, "unit": "requests"}
    assert here.told("gateway_learned_quota_limit", **quota, window="minute") == 20
    assert here.told("gateway_learned_quota_limit", **quota, window="day") == 250
    assert here.told("gateway_learned_quota_left", **quota, window="day") == 0, "it was refused"


async def test_a_deleted_access_token_loses_its_series() -> None:
    here = Readings(1)
    here.tokens.replace([("sk-a", Token(1, "Alice")), ("sk-b", Token(2, "Bob"))], admin_secret="sk-admin")
    for token_id in (1, 2, None):
        here.metrics.call_over(CALL, provider="gemini", token=here.tokens.name_of(token_id), own_s=0.001)

    here.tokens.replace([("sk-b", Token(2, "Bob"))], admin_secret="sk-admin")
    await here.readings.refresh()

    assert {labels["token"] for labels in here.labels("gateway_token_calls")} == {"Bob", "admin"}
    assert {labels["token"] for labels in here.labels("gateway_token_tokens")} == {"Bob", "admin"}
    assert here.tokens.name_of(1) == ""


def test_daily_quota_comes_back_at_midnight_in_los_angeles() -> None:
    assert Readings(1).told("gateway_quota_reset_seconds") == 12 * 3600


async def test_a_key_beyond_the_bound_has_no_series_and_none_is_told_twice() -> None:
    here = Readings(10_000, most_keys=50)
    await here.readings.refresh()
    for key_id in (1, 50, 51):
        here.metrics.attempts_over(MODEL, None, key_id)

    for name in ("gateway_key_up", "gateway_key_state"):
        ids = [labels["key_id"] for labels in here.labels(name)]
        assert sorted(map(int, ids)) == list(range(1, 51))
    assert [labels["key_id"] for labels in here.labels("gateway_key_attempts")] == ["1", "50"]
    assert here.told("gateway_keys", state="active") == 10_000


async def test_the_size_of_a_scrape_does_not_grow_with_the_keys() -> None:
    few, many = Readings(300), Readings(20_000)
    for each in (few, many):
        await each.readings.refresh()

    assert _lines(many) == _lines(few)


def _lines(readings: Readings) -> int:
    return len(readings.metrics.exposition()[0].splitlines())
