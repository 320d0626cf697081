"""The head of an answer: found whatever the case, in the order it came."""

from gateway.upstream.response import RawResponseHead

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
