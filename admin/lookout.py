"""Where pages ask how the gateway is doing: one place for all, so that many who look cost as much as one."""

from dataclasses import dataclass, field

from gateway.control.ailments import KINDS, Ailment
from gateway.control.freshness import Freshness
from gateway.control.overview import Numbers, PoolNumbers, Sick
from gateway.control.pulse import Pulse, take_pulse
from gateway.pool.rests import Rest
from gateway.services import Services

_PULSE_S, _NUMBERS_S = 1.0, 4.0
"""How long answers are kept."""
MOST_AILING = 8
MOST_RESTS = 8


@dataclass(frozen=True, slots=True)
class Lookout:
    """The questions. Those to the database raise StoreError while it is away; `pulse` and `pool` never do."""

    services: Services
    fresh: Freshness = field(default_factory=Freshness)

    @property
    def now_s(self) -> float:
        return self.services.engine.wall_s()

    async def pulse(self) -> Pulse:
        """Is it working right now?"""
        services = self.services
        return await self.fresh.get(
            "pulse", _PULSE_S, lambda: take_pulse(services.store, services.pool, services.engine.wall_s)
        )

    async def numbers(self, period: str) -> Numbers:
        """Calls of one of the overview's periods."""
        overview = self.services.desk.overview
        return await self.fresh.get(("numbers", period), _NUMBERS_S, lambda: overview.numbers(period))

    async def ailing(self, ailment: Ailment | None) -> tuple[Sick, ...]:
        """The keys that failed most in 24 hours, for one group of reasons or for any."""
        groups = KINDS.values() if ailment is None else (KINDS[ailment],)
        kinds = [kind.value for group in groups for kind in group]
        overview = self.services.desk.overview
        return await self.fresh.get(
            ("ailing", ailment), _NUMBERS_S, lambda: overview.attention(kinds, MOST_AILING)
        )

    def pool(self) -> PoolNumbers:
        """What the pool is doing."""
        return self.services.desk.overview.pool()

    def rests(self) -> list[Rest]:
        """Who comes back next."""
        return self.services.pool.rests(self.now_s, MOST_RESTS)

    async def streams(self) -> int:
        """How many streams are open, over all workers of the machine."""
        return await self.fresh.get("streams", _PULSE_S, self._count_streams)

    async def _count_streams(self) -> int:
        siblings = self.services.siblings
        if siblings is None:
            return self.services.ledger.streams_open
        return int(await siblings.gauge("gateway_streams_open"))
