"""One request and its answer in a connection's order: what light replies and Tornado's exchanges share.

connection.py drives turns, one at a time, and does not know which kind it has. The kinds are light_reply.py
and exchange.py; here a request is held to the body's limit and let in.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from gateway.serving.head import Head
from gateway.serving.refusal import Refusal
from gateway.serving.request_reader import RequestReader

if TYPE_CHECKING:
    from gateway.serving.connection import Conn

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Turn(ABC):
    """A request as the connection drives it: `begin` of its kind, `take` for pieces of its body, `end`.

    body_bytes      how long the body is, as the head says it; None where its end will tell
    body_limit      the body's limit, in bytes; a handler may change it before the body comes
    body_timeout_s  the time from one piece of the body to the next, likewise
    is_body_in      the request's body was handed over whole
    is_busy         the route is not through with what it was given: what comes next waits
    is_gathering    the route wants its body whole: no piece of it is waited for
    """

    __slots__ = (
        "_conn",
        "_taken_bytes",
        "body_bytes",
        "body_limit",
        "body_timeout_s",
        "is_body_in",
        "request_head",
    )

    is_busy = False
    is_gathering = False

    def __init__(self, conn: "Conn", head: Head, body_bytes: int | None) -> None:
        limits = conn.ground.limits
        self._conn = conn
        self._taken_bytes = 0
        self.request_head = head
        self.body_bytes = body_bytes
        self.body_limit = limits.max_body_bytes
        self.body_timeout_s = limits.body_timeout_s
        self.is_body_in = body_bytes == 0

    @property
    @abstractmethod
    def started(self) -> bool:
        """True once bytes of the answer may have left."""

    @property
    @abstractmethod
    def ends_with_close(self) -> bool:
        """True once an answer is begun whose end only the connection's end tells."""

    @abstractmethod
    def feed(self, chunk: bytes) -> None:
        """Hand a piece of the body to the route."""

    @abstractmethod
    def end(self) -> None:
        """The body is handed over whole."""

    @abstractmethod
    def lose(self) -> None:
        """The client left, or the body broke off: no answer can or shall be given by the route."""

    @abstractmethod
    def on_drained(self) -> None:
        """What was unsent has left."""

    @abstractmethod
    def probe(self) -> bytes | None:
        """Bytes that change nothing in the answer, to see whether the client still listens.

        b"" when the answer's own bytes must do; None when nothing may be sent, in HTTP/1.0.
        """

    def receive_in_place(self, reader: RequestReader) -> None:  # noqa: B027 - most take their body in pieces
        """Let the rest of the body be written where it stays, if it is long and the route wants it whole."""

    def take(self, chunk: bytes) -> None:
        """A piece of the body has come: hold it to the limit, and feed it."""
        self._taken_bytes += len(chunk)
        if self._taken_bytes > self.body_limit:
            self._refuse_body()
        else:
            self.feed(chunk)

    def take_last(self, chunk: bytes) -> None:
        """The same where nothing follows."""
        if chunk:
            self.take(chunk)
        self.end()

    def _is_let_in(self) -> bool:
        """Hold a declared body to the limit, which a handler may have changed by now, and expect it."""
        body_bytes = self.body_bytes
        if body_bytes == 0:
            return True
        self._conn.await_body()
        if body_bytes is None or body_bytes <= self.body_limit:
            return True
        self._refuse_body()
        return False

    def _send_continue(self) -> None:
        """Ask for a body that its client holds back until we do."""
        if (
            self.request_head.continues
            and not self.started
            and self._conn.turn is self
            and not self.is_body_in
        ):
            self._conn.send(CONTINUE)

    def _refuse_body(self) -> None:
        refusal = Refusal(413, "The request's body is too long.", self.request_head.path)
        self._conn.refuse_turn(self, refusal)
