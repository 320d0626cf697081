"""A store for the time of one command, whether a gateway runs on the database or not.

What runs hears of changes within about a second, as of any other process's.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from gateway.building import Opened, open_store
from gateway.commands.terminal import show_admin_token
from gateway.control.following import Telling
from gateway.control.keys import KeyDesk
from gateway.control.results import Actor
from gateway.control.trail import Trail
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.settings.sources import Sources
from gateway.store.store import Store

T = TypeVar("T")
ME = Actor("command line")


def on_opened(sources: Sources, work: Callable[[Opened], Coroutine[Any, Any, T]]) -> T:
    """Open the database as a start does, work on it, close it. Raises StartupError."""
    opened = open_store(sources)
    try:
        if opened.configuration.new_admin_token is not None:
            show_admin_token(opened.configuration.new_admin_token)
        return asyncio.run(work(opened))
    finally:
        opened.store.close()


def on_store(sources: Sources, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """The same for work that needs the store alone."""
    return on_opened(sources, lambda opened: work(opened.store))


def key_desk(store: Store) -> KeyDesk:
    """The desk of a program that lends no keys itself."""
    return KeyDesk(
        store,
        idle_pool(),
        following=Telling(store),
        told=lambda _: None,
        trail=Trail(store),
        wall_s=time.time,
    )


def idle_pool() -> Pool:
    """A pool without keys."""
    return Pool(PoolLimits(), lambda: 0.0)
