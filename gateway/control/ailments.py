"""Failures that make a key worth an administrator's attention, in groups that ask for different things."""

import enum
from collections.abc import Mapping
from types import MappingProxyType

from gateway.protocols.failure_kinds import FailureKind


class Ailment(enum.StrEnum):
    """What is the matter."""

    KEY = "key"  # the key or its project is refused: replace or mend it
    QUOTA = "quota"  # it is used up: wait, or add keys
    OTHER = "other"  # the provider or the way to it: look whether it is always the same key


KINDS: Mapping[Ailment, tuple[FailureKind, ...]] = MappingProxyType(
    {
        Ailment.KEY: (
            FailureKind.KEY_INVALID,
            FailureKind.KEY_LEAKED,
            FailureKind.KEY_BLOCKED,
            FailureKind.PROJECT_SUSPENDED,
            FailureKind.PROJECT_DENIED,
            FailureKind.SERVICE_DISABLED,
            FailureKind.BILLING,
            FailureKind.ACCOUNT_LIMITED,
        ),
        Ailment.QUOTA: (
            FailureKind.RATE_MINUTE,
            FailureKind.TOKENS_MINUTE,
            FailureKind.RATE_DAY,
            FailureKind.RATE_UNKNOWN,
            FailureKind.NO_ALLOWANCE,
        ),
        Ailment.OTHER: (
            FailureKind.LOCATION,
            FailureKind.OVERLOADED,
            FailureKind.INTERNAL,
            FailureKind.DEADLINE,
            FailureKind.NETWORK,
            FailureKind.TIMEOUT,
            FailureKind.EMPTY,
            FailureKind.MALFORMED,
            FailureKind.TRUNCATED,
            FailureKind.UNKNOWN,
        ),
    }
)


def ailment_of(kind: FailureKind) -> Ailment:
    """The group of a failure kind."""
    return next((ailment for ailment, kinds in KINDS.items() if kind in kinds), Ailment.OTHER)
