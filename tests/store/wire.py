"""A wire to MariaDB that can be cut, silenced and trapped, so that outages are real and end on command."""

import contextlib
import socket
import threading
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class _Pair:
    client: socket.socket
    server: socket.socket
    cut_at_reply: bool = False

    def cut(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Wire:
    """Forwards a loopback port to the server.

    silent        what clients say is swallowed
    connections   how many were made so far
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._pairs: set[_Pair] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self._trap: tuple[bytes, bool] | None = None
        self._trap_times = 0
        self.port = 0
        self.silent = False
        self.connections = 0
        self.trapped = 0
        self.restore()

    def restore(self) -> None:
        """Let clients in; on the port of the first time."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._start(self._accept, listener)

    def refuse(self) -> None:
        """Let nobody in and cut who is there."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def cut(self) -> None:
        for pair in list(self._pairs):
            pair.cut()

    def set_trap(self, text: bytes, *, times: int, let_through: bool = False) -> None:
        """Cut a connection on which a client says `text`; `let_through`: after the server has answered it."""
        self._trap_times = times
        self._trap = (text, let_through)

    def close(self) -> None:
        self.refuse()
        for thread in self._threads:
            thread.join(5.0)

    def _start(self, run: object, *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)  # type: ignore[arg-type]  # a method
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            pair = _Pair(client, socket.create_connection(self._target))
            self._pairs.add(pair)
            self._start(self._pump, pair, client, pair.server)
            self._start(self._pump, pair, pair.server, client)

    def _pump(self, pair: _Pair, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while heard := source.recv(65536):
                if source is pair.server and pair.cut_at_reply:
                    break
                if source is pair.client and not self._may_pass(pair, heard):
                    continue
                sink.sendall(heard)
        pair.cut()
        source.close()
        self._pairs.discard(pair)

    def _may_pass(self, pair: _Pair, heard: bytes) -> bool:
        if self.silent:
            return False
        if self._trap is None or not self._trap_times or self._trap[0] not in heard:
            return True
        self._trap_times -= 1
        self.trapped += 1
        if self._trap[1]:
            pair.cut_at_reply = True
            return True
        pair.cut()
        return False
