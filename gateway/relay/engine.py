"""What every call needs and shares: the pool, the way upstream, clocks, and where outcomes are told.

Built once; `policy` is replaced whole when a setting changes, and calls keep the one they began with.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.pool.affinity import Affinity
from gateway.pool.changes import Change
from gateway.pool.lease import Lease
from gateway.pool.pool import Pool
from gateway.protocols.failures import FailureKind
from gateway.relay.lessons import LessonBook
from gateway.relay.lobby import Lobby
from gateway.relay.signature_store import SignatureStore
from gateway.store.records import CallRecord
from gateway.upstream.providers import Provider
from gateway.upstream.transport import Timeouts, Transport

_SHORTEST_S = 0.001
"""A limit of 0 would mean none."""
_AT_ONCE_S = 0.001
"""A call that has been here so long may still have all of its time: most attempts are a call's first."""


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """The settings a call lives by, in seconds and counts.

    providers     addresses by the provider's name in the pool
    max_retries   further keys after the first
    deadline_s    the whole call, retries and stream included
    connect_s     one connection attempt
    idle_s        between two bytes of an answer
    wait_s        for a key while all of them rest
    keep_bodies   keep the request's body of failed calls
    """

    providers: Mapping[str, Provider]
    max_retries: int
    deadline_s: float
    connect_s: float
    idle_s: float
    wait_s: float = 0.0
    keep_bodies: bool = False
    _first: Timeouts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_first", self._within(self.deadline_s))

    def timeouts(self, remaining_s: float) -> Timeouts:
        """The limits of an attempt of a call that has so much time left."""
        if 0 <= self.deadline_s - remaining_s < _AT_ONCE_S:
            return self._first
        return self._within(max(remaining_s, _SHORTEST_S))

    def _within(self, remaining_s: float) -> Timeouts:
        return Timeouts(
            connect_s=min(self.connect_s, remaining_s),
            first_byte_s=min(self.deadline_s, remaining_s),
            idle_s=self.idle_s,
            total_s=remaining_s,
        )


Continued = Callable[[str, Lease, int | None], None]
"""(token, lease, token_id of the client)"""


class Egress(Protocol):
    """Chooses the proxy of an attempt."""

    def choose(self, key: str, avoid: Sequence[str]) -> str | None:
        """A proxy URL for a key (stable while nothing changes), or None for a direct connection."""

    def failed(self, proxy: str) -> None:
        """The proxy did not carry an attempt."""


class Observer(Protocol):
    """Hears what happened; must not block."""

    def attempt_failed(self, model: str, kind: FailureKind, key_id: int) -> None:
        """An attempt failed or was cancelled; one that ended well is told with its call."""

    def call_over(self, record: CallRecord, provider: str, own_s: float, telling_s: float | None) -> None:
        """A call is over, with what is measured of it and not recorded.

        provider   whose keys served it
        own_s      what the gateway worked on it, from the moment the request had come whole
        telling_s  from its first content to its end, where the answer came as fast as the model made it
        """

    def stream_began(self) -> None: ...

    def stream_over(self) -> None: ...

    def pool_changed(self, changes: Sequence[Change]) -> None: ...


@dataclass(slots=True)
class Engine:
    """The shared parts of all calls.

    wall_s    epoch seconds (quota days, records)
    random    uniform in [0, 1): jitter
    now_s     the loop's time, seconds; asyncio's loops tell this clock's, through a method that costs more
    affinity  which key made the thought signatures that conversations bring back
    lessons   what models were found to refuse of translated requests
    native_lessons   models that refused what settings add to native bodies
    signatures       of calls, for clients that do not bring them back
    continued        hears the token that a reply goes on with in another request, whose key it was, who asked
    lobby     where calls wait for a key
    """

    loop: asyncio.AbstractEventLoop
    pool: Pool
    transport: Transport
    egress: Egress
    observer: Observer
    policy: CallPolicy
    wall_s: Callable[[], float]
    random: Callable[[], float]
    now_s: Callable[[], float] = time.monotonic
    affinity: Affinity = field(default_factory=Affinity)
    lessons: LessonBook = field(default_factory=LessonBook)
    native_lessons: LessonBook = field(default_factory=LessonBook)
    signatures: SignatureStore = field(default_factory=SignatureStore)
    continued: Continued = lambda *_: None
    lobby: Lobby = field(init=False)

    def __post_init__(self) -> None:
        self.lobby = Lobby(self.loop, self.pool, self.wall_s)
