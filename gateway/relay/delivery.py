"""The ways an upstream's good answer reaches the client: whole, as events, as a JSON array.

A delivery belongs to one attempt. It holds what came until there is content worth committing to, so that an
empty or broken answer can still be replaced by another attempt's. Attempts feed it, the outlet lets it out.
"""

from typing import Any, Final, Protocol

import orjson

from gateway.pool.lease import Lease
from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure, FailureKind
from gateway.protocols.reply_signs import NOTHING_SEEN, ReplySigns, read_signs, reply_failure
from gateway.protocols.shapes import JsonObject
from gateway.relay.interaction import InteractionEvents
from gateway.relay.openai_events import OpenAIEvents
from gateway.relay.outlet import Outlet
from gateway.relay.passing import AnyAnswer
from gateway.relay.plan import JSON_TYPE, Framing, Plan, Translation
from gateway.relay.raw_array import RawArray
from gateway.relay.raw_stream import RawEvents
from gateway.relay.stream import TranslatedEvents, truncated
from gateway.streaming.json_array import BracketScan
from gateway.streaming.tail import TailKeeper
from gateway.upstream.transport import ResponseHead

# Plain names: an enum's attribute is looked up by a function in Python, and each call asks for these.
_WHOLE: Final = Framing.WHOLE
_EVENTS: Final = Framing.EVENTS

HOLD_BYTES = 1024 * 1024
"""A raw whole answer longer than this is passed on as it comes: it is surely not empty."""
TRANSLATE_BYTES = 128 * 1024 * 1024
"""A whole answer to be translated must be held; a longer one is refused."""


class Delivery(Protocol):
    """What an attempt needs of a delivery.

    failure   set while feeding, when the answer turns out to be an error
    signs     what has been seen of the answer: usage, finish reason
    """

    failure: Failure | None
    signs: ReplySigns

    @property
    def tells_its_end(self) -> bool:
        """True for an answer that says by itself that it is whole, whatever becomes of its connection."""

    def data(self, chunk: bytes) -> None:
        """Take a piece, and let out what may leave, unless it set `failure`."""

    def end(self, last: bytes = b"") -> Failure | None:
        """The upstream has ended well, with a last piece.

        None: the client has the whole answer. Else why it has not.
        """

    def release(self) -> bool:
        """Give the client what is held, though it is a failure; False when that cannot be done."""

    def break_off(self, problem: Problem) -> None:
        """After the commit point: end the answer with an honest error."""


class StagedDelivery(Delivery, Protocol):
    """One that waits for more than the upstream: it is flushed when that has come, after `end` too."""

    def flush(self) -> None:
        """Let out what may leave now."""

    @property
    def waits(self) -> bool:
        """True until everything has left."""

    @property
    def is_crowded(self) -> bool:
        """True while the upstream had better wait."""

    def drop(self) -> None:
        """Wait for nothing any longer. What is held may still be released, or broken off."""


def open_delivery(plan: Plan, outlet: Outlet, lease: Lease, head: ResponseHead) -> Delivery:
    """The delivery for one attempt of a plan: whose key it was, and how its answer begins."""
    framing = plan.framing
    if framing is _WHOLE:
        if plan.translation is None:
            return RawWhole(plan, outlet)
        return TranslatedWhole(plan, outlet, plan.translation())
    if framing is _EVENTS or framing is Framing.ARRAY:
        if plan.translation is not None:
            return TranslatedEvents(plan, outlet, plan.translation())
        return RawEvents(plan, outlet) if framing is _EVENTS else RawArray(plan, outlet)
    if framing is Framing.ANY:
        return AnyAnswer(plan, outlet, lease, head)
    if framing is Framing.OPENAI_EVENTS:
        return OpenAIEvents(plan, outlet)
    return InteractionEvents(plan, outlet, lease)


def _looks_like_object(body: bytes) -> bool:
    return body[:64].lstrip().startswith(b"{") and body[-64:].rstrip().endswith(b"}")


def _broken_json() -> Failure:
    return Failure(kind=FailureKind.MALFORMED, status=200, message="The upstream's answer is not JSON.")


class _LongAnswer:
    """What is seen of an answer that leaves as it comes.

    is_closed   its last bracket has come: an answer that ends with its connection says by it that it is whole
    """

    __slots__ = ("_scan", "is_closed", "tail")

    def __init__(self) -> None:
        self._scan = BracketScan()
        self.tail = TailKeeper()
        self.is_closed = False

    def see(self, piece: bytes) -> None:
        self.tail.feed(piece)
        self.is_closed = self.is_closed or self._scan.close(piece, 0) >= 0


