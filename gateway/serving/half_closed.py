"""A client that shut its side of the connection: has it merely finished sending, or left altogether?

Made by connection.py at the client's FIN; the kernel is asked here. server.py's sweep asks again later.
"""

import select
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.serving.wire import Wire

# After the FIN and after everything sent since: when to ask the kernel. Later on the sweep asks.
_LOOKS_S: Final = (0.01, 0.03, 0.06, 0.2)


class HalfClosed:
    """Watches for the reset with which a client that has left answers whatever it is sent.

    due_looks   looks that are still to come
    """

    __slots__ = ("_wire", "due_looks")

    def __init__(self, wire: "Wire") -> None:
        self._wire = wire
        self.due_looks = 0

    def look(self) -> None:
        """Cut the connection if its client has gone altogether: the kernel reports a hang-up."""
        wire = self._wire
        sock = wire.sock
        if sock is None or wire.is_closed:
            return
        poll = select.poll()
        poll.register(sock.fileno(), 0)
        if poll.poll(0):
            wire.cut()

    def look_soon(self) -> None:
        """Something was sent: look for its echo while it may come."""
        if self.due_looks == 0:
            self.due_looks = len(_LOOKS_S)
            for delay_s in _LOOKS_S:
                self._wire.ground.loop.call_later(delay_s, self._look_now)

    def _look_now(self) -> None:
        self.due_looks -= 1
        self.look()
