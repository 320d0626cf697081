"""An HTTP/2 peer over TLS, for what HTTP/1 cannot show: shared connections, stream resets, windows."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import h2.config
import h2.connection
import h2.events
import h2.exceptions


class Stream:
    """One request on a connection.

    headers    as they came, pseudo-headers included      body   what came before the answer began
    reset      set when the client dropped the stream or the connection went
    """

    def __init__(self, connection: "_H2Connection", number: int, headers: list[tuple[str, str]]) -> None:
        self._connection = connection
        self._number = number
        self.headers = headers
        self.body = bytearray()
        self.reset = asyncio.Event()
        self.sent_bytes = 0

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    def head(self, status: int = 200, *headers: tuple[str, str], end: bool = False) -> None:
        h2c = self._connection.h2
        h2c.send_headers(self._number, [(":status", str(status)), *headers], end_stream=end)
        self._connection.write_out()

    async def send(self, data: bytes) -> None:
        """Send as the client's windows allow."""
        h2c = self._connection.h2
        while data:
            if self.reset.is_set():
                raise ConnectionResetError
            room = min(h2c.local_flow_control_window(self._number), h2c.max_outbound_frame_size, len(data))
            if room <= 0:
                await self._connection.window_opened()
                continue
            h2c.send_data(self._number, data[:room])
            self._connection.write_out()
            self.sent_bytes += room
            data = data[room:]
            await self._connection.writable.wait()
            await asyncio.sleep(0)

    def end(self, *trailers: tuple[str, str]) -> None:
        if trailers:
            self._connection.h2.send_headers(self._number, list(trailers), end_stream=True)
        else:
            self._connection.h2.end_stream(self._number)
        self._connection.write_out()

    def refuse(self, code: int) -> None:
        """RST_STREAM from the server's side."""
        self._connection.h2.reset_stream(self._number, code)
        self._connection.write_out()

    def abort_connection(self) -> None:
        self._connection.abort()


Answer = Callable[[Stream], Awaitable[None]]


async def answers_ok(stream: Stream) -> None:
    stream.head(200, ("content-length", "2"))
    await stream.send(b"ok")
    stream.end()


class H2Peer:
    """An HTTP/2 server on a free port; use it in an `async with` block. Each request runs `answer`."""

    def __init__(self, tls: ssl.SSLContext, answer: Answer = answers_ok) -> None:
        self._tls = tls
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._faults: list[BaseException] = []
        self.connections: set[_H2Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.streams: list[Stream] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _H2Connection(self), "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        lost = [connection.lost.wait() for connection in self.connections]
        for connection in list(self.connections):
            connection.abort()
        await asyncio.gather(*lost)
        if self._faults and kind is None:
            raise AssertionError("the peer's script failed") from self._faults[0]

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def take(self, stream: Stream) -> None:
        self.streams.append(stream)
        task = asyncio.get_running_loop().create_task(self._play(stream))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _play(self, stream: Stream) -> None:
        try:
            await self._answer(stream)
        except (ConnectionError, h2.exceptions.StreamClosedError):
            pass  # the driver dropped the stream: what many tests are about
        except Exception as fault:  # noqa: BLE001 - raised in the test when the peer closes
            self._faults.append(fault)


class _H2Connection(asyncio.Protocol):
    def __init__(self, peer: H2Peer) -> None:
        self._peer = peer
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, Stream] = {}
        self._window = asyncio.Event()
        self.h2 = h2.connection.H2Connection(
            config=h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self.writable = asyncio.Event()
        self.writable.set()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._peer.accepted += 1
        self._peer.connections.add(self)
        self.h2.initiate_connection()
        self.write_out()

    def connection_lost(self, exc: Exception | None) -> None:
        self._peer.connections.discard(self)
        self.lost.set()
        self.writable.set()
        for stream in self._streams.values():
            stream.reset.set()
        self._window.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        events: list[Any] = self.h2.receive_data(data)
        for event in events:
            self._take(event)
        self.write_out()

    def _take(self, event: Any) -> None:
        if isinstance(event, h2.events.RequestReceived):
            headers = [(str(name), str(value)) for name, value in event.headers]
            self._streams[event.stream_id] = Stream(self, event.stream_id, headers)
        elif isinstance(event, h2.events.DataReceived):
            self._streams[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self._peer.take(self._streams[event.stream_id])
        elif isinstance(event, h2.events.StreamReset):
            self._streams[event.stream_id].reset.set()
            self._window.set()
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            self._window.set()

    async def window_opened(self) -> None:
        self._window.clear()
        await self._window.wait()

    def write_out(self) -> None:
        data = self.h2.data_to_send()
        if data and self._transport is not None and not self.lost.is_set():
            self._transport.write(data)

    def abort(self) -> None:
        if self._transport is not None:
            with contextlib.suppress(ConnectionError):
                self._transport.abort()
