"""Waiting on the loop for what other tasks and threads do."""

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], *, within_s: float = 15.0) -> None:
    """Wait until something holds; fails the test when it does not come."""
    ends_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends_s, f"did not happen within {within_s} s"
        await asyncio.sleep(0.005)
