"""How calls end, in a few words that metrics and the request log share."""

import enum

from gateway.protocols.failures import FailureKind


class Outcome(enum.StrEnum):
    """One of these for every call; the failure kind tells more."""

    SUCCESS = "success"
    BLOCKED = "blocked"  # answered truthfully: the content was blocked
    CLIENT_ERROR = "client_error"
    CLIENT_CLOSED = "client_closed"
    NO_KEY = "no_key"  # every key rests, or there is none
    RATE_LIMITED = "rate_limited"
    UPSTREAM_ERROR = "upstream_error"
    BROKEN = "broken"  # after the first content


_SUCCESS = Outcome.SUCCESS
_CLIENT = frozenset({FailureKind.CLIENT_ERROR, FailureKind.NOT_FOUND, FailureKind.OBJECT_DENIED})
_RATE = frozenset(
    {
        FailureKind.RATE_MINUTE,
        FailureKind.TOKENS_MINUTE,
        FailureKind.RATE_DAY,
        FailureKind.RATE_UNKNOWN,
        FailureKind.NO_ALLOWANCE,
    }
)


def outcome_of(kind: FailureKind | None, *, committed: bool) -> Outcome:
    """The outcome of a call by its last failure; None is a whole answer."""
    if kind is None:
        return _SUCCESS
    if kind is FailureKind.BLOCKED:
        return Outcome.BLOCKED
    if committed:
        return Outcome.BROKEN
    if kind in _CLIENT:
        return Outcome.CLIENT_ERROR
    return Outcome.RATE_LIMITED if kind in _RATE else Outcome.UPSTREAM_ERROR
