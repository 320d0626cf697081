"""What a connection's bytes are read into: heads, pieces of bodies, ends, refusals.

request_reader.py makes these events and says where it stands, connection.py acts on them in order.
"""

import enum
from typing import Final

from gateway.serving.head import Head
from gateway.serving.light import RouteFactory
from gateway.serving.refusal import Refusal


class Stage(enum.Enum):
    """Where in a message the reader stands."""

    BETWEEN = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()


class End:
    """The event at the end of a message."""

    __slots__ = ()


END: Final = End()
Beginning = tuple[Head, int | None, RouteFactory | None, bytes | None]
"""A request's head; how long its body is (None: its end will tell); its light route's factory, if it has one;
and the body, if the request has come whole and nothing of it follows."""
Whole = tuple[Head, RouteFactory, bytes]
"""The same of a request that needs no queue: its head, its light route's factory, and its body."""
Event = Beginning | bytes | End | Refusal
