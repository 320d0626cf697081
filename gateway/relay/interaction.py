"""The event stream of the Interactions API: named events, its own errors, `[DONE]` at its end.

Passed on as the bytes it came in, each time up to the end of an event. The call belongs to its key from the
first event on: by then the interaction exists.
"""

import orjson

from gateway.pool.lease import Lease
from gateway.protocols.failures import Failure, classify_error
from gateway.protocols.interactions import ended_by, usage_metadata
from gateway.protocols.redaction import safe_error_body
from gateway.protocols.reply_signs import ReplySigns
from gateway.relay.outlet import Outlet
from gateway.relay.plan import Plan, Witness
from gateway.relay.raw_stream import RawEvents
from gateway.relay.stream import is_json, malformed, truncated
from gateway.streaming.sse import SseDecoder

_DONE = b"[DONE]"


class InteractionEvents(RawEvents):
    """One interaction's stream."""

    tells_its_end = False
    _may_flow = False

    __slots__ = ("_witness",)

    def __init__(self, plan: Plan, outlet: Outlet, lease: Lease) -> None:
        super().__init__(plan, outlet)
        witness = plan.passage.witness
        self._witness: Witness | None = None if witness is None else witness(lease)

    def _end(self) -> Failure | None:
        self._claim()
        if not self._outlet.committed:
            return self.failure or truncated()
        rest = self._taken()
        if self._open.strip() and _is_whole(self._open):
            rest += self._open + b"\n\n"
        if rest:
            rest = self._watched(rest)
        self._read_tail()
        if self.failure is None and not self._is_ended:
            self._send(rest)
            return truncated()
        if self._witness is not None:
            self._witness.end()
        self._outlet.finish(rest)
        return None

    def _see(self, payload: bytes) -> object:
        if payload == _DONE:
            return None
        try:
            event = orjson.loads(payload)
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict):
            self.failure = malformed("An event of the interaction is not JSON.")
            return None
        if (error := event.get("error")) is not None:
            self.failure = classify_error(error)
            return None
        self._ready = True
        if self._witness is not None:
            self._witness.event(event)
        return event

    def _watched(self, data: bytes) -> bytes:
        if _DONE in data:
            self._is_ended = True
        if b"error" in data:
            data = safe_error_body(data)  # Google names the caller's key in some errors
        self._keep(data)
        return data

    def _read_tail(self) -> None:
        """Learn from the last events how it ended and what it used."""
        for payload in reversed([] if self._tail is None else self._tail.events()):
            if payload == _DONE:
                continue
            try:
                event = orjson.loads(payload)
            except orjson.JSONDecodeError:
                return
            if not isinstance(event, dict):
                return
            if (error := event.get("error")) is not None:
                # It has gone to the client as it came: it is the honest end.
                self.failure = classify_error(error)
                return
            self._is_ended = self._is_ended or ended_by(event)
            if self._witness is not None:
                self._witness.event(event)
            interaction = event.get("interaction")
            usage = interaction.get("usage") if isinstance(interaction, dict) else None
            self.signs = ReplySigns(has_content=True, usage=usage_metadata(usage))
            return


def _is_whole(block: bytes) -> bool:
    """True for an event that lacks only its blank line."""
    decoder = SseDecoder()
    payloads = decoder.feed(block) + decoder.end()
    return bool(payloads) and all(payload == _DONE or is_json(payload) for payload in payloads)
