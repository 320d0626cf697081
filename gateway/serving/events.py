"""What a connection's bytes are read into: heads, pieces of bodies, ends, refusals.

request_reader.py makes these events, connection.py acts on them in order.
"""

from typing import Final

from gateway.serving.head import Head
from gateway.serving.refusal import Refusal


class End:
    """The event at the end of a message."""

    __slots__ = ()


END: Final = End()
Event = Head | bytes | End | Refusal
