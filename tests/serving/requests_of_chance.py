"""Requests for hypothesis: pipelined ones, good and nearly good, and bytes changed anywhere in them."""

from hypothesis import strategies as st

GOOD = (
    b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    b"POST /tornado HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n\r\n\r\nlength: 1",
    b"GET /echo?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /tornado HTTP/1.1\r\nHost: x\r\nX-Strength: 3\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n6\r\n\r\n\r\nPO\r\n0\r\n\r\n",
)
_METHODS = st.sampled_from(
    [*[b"POST", b"GET"] * 6, b"HEAD", b"DELETE", b"PRI", b"CONNECT", b"post", b"FOO", b"M"]
)
_SPACES = st.sampled_from([*[b" "] * 12, b"  ", b"\t", b"", b" \t"])
_TARGETS = st.sampled_from(
    [*[b"/echo"] * 6, b"/tornado", b"/echo?a=b", b"*", b"http://x/echo", b"/\xff", b"", b"/a b"]
)
_VERSIONS = st.sampled_from(
    [*[b"HTTP/1.1"] * 12, b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.10", b""]
)
_LINE_ENDS = st.sampled_from([*[b"\r\n"] * 20, b"\n", b"\r", b"\r\r\n"])
_HOSTS = st.sampled_from([*[b"Host: x"] * 12, b"Host:", b"Host: x y", b"host:x", b"Host : x", b" Host: x"])
_FIELDS = st.sampled_from(
    [
        b"Accept: */*",
        b"Authorization: Bearer s",
        b"X-Strength: 3",
        b"X-Content-Length: 7",
        b"X-Empty:",
        b"X-Blanks: \t a \t ",
        b"Connection: close",
        b"Connection: keep-alive",
        b"Expect: 100-continue",
        b"Upgrade: h2c",
        b"Upgrade: websocket",
        b"Content-Length: 0",
        b"Transfer-Encoding: chunked",
        b"Host: y",
        b" folded",
        b"No colon",
        b"X\x00: nul",
        b"X-Long: " + b"x" * 90,
    ]
)
_FRAMES = st.sampled_from(
    [
        *[(b"Content-Length: 3", b"abc")] * 6,
        *[(b"Content-Length: 0", b"")] * 2,
        *[(b"Transfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n")] * 3,
        (b"Transfer-Encoding: chunked", b"4\r\n\r\n\r\n\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked", b"3\r\nabcd\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\r\n"),
        (b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
        (b"Content-Length: 003", b"abc"),
        (b"Content-Length:3", b"abc"),
        (b"Content-Length:  3 ", b"abc"),
        (b"Content-Length: +3", b"abc"),
        (b"Content-Length: 3, 3", b"abc"),
        (b"Content-Length: 99999999999999999999", b"abc"),
        (b"Content-Length: 4", b"\r\n\r\n"),
        (b"Content-Length: 30", b"GET /echo HTTP/1.1\r\nHost: x\r\n"),
    ]
)


@st.composite
def _made(draw: st.DrawFn) -> bytes:
    end = draw(_LINE_ENDS)
    line = b"".join(draw(part) for part in (_METHODS, _SPACES, _TARGETS, _SPACES, _VERSIONS))
    fields = draw(st.lists(_FIELDS, max_size=3))
    body = b""
    if draw(st.booleans()):
        field, body = draw(_FRAMES)
        fields.insert(draw(st.integers(0, len(fields))), field)
    head = b"".join(field + draw(_LINE_ENDS) for field in (draw(_HOSTS), *fields))
    return line + end + head + draw(_LINE_ENDS) + body


@st.composite
def _changed(draw: st.DrawFn, messages: st.SearchStrategy[bytes]) -> bytes:
    raw = draw(messages)
    place = draw(st.integers(0, len(raw)))
    junk = draw(
        st.one_of(st.binary(max_size=3), st.sampled_from([b" ", b"\r", b"\n", b"\r\n", b"\t", b":", b"0"]))
    )
    return raw[:place] + junk + raw[place + draw(st.integers(0, 2)) :]


_EVEN = st.one_of(st.sampled_from(GOOD), _made())
MESSAGES = st.one_of(st.sampled_from(GOOD), _made(), _changed(_EVEN))
BETWEEN = st.sampled_from([*[b""] * 8, b"\r\n", b"\n", b"\r", b"\r\n\r\n"])


@st.composite
def pipelines(draw: st.DrawFn) -> list[bytes]:
    """Requests for one connection; that they are one in each piece holds only while they are good."""
    messages = draw(st.lists(MESSAGES, min_size=1, max_size=4))
    if draw(st.booleans()):  # the same again: what stands behind must not speak for what stands before
        messages.append(draw(st.sampled_from([*GOOD, messages[0].replace(b"  ", b" ")])))
    return [draw(BETWEEN) + message for message in messages]
