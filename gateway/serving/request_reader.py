"""A connection's bytes → events (heads, pieces of bodies, ends, refusals), with llhttp where it is needed.

One reader for each connection; connection.py feeds it and acts on the events. No I/O and no clock here.
llhttp (message_parser.py) is not given a head that it has read before, nor a body of known length: there is
no framing in it.
"""

from typing import Final

from gateway.serving.events import Stage, Whole
from gateway.serving.known_heads import KnownHeads
from gateway.serving.light import LightRouter
from gateway.serving.limits import Limits
from gateway.serving.long_body import LongBody
from gateway.serving.message_parser import MessageParser

_BETWEEN: Final = Stage.BETWEEN
_BODY: Final = Stage.BODY


class RequestReader(MessageParser):
    """Turns a connection's bytes into events.

    long_body   the body under way, if it is received in place: its bytes are not fed
    """

    __slots__ = ("long_body",)

    def __init__(self, limits: Limits, light: LightRouter, known: KnownHeads) -> None:
        super().__init__(limits, light, known)
        self.long_body: LongBody | None = None

    def feed(self, data: bytes) -> Whole | None:
        """Read a piece; what it completes is appended to `events`.

        returns   instead, a request that is all of the piece, if its head is known and nothing is before it
        """
        place, size_bytes = 0, len(data)
        while place < size_bytes and not self.is_over:
            if self._left_bytes:
                begun, place = place, place + self._left_bytes
                self.events.append(data[begun:place])
                left_bytes = place - size_bytes
                if left_bytes > 0:
                    self._left_bytes = left_bytes
                else:
                    self._left_bytes = 0
                    self.on_message_complete()
            else:
                found = self._known.find(data, place) if self.stage is _BETWEEN else None
                if found is None or (factory := self._light(found[0].method, found[0].path)) is None:
                    place = self.parse(data, place)
                    continue
                head, body_bytes, place = found
                body: bytes | None = None
                if place + body_bytes <= size_bytes:
                    begun, place = place, place + body_bytes
                    body = data[begun:place]
                    if place == size_bytes and not self.events:
                        return head, factory, body
                else:
                    self._expect_body(body_bytes)
                self.events.append((head, body_bytes, factory, body))
        return None

    def _expect_body(self, body_bytes: int) -> None:
        """What follows is the body behind a known head, which has no framing inside."""
        self.stage = _BODY
        self._keeps_alive = True
        self._left_bytes = body_bytes

    def stop(self) -> None:
        """Read nothing more and forget what is queued."""
        super().stop()
        self.long_body = None

    def begin_long_body(self, begun: bytes, size_bytes: int) -> None:
        """Receive the rest of this message's body in place; `begun` has been taken out of the events."""
        self._left_bytes = 0
        self.long_body = LongBody(begun, size_bytes)

    def fill_long_body(self, nbytes: int) -> None:
        """So much of it has come; its end appends it to `events`."""
        long_body = self.long_body
        if long_body is None:
            raise TypeError("no body is received in place")
        long_body.filled(nbytes)
        if long_body.is_whole:
            self.long_body = None
            self.events.append(long_body.take())
            self.on_message_complete()
