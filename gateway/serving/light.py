"""The contract between the HTTP front and a light route.

A light route is an object made for one request. The front has checked the head already (framing,
Host, limits), enforces timeouts and the body limit, and calls it in this order:

    factory(reply, request) -> route;  route.data(chunk)*;  route.end(body);  [route.drained()]*

or, at any moment until the reply is finished, `route.gone()` when the client left (or its body broke
off). All calls come from the event loop's thread. The route answers through `Reply`, at any time after
its construction, also before the body has arrived whole.

Both fronts (our connection class on llhttp and Tornado's HTTPServer) keep this contract.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol


class RequestHead:
    """One request's head, or that of many: a front may give the same again for one that is the same.

    target    as received, undecoded: `/v1/models?x=1`
    path      target up to `?`, undecoded
    query     target after `?`, undecoded, "" when there is none
    headers   names in lower case; repeated ones joined with ", ". Without Content-Length: see `Reply`
    reading   what a route has read in it; whoever is given the same head again finds it here
    """

    __slots__ = ("headers", "method", "path", "query", "reading", "target")

    def __init__(self, method: str, target: str, headers: Mapping[str, str]) -> None:
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.reading: object = None


class Reply(Protocol):
    """The way back to the client, and what is known of the request beside its head.

    peer         the client's address, X-Forwarded-For honoured when the front trusts it
    body_bytes   how long the body is, as the head says it: 0 for none, None for one whose end will tell
    """

    @property
    def peer(self) -> str: ...

    @property
    def body_bytes(self) -> int | None: ...

    def head(
        self, status: int, headers: Sequence[tuple[str, str]], *, content_length: int | None = None
    ) -> None:
        """Begin the answer. Without a length the body is chunked (or ends with the connection in HTTP/1.0).

        `Date`, framing and `Connection` are the front's business. Nothing is sent until the first `write`
        or `finish`.
        """

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Give the whole answer, whose body is there: `head` with its length, and `finish`."""

    def write(self, data: bytes) -> bool:
        """Send a piece of the body. False: too much is unsent, wait for `drained()` (the piece is kept)."""

    def finish(self, data: bytes = b"") -> None:
        """End the answer, with a last piece."""

    def abort(self) -> None:
        """Cut the connection so that the client sees the body is incomplete."""

    def limit_body(self, max_bytes: int) -> None:
        """Take a body of another length than usual. While the route is made; later it is too late."""

    def gather_body(self) -> None:
        """Have the body whole, with `end`, and no `data`. While the route is made; it is not paused."""

    def pause_body(self) -> None:
        """Stop reading the request's body."""

    def resume_body(self) -> None: ...

    @property
    def started(self) -> bool:
        """True once bytes of the answer may have left."""


class LightRoute(Protocol):
    """What the front calls."""

    def data(self, chunk: bytes) -> None:
        """A piece of the body."""

    def end(self, body: bytes) -> None:
        """The request is over. `body` is all of one that was to be gathered; another has come by `data`."""

    def gone(self) -> None: ...

    def drained(self) -> None: ...


RouteFactory = Callable[[Reply, RequestHead], LightRoute]
LightRouter = Callable[[str, str], RouteFactory | None]
"""(method, undecoded path) -> the factory of a light route, or None for the Tornado application."""
