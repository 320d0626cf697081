"""What Tornado's HTTPServerRequest and handlers ask of a connection besides the answer: who, how, its stream.

Made by exchange.py, one of each for a request.
"""

import socket
from typing import TYPE_CHECKING

from tornado import httputil

from gateway.serving.head import Head, forwarded_peer, forwarded_protocol

if TYPE_CHECKING:
    from gateway.serving.connection import Conn


class RequestContext:
    """Who asks and how, as HTTPServerRequest reads it (`remote_ip`, `protocol`)."""

    __slots__ = ("address", "protocol", "remote_ip")

    def __init__(self, head: Head, peer: str, *, xheaders: bool) -> None:
        self.address = peer
        self.remote_ip = forwarded_peer(head.headers, peer) if xheaders else peer
        self.protocol = forwarded_protocol(head.headers) if xheaders else "http"

    def __str__(self) -> str:
        return self.remote_ip


class StreamShim:
    """The little of an IOStream that handlers ask `connection.stream` for; writing is not part of it."""

    __slots__ = ("_conn",)

    def __init__(self, conn: "Conn") -> None:
        self._conn = conn

    @property
    def socket(self) -> socket.socket | None:
        return self._conn.sock

    def closed(self) -> bool:
        return self._conn.is_closed

    def close(self) -> None:
        self._conn.cut()

    def set_nodelay(self, value: bool) -> None:
        """asyncio has set TCP_NODELAY already."""


def tornado_head(head: Head) -> tuple[httputil.RequestStartLine, httputil.HTTPHeaders]:
    """The request's head in Tornado's own types."""
    headers = httputil.HTTPHeaders()
    for raw_name, raw_value in head.fields:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("latin-1").strip(" \t")
        if name in headers:
            headers.add(name, value)
        else:
            headers[name] = value  # llhttp has checked both; `add` would again
    version = "HTTP/1.1" if head.is_http11 else "HTTP/1.0"
    return httputil.RequestStartLine(head.method, head.target, version), headers
