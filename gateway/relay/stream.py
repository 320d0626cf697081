"""The pump: an upstream's stream on its way to the client, event by event, written once a wake-up.

Here what all streams share, and the translated one; those passed on as they are: raw_stream.py, raw_array.py.
Only whole events leave, so that an error can follow the last of them in band, and none before one with
content was read.
"""

import abc
from collections.abc import Callable

import orjson

from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure, FailureKind
from gateway.protocols.reply_signs import NOTHING_SEEN, ReplySigns, more_text, read_signs, stream_failure
from gateway.protocols.shapes import JsonObject
from gateway.relay.outlet import Outlet
from gateway.relay.plan import Plan, StreamTranslation, Translation, content_type
from gateway.streaming.json_array import JsonArrayBroken, JsonArraySplitter, JsonElementTooLarge
from gateway.streaming.sse import SseDecoder, SseEventTooLarge

MAX_HELD_BYTES = 64 * 1024 * 1024
"""What may come before the first content; more of it is no answer."""
SILENT_KINDS = (FailureKind.BLOCKED,)


def truncated() -> Failure:
    return Failure(kind=FailureKind.TRUNCATED, status=200, message="The upstream's stream ended early.")


def malformed(why: str) -> Failure:
    return Failure(kind=FailureKind.MALFORMED, status=200, message=why)


def _not_json() -> Failure:
    return malformed("An event of the upstream's stream is not JSON.")


def is_json(payload: bytes) -> bool:
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return False
    return True


class Stream(abc.ABC):
    """What all streamed deliveries share: the held bytes, the signs, the end."""

    tells_its_end = True

    __slots__ = (
        "_held_bytes",
        "_is_telling",
        "_last_usage",
        "_outlet",
        "_pending",
        "_plan",
        "_ready",
        "failure",
        "signs",
    )

    def __init__(self, plan: Plan, outlet: Outlet) -> None:
        self._plan = plan
        self._outlet = outlet
        self._pending: list[bytes] = []
        self._held_bytes = 0
        self._ready = False
        self._is_telling = False  # content has come, of the first candidate alone
        self._last_usage: object = None  # of the events that gave but more text; `signs` has it at the end
        self.failure: Failure | None = None
        self.signs: ReplySigns = NOTHING_SEEN

    def data(self, chunk: bytes) -> None:
        self._take_in(chunk)
        if self.failure is None:
            self._let_out()

    def end(self, last: bytes = b"") -> Failure | None:
        if last:
            self._take_in(last)
            if self.failure is not None:
                return self.failure
        self._count_usage()
        failure = self._end()
        self._count_usage()  # of an event that the end has completed
        return failure

    @abc.abstractmethod
    def _take_in(self, chunk: bytes) -> None:
        """Read a piece of the stream; sets `failure` when it turns out to be an error."""

    @abc.abstractmethod
    def _end(self) -> Failure | None:
        """End the stream, whose last piece has been taken in."""

    def _hold(self, chunk: bytes) -> None:
        """Count what has come without content."""
        self._held_bytes += len(chunk)
        if self._held_bytes > MAX_HELD_BYTES:
            self.failure = malformed("The upstream's stream holds no content.")

    def _payloads(self, decoder: SseDecoder, chunk: bytes) -> list[bytes]:
        """The events that a chunk completes; sets `failure` for one that is too long."""
        if not self._ready:
            self._hold(chunk)
        try:
            return decoder.feed(chunk)
        except SseEventTooLarge as error:
            self.failure = malformed(str(error))
            return []

    def _elements(self, splitter: JsonArraySplitter, chunk: bytes) -> list[bytes]:
        """The elements of a JSON array that a chunk completes; sets `failure` for what is none."""
        if not self._ready:
            self._hold(chunk)
        try:
            return splitter.feed(chunk)
        except (JsonArrayBroken, JsonElementTooLarge) as error:
            self.failure = malformed(str(error))
            return []

    def _see(self, payload: bytes) -> object:
        """Read one event; sets `failure` for an error, `_ready` for content."""
        try:
            event = orjson.loads(payload)
        except orjson.JSONDecodeError:
            self.failure = _not_json()
            return None
        if not (self._is_telling and more_text(event)):
            self._note(event)
        elif (usage := event.get("usageMetadata")) is not None:
            self._last_usage = usage
        return event

    def _note(self, event: object) -> None:
        """Note what an event shows that is not but more text."""
        signs = self._plan.reads(event)
        if self._last_usage is not None:
            self._count_usage()
        self.signs = signs if self.signs is NOTHING_SEEN else self.signs.merged(signs)
        if signs.error is not None:
            self.failure = signs.error
        elif signs.has_content:
            self._ready = True
        self._is_telling = self._ready and self.signs.begun == 1 and self._plan.reads is read_signs

    def _count_usage(self) -> None:
        if self._last_usage is not None:
            self.signs = self.signs.counted(self._last_usage)
            self._last_usage = None

    def _commit(self) -> None:
        if not self._outlet.committed:
            self._outlet.commit(200, content_type(self._plan))

    def _claim(self) -> None:
        """At the stream's end: the call is this key's if there was content, whether or not it has left."""
        if self._ready:
            self._commit()

    def _send(self, data: bytes) -> None:
        self._commit()
        self._outlet.write(data)

    def _verdict(self) -> Failure | None:
        """Judge the stream at its end: None (or a block, kept in `failure`) may be delivered as it is."""
        failure = stream_failure(self.signs)
        if failure is None or failure.kind in SILENT_KINDS:
            self.failure = failure
            return None
        if self._outlet.committed and failure.kind is not FailureKind.TRUNCATED:
            # The model itself ended badly (a malformed call after text): the client sees its finish reason.
            self.failure = failure
            return None
        return failure

    def _conclude(self) -> Failure | None:
        """End the stream: the client gets what is held, or the failure that speaks against it is given."""
        failure = self.failure or self._verdict()
        if failure is not None and failure.kind not in SILENT_KINDS:
            return failure
        self._deliver_rest()
        return None

    def _is_told_whole(self) -> bool:
        """True when what is held is the model's own last word, though there is nothing in it."""
        return self.failure is None and self.signs.ended

    def break_off(self, problem: Problem) -> None:
        self._count_usage()
        self._let_out()
        tail = self._last_words(problem)
        if tail:
            self._outlet.finish(tail)
        else:  # no words have a place in it: the missing end is the honest sign
            self._outlet.abort()

    def _last_words(self, problem: Problem) -> bytes:
        """The error as the last bytes of the stream."""
        return self._plan.error_tail(problem)

    def release(self) -> bool:
        if not self._is_told_whole():
            return False
        self._deliver_rest()
        return True

    def _let_out(self) -> None:
        """Pass on what may leave now."""
        pending = self._pending
        if self._ready and pending:
            data = b"".join(pending)
            pending.clear()
            if not self._outlet.committed:
                self._commit()
            self._outlet.write(data)

    @abc.abstractmethod
    def _deliver_rest(self) -> None:
        """Pass on what is held, and the end."""


