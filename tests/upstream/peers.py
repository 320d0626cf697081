"""An HTTP/1 peer at the level of bytes: each connection is played by a coroutine of the test.

tests/fakes/upstream.py speaks Gemini; this one speaks nothing, so that broken framing, stalls and resets
can be written down. It lives in the test's own loop, so descriptors are shared with the driver.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer with its length."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as its bytes said."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)
    body_bytes: int

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def names(self) -> list[str]:
        return sorted(name.lower() for name, _ in self.headers)


class Connection:
    """One accepted connection. `gone` is set when the peer has closed it (or was reset)."""

    def __init__(self, peer: "Peer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peer = peer
        self.reader = reader
        self.writer = writer
        self.sent_bytes = 0
        self.number = peer.accepted

    async def head(self) -> SeenRequest | None:
        """Read a request's head, not its body; None when the connection ended before one."""
        try:
            raw = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = raw[:-4].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        seen = SeenRequest(method, target, headers, b"", int(dict(headers).get("Content-Length", "0")))
        self.peer.requests.append(seen)
        return seen

    async def request(self) -> SeenRequest | None:
        """Read a whole request; None when the connection ended before one."""
        seen = await self.head()
        if seen is None or not seen.body_bytes:
            return seen
        body = await self.reader.readexactly(seen.body_bytes)
        whole = SeenRequest(seen.method, seen.target, seen.headers, body, len(body))
        self.peer.requests[self.peer.requests.index(seen)] = whole
        return whole

    async def send(self, data: bytes) -> None:
        """Write and wait while the peer does not read."""
        self.writer.write(data)
        await self.writer.drain()
        self.sent_bytes += len(data)

    async def gone(self) -> None:
        """Wait until the other side has closed or reset the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Connection], Awaitable[None]]


async def keeps_answering(connection: Connection) -> None:
    """Answer `ok` to every request on a kept connection."""
    while await connection.request() is not None:
        await connection.send(OK)


def answers(*whole: bytes) -> Script:
    """A script that gives these answers to successive requests of a connection, then closes it."""

    async def script(connection: Connection) -> None:
        for one in whole:
            if await connection.request() is None:
                return
            await connection.send(one)

    return script


class Peer:
    """A server on a free port; use it in an `async with` block.

    accepted      connections accepted so far        requests   in the order their heads came
    open          connections not yet over
    """

    def __init__(self, script: Script = keeps_answering, *, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[BaseException] = []
        self._server: asyncio.Server | None = None
        self.accepted = 0
        self.connections: list[Connection] = []
        self.requests: list[SeenRequest] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._faults and kind is None:
            raise AssertionError("the peer's script failed") from self._faults[0]

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        return len(self._tasks)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        connection = Connection(self, reader, writer)
        self.connections.append(connection)
        task = asyncio.get_running_loop().create_task(self._play(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, connection: Connection) -> None:
        try:
            await self._script(connection)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the driver closed the connection: what many tests are about
        except asyncio.CancelledError:
            connection.writer.transport.abort()  # closing TLS politely would wait for the other side
            raise
        except Exception as fault:  # noqa: BLE001 - raised in the test when the peer closes
            self._faults.append(fault)
        finally:
            connection.writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await connection.writer.wait_closed()


def unused_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
