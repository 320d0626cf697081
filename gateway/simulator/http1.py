"""HTTP/1.1 requests out of bytes, for the simulator and for the tests' fake upstream.

Reads whole requests only; what is answered, and how, is the connection's business. Not for the public:
the gateway's own front is gateway/serving.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import httptools

MAX_REQUEST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request.

    target       as received, undecoded
    header_list  (lower-case name, value) in the order sent, repeated ones apart
    """

    method: str
    target: str
    header_list: tuple[tuple[str, str], ...]
    body: bytes
    keep_alive: bool

    def header(self, name: str) -> str | None:
        """Give the first value of a header; `name` in lower case."""
        for each, value in self.header_list:
            if each == name:
                return value
        return None


class RequestParser:
    """Feeds httptools and hands on whole requests.

    on_request    called once for each request, in order
    on_continue   called when a request with `Expect: 100-continue` waits for leave to send its body
    """

    def __init__(self, on_request: Callable[[HttpRequest], None], on_continue: Callable[[], None]) -> None:
        self._on_request = on_request
        self._on_continue = on_continue
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._bytes = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection.

        raises   ValueError when they are not HTTP/1 or a request is over MAX_REQUEST_BYTES
        """
        self._bytes += len(data)
        if self._bytes > MAX_REQUEST_BYTES:
            raise ValueError("request too large")
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise ValueError(f"not an HTTP/1 request: {error}") from error

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers = []
        self._body = []
        self._bytes = 0

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if ("expect", "100-continue") in self._headers:
            self._on_continue()

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        self._on_request(
            HttpRequest(
                method=self._parser.get_method().decode("latin-1"),
                target=self._target.decode("latin-1"),
                header_list=tuple(self._headers),
                body=b"".join(self._body),
                keep_alive=self._parser.should_keep_alive(),
            )
        )


def response_head(
    status: int, headers: list[tuple[str, str]] | tuple[tuple[str, str], ...], *, content_length: int | None
) -> bytes:
    """Write a response's head; without a length the body is to be chunked."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(
        "Transfer-Encoding: chunked" if content_length is None else f"Content-Length: {content_length}"
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def http_chunk(data: bytes) -> bytes:
    """Frame one piece of a chunked body; nothing for nothing, since an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


LAST_CHUNK = b"0\r\n\r\n"
