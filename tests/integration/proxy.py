"""A small HTTP proxy on a free port: forwards plain requests, counts them, and can be told to fail."""

import base64
import socket
import socketserver
import threading
from typing import Self
from urllib.parse import urlsplit


class SmallProxy:
    """Use it in a `with` block.

    seen     the Proxy-Authorization of each request that came, decoded ("" for none)
    broken   hang up on every request
    """

    def __init__(self) -> None:
        proxy = self
        self.seen: list[str] = []
        self.broken = False

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                proxy._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, client: socket.socket) -> None:
        """One request a connection: absolute-form in, the same to the origin, its answer back."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                return
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        login = fields.pop(b"proxy-authorization", b"").rpartition(b" ")[2]
        self.seen.append(base64.b64decode(login).decode())
        if self.broken:
            return
        while len(body) < int(fields.get(b"content-length", b"0")):
            body += client.recv(65536)
        method, target, _ = lines[0].split(b" ")
        parts = urlsplit(target.decode())
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        fields[b"connection"] = b"close"
        sent = b"".join(b"%b: %b\r\n" % field for field in fields.items())
        with socket.create_connection((parts.hostname or "", parts.port or 80), 5) as origin:
            origin.sendall(b"%b %b HTTP/1.1\r\n%b\r\n" % (method, path.encode(), sent) + body)
            while piece := origin.recv(65536):
                client.sendall(piece)
