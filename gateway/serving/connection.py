"""One HTTP/1.1 connection: bytes to requests, requests to routes, answers in order.

Both kinds of routes hang on it as a `Turn` (light_reply.py, exchange.py), so they share one set of rules.
Below it are wire.py (the socket) and request_reader.py (llhttp); server.py makes it.
"""

import asyncio
import socket
from math import inf
from typing import Final, Protocol, cast

from gateway.serving.answer_head import CLOSE, has_no_body, whole_answer
from gateway.serving.exchange import Exchange
from gateway.serving.ground import Ground
from gateway.serving.head import Head
from gateway.serving.light_reply import LightReply
from gateway.serving.refusal import Refusal, render
from gateway.serving.request_reader import END, Event, RequestReader, Stage
from gateway.serving.wire import Wire

# Plain names: an enum's attribute costs more to look up, and these are looked at for every request.
_BETWEEN: Final = Stage.BETWEEN
_HEAD: Final = Stage.HEAD
_BODY: Final = Stage.BODY
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_FLUSH_CHECK_S: Final = 0.01


class Turn(Protocol):
    """One request and its answer, as the connection drives it.

    is_body_in    the request's body was handed over whole
    started       bytes of the answer may have left
    body_limit    the body's limit, in bytes; a handler may change it before the body comes
    body_timeout_s  the time from one piece of the body to the next, likewise
    """

    body_limit: int
    body_timeout_s: float
    is_body_in: bool
    request_head: Head

    @property
    def started(self) -> bool: ...

    @property
    def ends_with_close(self) -> bool:
        """True once an answer is begun whose end only the connection's end tells."""

    def feed(self, chunk: bytes) -> "asyncio.Future[None] | None": ...

    def end(self) -> None: ...

    def lose(self) -> None:
        """The client left, or the body broke off: no answer can or shall be given by the route."""

    def fail(self, error: BaseException) -> None:
        """The route raised: answer 500 if nothing has left, else cut."""

    def on_drained(self) -> None: ...

    def probe(self) -> bytes | None:
        """Bytes that change nothing in the answer, to see whether the client still listens.

        b"" when the answer's own bytes must do; None when nothing may be sent, in HTTP/1.0.
        """


