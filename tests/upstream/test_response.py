"""The head of an answer: found among what came, whatever the case, in the order it came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.response import RawResponseHead, has_begun, read_head

_LINES = [
    b"Content-Type: text/event-stream\r\n",
    b"X-Twice:  one \r\n",
    b"x-twice: two\r\n",
    b"X-Empty:\r\n",
    b"X-Colons: a:b:c\r\n",
    b"X-Latin: caf\xe9\r\n",
    b"no colon at all\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Content-Length: 12\r\n",
]


def test_a_header_is_found_whatever_its_case_and_the_first_one_counts() -> None:
    head = RawResponseHead(200, _LINES)
    assert head.get("CONTENT-type") == "text/event-stream"
    assert head.get("X-TWICE") == "one"
    assert head.get("x-empty") == ""
    assert head.get("x-colons") == "a:b:c"
    assert head.get("x-latin") == "café"
    assert head.get("x-missing") is None


def test_headers_are_listed_in_order_as_sent() -> None:
    names = [name for name, _ in RawResponseHead(200, _LINES).items()]
    assert names == [
        "Content-Type", "X-Twice", "x-twice", "X-Empty", "X-Colons", "X-Latin", "Content-Encoding",
        "Content-Length",
    ]  # fmt: skip


def test_what_described_an_encoding_goes_with_it() -> None:
    head = RawResponseHead(200, _LINES, decoded=True)
    assert head.get("content-encoding") is None
    assert head.get("content-length") is None
    plain = RawResponseHead(200, [b"Content-Length: 12\r\n"], decoded=True)
    assert plain.get("content-length") == "12"


def test_its_repr_shows_no_header() -> None:
    assert repr(RawResponseHead(418, [b"Set-Cookie: secret\r\n"])) == "<RawResponseHead 418>"


_NAMES = st.sampled_from([b"Date: x", b"Server: y", b"X-A: 1", b"X-Empty:"])
_ENDS = st.sampled_from([b"\r\n", b"\n"])
_FIELDS = st.lists(st.tuples(_NAMES, _ENDS).map(b"".join), max_size=4)


def _head(status: int, fields: list[bytes], end: bytes) -> list[bytes]:
    return [b"HTTP/1.1 %d\r\n" % status, *fields, end]


_INTERIM = st.builds(_head, st.integers(100, 199), _FIELDS, _ENDS)


@given(st.lists(_INTERIM, max_size=3), st.integers(200, 599), _FIELDS, _ENDS, _FIELDS)
def test_the_head_is_found_between_interim_ones_and_trailers(
    interim: list[list[bytes]], status: int, fields: list[bytes], end: bytes, trailers: list[bytes]
) -> None:
    before = [line for head in interim for line in head]
    own = _head(status, fields, end)
    for count in range(len(before) + 1):
        assert read_head(before[:count], decoded=False) is None
    assert not has_begun(before)
    for count in range(1, len(own)):
        assert read_head(before + own[:count], decoded=False) is None
        assert has_begun(before + own[:count])
    for after in ([], trailers):
        head = read_head(before + own + after, decoded=False)
        assert head is not None
        assert (head.status, head.lines) == (status, fields)
        assert has_begun(before + own + after)


@pytest.mark.parametrize("first", [b"HTTP/1.1\r\n", b"HTTP/1.1 abc\r\n", b"HTTP/1.1 \xb2\r\n", b"\r\n"])
def test_a_head_that_says_no_status_has_none(first: bytes) -> None:
    head = read_head([first, b"\r\n"], decoded=False)
    assert head is not None
    assert head.status == 0
