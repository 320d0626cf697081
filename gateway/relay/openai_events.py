"""A stream in OpenAI's own form, passed on event by event: each is read, so that the end is an honest one.

From Google's OpenAI-compatible endpoint. Error events, which come in Google's words there, never leave: the
client hears of them in its own dialect.
"""

from dataclasses import replace

from gateway.protocols.compatible import DONE
from gateway.protocols.failures import Failure
from gateway.relay.outlet import Outlet
from gateway.relay.plan import Plan
from gateway.relay.stream import Stream, is_json, truncated
from gateway.streaming.sse import SseDecoder


class OpenAIEvents(Stream):
    """One chat completion's chunks."""

    __slots__ = ("_decoder",)

    def __init__(self, plan: Plan, outlet: Outlet) -> None:
        super().__init__(plan, outlet)
        self._decoder = SseDecoder()

    def _take_in(self, chunk: bytes) -> None:
        for payload in self._payloads(self._decoder, chunk):
            self._take(payload)
            if self.failure is not None:
                return

    def _end(self) -> Failure | None:
        self._claim()
        for payload in self._decoder.end():
            if payload != DONE and not is_json(payload):
                return truncated()  # the stream was cut inside its last event
            self._take(payload)
        return self._conclude()

    def _take(self, payload: bytes) -> None:
        if payload == DONE:
            if not self.signs.ended:
                self.signs = replace(self.signs, finish_reason="STOP")
            return
        self._see(payload)
        if self.failure is None:
            self._pending.append(b"data: %b\n\n" % payload)

    def _deliver_rest(self) -> None:
        # Written here and not where it came: a client that waits for the mark gets it in any case.
        self._commit()
        self._pending.append(b"data: %b\n\n" % DONE)
        self._outlet.finish(b"".join(self._pending))
