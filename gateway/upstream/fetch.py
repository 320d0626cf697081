"""A whole answer by one `await`, for calls of the control plane (probes, model lists, image hosts).

Client calls do not come here: relay pumps them through a Sink of its own.
"""

import asyncio
from dataclasses import dataclass

from gateway.errors import GatewayError
from gateway.upstream.transport import (
    FailureCause,
    ResponseHead,
    Transport,
    TransportFailure,
    UpstreamRequest,
)


class UpstreamCallFailed(GatewayError):
    """No whole answer came; `failure` says why, without a secret."""

    def __init__(self, failure: TransportFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer of any status; `body` with its content encoding undone unless streamed."""

    status: int
    head: ResponseHead
    body: bytes


class Room:
    """How much may still be kept; several answers may share one."""

    __slots__ = ("left_bytes",)

    def __init__(self, max_bytes: int) -> None:
        self.left_bytes = max_bytes


async def fetch(transport: Transport, request: UpstreamRequest, max_bytes: int) -> Response:
    """Send a request and wait for the whole answer.

    max_bytes   a longer body fails as TOO_LARGE, and its connection is dropped

    UpstreamCallFailed when no whole answer came; an HTTP error status is an answer.
    ValueError when the request cannot be sent. Cancelling the awaiting task cancels the transfer.
    """
    return await fetch_into(transport, request, Room(max_bytes))


async def fetch_into(transport: Transport, request: UpstreamRequest, room: Room) -> Response:
    """The same for one of several answers that share the room there is."""
    collector = _Collector(asyncio.get_running_loop(), room)
    transfer = transport.submit(request, collector)
    try:
        return await collector.answer
    finally:
        transfer.cancel()  # idempotent: does nothing once the answer is complete


class _Collector:
    """The Sink behind `fetch`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, room: Room) -> None:
        self.answer: asyncio.Future[Response] = loop.create_future()
        self._room = room
        self._head: ResponseHead | None = None
        self._chunks: list[bytes] = []

    def head(self, head: ResponseHead) -> None:
        self._head = head

    def data(self, chunk: bytes) -> None:
        self._room.left_bytes -= len(chunk)
        if self._room.left_bytes >= 0:
            self._chunks.append(chunk)
        elif not self.answer.done():
            too_large = TransportFailure(
                FailureCause.TOO_LARGE, "the answer's body is larger than accepted here"
            )
            self.answer.set_exception(UpstreamCallFailed(too_large))

    def end(self, last: bytes = b"") -> None:
        self.data(last)
        if self._head is None:
            self.fail(TransportFailure(FailureCause.PROTOCOL, "an answer without a head"))
        elif not self.answer.done():
            self.answer.set_result(Response(self._head.status, self._head, b"".join(self._chunks)))

    def fail(self, failure: TransportFailure) -> None:
        if not self.answer.done():
            self.answer.set_exception(UpstreamCallFailed(failure))
