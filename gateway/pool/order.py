"""The order in which keys are used: a setting of the pool that may change while it works.

Values only. `turns` takes them at their word.
"""

import enum
from dataclasses import dataclass

MAX_WEIGHT = 100

LaneId = tuple[int, int]
"""(group, weight): keys of one lane take strict turns. The lowest group is served first."""


class OrderKind(enum.StrEnum):
    """Whose turn it is."""

    ROUND_ROBIN = "round_robin"  # every key in turn, by weight
    LEAST_BUSY = "least_busy"  # the key with the fewest calls under way; ties in turn; weights do not matter
    PRIORITY = "priority"  # round robin among the first group of tags that has an open key


@dataclass(frozen=True, slots=True)
class Order:
    """How keys are chosen.

    tags   PRIORITY: the best first, for example ("free", "paid"). A key belongs to the first tag it bears;
           keys that bear none come last
    """

    kind: OrderKind = OrderKind.ROUND_ROBIN
    tags: tuple[str, ...] = ()

    def lane(self, tags: tuple[str, ...], weight: int) -> LaneId:
        """Say with whom a key of these tags and this weight takes turns. Weights are held to 1 … 100."""
        if self.kind is OrderKind.LEAST_BUSY:
            return (0, 1)
        group = 0
        if self.kind is OrderKind.PRIORITY:
            group = next((place for place, tag in enumerate(self.tags) if tag in tags), len(self.tags))
        return (group, min(max(weight, 1), MAX_WEIGHT))
