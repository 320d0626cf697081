"""A call's turn at the keys: it gets one at once, waits for one in the lobby, or learns why there is none.

Used by the retry loop, which says what to try with the key and what follows when it fails.
"""

from collections.abc import Container
from typing import Protocol

from gateway.pool.lease import AllResting, AllTried, Lease, NoKeys
from gateway.pool.waiting import Waiter
from gateway.relay.engine import Engine
from gateway.relay.lobby import Line, Waiting
from gateway.relay.plan import Plan

NoLease = AllResting | AllTried | NoKeys


def lease_key(engine: Engine, plan: Plan, tried: Container[int] = ()) -> Lease | NoLease:
    """A key for a plan, which must be reported or released, or why there is none.

    tried   ids of keys that the call must not be given again
    """
    pin, pool, now_s = plan.pin, engine.pool, engine.wall_s()
    if pin is None:
        prefer = None
        if plan.conversation is not None:
            prefer = engine.affinity.find(plan.conversation, now_s)
        return pool.lease(plan.quota, now_s, provider=plan.provider, tried=tried, prefer=prefer)
    leased = pool.lease(plan.quota, now_s, provider=plan.provider, pinned=pin.key_id)
    if pin.project is None or not isinstance(leased, NoKeys):
        return leased
    return pool.lease(plan.quota, now_s, provider=plan.provider, tried=tried, pinned_project=pin.project)


class TurnOwner(Protocol):
    """The retry loop, as the turn sees it."""

    def waited(self, leased: Lease | NoLease) -> None:
        """What the wait has brought: a key that must be reported or released, or none.

        It may be one that was tried before: what rested may be what comes back.
        """


class Turn:
    """A call's place among those that wait; made for one that may have to.

    deadline_s   the loop's time when the call must be over
    wait_s       the longest that all waits of the call may take together
    """

    __slots__ = ("_deadline_s", "_engine", "_owner", "_plan", "_until_s", "_wait_s")

    def __init__(
        self, engine: Engine, plan: Plan, owner: TurnOwner, *, deadline_s: float, wait_s: float
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._owner = owner
        self._deadline_s = deadline_s
        self._wait_s = wait_s
        self._until_s: float | None = None  # epoch seconds; None before the first wait

    def queue(self) -> bool:
        """Get behind those that wait for what this call would take; False where none do, or in vain."""
        lobby = self._engine.lobby
        if not lobby.is_awaited(self._line):
            return False
        now_s = self._engine.wall_s()
        soonest_s = self._engine.pool.next_usable(self._plan.quota, now_s, provider=self._plan.provider)
        return soonest_s is not None and self._may_wait(soonest_s) and self._enter()

    def wait(self, resting: AllResting) -> bool:
        """Wait for the first key that comes back; False where that is in vain."""
        return self._may_wait(resting.until_s) and self._enter()

    def leave(self) -> None:
        """The client has gone."""
        self._engine.lobby.leave(self)

    # What the lobby calls.

    def may_go(self, waiter: Waiter[Waiting, Line]) -> None:
        leased = lease_key(self._engine, self._plan)
        if isinstance(leased, AllResting) and self._may_wait(leased.until_s):
            self._engine.lobby.put_back(waiter)
        else:
            self._owner.waited(leased)

    def waited_enough(self) -> None:
        self._owner.waited(lease_key(self._engine, self._plan))

    @property
    def _line(self) -> Line:
        plan = self._plan
        return Line(plan.provider, plan.quota, None if plan.pin is None else plan.pin.key_id)

    def _may_wait(self, until_s: float) -> bool:
        """Whether a key that comes back then comes back while this call can still wait."""
        if self._until_s is None:
            left_s = self._deadline_s - self._engine.now_s()
            self._until_s = self._engine.wall_s() + min(self._wait_s, left_s)
        return until_s < self._until_s

    def _enter(self) -> bool:
        return self._until_s is not None and self._engine.lobby.enter(self, self._line, self._until_s)
