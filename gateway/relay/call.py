"""One client call, from its plan to its record.

Joins the retry loop with the client's side: answers what the loop cannot deliver, breaks off honestly what
broke after the commit point, and writes the one record at the end.
"""

from collections.abc import Callable, Sequence
from typing import Final

from gateway.pool.lease import AllResting, NoKeys
from gateway.protocols.error_bodies import Problem, problem_after_failure, retry_headers
from gateway.protocols.failures import Failure, FailureKind
from gateway.protocols.redaction import safe_error_body
from gateway.protocols.usage import read_counts
from gateway.relay.attempt import Attempt
from gateway.relay.attempts import Attempts
from gateway.relay.delivery import Delivery
from gateway.relay.engine import Engine
from gateway.relay.heartbeat import Heartbeat
from gateway.relay.outcomes import Outcome, outcome_of
from gateway.relay.outlet import Downstream, Outlet
from gateway.relay.passing import told_of_error
from gateway.relay.plan import JSON_TYPE, Framing, Plan, content_type, is_told_as_made
from gateway.relay.resting import resting_problem
from gateway.store.records import CallRecord
from gateway.values import value

_SUCCESS: Final = Outcome.SUCCESS.value
_RELEASABLE = frozenset({FailureKind.EMPTY, FailureKind.MALFORMED})


@value(frozen=True, slots=True)
class Ticket:
    """Who calls, and what every answer of this call carries.

    token_id         the access token's row; None for the admin's token
    headers          sent with every answer: request id, CORS
    request_bytes    size of the client's body
    started_s        the loop's time when the request's head had arrived
    may_use          whether the token may use a model; None for any
    """

    request_id: str
    token_id: int | None
    headers: Sequence[tuple[str, str]]
    request_bytes: int
    started_s: float
    may_use: Callable[[str], bool] | None = None


