"""What a handle is set to for a request, but for its address and its body.

That is the same for all calls of a key and kind: it is made and checked once (`setup_of`), and a handle
(curl_handle.py) finds by two looks what it has to change.
"""

import functools
import re
from dataclasses import dataclass
from types import NoneType
from typing import Final

from gateway.upstream.curl_options import TOKEN
from gateway.upstream.framing import TRANSPORT_HEADERS
from gateway.upstream.transport import BodySource, UpstreamRequest

_SILENCED: Final = {"accept": b"Accept:", "content-type": b"Content-Type:"}
"""Headers libcurl would add by itself where they are not given; an empty value takes them away."""
_SILENCED_BEYOND: Final = (b"Expect:", b"Proxy-Connection:")
"""Likewise before bodies of more than a megabyte, or of a length that is not known, and towards proxies."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
"""Characters that end a header, or that cannot be sent at all (lone surrogates)."""
LEAST_SENT_BYTES: Final = 16 * 1024
_USUAL_SENT_BYTES: Final = 512 * 1024
_MOST_SENT_BYTES: Final = 1088 * 1024
_HEAD_BYTES: Final = 4 * 1024  # sent through it as well


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request is sent, whatever its key.

    kind            of its body: bytes, NoneType or BodySource
    at_once_bytes   the buffer it is sent through; libcurl holds it until the handle's next transfer begins
    stream          the answer is wanted as it comes, not packed
    connect_s       0 means no limit
    """

    method: str
    kind: type
    at_once_bytes: int
    proxy: str | None
    stream: bool
    connect_s: float


@dataclass(frozen=True, slots=True)
class Setup:
    """What a handle is set to.

    lines   header lines for libcurl, with the ones it would add by itself silenced; bytes, which pycurl need
            not encode. Not to be changed
    """

    lines: list[bytes]
    manner: Manner


def setup_of(request: UpstreamRequest) -> Setup:
    """The setup of a request, the same object for those of one key and kind.

    Raises ValueError for a header's name that is no token or that only the transport may set, or a value with
    a control character; the value is not shown.
    """
    body = request.body
    kind: type = bytes
    at_once_bytes = LEAST_SENT_BYTES
    if isinstance(body, bytes):
        if len(body) >= LEAST_SENT_BYTES:
            at_once_bytes = _sent_at_once_bytes(len(body), request.stream)
    elif body is None:
        kind = NoneType
    else:
        kind, at_once_bytes = BodySource, _USUAL_SENT_BYTES
    return _setup(
        tuple(request.headers),
        request.method,
        kind,
        at_once_bytes,
        request.proxy,
        request.stream,
        request.timeouts.connect_s,
    )


def _sent_at_once_bytes(body_bytes: int, stream: bool) -> int:
    """The buffer for a body that is longer than the least one.

    The least that libcurl takes does for most requests. Of a long body each filling costs a turn of libcurl
    and a wake-up of the reader: a megabyte at once takes two thirds of the time of its halves. For
    streams that counts less than what they hold for as long as they last.
    """
    if stream or body_bytes + _HEAD_BYTES <= _USUAL_SENT_BYTES:
        return _USUAL_SENT_BYTES
    return _MOST_SENT_BYTES


@functools.lru_cache(maxsize=1024)
def _setup(
    headers: tuple[tuple[str, str], ...],
    method: str,
    kind: type,
    at_once_bytes: int,
    proxy: str | None,
    stream: bool,
    connect_s: float,
) -> Setup:
    is_plain = proxy is None and at_once_bytes == LEAST_SENT_BYTES
    lines = _lines(headers, stream, is_plain)
    return Setup(lines, _manner(method, kind, at_once_bytes, proxy, stream, connect_s))


@functools.lru_cache(maxsize=1024)
def _manner(
    method: str, kind: type, at_once_bytes: int, proxy: str | None, stream: bool, connect_s: float
) -> Manner:
    return Manner(method, kind, at_once_bytes, proxy, stream, connect_s)


def _lines(headers: tuple[tuple[str, str], ...], stream: bool, is_plain: bool) -> list[bytes]:
    lines: list[bytes] = []
    for name, value in headers:
        start = _line_start(name)
        # The first is quick, but minds other spaces too.
        if not value.isprintable() and _CONTROL.search(value):
            raise ValueError(f"the value of the header {name} contains a character that is not allowed")
        if not value or value.isspace():
            start, value = f"{name};", ""  # libcurl reads "Name:" as "leave it out", this as an empty value
        lines.append(f"{start}{value}".encode())
    if stream:
        lines.append(b"Accept-Encoding: identity")
    given = {name.lower() for name, _ in headers}
    lines += [line for name, line in _SILENCED.items() if name not in given]
    if not is_plain:
        lines += _SILENCED_BEYOND
    return lines


@functools.lru_cache(maxsize=512)
def _line_start(name: str) -> str:
    """`Name: `, checked; the same few dozen names come with every request."""
    if not TOKEN.fullmatch(name):
        raise ValueError("a header name contains a character that is not allowed")
    if name.lower() in TRANSPORT_HEADERS:
        raise ValueError(f"the header {name} is set by the transport itself")
    return f"{name}: "
