"""The whole route table on one screen.

Call routes are light objects (handlers/calls.py) chosen before the application is asked; everything else is a
Tornado handler below. `admin` hands in its own routes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tornado.web import Application

from gateway.handlers.base import NotFoundHandler
from gateway.handlers.plain import HealthHandler, MetricsHandler
from gateway.services import Services

ROOT = Path(__file__).resolve().parent.parent
Routes = Sequence[tuple[Any, ...]]


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


def _silent(_handler: object) -> None:
    """Requests are not logged one by one; calls are recorded and failures logged where they are known."""
