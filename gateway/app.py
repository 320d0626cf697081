"""The whole route table on one screen.

Call routes are light objects (handlers/calls.py) chosen before the application is asked; everything else is a
Tornado handler below. `admin` hands in its own routes, which are loaded at the first visit.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from tornado.web import Application

from gateway.handlers.base import NotFoundHandler
from gateway.handlers.late import LateRouter
from gateway.handlers.plain import HealthHandler, MetricsHandler
from gateway.services import Services

ROOT = Path(__file__).resolve().parent.parent
Routes = Sequence[tuple[Any, ...]]
LoadRoutes = Callable[[Services], Awaitable[Routes]]


async def no_routes(_: Services) -> Routes:
    """Of a gateway without an admin."""
    return ()


def make_app(services: Services, load_routes: LoadRoutes = no_routes) -> Application:
    """The Tornado application: static files, plain routes, and at their first request the admin's."""

    async def load() -> Application:
        return _application(services, await load_routes(services))

    shared = {"services": services}
    routes = (
        (r"/health", HealthHandler, shared),
        (r"/metrics", MetricsHandler, shared),
        (r"/.*", LateRouter(load)),
    )
    return _application(services, routes, static_path=str(ROOT / "static"))


def _application(services: Services, routes: Routes, **settings: Any) -> Application:
    return Application(
        list(routes),
        default_handler_class=NotFoundHandler,
        default_handler_args={"services": services},
        log_function=_silent,
        compress_response=False,
        **settings,
    )


def _silent(_handler: object) -> None:
    """Requests are not logged one by one; calls are recorded and failures logged where they are known."""
