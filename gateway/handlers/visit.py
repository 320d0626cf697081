"""What every call route begins and ends with: an id, a dialect, who it is, its call, and how it is refused.

The base of the light routes in calls.py, uploads.py and openai_uploads.py.
"""

import asyncio
from collections.abc import Sequence

from gateway.control.tokens import Token
from gateway.handlers.answers import answer_problem, common_headers, error_body_of
from gateway.handlers.planning import Whole
from gateway.handlers.reading import read_head
from gateway.handlers.refusals import note_refusal
from gateway.protocols.error_bodies import Problem
from gateway.protocols.paths import Api, Route
from gateway.relay.call import Call, Ticket
from gateway.relay.plan import Plan
from gateway.relay.shaping import shaped
from gateway.services import Services
from gateway.serving.light import Reply, RequestHead

_NOT_ADMITTED = Problem(
    401,
    "The access token is missing or not valid for this gateway. Send it as a Bearer token, x-goog-api-key, "
    "x-api-key or api-key, or as ?key=.",
    "invalid_api_key",
)


class Visit:
    """One request on its way to a call."""

    __slots__ = (
        "_call",
        "_head",
        "_headers",
        "_reading",
        "_refused",
        "_reply",
        "_request_id",
        "_services",
        "_started_s",
        "_task",
    )

    def __init__(self, services: Services, route: Route, reply: Reply, head: RequestHead) -> None:
        reading = self._reading = read_head(head, route)
        self._services = services
        self._started_s = services.engine.now_s()
        self._reply = reply
        self._head = head
        self._request_id = reading.given_id or services.new_id()
        self._headers = common_headers(self._request_id)
        self._refused = False
        self._call: Call | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def _api(self) -> Api:
        return self._reading.api

    @property
    def _route(self) -> Route:
        return self._reading.route

    def gone(self) -> None:
        """The client has left: nothing goes on for it."""
        if self._task is not None:
            self._task.cancel()
        if self._call is not None:
            self._call.gone()

    def drained(self) -> None:
        """The client has taken what was unsent."""
        if self._call is not None:
            self._call.drained()

    def _begin(self, plan: Plan, ticket: Ticket, since_s: float | None = None) -> None:
        """Begin the request's one call; `since_s` is when its plan was begun, if nothing was waited for."""
        services = self._services
        if services.shape is not None:
            plan = shaped(plan, services.shape)
        call = self._call = Call(services.engine, plan, self._reply, ticket)
        call.begin(since_s)

    def _admit(self) -> Token | None:
        """The token that the request presents, if it may come in now; else it has been refused."""
        services = self._services
        for secret in self._reading.secrets:
            token = services.tokens.admit(secret)
            if token is not None:
                if token.limits is not None and (problem := services.limiter.admit(token)) is not None:
                    self._refuse(problem)
                    return None
                return token
        self._refuse(_NOT_ADMITTED)
        return None

    def _ticket(self, token: Token, request_bytes: int) -> Ticket:
        may_use = None if token.limits is None else token.limits.may_use
        # By place: keywords take half as long again.
        return Ticket(self._request_id, token.id, self._headers, request_bytes, self._started_s, may_use)

    def _answer(self, whole: Whole) -> None:
        """Answer the client, once."""
        headers = [*self._headers, ("content-type", whole.content_type), *whole.headers]
        self._reply.answer(whole.status, headers, whole.body)

    def _refuse(self, problem: Problem, extra: Sequence[tuple[str, str]] = ()) -> None:
        self._refused = True
        head = self._head
        note_refusal(
            self._services,
            problem,
            api=self._api,
            request_id=self._request_id,
            method=head.method,
            path=head.path,
            peer=self._reply.peer,
        )
        answer_problem(self._reply, problem, error_body_of(self._api, self._route), (*self._headers, *extra))
