"""Which rows of a growing table were seen, when ids may become visible out of their order.

Pure; MySQL gives an id before the commit, so that a row may appear below one that was read already.
"""

from collections.abc import Iterable, Sequence


class Sightings:
    """The highest id seen, and the ids below it that were not there.

    A missing id is looked for during `patience_s`: longer no transaction of ours takes. Ids that were
    never used (a change undone, a cluster that counts in steps) are given up then.
    """

    MOST_MISSING = 1000

    def __init__(self, *, patience_s: float = 30.0) -> None:
        self._patience_s = patience_s
        self._missing: dict[int, float] = {}
        self.last_id = 0

    def begin(self, last_id: int, lately: Iterable[int], now_s: float) -> None:
        """Start behind `last_id`; `lately` are the ids there up to it: gaps between them may fill."""
        seen = sorted(lately)
        self.last_id = seen[0] if seen else last_id
        self.saw(seen, now_s)
        self.last_id = max(self.last_id, last_id)

    def saw(self, ids: Sequence[int], now_s: float) -> None:
        """Note rows seen at a time, late ones among them."""
        for seen in sorted(ids):
            if seen <= self.last_id:
                self._missing.pop(seen, None)
                continue
            skipped = range(max(self.last_id + 1, seen - self.MOST_MISSING), seen)
            self._missing.update(dict.fromkeys(skipped, now_s + self._patience_s))
            self.last_id = seen
        self._forget(now_s)

    @property
    def missing(self) -> list[int]:
        """The ids to look for again."""
        return list(self._missing)

    def _forget(self, now_s: float) -> None:
        # In the order they were missed, so the first are given up first.
        for number in list(self._missing):
            if self._missing[number] > now_s and len(self._missing) <= self.MOST_MISSING:
                return
            del self._missing[number]
