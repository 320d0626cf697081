"""The one retry loop: lease a key, try it, and do what the pool's policy says.

Runs on callbacks, not on a task: a call that succeeds at once costs no more than its one attempt.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from gateway.log import get_logger
from gateway.pool.lease import AllResting, AllTried, Lease, NoKeys
from gateway.pool.limits import RetryLimits
from gateway.pool.policy import Action, decide
from gateway.protocols.conversations import fingerprint
from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure, FailureKind
from gateway.relay.attempt import Attempt
from gateway.relay.attempt_record import input_tokens, note_attempt
from gateway.relay.delivery import Delivery, open_delivery
from gateway.relay.engine import Engine
from gateway.relay.outlet import Outlet
from gateway.relay.own_time import OwnTime
from gateway.relay.plan import NOT_STREAMED, Framing, Plan
from gateway.relay.repeating import may_repeat
from gateway.relay.setbacks import NO_SETBACKS
from gateway.relay.staged import SettledAnswer, open_staged
from gateway.relay.turn import NoLease, Turn, lease_key
from gateway.store.records import AttemptRecord
from gateway.upstream.transport import FailureCause, UpstreamRequest

log = get_logger("gateway.relay")

_ANY: Final = Framing.ANY
MAX_MENDINGS = 4
"""Changes of one call's body; each is an attempt that the client waits for."""


class AttemptsOwner(Protocol):
    """The call, as its retry loop sees it."""

    def delivered(self, attempt: Attempt, delivery: Delivery, kind: FailureKind | None) -> None:
        """The client has the whole answer; `kind` where that tells of a failure."""

    def broke(self, attempt: Attempt, failure: Failure) -> None:
        """The answer broke after the commit point."""

    def gave_up(self, attempt: Attempt | None, failure: Failure) -> None:
        """No further attempt is worth making; nothing has been sent."""

    def refused(self, attempt: Attempt, failure: Failure, problem: Problem) -> None:
        """The plan says what the client is told of this failure."""

    def no_lease(self, why: AllResting | NoKeys) -> None:
        """No key can be leased, now or at all."""

    def crashed(self) -> None:
        """The gateway itself failed, at a point from which it cannot answer."""