class Conn(Wire):
    """The protocol object of one connection."""

    __slots__ = (
        "_body_fed_bytes",
        "_future",
        "_is_admitted",
        "_is_body_paused",
        "_is_run_due",
        "_is_running",
        "_meets_application",
        "_turn",
        "reader",
    )

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.reader = RequestReader(ground.limits, ground.light)
        self._turn: Turn | None = None
        self._future: asyncio.Future[None] | None = None
        self._body_fed_bytes = 0
        self._is_admitted = True
        self._is_body_paused = False
        self._is_run_due = False
        self._is_running = False
        self._meets_application = False

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.ground.open.add(self)
        if len(self.ground.open) > self.ground.limits.max_connections:
            self._refuse(Refusal(503, "Too many connections are open."))

    def buffer_updated(self, nbytes: int) -> None:
        reader = self.reader
        if reader.is_over:
            return
        before = reader.stage
        reader.feed(self.ground.view[:nbytes])
        if reader.stage is not _BETWEEN:
            self._await_input(before)
        self._run()

    def eof_received(self) -> bool:
        """The client sends nothing more. It may still read: an answer that is due is given."""
        self._has_eof = True
        reader = self.reader
        turn = self._turn
        if self._is_lingering or (turn is None and not reader.events):
            self._close()
            return True
        if turn is not None and not self.has_request(turn):
            self._turn = None
            turn.lose()
            self._close()
            return True
        self.ground.half_closed.add(self)
        self._probe()
        return True

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._turn is not None:
            self._turn.on_drained()
        if self.reader.events:
            self._run_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        self.reader.stop()
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.lose()
        if self._meets_application:
            self.ground.application.on_close(self)
        super().connection_lost(exc)
        self.ground.remove(self)

    # server.py calls these.

    @property
    def is_idle(self) -> bool:
        """True between requests, with nothing of a next one read."""
        return self._turn is None and not self.reader.events and self.reader.stage is _BETWEEN

    @property
    def is_owing(self) -> bool:
        """True while a client waits for something: an answer, or the rest of one."""
        return self._turn is not None or self.unsent_bytes > 0

    def close_idle(self) -> None:
        if self.is_idle and not self._is_lingering:
            self._close()

    def on_silence(self) -> None:
        turn = self._turn
        if turn is None:
            if self.reader.stage is _HEAD:
                self._refuse(Refusal(408, "The request's head did not arrive in time."))
            else:
                self._close()
        elif self._future is not None:  # it may be the handler that lets the client wait
            self.deadline = self.ground.now + self._body_timeout_s
        elif not turn.is_body_in and not self._is_reading_paused:
            self._refuse(Refusal(408, "The request's body did not arrive in time."))

    # Turns call these.

    def has_request(self, turn: Turn) -> bool:
        """True when the request of the running turn is received whole, if not yet handed over."""
        return turn.is_body_in or END in self.reader.events

    def can_keep_alive(self, turn: Turn) -> bool:
        return (
            turn.request_head.keep_alive
            and not self.ground.is_draining
            and not self._has_eof
            and not self._is_upgrade(turn.request_head)
            and (turn.is_body_in or END in self.reader.events)
        )

    def turn_over(self, turn: Turn, *, keep_alive: bool) -> None:
        """The answer is complete: go on to the next request, or close."""
        if self._turn is not turn:
            return
        self._turn = None
        self._is_body_paused = False
        if not (keep_alive and self.can_keep_alive(turn)):
            self._close_after_answer()
            return
        self.deadline = self.ground.now + self.ground.limits.idle_timeout_s
        if self.reader.events and not self._is_running:
            self._run_soon()
        if self.reader.stage is not _BETWEEN:
            self._await_input(_BETWEEN)

    def break_off(self, turn: Turn) -> None:
        """End the connection so that the client sees its answer is incomplete."""
        if self._turn is turn:
            self._turn = None
        self.reader.stop()
        if turn.ends_with_close:
            self.reset()
        else:
            self.close()

    def refuse_turn(self, turn: Turn, refusal: Refusal) -> None:
        """A handler found its request unfit: answer in its stead."""
        if self._turn is turn:
            self._refuse(refusal)

    def pause_body(self) -> None:
        self._is_body_paused = True
        if self._turn is not None and not self._turn.is_body_in:
            self._pause_reading()

    def resume_body(self) -> None:
        if self._is_body_paused:
            self._is_body_paused = False
            self._run_soon()

    def release(self) -> tuple[socket.socket | None, bytes]:
        """Give the connection away: a duplicate of its socket, and bytes already read behind the request.

        No socket when the connection is lost, or bytes would be: unsent ones, or later requests.
        """
        self._turn = None
        reader = self.reader
        leftover = reader.leftover or b""
        is_alone = reader.stage is _BETWEEN and all(event is END for event in reader.events)
        reader.stop()
        if not is_alone:
            self.cut()
            return None, b""
        return self.release_socket(), leftover

    # Requests to routes.

    def _run_soon(self) -> None:
        if not self._is_run_due:
            self._is_run_due = True
            self.ground.loop.call_soon(self._run_due)

    def _run_due(self) -> None:
        self._is_run_due = False
        self._run()

    def _run(self) -> None:
        """Act on what is read, as far as answers' order and routes' pace allow; one request a loop turn."""
        if self._is_running:
            return
        self._is_running = True
        events = self.reader.events
        has_begun = False
        try:
            while events:
                event = events[0]
                if type(event) is Head:
                    if has_begun:
                        self._run_soon()
                        break
                    if self._turn is not None or self._must_flush_before(event):
                        break
                    has_begun = True
                if not self._take(event):
                    break
        finally:
            self._is_running = False
        turn = self._turn
        if (
            events
            or self.reader.leftover is not None
            or (self._is_body_paused and turn is not None and not turn.is_body_in)
        ):
            self._pause_reading()
        elif self._is_reading_paused:
            self._resume_reading()
            if self.reader.stage is _BODY:
                self.deadline = self.ground.now + self._body_timeout_s

    def _must_flush_before(self, head: Head) -> bool:
        """Hold a request until earlier answers have left: all of them before an upgrade, most otherwise."""
        if self.is_write_paused:
            return True
        if not self._is_upgrade(head) or not self.is_owing:
            return False
        self.ground.loop.call_later(_FLUSH_CHECK_S, self._run)
        return True

    def _is_upgrade(self, head: Head) -> bool:
        """True for the upgrade the reader holds; it is always the last request."""
        return self.reader.leftover is not None and head.wants_websocket

    def _take(self, event: Event) -> bool:
        """Act on the oldest event, which is then removed. False: it must wait."""
        events = self.reader.events
        turn = self._turn
        if isinstance(event, Head):
            events.popleft()
            self._begin(event)
            return True
        if isinstance(event, Refusal):
            if turn is not None and turn.is_body_in:
                return False
            events.popleft()
            self._refuse(event)
            return True
        if turn is None:  # the rest of a request answered early
            events.popleft()
            return True
        if self._future is not None or self._is_body_paused:
            return False
        events.popleft()
        if event is END:
            turn.is_body_in = True
            self.deadline = inf
            turn.end()
        else:
            self._feed(turn, cast(bytes, event))
        return True

    def _begin(self, head: Head) -> None:
        ground = self.ground
        if self.reader.stage is _BETWEEN:
            self.deadline = inf
        self._is_admitted = False
        self._body_fed_bytes = 0
        factory = None if self._is_upgrade(head) else ground.light(head.method, head.path)
        if factory is not None:
            reply = LightReply(self, head, factory)
            self._turn = reply
            if self._admit(reply):
                reply.begin()
                self._send_continue(reply)
            return
        self._meets_application = True
        exchange = Exchange(self, head)
        self._turn = exchange
        future = exchange.begin()
        if future is None:
            if self._turn is exchange and self._admit(exchange):
                self._send_continue(exchange)
        elif self._turn is exchange:
            self._wait_for(future)

    def _admit(self, turn: Turn) -> bool:
        """Hold the request to the limits, which a handler may have changed by now."""
        self._is_admitted = True
        if self.reader.stage is _BODY and not self._is_reading_paused:
            self.deadline = self.ground.now + turn.body_timeout_s
        body_bytes = turn.request_head.body_bytes
        if body_bytes is not None and body_bytes > turn.body_limit:
            self._refuse(Refusal(413, "The request's body is too long.", turn.request_head.path))
            return False
        return True

    def _send_continue(self, turn: Turn) -> None:
        if (
            turn.request_head.continues
            and self._turn is turn
            and turn.request_head.has_body
            and not turn.started
        ):
            self.send(_CONTINUE)

    def _feed(self, turn: Turn, chunk: bytes) -> None:
        events = self.reader.events
        if events and type(events[0]) is bytes:  # many small chunks cost one call
            parts = [chunk]
            while events and type(events[0]) is bytes:
                parts.append(cast(bytes, events.popleft()))
            chunk = b"".join(parts)
        self._body_fed_bytes += len(chunk)
        if self._body_fed_bytes > turn.body_limit:
            self._refuse(Refusal(413, "The request's body is too long.", turn.request_head.path))
            return
        future = turn.feed(chunk)
        if future is not None and self._turn is turn:
            self._wait_for(future)

    def _wait_for(self, future: "asyncio.Future[None]") -> None:
        self._future = future
        future.add_done_callback(self._on_future)

    def _on_future(self, future: "asyncio.Future[None]") -> None:
        if self._future is future:
            self._future = None
        turn = self._turn
        if future.cancelled():
            error: BaseException | None = asyncio.CancelledError()
        else:
            error = future.exception()
        if turn is None:
            return
        if error is not None:
            turn.fail(error)
        elif not self._is_admitted and self._admit(turn):
            self._send_continue(turn)
        self._run()

    # Refusing and closing.

    def _refuse(self, refusal: Refusal) -> None:
        """Answer in the front's own name and close; an answer already begun is cut instead."""
        turn, self._turn = self._turn, None
        self.reader.stop()
        head = None
        if turn is not None:
            head = turn.request_head
            was_started = turn.started
            turn.lose()
            if was_started:
                self.break_off(turn)
                return
            if refusal.path is None:
                refusal.path = head.path
        headers, body = render(self.ground.reject, refusal)
        self.send(
            whole_answer(
                self.ground,
                refusal.status,
                headers,
                body,
                has_body=head is None or not has_no_body(head.method, refusal.status),
                content_length=len(body),
                connection=CLOSE,
            )
        )
        self._close_after_answer()

    def _close(self) -> None:
        self.reader.stop()
        self.close()

    def _close_after_answer(self) -> None:
        """Close; linger if the client may still be sending."""
        self.reader.stop()
        if self._has_eof:
            self.close()
        else:
            self.linger()

    # Waiting for the client.

    def _await_input(self, stage_before: Stage) -> None:
        """Give the unfinished message its time: a head as a whole, a body from piece to piece."""
        if self.reader.stage is _BODY:
            self.deadline = self.ground.now + self._body_timeout_s
        elif stage_before is not _HEAD and self._turn is None:
            self.deadline = self.ground.now + self.ground.limits.head_timeout_s

    @property
    def _body_timeout_s(self) -> float:
        turn = self._turn
        return self.ground.limits.body_timeout_s if turn is None else turn.body_timeout_s

    def _probe(self) -> None:
        """Find out whether a client that closed its side has left altogether.

        A FIN does not say whether the client merely finished sending. So something is sent that changes
        nothing: a client that has left answers with a reset, which `check_peer` sees.
        """
        if self._turn is not None:
            probe = self._turn.probe()
            if probe is None:  # as a proxy that speaks HTTP/1.0 tells us of a client that left
                self.cut()
                return
            if probe:
                self.send(probe)
        self._check_peer_soon()
