"""What Tornado's own HTTP1Connection reads of some bytes, to compare ours with."""

import asyncio
import contextlib
import socket

from tornado.http1connection import HTTP1ConnectionParameters, HTTP1ServerConnection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream

Read = tuple[str, str, bytes]
"""A request that came to its end: method, target, body."""


class _Collecting(HTTPServerConnectionDelegate):
    def __init__(self) -> None:
        self.read: list[Read] = []

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return _Message(self.read, request_conn)


class _Message(HTTPMessageDelegate):
    def __init__(self, read: list[Read], connection: HTTPConnection) -> None:
        self._read = read
        self._connection = connection
        self._body = b""

    def headers_received(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
    ) -> None:
        assert isinstance(start_line, RequestStartLine)
        self._line = start_line

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk

    def finish(self) -> None:
        self._read.append((self._line.method, self._line.path, self._body))
        self._connection.write_headers(
            ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders({"Content-Length": "0"})
        )
        self._connection.finish()


async def read_by_tornado(raw: bytes) -> list[Read]:
    """All requests that it passes on before it closes, or before the bytes end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    collecting = _Collecting()
    params = HTTP1ConnectionParameters(decompress=False)
    connection = HTTP1ServerConnection(IOStream(theirs), params)
    connection.start_serving(collecting)
    loop = asyncio.get_running_loop()
    with ours, contextlib.suppress(ConnectionError):
        await loop.sock_sendall(ours, raw)
        ours.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(5):
            while await loop.sock_recv(ours, 1 << 16):
                pass
    await connection.close()
    return collecting.read
