"""A bucket: the quota of one owner for one model, as far as it differs from "open".

Owner is the project when known, else the key, because Google counts quota per project and model.
A bucket exists only while there is something to remember; changed only by `selection`.
"""

import enum
from types import MappingProxyType

from gateway.protocols.failures import FailureKind

Owner = int | str


class BucketState(enum.StrEnum):
    """What a bucket may do."""

    OPEN = "open"
    COOLING = "cooling"
    EXHAUSTED = "exhausted"  # until Pacific midnight
    UNAVAILABLE = "unavailable"  # the model is not offered to this owner


RESTING_STATES = MappingProxyType(
    {
        FailureKind.RATE_MINUTE: BucketState.COOLING,
        FailureKind.TOKENS_MINUTE: BucketState.COOLING,
        FailureKind.RATE_UNKNOWN: BucketState.COOLING,
        FailureKind.RATE_DAY: BucketState.EXHAUSTED,
        FailureKind.NO_ALLOWANCE: BucketState.UNAVAILABLE,
    }
)


class Bucket:
    """What is remembered of one owner and model.

    learned     it rests because a learned limit is used up, not because the provider said so just now
    streak      rests in a row for the same unexplained reason, which make the next one longer
    forget_s    an open bucket is dropped at this time
    serial      number of the last lease given before the last failure: later successes clear the bucket
    queued      a valid wake-up stands in the heap
    """

    __slots__ = (
        "forget_s",
        "kind",
        "learned",
        "message",
        "owner",
        "queued",
        "resting",
        "serial",
        "since_s",
        "streak",
        "until_s",
    )

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.kind = FailureKind.RATE_UNKNOWN
        self.message = ""
        self.since_s = 0.0
        self.until_s = 0.0
        self.forget_s = 0.0
        self.streak = 0
        self.serial = 0
        self.learned = False
        self.resting = False
        self.queued = False

    @property
    def state(self) -> BucketState:
        return RESTING_STATES[self.kind] if self.resting else BucketState.OPEN
