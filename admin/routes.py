"""The admin's route table, mounted by gateway/__main__."""

from typing import Any

from admin.rendering import Renderer
from admin.start import StartHandler
from gateway.services import Services


def make_routes(services: Services) -> list[tuple[Any, ...]]:
    """Routes for `make_app(extra_routes=…)`."""
    shared = {"services": services, "renderer": Renderer()}
    return [(r"/", StartHandler, shared)]
