"""`make demo`: the gateway over a simulated Gemini with keys of every health: anyone can see it work.

Reads no `.env` and touches no data of a real installation: its database lives in a temporary folder.
"""

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Iterator, Mapping

from gateway.settings.sources import Sources, read_sources
from gateway.simulator.server import run_simulator
from gateway.simulator.world import World, demo_world

TOKEN = "sk-demo"  # noqa: S105 - printed on the screen, opens nothing real
ADMIN_TOKEN = "sk-demo-admin"  # noqa: S105 - printed on the screen, opens nothing real
_START_S = 10.0


@contextlib.contextmanager
def demo_sources(command_line: Mapping[str, str]) -> Iterator[Sources]:
    """Settings of a demo whose simulated Gemini runs as long as the block.

    command_line   HOST, PORT and WORKERS as given
    """
    world = demo_world()
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder, _simulator(world) as base_url:
        yield read_sources(
            {
                "API_KEYS": ",".join(world.secrets),
                "ALLOWED_TOKENS": TOKEN,
                "AUTH_TOKEN": ADMIN_TOKEN,
                "BASE_URL": base_url,
                "DATA_DIR": folder,
                "LOG_LEVEL": "INFO",
            },
            command_line=command_line,
        )


def what_to_try(host: str, port: int) -> str:
    """A few commands for the reader's terminal."""
    shown = "localhost" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
    origin = f"http://{shown}:{port}"
    return f"""
  The demo serves a simulated Gemini: nine keys, some of them invalid, leaked, suspended or used up.
  Open {origin}/ or try:

    curl -N {origin}/v1/chat/completions -H "Authorization: Bearer {TOKEN}" \\
      -H "Content-Type: application/json" \\
      -d '{{"model":"gemini-3.5-flash","messages":[{{"role":"user","content":"Hello"}}],"stream":true}}'

    curl "{origin}/gemini/v1beta/models/gemini-3.8-flash:generateContent" -H "x-goog-api-key: {TOKEN}" \\
      -H "Content-Type: application/json" -d '{{"contents":[{{"parts":[{{"text":"你好"}}]}}]}}'

    curl {origin}/metrics -H "Authorization: Bearer {ADMIN_TOKEN}"

  The administrator's token is {ADMIN_TOKEN}. Stop with Ctrl-C.
"""


@contextlib.contextmanager
def _simulator(world: World) -> Iterator[str]:
    """Run the simulated Gemini on a loop of its own, so that its work is not the gateway's."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    addresses: list[str] = []
    stop = asyncio.Event()

    async def serve() -> None:
        async with await run_simulator(world) as server:
            addresses.append(server.url)
            started.set()
            await stop.wait()

    def work() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            loop.close()

    thread = threading.Thread(target=work, name="simulated-gemini", daemon=True)
    thread.start()
    started.wait(_START_S)
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_START_S)
