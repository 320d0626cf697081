"""`/`: how the gateway is doing; for whoever is not signed in, the form to do so."""

import asyncio
from collections.abc import Collection, Mapping

from admin.base import PageHandler, local_path
from admin.charts import outcome_chart
from admin.contexts.overview import Ailing, ModelStanding, ModelUse, OverviewPage, Quota
from admin.lookout import Lookout
from admin.readers import Reader
from admin.sign_in import show_sign_in
from gateway.control.ailments import Ailment
from gateway.control.endings import success_share
from gateway.control.overview import PERIODS, ModelNumbers, Numbers, PoolNumbers, Sick
from gateway.control.overview import ModelStanding as Standing
from gateway.errors import StoreError
from gateway.pool.bucket import BucketState
from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.key import GEMINI
from gateway.protocols.failure_kinds import FailureKind

USUAL_PERIOD = "24h"
MOST_STANDINGS = 10


class OverviewHandler(PageHandler):
    """The overview; `range` and `ailment` in the address say what of it."""

    is_open = True
    section = "overview"

    async def get(self) -> None:
        if self.session is None:
            await show_sign_in(self, local_path(self.get_query_argument("next", "/")))
            return
        asked = {name: self.get_query_argument(name, "") for name in ("range", "ailment")}
        page = await overview_page(self.parts.lookout, asked, self.reader, origin=self.origin)
        await self.show("pages/overview.html", page, fragment="fragments/overview/live.html")

    head = get

    def events_address(self) -> str:
        return f"/events/overview?{self.request.query}"


async def overview_page(
    lookout: Lookout, asked: Mapping[str, str], reader: Reader, *, origin: str
) -> OverviewPage:
    """The overview that an address asks for. A database that is away costs its calls, not the rest.

    asked   `range`, one of PERIODS, and `ailment`
    """
    period = PERIODS.get(asked.get("range", "")) or PERIODS[USUAL_PERIOD]
    ailment = next((each for each in Ailment if each.value == asked.get("ailment")), None)
    numbers: Numbers | None = None
    ailing: tuple[Sick, ...] = ()
    try:
        numbers, ailing = await asyncio.gather(lookout.numbers(period.name), lookout.ailing(ailment))
    except StoreError:
        numbers = None
    models = tuple(_use(each) for each in numbers.models if each.sum.calls) if numbers else ()
    standings = _standings(lookout.pool(), {use.model for use in models})
    return OverviewPage(
        now_ms=int(lookout.now_s * 1000),
        period=period.name,
        pulse=await lookout.pulse(),
        numbers=numbers,
        chart=outcome_chart(numbers.steps, period, reader) if numbers else None,
        models=models,
        ailment=ailment,
        ailing=tuple(_ailing(lookout, each) for each in ailing),
        standings=tuple(standings[:MOST_STANDINGS]),
        more_standings=max(len(standings) - MOST_STANDINGS, 0),
        rests=tuple(lookout.rests()),
        renew_s=next_pacific_midnight(lookout.now_s),
        streams=await lookout.streams(),
        origin=origin,
    )


def _use(numbers: ModelNumbers) -> ModelUse:
    return ModelUse(
        model=numbers.model,
        calls=numbers.sum.calls,
        share=success_share(numbers.outcomes),
        tokens=numbers.sum.total_tokens,
        first_token_ms=numbers.sum.first_token_quantile_ms(0.5),
    )


def _ailing(lookout: Lookout, sick: Sick) -> Ailing:
    standing = lookout.services.pool.standing(sick.key_id, lookout.now_s)
    return Ailing(
        key_id=sick.key_id,
        alias=sick.alias,
        state=None if standing is None else standing.state,
        kind=FailureKind(sick.kind),
        attempts=sick.attempts,
    )


def _standings(pool: PoolNumbers, used: Collection[str]) -> list[ModelStanding]:
    """The models worth telling of, those that can do least first: names that clients make up rest nowhere."""
    worth = [
        each
        for each in pool.models
        if each.model in used
        or any(count for state, count in each.keys.items() if state is not BucketState.OPEN)
    ]
    worth.sort(key=lambda each: (each.keys[BucketState.OPEN], each.provider, each.model))
    return [_standing(each, pool) for each in worth]


def _standing(standing: Standing, pool: PoolNumbers) -> ModelStanding:
    ready = standing.keys[BucketState.OPEN]
    return ModelStanding(
        provider="" if standing.provider == GEMINI else standing.provider,
        model=standing.model,
        ready=ready,
        resting=standing.keys[BucketState.COOLING],
        exhausted=standing.keys[BucketState.EXHAUSTED],
        unavailable=standing.keys[BucketState.UNAVAILABLE],
        next_s=None if ready else standing.next_s,
        quotas=tuple(
            Quota(name.unit != "requests", left.buckets, left.limit - left.used, left.limit)
            for name, left in sorted(pool.quota_left.items(), key=lambda item: item[0].unit, reverse=True)
            if (name.provider, name.model, name.window) == (standing.provider, standing.model, "day")
        ),
    )
