"""The deliveries of answers that are not passed on as they come: asked whole and told as a stream, paced,
with their pictures put elsewhere, or held until what they made is known to every process.

They read and judge like the ones they are made of (stream.py, delivery.py) and tell through a stage.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from gateway.pool.lease import Lease
from gateway.protocols.error_bodies import Problem
from gateway.protocols.shapes import JsonObject
from gateway.relay.delivery import StagedDelivery, TranslatedWhole
from gateway.relay.outlet import Outlet
from gateway.relay.passing import AnyAnswer
from gateway.relay.plan import Framing, Plan, Settling, Staging
from gateway.relay.stage import Stage, placed
from gateway.relay.stream import TranslatedEvents
from gateway.streaming.json_array import JsonArraySplitter
from gateway.upstream.transport import ResponseHead


def open_staged(
    plan: Plan, outlet: Outlet, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]
) -> StagedDelivery:
    """The delivery for one attempt of a plan with a staging.

    wake   called when there is more to tell, to which the answer is `flush`
    """
    staging = plan.staging
    if staging is None:
        raise ValueError("the plan has no staging")
    if staging.framing is Framing.WHOLE:
        return HostedWhole(plan, staging, outlet, loop, wake)
    stage = Stage(plan, staging, outlet, loop, wake)
    if plan.framing is Framing.WHOLE:
        return WholeAsStream(plan, staging, outlet, stage)
    if plan.framing is Framing.ARRAY:
        return StagedArray(plan, staging, outlet, stage)
    return StagedEvents(plan, staging, outlet, stage)


class _OnStage:
    """What deliveries over a stage leave to it."""

    __slots__ = ()

    _stage: Stage

    @property
    def waits(self) -> bool:
        return not self._stage.finished

    def break_off(self, problem: Problem) -> None:
        self._stage.break_off(problem)

    def drop(self) -> None:
        self._stage.drop()


class StagedEvents(_OnStage, TranslatedEvents):
    """Server-sent events that go over a stage."""

    __slots__ = ("_stage", "_staging")

    def __init__(self, plan: Plan, staging: Staging, outlet: Outlet, stage: Stage) -> None:
        super().__init__(plan, outlet, stage.translation)
        self._tell_more = None  # the stage translates when it tells
        self._staging = staging
        self._stage = stage

    @property
    def is_crowded(self) -> bool:
        return self._stage.is_crowded

    def flush(self) -> None:
        self._let_out()

    def _let_out(self) -> None:
        if self._ready:
            self._stage.flush()

    def release(self) -> bool:
        if not self._staging.shows_empty or not self._is_told_whole():
            return False
        self._stage.close()
        return True

    def _claim(self) -> None:
        self._let_out()

    def _pass_on(self, event: JsonObject) -> None:
        self._stage.put(event)

    def _deliver_rest(self) -> None:
        self._stage.end()


class StagedArray(StagedEvents):
    """The JSON-array form, likewise."""

    __slots__ = ("_splitter",)

    def __init__(self, plan: Plan, staging: Staging, outlet: Outlet, stage: Stage) -> None:
        super().__init__(plan, staging, outlet, stage)
        self._splitter = JsonArraySplitter()

    def _take_in(self, chunk: bytes) -> None:
        self._take(self._elements(self._splitter, chunk))


class WholeAsStream(_OnStage, TranslatedWhole):
    """A whole answer, told as the stream the client asked for."""

    __slots__ = ("_stage", "_staging")

    def __init__(self, plan: Plan, staging: Staging, outlet: Outlet, stage: Stage) -> None:
        super().__init__(plan, outlet, stage.translation)
        self._staging = staging
        self._stage = stage

    @property
    def is_crowded(self) -> bool:
        return False  # all of it has come before the stage gets it

    def flush(self) -> None:
        self._stage.flush()

    def release(self) -> bool:
        reply = self._read() if self._staging.shows_empty else None
        if reply is None:
            return False
        self._stage.put(reply)
        self._stage.close()
        return True

    def _deliver(self, reply: JsonObject) -> None:
        self._stage.put(reply)
        self._stage.end()


class _OnTask(ABC):
    """What deliveries share that hold the end of an answer until one task is done.

    wake   called when it is, to which the answer is `flush`
    """

    is_crowded = False  # all of it has come

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._task: asyncio.Task[None] | None = None
        self.waits = False

    def flush(self) -> None:
        if self.waits and self._task is not None and self._task.done():
            self._task.result()  # raises what went wrong
            self.waits = False
            self._tell()

    def drop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _wait_for(self, task: asyncio.Task[None]) -> None:
        self._task = task
        self.waits = True
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._wake()

    @abstractmethod
    def _tell(self) -> None:
        """Give the client what was held."""


class HostedWhole(_OnTask, TranslatedWhole):
    """A whole answer whose pictures get a place of their own before it is told."""

    def __init__(
        self,
        plan: Plan,
        staging: Staging,
        outlet: Outlet,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
    ) -> None:
        _OnTask.__init__(self, wake)
        TranslatedWhole.__init__(self, plan, outlet, staging.translation())
        self._staging = staging
        self._loop = loop
        self._reply: JsonObject = {}

    def _deliver(self, reply: JsonObject) -> None:
        placing = placed(reply, self._staging.host, self._loop)
        if placing is None:
            super()._deliver(reply)
        else:
            self._reply = reply
            self._wait_for(placing)

    def _tell(self) -> None:
        super()._deliver(self._reply)


class SettledAnswer(_OnTask, AnyAnswer):
    """An answer of any kind whose end is held until every process knows what it has made.

    The client's next call may come to any of them, and only the key that made a thing can reach it.
    """

    def __init__(
        self,
        plan: Plan,
        outlet: Outlet,
        lease: Lease,
        head: ResponseHead,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
    ) -> None:
        _OnTask.__init__(self, wake)
        AnyAnswer.__init__(self, plan, outlet, lease, head)
        self._loop = loop
        self._last = b""

    def _finish(self, body: bytes, settling: Settling | None) -> None:
        if settling is None:
            super()._finish(body, None)
        else:
            self._last = body
            self._wait_for(self._loop.create_task(settling()))

    def _tell(self) -> None:
        super()._finish(self._last, None)
