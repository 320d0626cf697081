"""One of several calls made for one request: a whole call whose answer stays here.

For requests that one upstream call cannot serve (several pictures, long lists of texts). Each inner call is
recorded like any other.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.relay.call import Call, Ticket
from gateway.relay.engine import Engine
from gateway.relay.plan import Plan


@dataclass(frozen=True, slots=True)
class InnerAnswer:
    """A call's answer; an error is in the plan's dialect already."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def failed(self) -> bool:
        return self.status >= 400


async def complete(engine: Engine, plan: Plan, ticket: Ticket) -> InnerAnswer:
    """Make a call and wait for its whole answer. Cancelling the awaiting task cancels the call.

    Raises ConnectionAbortedError where a client would have seen its connection cut.
    """
    collector = _Collector(asyncio.get_running_loop())
    call = Call(engine, plan, collector, ticket)
    call.begin()
    try:
        return await collector.answer
    finally:
        if not collector.answer.done() or collector.answer.cancelled():
            call.gone()


class _Collector:
    """The Downstream of an inner call."""

    __slots__ = ("_chunks", "_headers", "_status", "answer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answer: asyncio.Future[InnerAnswer] = loop.create_future()
        self._status = 0
        self._headers: Sequence[tuple[str, str]] = ()
        self._chunks: list[bytes] = []

    def head(
        self,
        status: int,
        headers: Sequence[tuple[str, str]],
        *,
        content_length: int | None = None,  # noqa: ARG002 - the bytes are counted as they come
    ) -> None:
        self._status, self._headers = status, headers

    def write(self, data: bytes) -> bool:
        self._chunks.append(data)
        return True

    def finish(self, data: bytes = b"") -> None:
        self._chunks.append(data)
        if not self.answer.done():
            self.answer.set_result(InnerAnswer(self._status, self._headers, b"".join(self._chunks)))

    def abort(self) -> None:
        if not self.answer.done():
            self.answer.set_exception(ConnectionAbortedError("the answer broke off"))