class RawWhole:
    """One JSON body, passed on as it came."""

    __slots__ = ("_held", "_long", "_outlet", "_plan", "_size", "failure", "signs")

    def __init__(self, plan: Plan, outlet: Outlet) -> None:
        self._plan = plan
        self._outlet = outlet
        self._held: list[bytes] = []
        self._size = 0
        self._long: _LongAnswer | None = None
        self.failure: Failure | None = None
        self.signs = NOTHING_SEEN

    @property
    def tells_its_end(self) -> bool:
        return self._plan.generates

    def data(self, chunk: bytes) -> None:
        self._held.append(chunk)
        self._size += len(chunk)
        if self._size > HOLD_BYTES:
            self._pass_on()

    def _pass_on(self) -> _LongAnswer:
        long = self._long
        if long is None:
            self._outlet.commit(200, JSON_TYPE)
            long = self._long = _LongAnswer()
        pending = b"".join(self._held)
        self._held.clear()
        if pending:
            long.see(pending)
            self._outlet.write(pending)
        return long

    def end(self, last: bytes = b"") -> Failure | None:
        held = self._held
        if last:
            held.append(last)
        if self._long is not None:
            return self._end_passed_on()
        body = b"".join(held)
        failure = self._judge(body)
        if failure is not None:
            if failure.kind is not FailureKind.BLOCKED:
                return failure
            self.failure = failure
        self._outlet.answer(200, JSON_TYPE, body)
        return None

    def _end_passed_on(self) -> Failure | None:
        long = self._pass_on()
        self.signs = ReplySigns(has_content=True, usage=long.tail.read().usage)
        if not long.is_closed:
            return truncated()
        self._outlet.finish()
        return None

    def release(self) -> bool:
        if not self._held:
            return False
        self._outlet.answer(200, JSON_TYPE, b"".join(self._held))
        return True

    def break_off(self, problem: Problem) -> None:  # noqa: ARG002 - what it would say has no place
        # No error can be written into half a JSON body: the missing end is the honest sign.
        self._outlet.abort()

    def _judge(self, body: bytes) -> Failure | None:
        plan = self._plan
        if not plan.generates and plan.reads is read_signs:
            # Model lists and embeddings may be long: a look is enough to tell them from a proxy's page.
            return None if _looks_like_object(body) else self._broken()
        try:
            reply = orjson.loads(body)
        except orjson.JSONDecodeError:
            reply = None
        if not isinstance(reply, dict):
            return self._broken()
        self.signs = signs = plan.reads(reply)
        return reply_failure(signs) if plan.generates else None

    def _broken(self) -> Failure:
        self._held.clear()  # this is never released
        return _broken_json()


class TranslatedWhole:
    """One JSON body, held whole and translated."""

    tells_its_end = True

    __slots__ = ("_held", "_outlet", "_plan", "_size", "_translation", "failure", "signs")

    def __init__(self, plan: Plan, outlet: Outlet, translation: Translation) -> None:
        self._plan = plan
        self._outlet = outlet
        self._translation = translation
        self._held: list[bytes] = []
        self._size = 0
        self.failure: Failure | None = None
        self.signs = NOTHING_SEEN

    def data(self, chunk: bytes) -> None:
        self._held.append(chunk)
        self._size += len(chunk)
        if self._size > TRANSLATE_BYTES:
            self.failure = self._too_large()

    def end(self, last: bytes = b"") -> Failure | None:
        self._held.append(last)
        if self._size + len(last) > TRANSLATE_BYTES:
            return self._too_large()
        reply = self._read()
        if reply is None:
            return _broken_json()
        plan = self._plan
        signs = self.signs = plan.reads(reply)
        if plan.generates and (failure := reply_failure(signs)) is not None:
            if failure.kind is not FailureKind.BLOCKED:
                return failure
            self.failure = failure
        self._deliver(reply)
        return None

    def release(self) -> bool:
        return False

    def _too_large(self) -> Failure:
        self._held.clear()
        message = "The upstream's answer is too large."
        return Failure(kind=FailureKind.MALFORMED, status=200, message=message)

    def _read(self) -> JsonObject | None:
        """The reply, None when what came is none."""
        try:
            reply: Any = orjson.loads(b"".join(self._held))
        except orjson.JSONDecodeError:
            return None
        return reply if isinstance(reply, dict) else None

    def _deliver(self, reply: JsonObject) -> None:
        self._outlet.answer(200, JSON_TYPE, self._translation.whole(reply))

    def break_off(self, problem: Problem) -> None:  # noqa: ARG002 - nothing has been sent to follow
        self._outlet.abort()