class TranslatedEvents(Stream):
    """Server-sent events, translated one by one into the client's dialect."""

    __slots__ = ("_decoder", "_tell_more", "_translation")

    def __init__(self, plan: Plan, outlet: Outlet, translation: Translation) -> None:
        super().__init__(plan, outlet)
        self._decoder = SseDecoder()
        self._translation = translation
        self._tell_more: Callable[[str, JsonObject], bytes] | None = getattr(translation, "more", None)

    def _take_in(self, chunk: bytes) -> None:
        self._take(self._payloads(self._decoder, chunk))

    def _take(self, payloads: list[bytes]) -> None:
        """Read and translate events, up to one that is a failure."""
        tell_more, pending = self._tell_more, self._pending
        for payload in payloads:  # as `_see` does: one more call for each of them would be a tenth of it all
            try:
                event = orjson.loads(payload)
            except orjson.JSONDecodeError:
                self.failure = _not_json()
                return
            text = more_text(event) if self._is_telling else ""
            if not text:
                self._note(event)
                if self.failure is not None:
                    return
            elif (usage := event.get("usageMetadata")) is not None:
                self._last_usage = usage
            if text and tell_more is not None:
                pending.append(tell_more(text, event))
            elif isinstance(event, dict):
                self._pass_on(event)

    def _pass_on(self, event: JsonObject) -> None:
        if out := self._translation.event(event):
            self._pending.append(out)

    def _last_words(self, problem: Problem) -> bytes:
        translation = self._translation
        if isinstance(translation, StreamTranslation):  # it knows what has been told
            return translation.broken(problem)
        return super()._last_words(problem)

    def _end(self) -> Failure | None:
        self._claim()
        rest = self._decoder.end()
        if not all(map(is_json, rest)):
            return truncated()  # the stream was cut inside its last event
        self._take(rest)
        return self._conclude()

    def release(self) -> bool:
        return False

    def _deliver_rest(self) -> None:
        self._commit()
        self._pending.append(self._translation.end())
        self._outlet.finish(b"".join(self._pending))
