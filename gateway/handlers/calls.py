"""The call routes: light objects that admit a client, gather its body, make a plan and run the call.

One class for both dialects; what differs is the planner. The HTTP front is behind `Reply`, the upstream
behind the relay.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.errors import BadRequest
from gateway.handlers.answers import (
    answer_problem,
    common_headers,
    error_body_of,
    preflight_headers,
    request_id_of,
)
from gateway.handlers.anthropic import plan_anthropic
from gateway.handlers.native import native_planner
from gateway.handlers.openai import openai_planner
from gateway.handlers.openai_compatible import plan_compatible
from gateway.handlers.openai_uploads import FileUploadRoute
from gateway.handlers.planning import Asked, Planned, Planner, Whole
from gateway.handlers.reading import Reading, dialect_of
from gateway.handlers.uploads import UploadRoute, brings_bytes
from gateway.handlers.visit import Visit
from gateway.log import get_logger
from gateway.protocols.error_bodies import Problem, problem_of
from gateway.protocols.path_repair import read_repaired
from gateway.protocols.paths import Api, Route, read_route
from gateway.relay.call import Ticket
from gateway.relay.inner import CallFailed
from gateway.relay.plan import Plan
from gateway.services import Services
from gateway.serving.light import LightRoute, LightRouter, Reply, RequestHead, RouteFactory

log = get_logger("gateway.handlers")

_FAULT = Problem(500, "The gateway failed to prepare this call.", "internal")


class CallRoute(Visit):
    """One request on a call route, from its head to its call."""

    __slots__ = ("_token",)

    def __init__(self, services: Services, route: Route, reply: Reply, head: RequestHead) -> None:
        Visit.__init__(self, services, route, reply, head)
        reply.gather_body()
        # Asked before the body is read: a stranger's 100 MB are not taken in.
        self._token = self._admit()

    def data(self, chunk: bytes) -> None:
        """Nothing is expected: the body comes whole."""

    def end(self, body: bytes) -> None:
        token = self._token
        if token is None:  # it was refused
            return
        services, head, reading = self._services, self._head, self._reading
        since_s = services.engine.now_s()
        ticket = self._ticket(token, len(body))
        planner = reading.planner
        if planner is None:
            planner = reading.planner = planner_of(reading, head)
        try:
            planned = planner(Asked(services, head, reading.route, body, token, ticket))
        except BadRequest as error:
            self._refuse(problem_of(error))
            return
        if isinstance(planned, Plan):
            self._begin(planned, ticket, since_s)
        elif isinstance(planned, Whole):
            self._answer(planned)
        else:
            self._task = asyncio.create_task(self._wait(planned, ticket))

    async def _wait(self, planning: Coroutine[Any, Any, Planned], ticket: Ticket) -> None:
        """Plan on a task; its answer is the client's, whatever happens to it."""
        try:
            planned = await planning
        except BadRequest as error:
            self._refuse(problem_of(error))
        except CallFailed as failed:  # recorded as the call it was
            answer_problem(self._reply, failed.problem, error_body_of(self._api, self._route), self._headers)
        except Exception:  # nobody awaits this task: the client must not be left waiting either
            log.exception("planning_failed", request_id=self._request_id)
            self._refuse(_FAULT)
        else:
            if isinstance(planned, Whole):
                self._answer(planned)
            else:
                self._begin(planned, ticket)


class Preflight:
    """Answers a browser's OPTIONS at once."""

    __slots__ = ()

    def __init__(self, new_id: Callable[[], str], reply: Reply, head: RequestHead) -> None:
        request_id = request_id_of(head.headers, new_id)
        reply.head(204, [*common_headers(request_id), *preflight_headers(head.headers)])
        reply.finish()

    def data(self, chunk: bytes) -> None:
        """Nothing is expected."""

    def end(self, body: bytes) -> None:
        """Answered already."""

    def gone(self) -> None:
        """Answered already."""

    def drained(self) -> None:
        """Answered already."""


def planner_of(reading: Reading, head: RequestHead) -> Planner:
    """Who plans what is asked by such a head; it raises BadRequest for what is not served."""
    if head.headers.get("content-encoding", "identity").lower() != "identity":
        return _refuse_compressed
    if reading.api is Api.ANTHROPIC:
        return plan_anthropic
    if reading.api is Api.GEMINI:
        return native_planner(reading.route, head.method)
    return plan_compatible if reading.api is Api.COMPATIBLE else openai_planner(reading.route)


def _refuse_compressed(_: Asked) -> Planned:
    raise BadRequest("Compressed request bodies are not accepted.", status=415)


def upload_route(services: Services, route: Route, reply: Reply, head: RequestHead) -> LightRoute:
    """The route of what may be an upload: of its bytes while they come, or an ordinary call."""
    if route.door == "upload":
        kind = UploadRoute if brings_bytes(head, reply.body_bytes) else CallRoute
        return kind(services, route, reply, head)
    if head.method == "POST" and dialect_of(route.api, head) in (Api.OPENAI, Api.COMPATIBLE):
        return FileUploadRoute(services, route, reply, head)
    return CallRoute(services, route, reply, head)


def make_light_router(services: Services) -> LightRouter:
    """The router of the call routes; None from it leaves a request to the Tornado application."""
    preflight = functools.partial(Preflight, services.new_id)

    @functools.lru_cache(maxsize=1024)
    def factory_of(path: str, repairs: bool) -> RouteFactory | None:
        route = read_repaired(path) if repairs else read_route(path)
        if route.api is Api.NONE:
            return None
        may_upload = route.door == "upload" or route.resource == "files"
        return functools.partial(upload_route if may_upload else CallRoute, services, route)

    def light_router(method: str, path: str) -> RouteFactory | None:
        factory = factory_of(path, services.live.current.url_normalization_enabled)
        return preflight if factory is not None and method == "OPTIONS" else factory

    return light_router