class Call:
    """Runs one plan for one client. `begin` once; `gone` and `drained` come from the HTTP front."""

    __slots__ = (
        "_attempts",
        "_done",
        "_engine",
        "_heartbeat",
        "_outlet",
        "_plan",
        "_streams",
        "_ticket",
    )

    def __init__(self, engine: Engine, plan: Plan, downstream: Downstream, ticket: Ticket) -> None:
        self._engine = engine
        self._plan = plan
        self._streams = plan.streams
        self._ticket = ticket
        self._outlet = Outlet(downstream, ticket.headers, engine.now_s)
        self._heartbeat: Heartbeat | None = None
        self._done = False

    def begin(self, since_s: float | None = None) -> None:
        """Make the first attempt.

        since_s   the loop's time since which the request has been worked on without a pause
        """
        engine, plan = self._engine, self._plan
        now_s = engine.now_s()
        attempts = self._attempts = Attempts(engine, plan, self._outlet, self, now_s)
        own = attempts.own
        own.since_s = now_s if since_s is None else since_s
        if self._streams:
            engine.observer.stream_began()
        staging = plan.staging
        if staging is not None and staging.beat_every_s:
            self._heartbeat = Heartbeat(engine.loop, plan, staging, self._outlet)
            self._heartbeat.start()
        may_use = self._ticket.may_use
        if may_use is not None and not may_use(plan.model):
            self._answer(_model_refused(plan.model), None, outcome=Outcome.CLIENT_ERROR)
            return
        attempts.next(now_s)
        own.rest()

    # What the HTTP front says.

    def gone(self) -> None:
        """The client has left."""
        if not self._done:
            self._attempts.own.begin()
            self._attempts.cancel()
            self._close(Outcome.CLIENT_CLOSED.value, FailureKind.CANCELLED, 499)

    def drained(self) -> None:
        """The client has caught up."""
        if not self._done:
            self._attempts.drained()

    # What the retry loop says.

    def delivered(self, attempt: Attempt, delivery: Delivery, kind: FailureKind | None) -> None:
        continuation = delivery.signs.continuation
        if continuation is not None:
            self._engine.continued(continuation, attempt.lease, self._ticket.token_id)
        outcome = _SUCCESS if kind is None else outcome_of(kind, committed=True).value
        self._close(outcome, kind, self._outlet.status, attempt)

    def broke(self, attempt: Attempt, failure: Failure) -> None:
        if attempt.delivery is not None:
            attempt.delivery.break_off(self._problem(failure, attempt))
        outcome = outcome_of(failure.kind, committed=True)
        self._close(outcome.value, failure.kind, self._outlet.status, attempt)

    def gave_up(self, attempt: Attempt | None, failure: Failure) -> None:
        delivery = attempt.delivery if attempt is not None else None
        if failure.kind in _RELEASABLE and delivery is not None and delivery.release():
            # Tried again and still so: a native caller gets what the upstream really said.
            outcome = outcome_of(failure.kind, committed=False)
            self._close(outcome.value, failure.kind, 200, attempt)
            return
        self._answer(self._problem(failure, attempt), failure.kind, attempt=attempt)

    def refused(self, attempt: Attempt, failure: Failure, problem: Problem) -> None:
        self._answer(problem, failure.kind, attempt=attempt)

    def no_lease(self, why: AllResting | NoKeys) -> None:
        if isinstance(why, AllResting):
            problem = resting_problem(why, self._engine.wall_s())
        else:
            problem = Problem(503, why.message, "no_keys")
        self._answer(problem, None, outcome=Outcome.NO_KEY)

    def crashed(self) -> None:
        if not self._done:
            self._attempts.cancel()
            self._outlet.abort()
            self._close(Outcome.BROKEN.value, FailureKind.GATEWAY_FAULT, self._outlet.status or 500)

    # Answering.

    def _problem(self, failure: Failure, attempt: Attempt | None) -> Problem:
        body = attempt.error_body if attempt is not None else b""
        secrets = (attempt.lease.secret,) if attempt is not None else ()
        retry_after_s = failure.retry_after_s
        if failure.status == 429:
            now_s = self._engine.wall_s()
            plan = self._plan
            usable_s = self._engine.pool.next_usable(plan.quota, now_s, provider=plan.provider)
            retry_after_s = None if usable_s is None else max(usable_s - now_s, 1.0)
        return problem_after_failure(
            failure.kind.value,
            status=failure.status,
            message=failure.message,
            retry_after_s=retry_after_s,
            upstream_body=safe_error_body(body, secrets) if body else None,
        )

    def _answer(
        self,
        problem: Problem,
        kind: FailureKind | None,
        *,
        outcome: Outcome | None = None,
        attempt: Attempt | None = None,
    ) -> None:
        staging = self._plan.staging
        if self._outlet.status and staging is not None:
            # The client knows already that it gets a stream: it holds nothing but this error.
            self._outlet.commit(200, content_type(self._plan))
            self._outlet.finish(staging.translation().broken(problem))
        else:
            body = self._plan.error_body(problem)
            extra = retry_headers(problem)
            if attempt is not None and self._plan.framing is Framing.ANY:
                extra += told_of_error(attempt.headers)
            self._outlet.answer(problem.status, JSON_TYPE, body, extra)
        self._outlet.first_s = 0.0  # an error is no first token
        if outcome is None:
            outcome = outcome_of(kind, committed=False)
        self._close(outcome.value, kind, problem.status, attempt, problem)

    def _close(
        self,
        outcome: str,
        kind: FailureKind | None,
        status: int,
        attempt: Attempt | None = None,
        problem: Problem | None = None,
    ) -> None:
        """The call is over: one record, told to the observer."""
        self._done = True
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None
        engine, plan, ticket, outlet = self._engine, self._plan, self._ticket, self._outlet
        attempts = self._attempts
        records, started_s = attempts.records, ticket.started_s
        first_s, now_s = outlet.first_s, engine.now_s()
        duration_ms = int((now_s - started_s) * 1000)
        usage = None if attempt is None or attempt.delivery is None else attempt.delivery.signs.usage
        prompt, completion, thoughts, cached, _, total = read_counts(usage)
        error_body = request_body = None
        if problem is not None:
            error_body, request_body = self._kept_error(attempt, problem), self._kept_request()
        # By place: two dozen keywords take twice as long as the record itself.
        record = CallRecord(
            ticket.request_id,
            int(engine.wall_s() * 1000) - duration_ms,
            plan.dialect,
            plan.operation,
            plan.model,
            ticket.token_id,
            records[-1].key_id if records else None,
            status,
            outcome,
            None if kind is None else kind.value,
            self._streams,
            duration_ms,
            int((first_s - started_s) * 1000) if first_s else None,
            prompt,
            completion,
            thoughts,
            cached,
            total,
            ticket.request_bytes,
            outlet.bytes_sent,
            tuple(records),
            error_body,
            request_body,
        )
        telling_s = None
        if self._streams:
            engine.observer.stream_over()
            if first_s and is_told_as_made(plan):
                telling_s = now_s - first_s
        engine.observer.call_over(record, plan.provider, attempts.own.end(now_s), telling_s)
        attempts.let_go()
        # They know this call. Untied, all of it is freed here, its bodies too, and not by the collector.
        del self._attempts, self._outlet

    def _kept_request(self) -> bytes | None:
        body = self._plan.body
        return body if self._engine.policy.keep_bodies and isinstance(body, bytes) else None

    @staticmethod
    def _kept_error(attempt: Attempt | None, problem: Problem) -> bytes:
        if attempt is not None and attempt.error_body:
            return safe_error_body(attempt.error_body, (attempt.lease.secret,))
        return problem.message.encode()


def _model_refused(model: str) -> Problem:
    return Problem(403, f"This access token may not use the model {model}.", "model_not_allowed")
