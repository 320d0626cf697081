"""Requests as bytes, and what each front must make of them: one table, with the differences in it.

`llhttp` and `tornado` are the statuses of all answers until the front closes; WAITS: it waits for more bytes.
Where they differ, ours is the one that is meant; Tornado's is written down so that a change of it is seen.
"""

from dataclasses import dataclass
from typing import Final

WAITS: Final = None
BYE: Final = b"GET /bye HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"  # /bye is a 404 of the application


@dataclass(frozen=True, slots=True)
class RawCase:
    """reached   how many requests got through to the light route whole; on Tornado if that differs"""

    name: str
    raw: bytes
    llhttp: tuple[int, ...]
    tornado: tuple[int, ...] | None
    reached: int = 0
    reached_tornado: int | None = None


def post(*lines: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    head = b"".join(line + b"\r\n" for line in (b"POST /echo HTTP/" + version, b"Host: x", *lines))
    return head + b"\r\n" + body


def get(*lines: bytes, start: bytes = b"GET /echo HTTP/1.1", host: bytes = b"Host: x\r\n") -> bytes:
    return start + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


CHUNKED: Final = b"Transfer-Encoding: chunked"
CLOSE: Final = b"Connection: close"
INNER: Final = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"  # what a smuggler wants to get through

CASES: Final = (
    # Framing that two readers may read in two ways.
    RawCase("CL then TE", post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n" + INNER), (400,), (400,)),
    RawCase("TE then CL", post(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n" + INNER), (400,), (400,)),
    RawCase(
        "two equal CLs",
        post(b"Content-Length: 3", b"Content-Length: 3", CLOSE, body=b"abc"),
        (400,),
        (200,),
        reached_tornado=1,
    ),
    RawCase(
        "two different CLs", post(b"Content-Length: 3", b"Content-Length: 0", body=b"abc"), (400,), (400,)
    ),
    RawCase(
        "a list of equal CLs",
        post(b"Content-Length: 3, 3", CLOSE, body=b"abc"),
        (400,),
        (200,),
        reached_tornado=1,
    ),
    RawCase("a list of different CLs", post(b"Content-Length: 3, 0", body=b"abc"), (400,), (400,)),
    RawCase("a signed CL", post(b"Content-Length: +3", body=b"abc"), (400,), (400,)),
    RawCase("a negative CL", post(b"Content-Length: -1", body=b"abc"), (400,), (400,)),
    RawCase("a hexadecimal CL", post(b"Content-Length: 0x3", body=b"abc"), (400,), (400,)),
    RawCase("a CL with a space inside", post(b"Content-Length: 1 0", body=b"abc"), (400,), (400,)),
    RawCase("an empty CL", post(b"Content-Length:", body=b""), (400,), (400,)),
    RawCase("a CL of 2^64", post(b"Content-Length: 18446744073709551616", body=b""), (400,), (413,)),
    RawCase("a CL of 2^64 + 3", post(b"Content-Length: 18446744073709551619", body=b"abc"), (400,), (413,)),
    RawCase(
        "TE gzip, chunked",
        post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n" + INNER),
        (501,),
        (400,),
    ),
    RawCase(
        "TE chunked, gzip",
        post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n" + INNER),
        (400,),
        (400,),
    ),
    RawCase("TE identity", post(b"Transfer-Encoding: identity", body=b"0\r\n\r\n" + INNER), (501,), (400,)),
    RawCase("TE xchunked", post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + INNER), (501,), (400,)),
    RawCase(
        "TE chunked with a comma before",
        post(b"Transfer-Encoding: ,chunked", body=b"0\r\n\r\n" + INNER),
        (501,),
        (400,),
    ),
    RawCase(
        "TE chunked with a vertical tab",
        post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n" + INNER),
        (400,),
        (400,),
    ),
    RawCase("TE twice", post(CHUNKED, CHUNKED, body=b"0\r\n\r\n" + INNER), (400,), (400,)),
    RawCase(
        "TE chunked and TE identity",
        post(CHUNKED, b"Transfer-Encoding: identity", body=b"0\r\n\r\n" + INNER),
        (400,),
        (400,),
    ),
    RawCase(
        "TE in HTTP/1.0",
        post(CHUNKED, version=b"1.0", body=b"0\r\n\r\n" + INNER),
        (400,),
        (200,),
        reached_tornado=2,
    ),
    RawCase(
        "TE with a space before the colon",
        post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n" + INNER),
        (400,),
        (400,),
    ),
    RawCase("CL with a space before the colon", post(b"Content-Length : 3", body=b"abc"), (400,), (400,)),
    RawCase("an empty TE", post(b"Transfer-Encoding:", body=b"0\r\n\r\n" + INNER), (400,), (400,)),
    # Lines.
    RawCase("obs-fold", get(b"A: b", b" c"), (400,), (400,)),
    RawCase("obs-fold by a tab", get(b"A: b", b"\tc"), (400,), (400,)),
    RawCase("a folded first header", get(start=b"GET /echo HTTP/1.1\r\n A: b"), (400,), (400,)),
    RawCase("NUL in a value", get(b"A: b\x00c"), (400,), (400,)),
    RawCase("a control character in a value", get(b"A: b\x01c"), (400,), (400,)),
    RawCase("DEL in a value", get(b"A: b\x7fc"), (400,), (400,)),
    RawCase("NUL in a name", get(b"A\x00: b"), (400,), (400,)),
    RawCase("a bare CR in a value", get(b"A: b\rc: d"), (400,), (400,)),
    RawCase("a bare CR after the head", b"GET /echo HTTP/1.1\r\nHost: x\r\n\rX", (400,), WAITS),
    RawCase(
        "a bare LF after a header",
        b"GET /echo HTTP/1.1\r\nHost: x\nConnection: close\r\n\r\n",
        (400,),
        (200,),
        reached_tornado=1,
    ),
    RawCase(
        "a bare LF after the request line",
        b"GET /echo HTTP/1.1\nHost: x\r\nConnection: close\r\n\r\n",
        (400,),
        (200,),
        reached_tornado=1,
    ),
    RawCase(
        "bare LFs at the end of the head",
        b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\n\n",
        (400,),
        (200,),
        reached_tornado=1,
    ),
    RawCase("a header without a colon", get(b"A"), (400,), (400,)),
    RawCase("a header without a name", get(b": b"), (400,), (400,)),
    RawCase("a space in a name", get(b"A b: c"), (400,), (400,)),
    RawCase("a name with a parenthesis", get(b"A(: c"), (400,), (400,)),
    RawCase("a Latin-1 value", get(b"A: \xe4", CLOSE), (200,), (200,), reached=1),
    # The request line.
    RawCase("two spaces before the target", get(CLOSE, start=b"GET  /echo HTTP/1.1"), (400,), (400,)),
    RawCase("two spaces after the target", get(CLOSE, start=b"GET /echo  HTTP/1.1"), (400,), (400,)),
    RawCase("a tab after the method", get(start=b"GET\t/echo HTTP/1.1"), (400,), (400,)),
    RawCase("a space before the method", get(start=b" GET /echo HTTP/1.1"), (400,), (400,)),
    RawCase("a space after the version", get(start=b"GET /echo HTTP/1.1 "), (400,), (400,)),
    RawCase(
        "a lower-case method", get(CLOSE, start=b"get /echo HTTP/1.1"), (400,), (200,), reached_tornado=1
    ),
    RawCase("an unknown method", get(CLOSE, start=b"FOO /echo HTTP/1.1"), (501,), (200,), reached_tornado=1),
    RawCase(
        "an unknown method that begins like a known one",
        get(CLOSE, start=b"OTHER /echo HTTP/1.1"),
        (501,),
        (200,),
        reached_tornado=1,
    ),
    RawCase(
        "CONNECT",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n",
        (501,),
        (405,),
    ),
    RawCase("no target", get(start=b"GET HTTP/1.1"), (400,), (400,)),
    RawCase("a target without a slash", get(CLOSE, start=b"GET echo HTTP/1.1"), (400,), (404,)),
    RawCase("a control character in the target", get(start=b"GET /ec\x01ho HTTP/1.1"), (400,), (400,)),
    RawCase("DEL in the target", get(start=b"GET /ec\x7fho HTTP/1.1"), (400,), (400,)),
    RawCase(
        "a raw UTF-8 target",
        get(CLOSE, start=b"GET /echo?q=\xe4\xbd\xa0 HTTP/1.1"),
        (400,),
        (200,),
        reached_tornado=1,
    ),
    RawCase(
        "empty lines before the request",
        b"\r\n\r\n" + get(CLOSE),
        (200,),
        (400,),
        reached=1,
        reached_tornado=0,
    ),
    RawCase("HTTP/0.9", b"GET /echo\r\n\r\n", (505,), (400,)),
    RawCase("HTTP/0.9 by name", get(start=b"GET /echo HTTP/0.9"), (505,), (400,)),
    RawCase("HTTP/1.2", get(CLOSE, start=b"GET /echo HTTP/1.2"), (505,), (200,), reached_tornado=1),
    RawCase("HTTP/2.0", get(start=b"GET /echo HTTP/2.0"), (505,), (400,)),
    RawCase("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505,), (400,)),
    RawCase("HTTP/11", get(start=b"GET /echo HTTP/11"), (400,), (400,)),
    RawCase("a lower-case version", get(start=b"GET /echo http/1.1"), (400,), (400,)),
    RawCase("RTSP", get(start=b"GET /echo RTSP/1.0"), (400,), (400,)),
    RawCase("TLS on the plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400,), (400,)),
    # Host.
    RawCase("no Host", get(host=b""), (400,), (400,)),
    RawCase("no Host in HTTP/1.0", get(start=b"GET /echo HTTP/1.0", host=b""), (200,), (200,), reached=1),
    RawCase("two Hosts", get(CLOSE, host=b"Host: x\r\nHost: x\r\n"), (400,), (200,), reached_tornado=1),
    RawCase(
        "two different Hosts", get(CLOSE, host=b"Host: x\r\nHost: y\r\n"), (400,), (200,), reached_tornado=1
    ),
    RawCase(
        "two Hosts in HTTP/1.0",
        get(start=b"GET /echo HTTP/1.0", host=b"Host: x\r\nHost: y\r\n"),
        (400,),
        (200,),
        reached_tornado=1,
    ),
    RawCase("a list of Hosts", get(CLOSE, host=b"Host: x, y\r\n"), (400,), (200,), reached_tornado=1),
    RawCase("a Host with a slash", get(CLOSE, host=b"Host: x/y\r\n"), (400,), (200,), reached_tornado=1),
    RawCase("a Host with a user", get(CLOSE, host=b"Host: u@x\r\n"), (400,), (200,), reached_tornado=1),
    RawCase("a Host with blanks around", get(CLOSE, host=b"Host: \t x:80 \t\r\n"), (200,), (200,), reached=1),
    RawCase("an IPv6 Host", get(CLOSE, host=b"Host: [::1]:8000\r\n"), (200,), (200,), reached=1),
    RawCase("an empty Host", get(CLOSE, host=b"Host:\r\n"), (200,), (200,), reached=1),
    # Chunks.
    RawCase("a chunked body", post(CHUNKED, CLOSE, body=b"3\r\nabc\r\n0\r\n\r\n"), (200,), (200,), reached=1),
    RawCase(
        "a chunked body in capitals",
        post(b"Transfer-Encoding: Chunked", CLOSE, body=b"A\r\n0123456789\r\n0\r\n\r\n"),
        (200,),
        (200,),
        reached=1,
    ),
    RawCase(
        "a chunk extension",
        post(CHUNKED, CLOSE, body=b"3;a=b\r\nabc\r\n0\r\n\r\n"),
        (200,),
        (400,),
        reached=1,
        reached_tornado=0,
    ),
    RawCase(
        "a trailer",
        post(CHUNKED, CLOSE, body=b"3\r\nabc\r\n0\r\nA: b\r\n\r\n"),
        (200,),
        (400,),
        reached=1,
        reached_tornado=0,
    ),
    RawCase("a chunk size that is no number", post(CHUNKED, body=b"x\r\nabc\r\n0\r\n\r\n"), (400,), (400,)),
    RawCase("a chunk size with 0x", post(CHUNKED, body=b"0x3\r\nabc\r\n0\r\n\r\n"), (400,), (400,)),
    RawCase("a negative chunk size", post(CHUNKED, body=b"-3\r\nabc\r\n0\r\n\r\n"), (400,), (400,)),
    RawCase("an empty chunk size", post(CHUNKED, body=b"\r\nabc\r\n0\r\n\r\n"), (400,), (400,)),
    RawCase("a space before a chunk size", post(CHUNKED, body=b" 3\r\nabc\r\n0\r\n\r\n"), (400,), (400,)),
    RawCase("a space after a chunk size", post(CHUNKED, body=b"3 \r\nabc\r\n0\r\n\r\n"), (400,), (400,)),
    RawCase(
        "a chunk size of 2^64 + 3",
        post(CHUNKED, body=b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
        (400,),
        (400,),
    ),
    RawCase("a bare LF after a chunk size", post(CHUNKED, body=b"3\nabc\r\n0\r\n\r\n"), (400,), (400,)),
    RawCase("a bare CR after a chunk size", post(CHUNKED, body=b"3\rabc\r\n0\r\n\r\n"), (400,), (400,)),
    RawCase("a chunk without its end", post(CHUNKED, body=b"3\r\nabc0\r\n\r\n"), (400,), (400,)),
    RawCase("a chunk that ends with LF", post(CHUNKED, body=b"3\r\nabc\n0\r\n\r\n"), (400,), (400,)),
    RawCase("a chunk longer than its size", post(CHUNKED, body=b"2\r\nabc\r\n0\r\n\r\n"), (400,), (400,)),
    RawCase(
        "a last chunk without its end",
        post(CHUNKED, CLOSE, body=b"3\r\nabc\r\n0\r\nX\r\n\r\n"),
        (400,),
        (400,),
    ),
    # Expectations, versions, several requests, upgrades.
    RawCase(
        "Expect: 100-continue",
        post(b"Content-Length: 3", b"Expect: 100-continue", CLOSE, body=b"abc"),
        (100, 200),
        (100, 200),
        reached=1,
    ),
    RawCase("Expect without a body", get(b"Expect: 100-continue", CLOSE), (200,), (100, 200), reached=1),
    RawCase(
        "Expect something else",
        post(b"Content-Length: 3", b"Expect: foo", CLOSE, body=b"abc"),
        (417,),
        (200,),
        reached_tornado=1,
    ),
    RawCase("HTTP/1.0", get(start=b"GET /echo HTTP/1.0"), (200,), (200,), reached=1),
    RawCase(
        "HTTP/1.0 with keep-alive",
        get(b"Connection: keep-alive", start=b"GET /echo HTTP/1.0") + BYE,
        (200, 404),
        (200, 404),
        reached=1,
    ),
    RawCase("Connection: close", get(CLOSE) + INNER, (200,), (200,), reached=1, reached_tornado=2),
    RawCase("two requests in one go", get() + get(CLOSE), (200, 200), (200, 200), reached=2),
    RawCase(
        "a body and a request behind it",
        post(b"Content-Length: 3", body=b"abc") + get(CLOSE),
        (200, 200),
        (200, 200),
        reached=2,
    ),
    RawCase(
        "a bad request behind a good one", get() + b"GET / HTTP/3\r\n\r\n", (200, 400), (200, 400), reached=1
    ),
    RawCase(
        "a smuggled space behind a good one",
        get() + get(CLOSE, start=b"GET  /echo HTTP/1.1"),
        (200, 400),
        (200, 400),
        reached=1,
    ),
    RawCase(
        "a smuggled space between good ones",
        get() + get(start=b"GET  /echo HTTP/1.1") + get(CLOSE),
        (200, 400),
        (200, 400),
        reached=1,
    ),
    RawCase(
        "a smuggled space before a body with a good line",
        get() + post(b"Content-Length: 22", body=b"POST /echo HTTP/1.1\r\n").replace(b" /", b"  /", 1),
        (200, 400),
        (200, 400),
        reached=1,
    ),
    RawCase(
        "a smuggled space behind a chunked body",
        post(CHUNKED, body=b"3\r\nabc\r\n0\r\n\r\n") + get(start=b"GET /echo  HTTP/1.1") + get(CLOSE),
        (200, 400),
        (200, 400),
        reached=1,
    ),
    RawCase(
        "an h2c upgrade",
        get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA") + BYE,
        (200, 404),
        (200, 404),
        reached=1,
    ),
    RawCase(
        "two h2c upgrades",
        get(b"Connection: Upgrade", b"Upgrade: h2c") + get(b"Connection: Upgrade", b"Upgrade: h2c") + BYE,
        (200, 200, 404),
        (200, 200, 404),
        reached=2,
    ),
    RawCase(
        "a bad request behind an h2c upgrade",
        get(b"Connection: Upgrade", b"Upgrade: h2c") + get(host=b""),
        (200, 400),
        (200, 400),
        reached=1,
    ),
    RawCase(
        "an h2c upgrade with a body",
        post(b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 3", body=b"abc") + BYE,
        (200, 404),
        (200, 404),
        reached=1,
    ),
    RawCase(
        "an upgrade to WebSocket on a light route",
        get(b"Connection: Upgrade", b"Upgrade: websocket") + BYE,
        (200, 404),
        (200, 404),
        reached=1,
    ),
    RawCase(
        "an upgrade to WebSocket with a body",
        b"GET /tornado HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Content-Length: 3\r\n\r\nabc" + BYE,
        (200, 404),
        (200, 404),
    ),
)
