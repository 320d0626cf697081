"""The numbers of the overview are those of the calls behind them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.control.key_edits import NewKeys
from gateway.control.overview import PERIODS, Overview
from gateway.pool.bucket import BucketState
from gateway.pool.key import KeyState
from gateway.pool.lease import Lease
from gateway.protocols.failures import Failure, FailureKind
from gateway.services import Services
from tests.control.gateways import ADMIN, built, fake_key
from tests.control.waiting import until
from tests.store.conftest import OpenStore
from tests.store.samples import attempt_record, call_record

NOW_S = 1_700_000_030.0
NOW_MS = int(NOW_S * 1000)
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


@pytest.fixture
async def services(open_store: OpenStore) -> AsyncIterator[Services]:
    async with built(open_store(), TIMEZONE="UTC") as made:
        yield made


@pytest.fixture
def overview(services: Services) -> Overview:
    return Overview(
        services.store,
        services.pool,
        live=services.live,
        survey=services.desk.overview._survey,
        streams_open=lambda: 2,
        waiting=lambda: 1,
        wall_s=lambda: NOW_S,
    )


async def write(services: Services, *calls: tuple[int, dict[str, Any]]) -> None:
    """Calls that ended so many milliseconds ago."""
    for ago_ms, fields in calls:
        services.store.records.put(call_record(started_at_ms=NOW_MS - ago_ms, duration_ms=0, **fields))
    await until(lambda: services.store.health().written == len(calls))


async def test_calls_stand_in_their_steps_and_gaps_are_empty(services: Services, overview: Overview) -> None:
    await write(
        services,
        (0, {}),
        (1000, {"outcome": "rate_limited"}),
        (2 * MINUTE_MS, {}),
        (61 * MINUTE_MS, {}),
    )

    numbers = await overview.numbers("1h")

    assert len(numbers.steps) == 60
    assert numbers.steps[-1].outcomes == {"success": 1, "rate_limited": 1}
    assert [dict(step.outcomes) for step in numbers.steps[-4:-1]] == [{}, {"success": 1}, {}]
    assert (numbers.total.calls, numbers.failed) == (3, 1)
    assert numbers.success_rate == pytest.approx(2 / 3)
    assert numbers.steps[-1].at_ms <= NOW_MS < numbers.steps[-1].at_ms + MINUTE_MS


@pytest.mark.parametrize(("name", "steps"), [("1h", 60), ("8h", 96), ("24h", 96), ("7d", 168)])
async def test_every_period_has_all_its_steps_and_the_same_calls(
    services: Services, overview: Overview, name: str, steps: int
) -> None:
    await write(services, (0, {}), (30 * MINUTE_MS, {}))

    numbers = await overview.numbers(name)

    assert numbers.period is PERIODS[name]
    assert len(numbers.steps) == steps
    assert sum(step.sum.calls for step in numbers.steps) == numbers.total.calls == 2


async def test_without_a_call_nothing_is_divided_by_zero(overview: Overview) -> None:
    numbers = await overview.numbers("24h")

    assert (numbers.total.calls, numbers.success_rate, numbers.models) == (0, None, ())
    assert numbers.total.first_token_quantile_ms(0.5) is None


async def test_totals_count_back_from_now(services: Services, overview: Overview) -> None:
    await write(
        services,
        (0, {"total_tokens": 7}),
        (30 * MINUTE_MS, {}),
        (20 * HOUR_MS, {"total_tokens": 5}),
        (20 * 24 * HOUR_MS, {}),
    )

    numbers = await overview.numbers("7d")

    assert (numbers.minute, numbers.hour, numbers.day, numbers.month) == (1, 2, 3, 4)
    assert numbers.today.total_tokens == 12  # it is ten in the evening


async def test_the_last_minute_goes_on_when_the_clock_begins_a_new_one(
    services: Services, overview: Overview
) -> None:
    into_the_minute_ms = NOW_MS % MINUTE_MS
    await write(
        services, (into_the_minute_ms + 1, {}), (MINUTE_MS - 1000, {}), (MINUTE_MS + 1000, {}), (0, {})
    )

    numbers = await overview.numbers("1h")

    assert numbers.minute == 3


async def test_models_are_ranked_and_the_rest_is_one(services: Services, overview: Overview) -> None:
    calls = [(0, {"model": f"m-{number:02d}"}) for number in range(15)]
    await write(services, *calls, (0, {"model": "m-14", "outcome": "broken"}))

    numbers = await overview.numbers("24h")

    assert len(numbers.models) == 13
    assert (numbers.models[0].model, numbers.models[0].outcomes) == ("m-14", {"success": 1, "broken": 1})
    assert (numbers.models[-1].model, numbers.models[-1].sum.calls) == ("", 3)


async def test_keys_that_fail_most_are_worth_attention(services: Services, overview: Overview) -> None:
    added = await services.desk.keys.add(f"{fake_key(1)} {fake_key(2)}", NewKeys(), ADMIN)
    first, second = added.ids  # type: ignore[union-attr]
    await write(
        services,
        *((0, {"attempts": (attempt_record(1, key_id=first, failure_kind="rate_day"),)}),) * 2,
        *((0, {"attempts": (attempt_record(1, key_id=second, failure_kind="key_leaked"),)}),) * 3,
        (0, {"attempts": (attempt_record(1, key_id=second, failure_kind="overloaded"),)}),
        (0, {"attempts": (attempt_record(1, key_id=999, failure_kind="rate_day"),)}),
    )

    sick = await overview.usual_attention()

    assert [(each.key_id, each.kind, each.attempts) for each in sick] == [
        (second, "key_leaked", 3),
        (first, "rate_day", 2),
    ]
    assert fake_key(1) not in repr(sick)
    only = await overview.attention(["rate_day"], 1)
    assert [each.key_id for each in only] == [first]


async def test_what_the_pool_is_doing_is_told_by_model(services: Services, overview: Overview) -> None:
    added = await services.desk.keys.add(f"{fake_key(1)} {fake_key(2)}", NewKeys(), ADMIN)
    lease = services.pool.lease("gemini-3.5-flash", NOW_S, pinned=added.ids[0])  # type: ignore[union-attr]
    assert isinstance(lease, Lease)
    services.pool.report_failure(lease, Failure(FailureKind.RATE_DAY, 429), NOW_S)

    doing = overview.pool()

    assert doing.keys["gemini"][KeyState.ACTIVE] == 2
    (model,) = doing.models
    assert (model.model, model.keys[BucketState.OPEN], model.keys[BucketState.EXHAUSTED]) == (
        "gemini-3.5-flash",
        1,
        1,
    )
    assert model.next_s == NOW_S
    assert (doing.streams_open, doing.waiting) == (2, 1)
