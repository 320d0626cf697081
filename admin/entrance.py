"""The way into the admin, which is imported by whoever visits it first.

Templates, words and numbers in the reader's form cost 9 MB and a fifth of a start's time, and most processes
never show a page.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.services import Services

Routes = list[tuple[Any, ...]]


async def load_routes(services: Services) -> Routes:
    """The admin's routes, imported on another thread: the loop stays free for calls."""
    make = await asyncio.to_thread(_load)
    return make(services)


def _load() -> Callable[[Services], Routes]:
    from admin.routes import make_renderer, make_routes

    renderer = make_renderer()
    return lambda services: make_routes(services, renderer)
