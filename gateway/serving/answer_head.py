"""The head of an answer as bytes: status line, Date, the route's headers, framing, Connection.

Used by light_reply.py for light routes and by connection.py for refusals. Tornado handlers bring their
own headers and are framed in exchange.py.
"""

from collections.abc import Sequence
from typing import Final

from gateway.serving.ground import Ground

OURS: Final = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})

CLOSE: Final = b"Connection: close\r\n"
KEEP: Final = b"Connection: keep-alive\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"


def header_lines(headers: Sequence[tuple[str, str]]) -> bytes:
    """The lines of a route's headers; names that are the front's business are left out.

    Raises ValueError for a header that would break out of its line, or is not Latin-1.
    """
    count = 0
    text = ""
    for name, value in headers:
        if name.lower() not in OURS:
            count += 1
            text += f"{name}: {value}\r\n"
    return checked_lines(text, count)


def checked_lines(text: str, count: int) -> bytes:
    """`count` lines, each ended by CRLF, as bytes; ValueError for more ends than that, or beyond Latin-1."""
    if text.count("\n") != count or text.count("\r") != count or "\0" in text:
        raise ValueError("illegal characters (CR, LF or NUL) in a header")
    return text.encode("latin-1")


def has_no_body(method: str, status: int) -> bool:
    """True when an answer's head ends it, whatever its headers say (RFC 9110 §6.4.1)."""
    return method == "HEAD" or status in (204, 304) or status < 200


def whole_answer(
    ground: Ground,
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    *,
    has_body: bool,
    content_length: int | None,
    connection: bytes,
) -> bytes:
    """A complete answer as one piece.

    has_body         False sends the head only
    content_length   what the head says; None for an answer that must not or cannot say it
    connection       CLOSE, KEEP (said to HTTP/1.0 only) or b""
    """
    return b"".join(
        (
            ground.status_line(status),
            ground.date,
            header_lines(headers),
            b"" if content_length is None else b"Content-Length: %d\r\n" % content_length,
            connection,
            b"\r\n",
            body if has_body else b"",
        )
    )
