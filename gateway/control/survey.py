"""What is left of the limits that were learned, added up per model: for `/metrics` and the admin's overview.

A hundred thousand keys have as many buckets, so they are looked at in slices, beside the calls.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from gateway.pool.pool import Pool

EVERY_S = 5.0
_SLICE = 500


class QuotaName(NamedTuple):
    """unit   "requests" or "input_tokens" """

    provider: str
    model: str
    window: str
    unit: str


@dataclass(slots=True)
class QuotaLeft:
    """Over all keys and projects with such a limit: what they may use, and what they have used."""

    limit: int = 0
    used: int = 0
    buckets: int = 0


class QuotaSurvey:
    """The last survey; empty before the first."""

    def __init__(self, pool: Pool, wall_s: Callable[[], float]) -> None:
        self._pool = pool
        self._wall_s = wall_s
        self.left: Mapping[QuotaName, QuotaLeft] = {}

    async def look(self) -> None:
        """Survey the pool anew."""
        found: dict[QuotaName, QuotaLeft] = {}
        limits = self._pool.learned_limits(self._wall_s())
        while taken := list(islice(limits, _SLICE)):
            for provider, limit in taken:
                unit = "input_tokens" if limit.tokens else "requests"
                left = found.setdefault(QuotaName(provider, limit.model, limit.window, unit), QuotaLeft())
                left.limit += limit.limit
                left.used += min(limit.used, limit.limit)
                left.buckets += 1
            await asyncio.sleep(0)
        self.left = found
