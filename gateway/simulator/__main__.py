"""`python -m gateway.simulator --port N`: the demo's Gemini by itself, for manual use and benchmarks."""

import argparse
import asyncio
import contextlib
import sys

from gateway.simulator.server import run_simulator
from gateway.simulator.world import demo_world


def main() -> int:
    """Serve until interrupted; 1 when the port cannot be had."""
    parser = argparse.ArgumentParser(
        prog="python -m gateway.simulator", description="A simulated Gemini API."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-delays", action="store_true", help="answer at once, for benchmarks")
    arguments = parser.parse_args()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(arguments))
    except OSError as error:
        sys.stderr.write(f"cannot listen on {arguments.host}:{arguments.port}: {error.strerror}\n")
        return 1
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    world = demo_world(seed=arguments.seed)
    if arguments.no_delays:
        world = world.without_delays()
    async with await run_simulator(world, arguments.host, arguments.port) as server:
        sys.stdout.write(f"BASE_URL={server.url}\nAPI_KEYS={','.join(world.secrets)}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    raise SystemExit(main())
