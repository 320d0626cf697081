"""The SSE decoder: tables of cases, and the property that any cut of the bytes gives the same events."""

import itertools
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.streaming.sse import SseDecoder, SseEventTooLarge, first_payload


def decode(*chunks: bytes, max_event_bytes: int = 1 << 20) -> list[bytes]:
    decoder = SseDecoder(max_event_bytes)
    payloads = [payload for chunk in chunks for payload in decoder.feed(chunk)]
    return payloads + decoder.end()


def reference(stream: bytes) -> list[bytes]:
    """Follow the standard line by line, the slow and plain way."""
    payloads: list[bytes] = []
    data: list[bytes] | None = None
    for line in [*re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf")), b""]:
        if line == b"":
            if data is not None:
                payloads.append(b"\n".join(data))
            data = None
            continue
        name, _, value = line.partition(b":")
        if name == b"data":
            data = [*(data or []), value.removeprefix(b" ")]
    return payloads


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


@pytest.mark.parametrize(
    ("stream", "payloads"),
    [
        (b'data: {"a":1}\r\n\r\n', [b'{"a":1}']),
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata:b\r\n\r\n: ping\r\n\r\ndata: c\r\n\r\n", [b"a", b"b", b"c"]),
        (b"data: a\r\n\r\ndata: b\r\ndata: c\r\n\r\n", [b"a", b"b\nc"]),
        (b"data: a\r\n\r\ndata: b\n\r\n\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\r\n\ndata: b\n\r\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data\n\n", [b""]),
        (b"data:\n\n", [b""]),
        (b"data: a\n\n\n\n\ndata: b\n\n", [b"a", b"b"]),
        (b"\n\r\n\rdata: a\n\n", [b"a"]),
        (b": ping\n\ndata: a\n\n", [b"a"]),
        (b": ping\ndata: a\n: pong\n\n", [b"a"]),
        (b"event: message_start\ndata: a\nid: 7\nretry: 10\n\n", [b"a"]),
        (b"event: ping\n\n", []),
        (b"database: a\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"\xef\xbbdata: a\n\n", []),
        (b"data: \xef\xbb\xbfa\n\n", [b"\xef\xbb\xbfa"]),
        (b"data: a\n\ndata: b", [b"a", b"b"]),
        (b"data: a\n\ndata: b\r\n", [b"a", b"b"]),
        (b"data: [DONE]\n\n", [b"[DONE]"]),
        (b"", []),
        (b"\n\n\n", []),
        ("data: 你好\n\n".encode(), ["你好".encode()]),
    ],
)
def test_a_stream_decodes_whole_and_byte_by_byte(stream: bytes, payloads: list[bytes]) -> None:
    assert decode(stream) == payloads
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == payloads
    assert reference(stream) == payloads


LINE_ENDS = st.sampled_from([b"\r\n", b"\n", b"\r"])
LINES = st.one_of(
    st.sampled_from(
        [b"data: ", b"data:", b"data", b": ping", b"event: x", b"", b"\xef\xbb\xbf", b" data: a"]
    ),
    st.binary(max_size=12).map(lambda tail: b"data: " + re.sub(rb"[\r\n]", b".", tail)),
)
STREAMS = st.one_of(
    st.lists(st.tuples(LINES, LINE_ENDS).map(b"".join), max_size=14).map(b"".join),
    st.lists(st.sampled_from([b'data: {"a":1}\r\n\r\n', b"data: b\n\n", b"\r\n"]), max_size=8).map(b"".join),
    st.text(alphabet="da:t \r\n\ufeff", max_size=30).map(str.encode),
)


@settings(max_examples=400, deadline=None)
@given(
    stream=STREAMS,
    tail=st.sampled_from([b"", b"data: open", b"\r", b"data: x\r"]),
    places=st.lists(st.integers(0, 400)),
)
def test_any_cut_of_the_bytes_decodes_as_the_standard_says(
    stream: bytes, tail: bytes, places: list[int]
) -> None:
    assert decode(*cut(stream + tail, places)) == reference(stream + tail)


@settings(max_examples=400, deadline=None)
@given(stream=STREAMS)
def test_the_first_payload_is_what_the_decoder_gives_first(stream: bytes) -> None:
    payload = first_payload(stream)

    if payload:
        assert decode(stream)[0] == payload
        assert decode(stream[: len(payload) + 10]) == [payload]


@pytest.mark.parametrize(
    ("stream", "payload"),
    [
        (b"data: {}\r\n\r\ndata: {", b"{}"),
        (b"data: {}\r\n", b""),
        (b"data: a\r\ndata: b\r\n\r\n", b""),
        (b"data: a\n\ndata: b\r\n\r\n", b""),
        (b"data:{}\r\n\r\n", b""),
        (b"", b""),
    ],
)
def test_only_an_event_as_google_writes_it_is_taken_from_the_beginning(stream: bytes, payload: bytes) -> None:
    assert first_payload(stream) == payload


def test_a_blank_line_ends_the_event_before_the_rest_of_its_line_end_arrives() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [b"a"]
    assert decoder.feed(b"\ndata: b\r\n\r\n") == [b"b"]
    assert decoder.end() == []


def test_end_gives_the_open_event_once() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: half") == []
    assert decoder.held_bytes == len(b"data: half")
    assert decoder.end() == [b"half"]
    assert decoder.end() == []


@settings(max_examples=200, deadline=None)
@given(
    excess=st.integers(-3, 3),
    end=st.sampled_from([b"\n\n", b"\r\n\r\n"]),
    places=st.lists(st.integers(0, 200)),
)
def test_an_event_over_the_bound_is_refused_in_any_cut(excess: int, end: bytes, places: list[int]) -> None:
    event = b"data: " + b"x" * (34 + excess)  # the bound below is 40 bytes
    chunks = cut(b"data: ok" + end + event + end + b"data: after" + end, places)
    if excess > 0:
        with pytest.raises(SseEventTooLarge, match="40 bytes"):
            decode(*chunks, max_event_bytes=40)
    else:
        assert decode(*chunks, max_event_bytes=40) == [b"ok", event[6:], b"after"]


def test_an_event_that_never_ends_is_refused_while_it_grows() -> None:
    pieces = itertools.repeat(b"x" * 100)
    with pytest.raises(SseEventTooLarge):
        decode(b"data: ", *itertools.islice(pieces, 10), max_event_bytes=1000)


def test_blank_lines_alone_never_grow_the_decoder() -> None:
    decoder = SseDecoder(max_event_bytes=10)
    for _ in range(1000):
        assert decoder.feed(b"\r\n") == []
    assert decoder.held_bytes == 0


def test_a_large_event_in_small_chunks_costs_its_length_not_its_square() -> None:
    piece = b"A" * 4096
    decoder = SseDecoder()
    started = time.process_time()
    decoder.feed(b"data: ")
    for _ in range(8 * 1024 * 1024 // len(piece)):
        assert decoder.feed(piece) == []
    (payload,) = decoder.feed(b"\r\n\r\n")
    assert len(payload) == 8 * 1024 * 1024
    # Searching the whole buffer for each chunk would move 8 GB; this moves some 16 MB.
    assert time.process_time() - started < 1.0
