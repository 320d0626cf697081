"""What may be asked of the pool: why a key rests, how many are open, when the next one is.

Nothing here changes what the pool knows, but for rests that are over. `Pool` is built on it.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from gateway.pool.bucket import Bucket
from gateway.pool.changes import KeyChange, KeyExplanation, LimitExplanation, PoolCounts, key_change
from gateway.pool.explaining import count_keys, explain_key, limits_of
from gateway.pool.key import GEMINI, Key, KeyState
from gateway.pool.rests import Rest, next_rests
from gateway.pool.roster import Roster


class PoolQuestions:
    """The rosters by provider, and what can be read from them."""

    __slots__ = ("_rosters",)

    def __init__(self) -> None:
        self._rosters: dict[str, Roster] = {}

    @property
    def providers(self) -> Sequence[str]:
        """Every provider that has or had a key."""
        return list(self._rosters)

    def explain(self, key_id: int, now_s: float) -> KeyExplanation | None:
        """Say why a key rests, until when, and what was seen; None for a key that is not here."""
        found = self._find(key_id)
        return None if found is None else explain_key(*found, now_s)

    def standing(self, key_id: int, now_s: float) -> KeyChange | None:
        """Say how a key as a whole stands; None for a key that is not here. Costs no look at its buckets."""
        found = self._find(key_id)
        if found is None:
            return None
        roster, key = found
        roster.wake(now_s, -1)
        return key_change(key, now_s)

    def standings(self, now_s: float, most: int) -> Iterator[KeyChange]:
        """Say how the first keys stand, by the order of their ids within a provider."""
        left = most
        for roster in self._rosters.values():
            roster.wake(now_s, -1)
            for key in islice(roster.by_id.values(), left):
                left -= 1
                yield key_change(key, now_s)

    def learned_limits(self, now_s: float) -> Iterator[tuple[str, LimitExplanation]]:
        """Give every learned limit with its provider. The pool may change while this is read."""
        for provider, roster in list(self._rosters.items()):
            for ring in list(roster.rings.values()):
                for meter in list(ring.meters.values()):
                    for limit in limits_of(meter, now_s):
                        yield provider, limit

    def resting_buckets(self, now_s: float, *, provider: str = "", model: str | None = None) -> list[Bucket]:
        """The buckets that rest, of one provider and model or of all: a new list of the pool's own buckets.

        For questions about a hundred thousand of them, asked on another thread, which only reads.
        """
        found: list[Bucket] = []
        for name, roster in self._rosters.items():
            if provider in ("", name):
                roster.settle(now_s)
                rings = roster.rings.values() if model is None else filter(None, [roster.rings.get(model)])
                for ring in rings:
                    found += ring.buckets.values()
        return found

    def counts(self, now_s: float, *, provider: str = GEMINI) -> PoolCounts:
        """Count keys by state, and by model. Exact; costs what has to wake, not the number of keys."""
        roster = self._rosters.get(provider)
        if roster is None:
            return PoolCounts(dict.fromkeys(KeyState, 0), {})
        return count_keys(roster, now_s)

    def open_keys(self, model: str, now_s: float, *, provider: str = GEMINI) -> int:
        """Count the keys that can serve the model now: how many waiting calls may go."""
        roster = self._rosters.get(provider)
        if roster is None:
            return 0
        roster.settle(now_s)
        ring = roster.rings.get(model)
        return roster.tally[KeyState.ACTIVE] if ring is None else len(ring.turns)

    def next_usable(self, model: str, now_s: float, *, provider: str = GEMINI) -> float | None:
        """Give when a key can serve the model: `now_s` when one can now, None when none ever will."""
        roster = self._rosters.get(provider)
        if roster is None:
            return None
        roster.settle(now_s)
        ring = roster.rings.get(model)
        if ring is None:  # asking does not make a model known
            return now_s if roster.tally[KeyState.ACTIVE] else roster.next_usable_s(None)
        return now_s if len(ring.turns) else roster.next_usable_s(ring)

    def rests(self, now_s: float, most: int) -> list[Rest]:
        """Give the rests that end first, of every provider. Costs a look at so many, not at all of them."""
        found: list[Rest] = []
        for roster in self._rosters.values():
            roster.settle(now_s)
            found += next_rests(roster, most)
        return sorted(found, key=lambda rest: rest.until_s)[:most]

    def _find(self, key_id: int) -> tuple[Roster, Key] | None:
        for roster in self._rosters.values():
            key = roster.by_id.get(key_id)
            if key is not None:
                return roster, key
        return None
