"""The events of a Responses stream as bytes, numbered through.

Called by response_stream, and through `tell` by response_items.
"""

import orjson

from gateway.protocols.shapes import JsonObject

_MORE_TEXT = (
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","sequence_number":%d,%b\n\n'
)


class EventWriter:
    """Writes events: `tell` each, then take what is `written`.

    number      of the next event
    is_silent   nothing is told: the response is given whole
    """

    __slots__ = ("_out", "is_silent", "number")

    def __init__(self) -> None:
        self._out: list[bytes] = []
        self.number = 0
        self.is_silent = False

    def tell(self, kind: str, members: JsonObject) -> None:
        """Write an event of a type; its members but for the type and the number."""
        if not self.is_silent:
            data = orjson.dumps({"type": kind, "sequence_number": self.number, **members})
            self.number += 1
            self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode("ascii"), data))

    def more_text(self, members: bytes) -> bytes:
        """Write the event of more text, whose members are JSON already; gives it alone."""
        number = self.number
        self.number = number + 1
        return _MORE_TEXT % (number, members)

    def written(self) -> bytes:
        """What was told since it was last asked for."""
        written = b"".join(self._out)
        self._out.clear()
        return written
