"""Small proxies with a log: HTTP (plain and CONNECT) and SOCKS5, with or without credentials."""

import asyncio
import base64
import contextlib
from dataclasses import dataclass, field

from tests.upstream.peers import Connection, SeenRequest


@dataclass(slots=True)
class HttpProxy:
    """The script of a forwarding HTTP proxy.

    credentials   `user:password` it asks for, or None
    seen          every request head it was sent, CONNECTs and plain ones
    heads         the same as bytes on the wire
    """

    credentials: str | None = None
    seen: list[SeenRequest] = field(default_factory=list)

    async def __call__(self, connection: Connection) -> None:
        while (request := await connection.request()) is not None:
            self.seen.append(request)
            if not self._welcome(request):
                await connection.send(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                    b'Proxy-Authenticate: Basic realm="p"\r\nContent-Length: 0\r\n\r\n'
                )
                continue
            if request.method == "CONNECT":
                host, _, port = request.target.rpartition(":")
                await connection.send(b"HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
                await relay(connection, host, int(port))
                return
            await self._forward(connection, request)

    def _welcome(self, request: SeenRequest) -> bool:
        if self.credentials is None:
            return True
        expected = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        return request.header("Proxy-Authorization") == expected

    async def _forward(self, connection: Connection, request: SeenRequest) -> None:
        host_and_port, _, path = request.target.removeprefix("http://").partition("/")
        host, _, port = host_and_port.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        lines = [f"{request.method} /{path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers if not name.startswith("Proxy-")]
        lines += ["Connection: close"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + request.body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await connection.send(answer + await reader.readexactly(length))
        writer.close()
        await writer.wait_closed()


@dataclass(slots=True)
class Socks5Proxy:
    """The script of a SOCKS5 proxy (RFC 1928, 1929). `tunnels` lists (user, password, host, port)."""

    credentials: tuple[str, str] | None = None
    tunnels: list[tuple[str, str, str, int]] = field(default_factory=list)

    async def __call__(self, connection: Connection) -> None:
        read = connection.reader.readexactly
        version, count = await read(2)
        methods = await read(count)
        assert version == 5
        user = password = ""
        if self.credentials is None:
            await connection.send(b"\x05\x00")
        elif 2 not in methods:
            await connection.send(b"\x05\xff")
            return
        else:
            await connection.send(b"\x05\x02")
            user = (await read((await read(2))[1])).decode()
            password = (await read((await read(1))[0])).decode()
            if (user, password) != self.credentials:
                await connection.send(b"\x01\x01")
                return
            await connection.send(b"\x01\x00")
        _, _, _, kind = await read(4)
        if kind == 1:
            host = ".".join(str(part) for part in await read(4))
        else:
            host = (await read((await read(1))[0])).decode()
        port = int.from_bytes(await read(2), "big")
        self.tunnels.append((user, password, host, port))
        await connection.send(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await relay(connection, host, port)


async def relay(connection: Connection, host: str, port: int) -> None:
    """Pass bytes on both ways until either side ends."""
    reader, writer = await asyncio.open_connection(host, port)

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()

    pumps = [
        asyncio.ensure_future(pump(connection.reader, writer)),
        asyncio.ensure_future(pump(reader, connection.writer)),
    ]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        writer.transport.abort()