class Attempts:
    """Makes the attempts of one call until one delivers or nothing more can be done.

    own   what the gateway works on the call
    """

    __slots__ = (
        "_current",
        "_deadline_s",
        "_engine",
        "_outlet",
        "_owner",
        "_plan",
        "_policy",
        "_setbacks",
        "_timer",
        "_turn",
        "own",
        "records",
    )

    def __init__(
        self, engine: Engine, plan: Plan, outlet: Outlet, owner: AttemptsOwner, now_s: float
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._outlet = outlet
        self._owner = owner
        self._policy = policy = engine.policy
        until_s = plan.until_s
        self._deadline_s = now_s + policy.deadline_s if until_s is None else until_s
        self._turn: Turn | None = None
        self._setbacks = NO_SETBACKS
        self._current: Attempt | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.own = OwnTime(engine.now_s)
        self.records: list[AttemptRecord] = []

    @property
    def running(self) -> bool:
        """True while an attempt is under way."""
        return self._current is not None and not self._current.over

    def next(self, now_s: float) -> None:
        """Try once more; `now_s` is the loop's time."""
        engine = self._engine
        if engine.lobby.calls and self._in_turn().queue():
            return
        leased = lease_key(engine, self._plan, self._setbacks.tried)
        if isinstance(leased, Lease):
            self._try(leased, now_s)
        elif not (isinstance(leased, AllResting) and self._in_turn().wait(leased)):
            self._go_without(leased)

    def drained(self) -> None:
        """The client has read what was unsent."""
        self._outlet.full = False
        if self._current is not None:
            self._current.wake()

    def cancel(self) -> None:
        """The client left: stop what runs, blame nobody."""
        if self._timer is not None:
            self._timer.cancel()
        if self._turn is not None:
            self._turn.leave()
        attempt = self._current
        if attempt is not None and not attempt.over:
            engine, kind = self._engine, FailureKind.CANCELLED
            attempt.cancel()
            engine.pool.release(attempt.lease)
            note_attempt(engine, self._plan, self.records, attempt, kind, engine.wall_s())

    def let_go(self) -> None:
        """The call is over: drop what knows this loop."""
        attempt = self._current
        if attempt is not None and attempt.staged is not None:
            attempt.delivery = attempt.staged = None  # which know the attempt
        self._current = self._turn = None

    # What the turn says.

    def waited(self, leased: Lease | NoLease) -> None:
        self.own.begin()
        self._setbacks = replace(self._setbacks, tried=frozenset())
        if isinstance(leased, Lease):
            self._try(leased, self._engine.now_s())
        else:
            self._go_without(leased)
        self.own.rest()

    # What attempts call.

    def open_delivery(self, attempt: Attempt) -> Delivery | None:
        head = attempt.headers
        if head is None or not 200 <= attempt.status < 300:
            return None
        plan, outlet = self._plan, self._outlet
        if plan.staging is not None:
            attempt.staged = open_staged(plan, outlet, self._engine.loop, attempt.wake)
        elif plan.framing is _ANY and plan.passage.witness is not None:
            loop = self._engine.loop
            attempt.staged = SettledAnswer(plan, outlet, attempt.lease, head, loop, attempt.wake)
        else:
            attempt.delivery = delivery = open_delivery(plan, outlet, attempt.lease, head)
            return delivery
        attempt.delivery = attempt.staged
        return attempt.staged

    def fed(self, attempt: Attempt) -> None:
        if (self._outlet.full or attempt.is_crowded) and attempt.transfer is not None:
            attempt.transfer.pause()

    def woken(self, attempt: Attempt) -> None:
        if not (self._outlet.full or attempt.is_crowded) and attempt.transfer is not None:
            attempt.transfer.resume()

    def delivered(self, attempt: Attempt, delivery: Delivery) -> None:
        pool, lease, signs, failure = self._engine.pool, attempt.lease, delivery.signs, delivery.failure
        kind = None if failure is None else failure.kind
        wall_s = self._engine.wall_s()
        if failure is None or kind is FailureKind.BLOCKED:
            tokens = None if lease.charge is None else input_tokens(signs.usage)
            changes = pool.report_success(lease, wall_s, tokens=tokens)
            if signs.signatures:
                self._remember(attempt, signs.signatures)
            if self._setbacks.mendings and self._plan.mending is not None:
                self._plan.mending.worked()
        else:
            changes = pool.report_failure(lease, failure, wall_s)
        note_attempt(self._engine, self._plan, self.records, attempt, kind, wall_s, changes)
        self._owner.delivered(attempt, delivery, kind)

    def failed(self, attempt: Attempt, failure: Failure) -> None:
        self._setbacks = replace(self._setbacks, failure=failure)
        if not self._outlet.committed and self._is_detour(attempt, failure):
            return
        wall_s = self._engine.wall_s()
        changes = self._engine.pool.report_failure(attempt.lease, failure, wall_s)
        note_attempt(self._engine, self._plan, self.records, attempt, failure.kind, wall_s, changes)
        if self._outlet.committed:
            self._owner.broke(attempt, failure)
        else:
            self._follow(attempt, failure)

    def crashed(self, attempt: Attempt, fault: Exception) -> None:
        log.error("attempt_crashed", model=self._plan.model, exc_info=fault)
        try:
            attempt.refuse(Failure(kind=FailureKind.GATEWAY_FAULT, status=500))
        except Exception as again:  # the client's side may be what fails
            log.error("attempt_crashed", model=self._plan.model, exc_info=again)
        if not self.running:
            # For when that was not heard (the attempt was over) or failed as well.
            self._owner.crashed()

    # The loop itself.

    def _try(self, lease: Lease, now_s: float) -> None:
        engine, plan, policy = self._engine, self._plan, self._policy
        passage = plan.passage
        provider = policy.providers[plan.provider]
        proxy = engine.egress.choose(lease.secret, self._setbacks.proxies_failed)
        outlet = self._outlet
        outlet.attempts += 1
        attempt = self._current = Attempt(self, outlet, lease, self.own, now_s, proxy)
        # By place: keywords take half as long again.
        request = UpstreamRequest(
            plan.method,
            passage.address
            or provider.url(plan.resource, query=plan.query, client_version=plan.version, door=passage.door),
            provider.call_headers(
                "" if passage.address else lease.secret, plan.forwarded, bearer=plan.bearer
            ),
            plan.body,
            policy.timeouts(self._deadline_s - now_s),
            proxy,
            plan.framing not in NOT_STREAMED,
        )
        try:
            attempt.transfer = engine.transport.submit(request, attempt)
        except ValueError as error:
            self._not_sent(attempt, str(error))

    def _not_sent(self, attempt: Attempt, why: str) -> None:
        """The request cannot be put on the wire: by its key (any string may be one), or by a setting."""
        if attempt.lease.secret.isprintable():
            log.error("request_not_sendable", reason=why)
            attempt.refuse(Failure(kind=FailureKind.GATEWAY_FAULT, status=500))
        else:
            message = "The key holds a character that no header can carry."
            attempt.refuse(Failure(kind=FailureKind.KEY_INVALID, status=400, message=message))

    def _follow(self, attempt: Attempt, failure: Failure) -> None:
        engine = self._engine
        if failure.repair is not None and self._mend(failure):
            self.next(engine.now_s())
            return
        if attempt.proxy is not None and failure.kind in (
            FailureKind.NETWORK,
            FailureKind.TIMEOUT,
            FailureKind.LOCATION,
        ):
            failed = (*self._setbacks.proxies_failed, attempt.proxy)
            self._setbacks = replace(self._setbacks, proxies_failed=failed)
            # Silence after the connection may be the model's thinking; the proxy is not to blame.
            if failure.kind is not FailureKind.TIMEOUT or attempt.cause is FailureCause.TIMEOUT_CONNECT:
                engine.egress.failed(attempt.proxy)
        if not may_repeat(self._plan, failure.kind, attempt.cause):
            self._give_up()
            return
        busy, model = engine.pool.busy, self._plan.quota
        limits = RetryLimits(
            max_retries=self._policy.max_retries,
            remaining_s=self._deadline_s - engine.now_s(),
            pinned=self._plan.pin is not None,
            crowded=busy.crowded(model, engine.wall_s()),
        )
        decision = decide(failure, self._setbacks.count, limits, random=engine.random())
        if decision.action is Action.ANSWER:
            self._give_up()
            return
        setbacks = self._setbacks
        tried = setbacks.tried | {attempt.lease.key_id} if decision.exclude_key else setbacks.tried
        self._setbacks = replace(setbacks, count=setbacks.count.after(failure, decision), tried=tried)
        if decision.action is Action.BACK_OFF:
            busy.spend(model)
        if decision.delay_s > 0:
            self._timer = engine.loop.call_later(decision.delay_s, self._paused)
        else:
            self.next(engine.now_s())

    def _paused(self) -> None:
        self._timer = None
        self.own.begin()
        self.next(self._engine.now_s())
        self.own.rest()

    def _is_detour(self, attempt: Attempt, failure: Failure) -> bool:
        """Take the plan's other way, where there is one for this failure: the key is not to blame."""
        detour = self._plan.detour(failure) if self._plan.detour is not None else None
        if detour is None:
            return False
        self._engine.pool.release(attempt.lease)
        note_attempt(self._engine, self._plan, self.records, attempt, failure.kind, self._engine.wall_s())
        if isinstance(detour, Plan):
            self._plan = detour
            self.next(self._engine.now_s())
        else:
            self._owner.refused(attempt, failure, detour)
        return True

    def _mend(self, failure: Failure) -> bool:
        """Change the body as the refusal asks; False when that cannot be done."""
        mending = self._plan.mending
        if mending is None or self._setbacks.mendings == MAX_MENDINGS or not self._policy.max_retries:
            return False
        body = mending.mend(failure)
        if body is None:
            return False
        self._setbacks = replace(self._setbacks, mendings=self._setbacks.mendings + 1)
        self._plan = replace(self._plan, body=body)
        log.info("request_mended", model=self._plan.model, repair=str(failure.repair))
        return True

    def _remember(self, attempt: Attempt, signatures: Sequence[str]) -> None:
        """Note whose the answer's signatures are, for the conversation's next call."""
        for signature in signatures:
            self._engine.affinity.note(fingerprint(signature), attempt.lease.key_id, self._engine.wall_s())

    def _go_without(self, why: NoLease) -> None:
        """There is no key, and waiting for one would be in vain or was."""
        if isinstance(why, AllTried) or (self._setbacks.failure is not None and isinstance(why, NoKeys)):
            self._give_up()
        else:
            self._owner.no_lease(why)

    def _in_turn(self) -> Turn:
        """The call's place among those that wait for a key."""
        if self._turn is None:
            wait_s = self._policy.wait_s
            self._turn = Turn(self._engine, self._plan, self, deadline_s=self._deadline_s, wait_s=wait_s)
        return self._turn

    def _give_up(self) -> None:
        failure = self._setbacks.failure
        assert failure is not None  # noqa: S101 - only a failed attempt leads here
        self._owner.gave_up(self._current, failure)
