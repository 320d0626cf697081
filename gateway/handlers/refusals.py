"""Requests answered without a call: each is counted and logged once, wherever it was refused.

Used by the call routes, the plain routes, and what the HTTP front refuses by itself.
"""

from collections.abc import Sequence

from gateway.handlers.answers import common_headers, error_body_of
from gateway.log import get_logger
from gateway.protocols.error_bodies import Problem
from gateway.protocols.paths import Api, read_route
from gateway.relay.plan import JSON_TYPE
from gateway.services import Services
from gateway.serving.refusal import Reject

log = get_logger("gateway.handlers")

_KINDS = {413: "request_too_large", 404: "not_found", 405: "method_not_allowed", 503: "overloaded"}


def note_refusal(
    services: Services, problem: Problem, *, api: Api, request_id: str, method: str, path: str, peer: str
) -> None:
    """Count and log a refused request; what a client may make long is cut."""
    services.metrics.refused_request(api.value, problem.status)
    log.info(
        "request_refused",
        status=problem.status,
        method=method[:20],
        path=path[:200],
        reason=problem.message[:300],
        request_id=request_id,
        peer=peer,
    )


def make_reject(services: Services) -> Reject:
    """What the HTTP front answers by itself (bad heads, too large bodies), in the dialect of the path."""

    def reject(status: int, message: str, path: str | None) -> tuple[Sequence[tuple[str, str]], bytes]:
        problem = Problem(status, message, _KINDS.get(status, "bad_request"))
        route = read_route(path or "")
        request_id = services.new_id()
        note_refusal(
            services, problem, api=route.api, request_id=request_id, method="", path=path or "", peer=""
        )
        headers = [("content-type", JSON_TYPE), *common_headers(request_id)]
        return headers, error_body_of(route.api, route)(problem)

    return reject
