"""The whole route table on one screen.

Call routes are light objects (handlers/calls.py) chosen before the application is asked; everything else is a
Tornado handler below. `admin` hands in its own routes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tornado.web import Application

from gateway.handlers.answers import error_body_of
from gateway.handlers.base import NotFoundHandler
from gateway.handlers.plain import HealthHandler, MetricsHandler
from gateway.protocols.error_bodies import Problem
from gateway.protocols.paths import read_route
from gateway.relay.plan import JSON_TYPE
from gateway.services import Services

ROOT = Path(__file__).resolve().parent.parent
Routes = Sequence[tuple[Any, ...]]

_KINDS = {413: "request_too_large", 404: "not_found", 405: "method_not_allowed", 503: "overloaded"}


def make_app(services: Services, extra_routes: Routes = ()) -> Application:
    """The Tornado application: plain routes, the admin's, static files."""
    shared = {"services": services}
    return Application(
        [
            (r"/health", HealthHandler, shared),
            (r"/metrics", MetricsHandler, shared),
            *extra_routes,
        ],
        default_handler_class=NotFoundHandler,
        default_handler_args=shared,
        static_path=str(ROOT / "static"),
        log_function=_silent,
        compress_response=False,
    )


def reject(status: int, message: str, path: str | None) -> tuple[list[tuple[str, str]], bytes]:
    """What the HTTP front answers by itself (bad heads, too large bodies), in the dialect of the path."""
    problem = Problem(status, message, _KINDS.get(status, "bad_request"))
    error_body = error_body_of(read_route(path).api if path else read_route("/").api)
    return [("content-type", JSON_TYPE), ("access-control-allow-origin", "*")], error_body(problem)


def _silent(_handler: object) -> None:
    """Requests are not logged one by one; calls are recorded and failures logged where they are known."""
