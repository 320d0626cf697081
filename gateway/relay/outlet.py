"""The client's side of one call, and its commit point.

Until `commit` no content has been sent and the call may move to another key; afterwards it may not. That
rule stands here and nowhere else: every delivery writes through an `Outlet`. All that may leave before is a
`beat`, which says that the call lives and nothing of its answer.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

_ATTEMPTS = "x-gateway-attempts"
UNBUFFERED = ("x-accel-buffering", "no")
"""The header of what is made while it is read: nginx would gather pages of it first."""


class Downstream(Protocol):
    """What the HTTP front offers for answering; see gateway/serving/light.py for the promises."""

    def head(
        self, status: int, headers: Sequence[tuple[str, str]], *, content_length: int | None = None
    ) -> None: ...

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None: ...

    def write(self, data: bytes) -> bool: ...

    def finish(self, data: bytes = b"") -> None: ...

    def abort(self) -> None: ...


class Outlet:
    """Writes one answer to one client.

    headers   of every answer of the call
    now_s     the loop's time

    attempts    how many have been made; the head tells it
    committed   content has left, or leaves now
    first_s     since then; 0 before
    status      that has left with the head, perhaps with beats behind it; 0 while it can be chosen
    """

    __slots__ = (
        "_downstream",
        "_headers",
        "_now_s",
        "attempts",
        "bytes_sent",
        "committed",
        "first_s",
        "full",
        "status",
    )

    def __init__(
        self, downstream: Downstream, headers: Sequence[tuple[str, str]], now_s: Callable[[], float]
    ) -> None:
        self._downstream = downstream
        self._headers = headers
        self._now_s = now_s
        self.attempts = 0
        self.committed = False
        self.first_s = 0.0
        self.full = False
        self.status = 0
        self.bytes_sent = 0

    def commit(
        self,
        status: int,
        content_type: str | None,
        *,
        content_length: int | None = None,
        extra: Sequence[tuple[str, str]] = (),
        opening: bytes = b"",
    ) -> None:
        """Begin the answer: from here on this call belongs to its key.

        opening   what every body of this kind begins with; like the head it leaves once
        """
        self.committed = True
        self.first_s = self._now_s()
        if not self.status:
            self._open(status, content_type, content_length, extra, opening)

    def answer(
        self, status: int, content_type: str, body: bytes, extra: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Give the whole answer; nothing has left before it, and nothing follows."""
        self.committed = True
        self.first_s = self._now_s()
        self.status = status
        self.bytes_sent = len(body)
        attempts, kind = (_ATTEMPTS, str(self.attempts)), ("content-type", content_type)
        self._downstream.answer(status, [*self._headers, attempts, kind, *extra], body)

    def beat(self, content_type: str, opening: bytes, sign: bytes) -> None:
        """Tell a client that waits that the call lives; the first time after the head of a good answer."""
        if not self.status:
            self._open(200, content_type, None, (), opening)
        self.write(sign)

    def _open(
        self,
        status: int,
        content_type: str | None,
        content_length: int | None,
        extra: Sequence[tuple[str, str]],
        opening: bytes,
    ) -> None:
        self.status = status
        headers = [*self._headers, (_ATTEMPTS, str(self.attempts))]
        if content_type is not None:
            headers.append(("content-type", content_type))
        if content_length is None:
            headers.append(UNBUFFERED)
        headers.extend(extra)
        self._downstream.head(status, headers, content_length=content_length)
        if opening:
            self.write(opening)

    def write(self, data: bytes) -> None:
        """Send bytes; `full` becomes true when the client does not keep up."""
        self.bytes_sent += len(data)
        if not self._downstream.write(data):
            self.full = True

    def finish(self, data: bytes = b"") -> None:
        """End the answer."""
        self.bytes_sent += len(data)
        self._downstream.finish(data)

    def abort(self) -> None:
        """Cut the connection: the client must see that bytes are missing."""
        self._downstream.abort()
