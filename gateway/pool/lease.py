"""What asking the pool for a key can give: a lease, or the reason why not.

Values for `relay`; made only by `pool`.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.pool.key import Key
from gateway.protocols.failures import FailureKind

if TYPE_CHECKING:
    from gateway.pool.quota import Limit


class Charge:
    """What a lease was counted for against the learned limits of its bucket.

    reserved_tokens  input tokens counted for it in advance
    beyond           the learned limit that it was allowed to go beyond, to see whether it still holds
    """

    __slots__ = ("beyond", "reserved_tokens")

    def __init__(self) -> None:
        self.reserved_tokens = 0
        self.beyond: Limit | None = None


class Lease:
    """A key lent to one attempt. Report it exactly once; a second report is ignored.

    serial   the pool's count of leases, which orders what leases say against what is known
    closed   it has been reported
    charge   None where its bucket has no learned limits
    """

    __slots__ = (
        "alias",
        "charge",
        "closed",
        "key",
        "key_id",
        "model",
        "secret",
        "serial",
    )

    def __init__(self, key: Key, model: str, serial: int) -> None:
        spec = key.spec
        self.key = key
        self.key_id = spec.id
        self.alias = spec.alias
        self.secret = spec.secret
        self.model = model
        self.serial = serial
        self.closed = False
        self.charge: Charge | None = None

    def __repr__(self) -> str:
        return (
            f"Lease(key_id={self.key_id}, alias={self.alias!r}, model={self.model!r}, serial={self.serial})"
        )

    @property
    def provider(self) -> str:
        return self.key.spec.provider

    @property
    def project(self) -> str | None:
        return self.key.project


@dataclass(frozen=True, slots=True)
class AllResting:
    """Every key that could serve the model rests.

    until_s   epoch seconds when the first one comes back
    reasons   resting keys by the kind of failure that made them rest
    """

    model: str
    until_s: float
    reasons: Mapping[FailureKind, int]


@dataclass(frozen=True, slots=True)
class AllTried:
    """Keys are open for the model, but this call has been refused by each of them."""

    model: str


class NoKeysReason(enum.StrEnum):
    """Why there is nothing to wait for."""

    NONE_CONFIGURED = "none_configured"
    ALL_DISABLED = "all_disabled"
    ALL_DEAD = "all_dead"  # or disabled, with at least one dead
    PINNED_GONE = "pinned_gone"
    PINNED_UNUSABLE = "pinned_unusable"


_WORDS = MappingProxyType(
    {
        NoKeysReason.NONE_CONFIGURED: "There is no upstream key: add one on the key page or in API_KEYS.",
        NoKeysReason.ALL_DISABLED: "Every upstream key is disabled.",
        NoKeysReason.ALL_DEAD: "Every upstream key is dead or disabled. The admin's key page says why.",
        NoKeysReason.PINNED_GONE: "The key that owns this object is no longer in the pool.",
        NoKeysReason.PINNED_UNUSABLE: "The key that owns this object is dead or disabled.",
    }
)


@dataclass(frozen=True, slots=True)
class NoKeys:
    """No key can ever serve the call as things stand."""

    reason: NoKeysReason

    @property
    def message(self) -> str:
        return _WORDS[self.reason]
