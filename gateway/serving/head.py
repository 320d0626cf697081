"""A request's head: judged by the rules of HTTP/1.1 that llhttp leaves open, and made into plain values.

Pure: bytes in, `Head` or `Refusal` out. Used by connection.py; the Tornado front has Tornado's own rules.
Rules: RFC 9110 and 9112; where they allow a choice, the one that cannot be read in two ways is taken.
"""

import re
import socket
from collections.abc import Mapping
from typing import Final

from gateway.serving.light import RequestHead
from gateway.serving.refusal import Refusal

_HOST: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+;=\[\]:]++|%[0-9A-Fa-f]{2})*+")
_ONCE: Final = frozenset({"host", "content-length", "transfer-encoding"})
_USUAL_NAMES: Final = """
    accept accept-charset accept-encoding accept-language access-control-request-headers
    access-control-request-method anthropic-beta anthropic-version api-key authorization cache-control
    connection content-encoding content-length content-type cookie dnt expect forwarded host
    idempotency-key if-modified-since if-none-match keep-alive openai-beta openai-organization openai-project
    origin pragma priority range referer sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest
    sec-fetch-mode sec-fetch-site sec-fetch-user sec-websocket-extensions sec-websocket-key
    sec-websocket-version te traceparent tracestate transfer-encoding upgrade upgrade-insecure-requests
    user-agent x-api-key x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-goog-api-client
    x-goog-api-key x-goog-user-project x-real-ip x-request-id x-scheme x-stainless-arch x-stainless-async
    x-stainless-lang x-stainless-os x-stainless-package-version x-stainless-raw-response
    x-stainless-read-timeout x-stainless-retry-count x-stainless-runtime x-stainless-runtime-version
    x-stainless-timeout x-title
""".split()
_LOWER: Final = {
    spelling.encode("ascii"): name for name in _USUAL_NAMES for spelling in (name, name.title(), name.upper())
}
"""What clients usually send, as they spell it -> in lower case: looked up sooner than made."""

Field = tuple[bytes, bytes]


class Head(RequestHead):
    """One request's head, as both kinds of routes need it: all that does not change when it is sent again.

    fields        header lines as received, in order, for Tornado's HTTPHeaders
    continues     the client waits for `100 Continue` before it sends the body
    """

    __slots__ = ("continues", "fields", "is_http11", "keep_alive")

    def __init__(
        self,
        method: str,
        target: str,
        is_http11: bool,
        keep_alive: bool,
        fields: list[Field],
        headers: dict[str, str],
        continues: bool,
    ) -> None:  # called for every new head: keywords would double its time
        RequestHead.__init__(self, method, target, headers)
        self.is_http11 = is_http11
        self.keep_alive = keep_alive
        self.fields = fields
        self.continues = continues

    @property
    def wants_websocket(self) -> bool:
        """True for an upgrade the front passes on, if no body follows; others are ignored (RFC 9110 §7.8)."""
        return (
            self.method == "GET" and self.is_http11 and self.headers.get("upgrade", "").lower() == "websocket"
        )


def judge_head(
    method: bytes, target: bytes, is_http11: bool, keep_alive: bool, fields: list[Field]
) -> tuple[Head, int | None]:  # without keywords for the same reason
    """A head whose framing can be read in one way only, and the length of its body (None: chunked).

    Raises Refusal: 400 framing and Host, 417 an Expect we do not know, 501 CONNECT and transfer codings.
    """
    headers = {
        _LOWER.get(name) or name.decode("latin-1").lower(): value.decode("latin-1").strip(" \t")
        for name, value in fields  # llhttp leaves trailing blanks
    }
    if len(headers) != len(fields):
        headers = _joined(fields)
    if method == b"CONNECT":
        raise Refusal(501, "CONNECT is not served here.")
    host = headers.get("host")
    if host is None:
        if is_http11:
            raise Refusal(400, "The Host header is missing.")
    elif _HOST.fullmatch(host) is None:
        raise Refusal(400, "The Host header is malformed.")
    body_bytes: int | None = 0
    if "content-length" in headers or "transfer-encoding" in headers:
        body_bytes = _body_bytes(headers, is_http11)
    continues = False
    if "expect" in headers:
        if headers["expect"].lower() != "100-continue":
            raise Refusal(417, "The only expectation met here is 100-continue.")
        continues = is_http11
    head = Head(
        method.decode("latin-1"),
        target.decode("latin-1"),
        is_http11,
        keep_alive,
        fields,
        headers,
        continues,
    )
    return head, body_bytes


def _joined(fields: list[Field]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.decode("latin-1").strip(" \t")
        if name not in headers:
            headers[name] = value
        elif name in _ONCE:
            raise Refusal(400, f"The header {name} may stand in a request only once.")
        else:
            headers[name] = f"{headers[name]}, {value}"
    return headers


def _body_bytes(headers: dict[str, str], is_http11: bool) -> int | None:
    """The length of a body that one of the two headers announces; Content-Length is taken out."""
    coding = headers.get("transfer-encoding")
    length = headers.pop("content-length", None)
    if coding is None:
        if length is None or not (length.isascii() and length.isdigit()):
            raise Refusal(400, "The Content-Length header is not a number.")
        return int(length)
    if length is not None:
        raise Refusal(400, "A request cannot have both Content-Length and Transfer-Encoding.")
    if not is_http11:
        raise Refusal(400, "Transfer-Encoding is not part of HTTP/1.0.")
    if coding.lower() != "chunked":
        raise Refusal(501, "The only transfer coding served here is chunked.")
    return None


def head_without_upgrade(head: Head) -> bytes:
    """The head's bytes again, without its Upgrade lines, for a parser that shall read a body behind it."""
    lines = [f"{head.method} {head.target} HTTP/1.{1 if head.is_http11 else 0}\r\n".encode("latin-1")]
    lines += [b"%b: %b\r\n" % field for field in head.fields if field[0].lower() != b"upgrade"]
    return b"".join([*lines, b"\r\n"])


def forwarded_peer(headers: Mapping[str, str], peer: str) -> str:
    """The client's address as the proxy in front of us gives it, by Tornado's rules (`xheaders`).

    X-Real-Ip wins over the last entry of X-Forwarded-For; what is no address is ignored.
    """
    candidate = headers.get("x-real-ip")
    if candidate is None:
        chain = headers.get("x-forwarded-for")
        if chain is None:
            return peer
        candidate = chain.rpartition(",")[2].strip()
    return candidate if _is_address(candidate) else peer


def forwarded_protocol(headers: Mapping[str, str]) -> str:
    """`http` or `https`: X-Scheme, else the last entry of X-Forwarded-Proto, else `http`."""
    scheme = headers.get("x-scheme", headers.get("x-forwarded-proto", ""))
    return "https" if scheme.rpartition(",")[2].strip() == "https" else "http"


def _is_address(text: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        return True
    return False
