"""One HTTP/1.1 connection: bytes to requests, requests to routes, answers in order.

Both kinds of routes hang on it as a `Turn` (light_reply.py, exchange.py), so they share one set of rules.
Below it are wire.py (the socket) and request_reader.py (requests); server.py makes it.
"""

import asyncio
from math import inf
from typing import Final

from gateway.serving.answer_head import CLOSE, has_no_body
from gateway.serving.events import END, Beginning, Event, Stage
from gateway.serving.exchange import Exchange
from gateway.serving.ground import Ground
from gateway.serving.head import Head
from gateway.serving.light import RouteFactory
from gateway.serving.light_reply import LightReply
from gateway.serving.refusal import Refusal, render
from gateway.serving.request_reader import RequestReader
from gateway.serving.turn import Turn
from gateway.serving.wire import Wire

# Plain names: an enum's attribute costs more to look up, and these are looked at for every request.
_BETWEEN: Final = Stage.BETWEEN
_HEAD: Final = Stage.HEAD
_BODY: Final = Stage.BODY
_FLUSH_CHECK_S: Final = 0.01


class Conn(Wire):
    """The protocol object of one connection.

    turn   the request that is being answered, None between requests
    """

    __slots__ = (
        "_is_body_paused",
        "_is_run_due",
        "_meets_application",
        "reader",
        "turn",
    )

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.reader = RequestReader(ground.limits, ground.light, ground.known_heads)
        self.turn: Turn | None = None
        self._is_body_paused = False
        self._is_run_due = False
        self._meets_application = False

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.ground.open.add(self)
        if len(self.ground.open) > self.ground.limits.max_connections:
            self._refuse(Refusal(503, "Too many connections are open."))

    def get_buffer(self, sizehint: int) -> bytearray | memoryview:  # noqa: ARG002 - what is there is given
        long_body = self.reader.long_body
        return self.ground.buffer if long_body is None else long_body.room()

    def buffer_updated(self, nbytes: int) -> None:
        reader = self.reader
        if reader.is_over:
            return
        before = reader.stage
        if reader.long_body is not None:
            reader.fill_long_body(nbytes)
        elif (whole := reader.feed(self.ground.view[:nbytes].tobytes())) is not None:
            head, factory, body = whole
            if self.turn is None and not self.is_write_paused:
                self._begin_whole(head, factory, body)
            else:
                reader.events.append((head, len(body), factory, body))
            if not reader.events:
                return
        if reader.stage is not _BETWEEN:
            self._await_input(before)
        self.run()
        if reader.stage is _BODY and self.turn is not None:
            self.turn.receive_in_place(reader)

    def eof_received(self) -> bool:
        """The client sends nothing more. It may still read: an answer that is due is given.

        Whether it does, its FIN does not say. So something is sent that changes nothing in the answer: a
        client that has left answers with a reset, which `HalfClosed` sees.
        """
        client = self._watch()
        turn = self.turn
        if self._is_lingering or (turn is None and not self.reader.events):
            self._close()
            return True
        if turn is not None and not turn.is_body_in and END not in self.reader.events:
            self.turn = None
            turn.lose()
            self._close()
            return True
        self.ground.half_closed.add(client)
        probe = b"" if turn is None else turn.probe()
        if probe is None:  # as a proxy that speaks HTTP/1.0 tells us of a client that left
            self.cut()
        else:
            if probe:
                self.send(probe)
            client.look_soon()
        return True

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.turn is not None:
            self.turn.on_drained()
        if self.reader.events:
            self._run_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)  # first: whatever goes wrong below, the descriptor will be another's
        self.reader.stop()
        turn, self.turn = self.turn, None
        if turn is not None:
            turn.lose()
        if self._meets_application:
            self.ground.application.on_close(self)
        self.ground.remove(self)

    # server.py calls these.

    @property
    def is_idle(self) -> bool:
        """True between requests, with nothing of a next one read."""
        return self.turn is None and not self.reader.events and self.reader.stage is _BETWEEN

    @property
    def is_owing(self) -> bool:
        """True while a client waits for something: an answer, or the rest of one."""
        return self.turn is not None or self.unsent_bytes > 0

    def close_idle(self) -> None:
        if self.is_idle and not self._is_lingering:
            self._close()

    def on_silence(self) -> None:
        turn = self.turn
        if turn is None:
            if self.reader.stage is _HEAD:
                self._refuse(Refusal(408, "The request's head did not arrive in time."))
            else:
                self._close()
        elif turn.is_busy:  # it may be the handler that lets the client wait
            self.deadline = self.ground.now + turn.body_timeout_s
        elif not turn.is_body_in and not self.is_reading_paused:
            self._refuse(Refusal(408, "The request's body did not arrive in time."))

    # Turns call these.

    def run(self) -> None:
        """Act on what is read, as far as answers' order and routes' pace allow; one request a loop turn."""
        events = self.reader.events
        has_begun = False
        while events:
            event = events[0]
            if type(event) is tuple:
                if has_begun:
                    self._run_soon()
                    break
                if self.turn is not None or self.is_write_paused:
                    break
                if event[0] is self.reader.upgrade and self._must_flush():
                    break
                has_begun = True
                events.popleft()
                self._begin(event)
            elif not self._take(event):
                break
        if events or self.reader.upgrade is not None or (self._is_body_paused and self._is_body_under_way()):
            self._pause_reading()
        elif self.is_reading_paused:
            self._resume_reading()
            self.await_body()

    def can_keep_alive(self, turn: Turn) -> bool:
        return (
            turn.request_head.keep_alive
            and (turn.is_body_in or END in self.reader.events)
            and not self.ground.is_draining
            and self.half_closed is None
        )

    def await_body(self) -> None:
        """Give the client its time for the next piece of a body that is being read."""
        if self.reader.stage is _BODY and not self.is_reading_paused:
            turn = self.turn
            timeout_s = self.ground.limits.body_timeout_s if turn is None else turn.body_timeout_s
            self.deadline = self.ground.now + timeout_s

    def turn_over(self, turn: Turn, keep_alive: bool) -> None:
        """The answer is complete: go on to the next request, or close."""
        if self.turn is not turn:
            return
        self.turn = None
        self._is_body_paused = False
        if not keep_alive:
            self.reader.stop()
            self.linger()
            return
        reader = self.reader
        self.deadline = self.ground.now + self.ground.limits.idle_timeout_s
        if reader.events:
            self._run_soon()
        if reader.stage is not _BETWEEN:
            self._await_input(_BETWEEN)

    def break_off(self, turn: Turn) -> None:
        """End the connection so that the client sees its answer is incomplete."""
        if self.turn is turn:
            self.turn = None
        self.reader.stop()
        if turn.ends_with_close:
            self.reset()
        else:
            self.close()

    def refuse_turn(self, turn: Turn, refusal: Refusal) -> None:
        """A request was found unfit: answer in its route's stead."""
        if self.turn is turn:
            self._refuse(refusal)

    def pause_body(self) -> None:
        self._is_body_paused = True
        if self._is_body_under_way():
            self._pause_reading()

    def _is_body_under_way(self) -> bool:
        return self.turn is not None and not self.turn.is_body_in

    def resume_body(self) -> None:
        if self._is_body_paused:
            self._is_body_paused = False
            self._run_soon()

    # Requests to routes.

    def _run_soon(self) -> None:
        if not self._is_run_due:
            self._is_run_due = True
            self.ground.loop.call_soon(self._run_due)

    def _run_due(self) -> None:
        self._is_run_due = False
        self.run()

    def _must_flush(self) -> bool:
        """Hold an upgrade until all earlier answers have left."""
        if not self.is_owing:
            return False
        self.ground.loop.call_later(_FLUSH_CHECK_S, self.run)
        return True

    def _begin(self, beginning: Beginning) -> None:
        head, body_bytes, factory, body = beginning
        if factory is not None and body is not None:
            self._begin_whole(head, factory, body)
            return
        if self.reader.stage is _BETWEEN:
            self.deadline = inf
        if factory is None:
            self._meets_application = True
            exchange = self.turn = Exchange(self, head, body_bytes)
            exchange.begin()
        else:
            reply = self.turn = LightReply(self, head, body_bytes)
            reply.begin(factory)

    def _begin_whole(self, head: Head, factory: RouteFactory, body: bytes) -> None:
        """Begin a request of which nothing is still to come."""
        self.deadline = inf
        reply = self.turn = LightReply(self, head, len(body))
        reply.begin_whole(factory, body)
        if not reply.is_gathering and self.turn is reply:
            reply.is_body_in = not body
            self.reader.events.extendleft((END, body) if body else (END,))

    def _take(self, event: Event) -> bool:
        """Act on the oldest event, which is then removed. False: it must wait."""
        events = self.reader.events
        turn = self.turn
        if isinstance(event, Refusal):
            if turn is not None and turn.is_body_in:
                return False
            events.popleft()
            self._refuse(event)
        elif turn is None:  # the rest of a request answered early
            events.popleft()
        elif turn.is_busy or self._is_body_paused:
            return False
        else:
            body = self._body_read(event) if isinstance(event, bytes) else b""
            if event is END or (turn.is_gathering and events and events[0] is END):
                events.popleft()
                turn.is_body_in = True
                self.deadline = inf
                turn.take_last(body)
            else:
                turn.take(body)
        return True

    def _body_read(self, first: bytes) -> bytes:
        """The pieces of the body that are read, as one: many small chunks cost one call."""
        events = self.reader.events
        events.popleft()
        parts = [first]
        while events and isinstance(piece := events[0], bytes):
            parts.append(piece)
            events.popleft()
        return b"".join(parts)  # one piece alone is not copied

    # Refusing and closing.

    def _refuse(self, refusal: Refusal) -> None:
        """Answer in the front's own name and close; an answer already begun is cut instead."""
        turn, self.turn = self.turn, None
        self.reader.stop()
        has_body = True
        if turn is not None:
            head = turn.request_head
            was_started = turn.started
            turn.lose()
            if was_started:
                self.break_off(turn)
                return
            has_body = not has_no_body(head.method, refusal.status)
            if refusal.path is None:
                refusal.path = head.path
        headers, body = render(self.ground.reject, refusal)
        answer = self.ground.heads.head(refusal.status, headers, f"Content-Length: {len(body)}\r\n{CLOSE}")
        self.send(answer + body if has_body else answer)
        self.linger()

    def _close(self) -> None:
        self.reader.stop()
        self.close()

    def _await_input(self, stage_before: Stage) -> None:
        """Give the unfinished message its time: a head as a whole, a body from piece to piece."""
        if self.reader.stage is _BODY:
            self.await_body()
        elif stage_before is not _HEAD and self.turn is None:
            self.deadline = self.ground.now + self.ground.limits.head_timeout_s
