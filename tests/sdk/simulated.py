"""The simulated Gemini in a thread of the test process, for gateways that run in another thread or process.

Strict like the real one: a translation that Gemini would refuse fails the test that made it.
"""

import asyncio
import threading
from typing import Self

from gateway.simulator.server import run_simulator
from gateway.simulator.world import KeyHealth, Project, SimulatedKey, World, world_of

KEYS = tuple(f"AQ.simulated-{number}-not-a-real-key" for number in range(4))
WAIT_S = 10.0


def small_world() -> World:
    """Give four keys; the second is invalid and the third leaked, so that some calls need a second try."""
    healths = (KeyHealth.HEALTHY, KeyHealth.INVALID, KeyHealth.LEAKED, KeyHealth.HEALTHY)
    return world_of(
        [
            SimulatedKey(secret, Project(f"1048576000{number:02}"), health)
            for number, (secret, health) in enumerate(zip(KEYS, healths, strict=True))
        ]
    )


class SimulatedUpstream:
    """Start with `with`; `url` is what BASE_URL wants."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated-gemini", daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(WAIT_S), "the simulator did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT_S)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with await run_simulator(self._world) as server:
            self.url = server.url
            self._ready.set()
            await self._stop.wait()
