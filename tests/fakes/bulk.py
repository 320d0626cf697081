"""An upstream for bulk: it takes uploads of any size and gives downloads of any size, keeping none of them.

Plain blocking sockets, a thread a connection; its pace can be held with `go`. For tests of memory.
"""

import hashlib
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

import orjson

PIECE = bytes(range(256)) * 4096  # 1 MiB


class BulkUpstream:
    """Use it in a `with` block.

    download_pieces   how many MiB every GET is answered with
    go                cleared, it reads no bodies
    """

    def __init__(self, *, download_pieces: int = 0) -> None:
        self.download_pieces = download_pieces
        self.go = threading.Event()
        self.go.set()
        self.digests: list[str] = []
        self.received_bytes = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.bulk = self
        self._thread = threading.Thread(target=self._server.serve_forever, name="bulk-upstream", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """What BASE_URL wants."""
        return f"{self.origin}/v1beta"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    bulk: BulkUpstream


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        pieces = self.server.bulk.download_pieces
        self._head({"Content-Type": "video/mp4", "Content-Length": str(pieces * len(PIECE))})
        for _ in range(pieces):
            self.wfile.write(PIECE)

    def do_POST(self) -> None:
        bulk = self.server.bulk
        if self.headers.get("x-goog-upload-command") == "start":
            self.rfile.read(int(self.headers["content-length"]))
            address = f"{bulk.origin}{self.path}?upload_id=upstream"
            self._head(
                {"X-Goog-Upload-URL": address, "X-Goog-Upload-Status": "active", "Content-Length": "0"}
            )
            return
        digest = hashlib.sha256()
        bulk.go.wait()
        for piece in self._body():
            digest.update(piece)
            bulk.received_bytes += len(piece)
        bulk.digests.append(digest.hexdigest())
        body = orjson.dumps({"file": {"name": f"files/bulk{len(bulk.digests)}"}})
        status = {"X-Goog-Upload-Status": "final", "Content-Type": "application/json"}
        self._head({**status, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _body(self) -> Iterator[bytes]:
        """The request's body, at the pace of `go`."""
        is_chunked = "transfer-encoding" in self.headers
        left = 0 if is_chunked else int(self.headers["content-length"])
        while left or is_chunked:
            if not left and not (left := int(self.rfile.readline(), 16)):
                self.rfile.readline()
                return
            self.server.bulk.go.wait()
            piece = self.rfile.read(min(left, len(PIECE)))
            if not piece:
                return
            left -= len(piece)
            if is_chunked and not left:
                self.rfile.readline()
            yield piece

    def _head(self, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""
