"""Which keys, in which order: what lists of keys ask the database for. Values without SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

KeyStanding = Literal["ready", "resting", "dead", "disabled"]
STANDINGS: tuple[KeyStanding, ...] = ("ready", "resting", "dead", "disabled")
KeySort = Literal["added", "alias", "used", "failures", "last_used"]


@dataclass(frozen=True, slots=True)
class Owners:
    """Keys by whose quota they use: their own, or a project's."""

    key_ids: frozenset[int] = frozenset()
    projects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KeyQuery:
    """Which keys, in which order.

    text       part of the alias, note, tags or project, or a whole key
    standings  none for all
    reason     why it is dead or rests: a failure kind
    failed     a failure kind it met since the epoch hour `since_hour`
    owners     only keys of these; `besides` keys of any others
    now_ms     for rests that are over
    day        for orders by use
    """

    now_ms: int
    day: int = 0
    text: str = ""
    provider: str = ""
    standings: tuple[KeyStanding, ...] = ()
    reason: str = ""
    failed: str = ""
    since_hour: int = 0
    tag: str = ""
    project: str = ""
    owners: Owners | None = None
    besides: Owners | None = None
    sort: KeySort = "added"
    descending: bool = False

    @property
    def wanted(self) -> tuple[KeyStanding, ...]:
        """The standings that keys may have."""
        return self.standings or STANDINGS

    def total(self, counts: Mapping[KeyStanding, int]) -> int:
        """How many keys match, of those counted by their standings."""
        return sum(counts[each] for each in self.wanted)

    @property
    def is_narrow(self) -> bool:
        """Whether more is asked than a standing and a provider."""
        asked = (self.text, self.reason, self.failed, self.tag, self.project)
        return any(asked) or self.owners is not None or self.besides is not None
