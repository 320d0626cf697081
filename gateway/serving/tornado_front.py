"""The fall-back front: light routes and the application on Tornado's own HTTPServer.

Keeps the contract of light.py; strictness, answers to malformed requests, timeouts and half-closed clients
are Tornado's. Our own front is server.py; tests/serving/raw_cases.py lists where the two part.
"""

import asyncio
import socket
from collections.abc import Iterable
from typing import Final, cast

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from gateway.serving.light import LightRouter
from gateway.serving.limits import Limits
from gateway.serving.refusal import Reject, plain_reject
from gateway.serving.tornado_light import LightDelegate, Shared

# Tornado bounds a body's time as a whole, ours from piece to piece; a slow upload must live on either.
_BODY_TIME_FACTOR: Final = 10


class TornadoFront:
    """Tornado's HTTPServer with light routes in front of the application. Made inside the running loop.

    Light routes' bodies are held to `max_body_bytes` here, with our 413; Tornado's own bound, a little
    above, answers 400.
    """

    def __init__(
        self,
        *,
        application: HTTPServerConnectionDelegate,
        light: LightRouter,
        limits: Limits,
        xheaders: bool = True,
        reject: Reject | None = None,
    ) -> None:
        body_timeout_s = limits.body_timeout_s * _BODY_TIME_FACTOR
        shared = Shared(limits, body_timeout_s, reject or plain_reject)
        self._requests = _Requests(application, light, shared)
        self._server = _Server(
            self._requests,
            xheaders=xheaders,
            max_header_size=limits.max_head_bytes,
            max_body_size=limits.max_body_bytes,
            idle_connection_timeout=limits.idle_timeout_s,
            body_timeout=body_timeout_s,
        )

    async def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on bound, non-blocking sockets that listen."""
        self._server.add_sockets(sockets)

    async def drain(self, timeout_s: float) -> int:
        """Stop accepting, close idle connections, give answers time to end; returns the number cut."""
        requests = self._requests
        requests.shared.is_draining = True
        self._server.stop()
        requests.close_idle()
        if requests.open:
            requests.on_empty = asyncio.get_running_loop().create_future()
            await asyncio.wait([requests.on_empty], timeout=timeout_s)
        cut = len(requests.busy)
        await self._server.close_all_connections()
        return cut

    @property
    def open_connections(self) -> int:
        return len(self._requests.open)


class _Server(HTTPServer):
    """Passes the end of a connection on, which HTTPServer keeps to itself."""

    def on_close(self, server_conn: object) -> None:
        super().on_close(server_conn)
        if isinstance(self.request_callback, HTTPServerConnectionDelegate):
            self.request_callback.on_close(server_conn)


class _Requests(HTTPServerConnectionDelegate):
    """Knows every open connection by the request it reads or answers."""

    def __init__(self, application: HTTPServerConnectionDelegate, light: LightRouter, shared: Shared) -> None:
        self.application = application
        self.light = light
        self.shared = shared
        self.open: dict[object, HTTP1Connection] = {}
        self.busy: set[object] = set()
        self.on_empty: asyncio.Future[None] | None = None

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Called on accept, and again once an answer has left: the connection is idle until a head comes."""
        connection = cast("HTTP1Connection", request_conn)
        self.open[server_conn] = connection
        self.busy.discard(server_conn)
        if self.shared.is_draining:
            connection.close()
        elif not connection.stream.closed():
            connection.stream.set_nodelay(True)  # Tornado turns Nagle back on after every answer
        return _Choice(self, server_conn, connection)

    def on_close(self, server_conn: object) -> None:
        self.open.pop(server_conn, None)
        self.busy.discard(server_conn)
        self.application.on_close(server_conn)
        if self.on_empty is not None and not self.open and not self.on_empty.done():
            self.on_empty.set_result(None)

    def close_idle(self) -> None:
        for server_conn, connection in list(self.open.items()):
            if server_conn not in self.busy:
                connection.close()


class _Choice(HTTPMessageDelegate):
    """Waits for the head, then is a light route's delegate or the application's."""

    def __init__(self, requests: _Requests, server_conn: object, connection: HTTP1Connection) -> None:
        self._requests = requests
        self._server_conn = server_conn
        self._connection = connection
        self._chosen: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> "asyncio.Future[None] | None":
        head = cast("RequestStartLine", start_line)
        requests = self._requests
        requests.busy.add(self._server_conn)
        factory = requests.light(head.method, head.path.partition("?")[0])
        if factory is None:
            self._chosen = requests.application.start_request(self._server_conn, self._connection)
        else:
            self._chosen = LightDelegate(requests.shared, self._connection, factory)
        return cast("asyncio.Future[None] | None", self._chosen.headers_received(start_line, headers))

    def data_received(self, chunk: bytes) -> "asyncio.Future[None] | None":
        if self._chosen is None:
            return None
        return cast("asyncio.Future[None] | None", self._chosen.data_received(chunk))

    def finish(self) -> None:
        if self._chosen is not None:
            self._chosen.finish()

    def on_connection_close(self) -> None:
        if self._chosen is not None:
            self._chosen.on_connection_close()
