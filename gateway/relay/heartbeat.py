"""Tells a client that waits for a stream that its call lives, until there is content to send.

For answers that are asked whole and told as a stream. A beat is no content: the call may still move to
another key, or end with an error (outlet.py).
"""

import asyncio

from gateway.relay.outlet import Outlet
from gateway.relay.plan import Plan, Staging, content_type


class Heartbeat:
    """The beats of one call, from `start` until there is content or `stop`.

    The first comes after one interval, so that an error known by then is told by its true status.
    """

    __slots__ = ("_loop", "_outlet", "_plan", "_staging", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, plan: Plan, staging: Staging, outlet: Outlet) -> None:
        self._loop = loop
        self._plan = plan
        self._staging = staging
        self._outlet = outlet
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = self._loop.call_later(self._staging.beat_every_s, self._beat)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        if self._outlet.committed:
            self._timer = None
            return
        if not self._outlet.full:  # who does not read is not told more
            sign = self._staging.translation().beat()
            self._outlet.beat(content_type(self._plan), self._staging.opening, sign)
        self.start()
