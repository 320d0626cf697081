"""A call's turn at the keys: it gets one at once, waits for one in the lobby, or learns why there is none.

Used by the retry loop, which says what to try with the key and what follows when it fails.
"""

from typing import Protocol

from gateway.pool.lease import AllResting, AllTried, Lease, NoKeys
from gateway.pool.waiting import Waiter
from gateway.relay.engine import Engine
from gateway.relay.lobby import Line, Waiting
from gateway.relay.plan import Plan

NoLease = AllResting | AllTried | NoKeys


class TurnOwner(Protocol):
    """The retry loop, as the turn sees it."""

    def waited(self, leased: Lease | NoLease) -> None:
        """What the wait has brought: a key that must be reported or released, or none."""


class Turn:
    """Asks the pool on behalf of one call, in its order among the calls that wait.

    deadline_s   the loop's time when the call must be over
    wait_s       the longest that all waits of the call may take together
    """

    __slots__ = ("_deadline_s", "_engine", "_owner", "_plan", "_tried", "_until_s", "_wait_s")

    def __init__(
        self, engine: Engine, plan: Plan, owner: TurnOwner, *, deadline_s: float, wait_s: float
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._owner = owner
        self._deadline_s = deadline_s
        self._wait_s = wait_s
        self._tried: set[int] = set()
        self._until_s: float | None = None  # epoch seconds; None before the first wait

    def take(self) -> Lease | NoLease | None:
        """A key that must be reported or released, or why there is none; None: the owner will be told."""
        if self._engine.lobby.calls and self._must_queue() and self._enter():
            return None
        leased = self._lease()
        if isinstance(leased, AllResting) and self._is_worth_waiting(leased) and self._enter():
            return None
        return leased

    def exclude(self, key_id: int) -> None:
        """Do not take this key again, until the call has waited: what rested may be what comes back."""
        self._tried.add(key_id)

    def leave(self) -> None:
        """The client has gone."""
        if self._until_s is not None:
            self._engine.lobby.leave(self)

    # What the lobby calls.

    def may_go(self, waiter: Waiter[Waiting, Line]) -> None:
        self._tried.clear()
        leased = self._lease()
        if self._is_worth_waiting(leased):
            self._engine.lobby.put_back(waiter)
        else:
            self._owner.waited(leased)

    def waited_enough(self) -> None:
        self._tried.clear()
        self._owner.waited(self._lease())

    def _is_worth_waiting(self, leased: Lease | NoLease) -> bool:
        return isinstance(leased, AllResting) and self._may_wait(leased.until_s)

    def _lease(self) -> Lease | NoLease:
        engine, plan, pin = self._engine, self._plan, self._plan.pin
        now_s = engine.wall_s()
        lease = engine.pool.lease
        if pin is None:
            prefer = None
            if plan.conversation is not None:
                prefer = engine.affinity.find(plan.conversation, now_s)
            return lease(plan.quota, now_s, provider=plan.provider, tried=self._tried, prefer=prefer)
        leased = lease(plan.quota, now_s, provider=plan.provider, pinned=pin.key_id)
        if pin.project is None or not isinstance(leased, NoKeys):
            return leased
        return lease(plan.quota, now_s, provider=plan.provider, tried=self._tried, pinned_project=pin.project)

    def _must_queue(self) -> bool:
        """Whether others wait already for what this call would take, and waiting behind them is worth it."""
        lobby = self._engine.lobby
        if not lobby.is_awaited(self._line):
            return False
        now_s = self._engine.wall_s()
        soonest_s = self._engine.pool.next_usable(self._plan.quota, now_s, provider=self._plan.provider)
        return soonest_s is not None and self._may_wait(soonest_s)

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
