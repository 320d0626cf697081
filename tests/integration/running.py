"""A whole gateway on real sockets, in a thread of the test process.

Everything is built as in production (sources → store → services → front) except signals and the command line;
tests of those start a child process instead (test_run_contract.py).
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from admin.entrance import load_routes
from gateway.building import build_services, open_store
from gateway.lifecycle import open_sockets, run
from gateway.log import Redaction
from gateway.services import Services
from gateway.settings.sources import read_sources

T = TypeVar("T")
TOKEN = "sk-test-token"
KEYS = ("AIza-test-key-one-0000000001", "AIza-test-key-two-0000000002", "AIza-test-key-three-00000003")
WAIT_S = 15.0


class RunningGateway:
    """Start with `with`; `url` is its address without a trailing slash."""

    def __init__(
        self,
        data_dir: Path,
        upstream_url: str,
        settings: Mapping[str, str],
        *,
        redaction: Redaction | None = None,
    ) -> None:
        environment = {
            "HOST": "127.0.0.1",
            "PORT": "0",
            "DATA_DIR": str(data_dir),
            "BASE_URL": upstream_url,
            "API_KEYS": ",".join(KEYS),
            "ALLOWED_TOKENS": TOKEN,
            "AUTH_TOKEN": "sk-test-admin",
            "SHUTDOWN_TIMEOUT_SECONDS": "2",
            "POOL_WAIT_SECONDS": "0",  # tests of errors need not wait for a key; those of waiting say so
            **settings,
        }
        self._sources = read_sources({name: value for name, value in environment.items() if value != ""})
        self._redaction = redaction or Redaction()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="gateway-under-test")
        self.services: Services | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(WAIT_S)
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def begin_stop(self) -> None:
        """Ask for a graceful stop, as SIGTERM does."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)

    def stop(self) -> None:
        """Stop gracefully and wait; idempotent."""
        self.begin_stop()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive(), "the gateway did not stop"

    def on_loop(self, action: Callable[[Services], T]) -> T:
        """Run something with the services on the gateway's loop and give its result."""
        services, loop = self.services, self._loop
        assert services is not None
        assert loop is not None

        async def act() -> T:
            return action(services)

        return asyncio.run_coroutine_threadsafe(act(), loop).result(WAIT_S)

    def wait_for(self, action: Callable[[Services], Coroutine[Any, Any, T]]) -> T:
        """Run something that waits, with the services on the gateway's loop, and give its result."""
        services, loop = self.services, self._loop
        assert services is not None
        assert loop is not None
        return asyncio.run_coroutine_threadsafe(action(services), loop).result(WAIT_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001 - the test's thread raises it
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        sockets = open_sockets("127.0.0.1", 0)
        opened = open_store(self._sources)
        services = self.services = build_services(self._sources, opened, self._redaction, self._loop)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        self._loop.call_soon(self._ready.set)
        await run(services, sockets, self._stop, load_routes=load_routes)
