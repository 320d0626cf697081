"""One of several calls made for one request: a whole call whose answer stays here.

For requests that one upstream call cannot serve (several pictures, long lists of texts), or whose answer must
be worked on before it is one. Each inner call is recorded like any other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from gateway.errors import GatewayError
from gateway.protocols.error_bodies import Problem
from gateway.protocols.shapes import JsonObject
from gateway.relay.call import Call, Ticket
from gateway.relay.engine import Engine
from gateway.relay.plan import Plan

Asking = TypeVar("Asking")
Found = TypeVar("Found")

_CUT = Problem(502, "Google's answer broke off.", "upstream_error")
_TOO_LONG = Problem(504, "The calls that this request needs took too long.", "timeout")


class CallFailed(GatewayError):
    """An inner call came to nothing; `problem` is what the request's client is to be told."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


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
        return await collector.given
    finally:
        if not collector.given.done() or collector.given.cancelled():
            call.gone()


async def reply_of(engine: Engine, plan: Plan, ticket: Ticket) -> JsonObject:
    """Make a call and give its reply as it was parsed, once. Raises CallFailed.

    plan   of a whole answer; what it says of translation and errors does not matter
    """
    kept = _Kept()
    await _complete_kept(engine, replace(plan, translation=lambda: kept), ticket, kept)
    return kept.reply


async def answer_of(engine: Engine, plan: Plan, ticket: Ticket) -> InnerAnswer:
    """Make a call and give its answer, when it is a good one. Raises CallFailed."""
    return await _complete_kept(engine, plan, ticket, _Kept())


async def _complete_kept(engine: Engine, plan: Plan, ticket: Ticket, kept: "_Kept") -> InnerAnswer:
    try:
        answer = await complete(engine, replace(plan, error_body=kept.refuse), ticket)
    except ConnectionAbortedError:
        raise CallFailed(_CUT) from None
    if kept.problem is not None:
        raise CallFailed(kept.problem)
    return answer


async def several(
    asked: Sequence[Asking], ask: Callable[[Asking], Awaitable[Found]], *, at_once: int, until_s: float
) -> list[Found]:
    """What `ask` gives for each, in order, so many at a time.

    until_s   the loop's time when all must be over

    The first that fails ends the others, and what it raised is raised; CallFailed when the time is over.
    """
    found: dict[int, Found] = {}
    turns = iter(enumerate(asked))

    async def work() -> None:
        for position, one in turns:
            found[position] = await ask(one)

    try:
        async with asyncio.timeout_at(until_s), asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(asked))):
                group.create_task(work())
    except TimeoutError:
        raise CallFailed(_TOO_LONG) from None
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [found[position] for position in range(len(asked))]


class _Kept:
    """The translation of an inner call: keeps the reply, or the problem."""

    __slots__ = ("problem", "reply")

    def __init__(self) -> None:
        self.reply: JsonObject = {}
        self.problem: Problem | None = None

    def whole(self, reply: JsonObject) -> bytes:
        self.reply = reply
        return b""

    def event(self, reply: JsonObject) -> bytes:
        raise AssertionError(f"a stream is no whole answer: {reply}")

    def end(self) -> bytes:
        return b""

    def refuse(self, problem: Problem) -> bytes:
        self.problem = problem
        return b""


class _Collector:
    """The Downstream of an inner call."""

    __slots__ = ("_chunks", "_headers", "_status", "given")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.given: asyncio.Future[InnerAnswer] = loop.create_future()
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

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.head(status, headers)
        self.finish(body)

    def write(self, data: bytes) -> bool:
        self._chunks.append(data)
        return True

    def finish(self, data: bytes = b"") -> None:
        self._chunks.append(data)
        if not self.given.done():
            self.given.set_result(InnerAnswer(self._status, self._headers, b"".join(self._chunks)))

    def abort(self) -> None:
        if not self.given.done():
            self.given.set_exception(ConnectionAbortedError("the answer broke off"))
