"""A key: what is configured about it, and what has been learned.

`KeySpec` is the value that comes from the store; `Key` is the pool's own record of it, changed only by
`roster`. Quota does not live here but in buckets.
"""

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.protocols.failures import FailureKind

if TYPE_CHECKING:
    from gateway.pool.roster import Roster

GEMINI = "gemini"
"""The provider of ordinary keys, those of AI Studio."""
PAID = "paid"
"""The provider of PAID_KEY: the same address, a key of its own."""
VERTEX = "vertex"
"""The provider of keys of Vertex AI's express mode, at an address of its own."""


class KeyState(enum.StrEnum):
    """What a key as a whole may do. A key that is ACTIVE may still rest for some models."""

    ACTIVE = "active"
    RESTING = "resting"
    DISABLED = "disabled"  # by the admin
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class KeySpec:
    """A key as configured.

    id           the store's row
    alias        the masked form that may be shown, for example `AIza…x81k`
    project      "projects/N" or any name the admin gave; keys of one project share their quota
    weight       share of the calls, 1 to 100, for orders of use that know it
    dead_reason  a `FailureKind` value or words, when the store knows the key to be dead
    """

    id: int
    alias: str
    secret: str = field(repr=False)
    provider: str = GEMINI
    project: str | None = None
    tags: tuple[str, ...] = ()
    weight: int = 1
    enabled: bool = True
    dead_reason: str | None = None
    dead_since_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a whole key is not used.

    until_s   epoch seconds when it may be tried again; None: dead until an operator or a probe revives it
    serial    number of the last lease given before: only what later leases say can lift the fault
    """

    kind: FailureKind
    message: str
    since_s: float
    until_s: float | None
    serial: int = 0


class Key:
    """The pool's record of one key.

    owner      whom its buckets belong to: the project when known, else the key's id
    doubts     failures of unknown kind in a row
    in_flight  leases given and not yet reported
    lane       with whom it takes turns: (group, weight)
    roster     that it is in; None once it was taken out
    cleared_s  when its faults were lifted on purpose: what was seen before says nothing any more
    """

    __slots__ = (
        "cleared_s",
        "doubts",
        "fault",
        "in_flight",
        "lane",
        "owner",
        "project",
        "roster",
        "slot",
        "spec",
        "state",
    )

    def __init__(self, spec: KeySpec, slot: int) -> None:
        self.spec = spec
        self.slot = slot
        self.project = spec.project
        self.owner: int | str = spec.project or spec.id
        self.fault: Fault | None = None
        self.cleared_s = 0.0
        self.doubts = 0
        self.in_flight = 0
        self.lane = (0, 1)
        self.state = KeyState.DISABLED
        self.roster: Roster | None = None

    def current_state(self) -> KeyState:
        """Work out the state from the facts; `state` holds the one the roster has filed the key under."""
        if not self.spec.enabled:
            return KeyState.DISABLED
        if self.fault is None:
            return KeyState.ACTIVE
        return KeyState.DEAD if self.fault.until_s is None else KeyState.RESTING


def known_dead(spec: KeySpec) -> Fault | None:
    """Give the fault the store remembers, if any."""
    if spec.dead_reason is None:
        return None
    try:
        kind, message = FailureKind(spec.dead_reason), ""
    except ValueError:
        kind, message = FailureKind.UNKNOWN, spec.dead_reason
    return Fault(kind=kind, message=message, since_s=spec.dead_since_s, until_s=None)
