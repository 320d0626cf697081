"""The stage between an answer that is read and a client that is told: waiting for pictures, keeping a pace.

Events pass in their order. One whose pictures are on their way to a host holds up those behind it; texts
leave at the optimizer's pace. Used by the deliveries in staged.py; other calls know nothing of it.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from gateway.protocols.error_bodies import Problem
from gateway.protocols.media import Media
from gateway.protocols.reply_pictures import pictures_in, place
from gateway.protocols.shapes import JsonObject
from gateway.relay.outlet import Outlet
from gateway.relay.plan import Host, Plan, Staging, content_type
from gateway.streaming.pacing import Pacer


class Stage:
    """Takes the events of one attempt's answer and tells the client.

    wake       called on the loop's turn when there is more to tell; `flush` tells it
    finished   the client has been told everything
    """

    __slots__ = (
        "_content_type",
        "_has_ended",
        "_line",
        "_loop",
        "_outlet",
        "_pacer",
        "_staging",
        "_timer",
        "_wake",
        "finished",
        "translation",
    )

    def __init__(
        self,
        plan: Plan,
        staging: Staging,
        outlet: Outlet,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
    ) -> None:
        self._content_type = content_type(plan)
        self._staging = staging
        self._outlet = outlet
        self._loop = loop
        self._wake = wake
        self.translation = staging.translation()
        self._pacer = Pacer(staging.pace) if staging.pace is not None else None
        self._line: deque[tuple[JsonObject, asyncio.Task[None] | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._has_ended = False
        self.finished = False

    @property
    def is_crowded(self) -> bool:
        """True while an event waits for its pictures: what comes behind it would have to be kept."""
        return any(placing is not None and not placing.done() for _, placing in self._line)

    def put(self, event: JsonObject) -> None:
        """Take the next event."""
        placing = placed(event, self._staging.host, self._loop)
        if placing is not None:
            placing.add_done_callback(self._placed)
        self._line.append((event, placing))

    def end(self) -> None:
        """There are no more events: tell what may leave now; the rest follows by `flush`."""
        self._has_ended = True
        self.flush()

    def flush(self) -> None:
        """Tell what may leave now, unless the client has not taken what it was told before."""
        if self.finished or (self._outlet.full and self._pacer is not None):
            return
        out = self._take()
        if self._has_ended and not self._line and not self._pacer:
            self._finish(out, self.translation.end())
            return
        if out:
            self._commit()
            self._outlet.write(out)
        self._set_timer()

    def close(self) -> None:
        """Tell everything at once; pictures that have no place yet stay inside."""
        self._finish(self._rest(), self.translation.end())

    def break_off(self, problem: Problem) -> None:
        """The same, and that the answer ends with an error."""
        self._finish(self._rest(), self.translation.broken(problem))

    def drop(self) -> None:
        """Wait for nothing any longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for _, placing in self._line:
            if placing is not None:
                placing.cancel()

    def _placed(self, placing: asyncio.Task[None]) -> None:
        if not placing.cancelled():
            self._wake()

    def _take(self) -> bytes:
        """Translate what need not wait any longer."""
        line, now_s = self._line, self._loop.time()
        events: list[JsonObject] = []
        while line and (line[0][1] is None or line[0][1].done()):
            event, placing = line.popleft()
            if placing is not None:
                placing.result()  # raises what went wrong
            if self._pacer is None:
                events.append(event)
            else:
                self._pacer.put(event, now_s)
        if self._pacer is not None:
            events += self._pacer.due(now_s)
        return b"".join(map(self.translation.event, events))

    def _rest(self) -> bytes:
        self.drop()
        events = self._pacer.rest() if self._pacer is not None else []
        events += (event for event, _ in self._line)
        self._line.clear()
        return b"".join(map(self.translation.event, events))

    def _finish(self, out: bytes, last: bytes) -> None:
        self.drop()
        self.finished = True
        self._commit()
        self._outlet.finish(out + last)

    def _commit(self) -> None:
        if not self._outlet.committed:
            self._outlet.commit(200, self._content_type, opening=self._staging.opening)

    def _set_timer(self) -> None:
        next_s = self._pacer.next_s if self._pacer is not None else None
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if next_s is None else self._loop.call_at(next_s, self._wake)


def placed(
    reply: JsonObject, host: Host | None, loop: asyncio.AbstractEventLoop
) -> asyncio.Task[None] | None:
    """Begin to put a reply's pictures elsewhere, all at once; None when there is nothing to do."""
    if host is None or not (pictures := pictures_in(reply)):
        return None
    return loop.create_task(_place_all(pictures, host))


async def _place_all(pictures: list[tuple[JsonObject, Media]], host: Host) -> None:
    addresses = await asyncio.gather(*(host(picture) for _, picture in pictures))
    for (part, picture), address in zip(pictures, addresses, strict=True):
        if address is not None:
            place(part, picture, address)
