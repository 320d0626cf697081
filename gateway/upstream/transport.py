"""What a call to an upstream is: the value objects and the two protocols of the door.

Nothing here knows pycurl. `relay` and `control` talk to a `Transport`; production hands them the
libcurl driver (gateway/upstream/curl.py), tests may hand them anything that keeps these promises.
All callbacks run on the event loop's thread, never before `submit` has returned.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.values import value


@value(frozen=True, slots=True)
class Timeouts:
    """How long each phase may take, in seconds; 0 means no limit.

    connect_s     name resolution, TCP, proxy and TLS handshake
    first_byte_s  from the request sent to the first byte of the answer's head
    idle_s        between two readable bytes of the answer; a paused transfer does not count
    total_s       the whole transfer
    """

    connect_s: float = 10.0
    first_byte_s: float = 300.0
    idle_s: float = 300.0
    total_s: float = 0.0


class BodySource(Protocol):
    """A request's body that arrives while it is sent; see body_pipe.py. It can be sent once."""

    @property
    def size_bytes(self) -> int | None:
        """How long it will be; None when that is not known."""

    def begin(self, wake: Callable[[], None]) -> None:
        """The sending begins; `wake` is called when there is something to read again."""

    def read(self, most_bytes: int) -> bytes | None:
        """Give the next piece: b"" at the end, None when it has not come yet."""


@value(frozen=True, slots=True)
class UpstreamRequest:
    """One HTTP request to send.

    headers   (name, value) pairs, sent as they are; `Host`, `Content-Length` are libcurl's business
    body      bytes, a source of them, or None for a request without a body
    proxy     `http://`, `https://`, `socks5://`, `socks5h://` URL (credentials allowed) or None
    stream    True asks for identity encoding so that events arrive unbuffered;
              False lets libcurl negotiate and undo gzip
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | BodySource | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    proxy: str | None = None
    stream: bool = False


class FailureCause(enum.Enum):
    """Why a transfer ended without a whole answer."""

    RESOLVE = "resolve"
    FORBIDDEN = "forbidden"  # an address that this transport may not connect to
    CONNECT = "connect"
    PROXY = "proxy"
    TLS = "tls"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_FIRST_BYTE = "timeout_first_byte"
    TIMEOUT_IDLE = "timeout_idle"
    TIMEOUT_TOTAL = "timeout_total"
    RESET = "reset"  # the peer closed or reset before or inside the answer
    TRUNCATED = "truncated"  # framing promised more bytes than came
    PROTOCOL = "protocol"  # what came was not HTTP
    TOO_LARGE = "too_large"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TransportFailure:
    """A transfer that failed below HTTP.

    message   plain words without any secret (no key, no proxy password)
    code      libcurl's CURLE_ number, 0 when the driver itself decided
    """

    cause: FailureCause
    message: str
    code: int = 0


class ResponseHead(Protocol):
    """Status and headers of an answer. `get` is case-insensitive; None when absent."""

    @property
    def status(self) -> int: ...

    def get(self, name: str) -> str | None: ...

    def items(self) -> Sequence[tuple[str, str]]: ...


class Sink(Protocol):
    """Receives one answer, in this order: head, data*, then end or fail. The head comes with what follows it.

    What one wake-up brought comes as one piece, unless it is a long one, so that it can be written at once.

    After `Transfer.cancel` nothing more arrives.
    """

    def head(self, head: ResponseHead) -> None: ...

    def data(self, chunk: bytes) -> None: ...

    def end(self, last: bytes = b"") -> None:
        """The answer is whole with a last piece, which can leave with the end in one write."""

    def fail(self, failure: TransportFailure) -> None: ...


class Transfer(Protocol):
    """A running request."""

    def pause(self) -> None:
        """Stop reading from the upstream; at most one libcurl buffer more may be handed over."""

    def resume(self) -> None: ...

    def cancel(self) -> None:
        """Drop the transfer and its connection within one turn of the loop; idempotent."""


class Transport(Protocol):
    """Sends requests. One per process and loop."""

    def submit(self, request: UpstreamRequest, sink: Sink) -> Transfer: ...

    async def close(self) -> None:
        """Cancel what runs, close every connection."""
