"""The ways calls end, in the four groups that charts and rates tell apart."""

import enum
from collections.abc import Mapping
from types import MappingProxyType

from gateway.relay.outcomes import Outcome


class Ending(enum.StrEnum):
    """Whose doing it was."""

    SUCCESS = "success"
    CLIENT = "client"  # answered truthfully, but the request or its content was refused, or the client left
    LIMITED = "limited"  # no key could serve it: quota
    FAILED = "failed"  # the provider or the way to it


OUTCOMES: Mapping[Ending, tuple[Outcome, ...]] = MappingProxyType(
    {
        Ending.SUCCESS: (Outcome.SUCCESS,),
        Ending.CLIENT: (Outcome.BLOCKED, Outcome.CLIENT_ERROR, Outcome.CLIENT_CLOSED),
        Ending.LIMITED: (Outcome.NO_KEY, Outcome.RATE_LIMITED),
        Ending.FAILED: (Outcome.UPSTREAM_ERROR, Outcome.BROKEN),
    }
)
_ENDINGS: Mapping[str, Ending] = MappingProxyType(
    {outcome.value: ending for ending, outcomes in OUTCOMES.items() for outcome in outcomes}
)


def ending_of(outcome: str) -> Ending:
    """The group of a recorded outcome; one this version does not know is taken for a failure."""
    return _ENDINGS.get(outcome, Ending.FAILED)


def success_share(outcomes: Mapping[str, int]) -> float | None:
    """Of the calls that were not the client's own doing, how many succeeded; None without any."""
    endings = by_ending(outcomes)
    ours = sum(endings.values()) - endings[Ending.CLIENT]
    return endings[Ending.SUCCESS] / ours if ours else None


def failed_calls(outcomes: Mapping[str, int]) -> int:
    """How many calls were not served that should have been."""
    endings = by_ending(outcomes)
    return endings[Ending.LIMITED] + endings[Ending.FAILED]


def by_ending(outcomes: Mapping[str, int]) -> dict[Ending, int]:
    """Calls by recorded outcome → calls by group, in the groups' order."""
    endings = dict.fromkeys(Ending, 0)
    for outcome, count in outcomes.items():
        endings[ending_of(outcome)] += count
    return endings
