"""What is summed up of calls: the columns they share, and a sum as a value.

Used by the tables that are added to with every batch (rollup.py) and by those who read them (usage.py).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

FIRST_TOKEN_BOUNDS_MS = (100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000)
"""Upper bounds of the counts of times to first token; those beyond the last are `first_tokens` less them."""
SUMS = (
    *("calls attempts prompt_tokens completion_tokens thought_tokens cached_tokens total_tokens".split()),
    *("duration_ms first_tokens first_token_ms".split()),
    *(f"within_{bound_ms}" for bound_ms in FIRST_TOKEN_BOUNDS_MS),
)
"""The summed columns, in the order of UsageSum's fields; the last ones are its `first_token_counts`."""
Told = tuple[int, int, int, int, int, int, int, int | None]
"""What one call adds: SUMS from `attempts` to `duration_ms`, and its time to first token."""
_PLAIN = len(SUMS) - len(FIRST_TOKEN_BOUNDS_MS)


@dataclass(frozen=True, slots=True)
class UsageSum:
    """A sum over calls.

    attempts             tries on keys
    first_tokens         calls that had a first token; first_token_ms is the sum of their times to it
    first_token_counts   of those, how many had it within each of FIRST_TOKEN_BOUNDS_MS and not the one before
    """

    calls: int = 0
    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    thought_tokens: int = 0
    cached_tokens: int = 0
    total_tokens: int = 0
    duration_ms: int = 0
    first_tokens: int = 0
    first_token_ms: int = 0
    first_token_counts: tuple[int, ...] = (0,) * len(FIRST_TOKEN_BOUNDS_MS)

    def plus(self, other: "UsageSum") -> "UsageSum":
        """Both together."""
        return sum_of([mine + theirs for mine, theirs in zip(self._row(), other._row(), strict=True)])

    def _row(self) -> list[int]:
        plain = [getattr(self, column) for column in SUMS[:_PLAIN]]
        return [*plain, *self.first_token_counts]

    def first_token_quantile_ms(self, share: float) -> float | None:
        """About the time to first token that a share of the calls stayed within; None without any.

        Inside one of the bounds the times are taken to be spread evenly; beyond the last one it is said.
        """
        if not self.first_tokens:
            return None
        wanted = share * self.first_tokens
        below_ms = passed = 0
        for bound_ms, count in zip(FIRST_TOKEN_BOUNDS_MS, self.first_token_counts, strict=True):
            if count and passed + count >= wanted:
                return below_ms + (bound_ms - below_ms) * (wanted - passed) / count
            below_ms, passed = bound_ms, passed + count
        return float(FIRST_TOKEN_BOUNDS_MS[-1])


def sum_of(row: Sequence[int]) -> UsageSum:
    """A sum from the values of SUMS in their order; databases give decimals and None for no rows."""
    values = [int(value or 0) for value in row]
    plain = dict(zip(SUMS, values[:_PLAIN], strict=False))
    return UsageSum(**plain, first_token_counts=tuple(values[_PLAIN:]))


def sums_of(told: Iterable[Told]) -> list[int]:
    """The values of SUMS in their order, over some calls."""
    *columns, firsts_ms = zip(*told, strict=True)
    came_ms = sorted(ms for ms in firsts_ms if ms is not None)
    within = [bisect_right(came_ms, bound_ms) for bound_ms in FIRST_TOKEN_BOUNDS_MS]
    counts = [count - before for before, count in pairwise((0, *within))]
    return [len(firsts_ms), *map(sum, columns), len(came_ms), sum(came_ms), *counts]
