"""A gateway as built, without its front: what the control plane's tests act on."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.building import Opened, build_services
from gateway.control.configuration import configure
from gateway.control.results import Actor
from gateway.log import Redaction
from gateway.services import Services
from gateway.settings.sources import read_sources
from gateway.store.store import Store

ADMIN = Actor("admin", "127.0.0.1")
ADMIN_TOKEN = "sk-test-admin"
FAKE = "AIzaSyTest-0123456789-abcdefghij-000000"
NOWHERE = "http://127.0.0.1:9/v1beta"


def fake_key(number: int) -> str:
    """A key of Google's shape that says it is none."""
    return f"{FAKE[:-6]}{number:06d}"[:39]


@asynccontextmanager
async def built(store: Store, **settings: str) -> AsyncIterator[Services]:
    """Everything on a store, with what runs in the background."""
    environment = {"AUTH_TOKEN": ADMIN_TOKEN, "BASE_URL": NOWHERE, "API_KEYS": "", **settings}
    sources = read_sources({name: value for name, value in environment.items() if value})
    configuration = await asyncio.to_thread(configure, store, sources)
    services = build_services(sources, Opened(store, configuration), Redaction(), asyncio.get_running_loop())
    services.background.start()
    try:
        yield services
    finally:
        await services.desk.stop()
        await services.background.stop()
        await services.engine.transport.close()


def now_ms() -> int:
    return int(time.time() * 1000)
