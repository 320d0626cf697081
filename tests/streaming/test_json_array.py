"""The array splitter: elements come out whole, at the chunk that completes them, in any cut."""

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.streaming.json_array import (
    JsonArrayBroken,
    JsonArraySplitter,
    JsonElementTooLarge,
    object_end,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"\\{}[],:\n你', max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(alphabet='k"\\{]', max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
ELEMENTS = st.lists(
    st.dictionaries(st.text(alphabet='k"\\{]', max_size=3), JSON_VALUES, max_size=3), max_size=4
)


def split(*chunks: bytes) -> list[bytes]:
    splitter = JsonArraySplitter()
    elements = [element for chunk in chunks for element in splitter.feed(chunk)]
    assert splitter.complete
    return elements


def as_google_writes(elements: list[Any], *, pretty: bool, ascii_only: bool) -> list[bytes]:
    indent = 2 if pretty else None
    return [json.dumps(element, indent=indent, ensure_ascii=ascii_only).encode() for element in elements]


@settings(max_examples=400, deadline=None)
@given(
    values=ELEMENTS,
    pretty=st.booleans(),
    ascii_only=st.booleans(),
    comma=st.sampled_from([b"\r\n,\r\n", b",", b" , ", b",\n"]),
    places=st.lists(st.integers(0, 2000)),
)
def test_any_cut_gives_the_same_elements(
    values: list[Any], pretty: bool, ascii_only: bool, comma: bytes, places: list[int]
) -> None:
    written = as_google_writes(values, pretty=pretty, ascii_only=ascii_only)
    stream = b"[" + comma.join(written) + b"\r\n]\r\n"
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert split(*chunks) == written
    assert split(*(stream[i : i + 1] for i in range(len(stream)))) == written
    assert [json.loads(element) for element in written] == values


def test_an_element_is_given_by_the_chunk_that_closes_it() -> None:
    splitter = JsonArraySplitter()
    assert splitter.feed(b'[{"a": "}') == []
    assert splitter.feed(b'\\"]"}') == [b'{"a": "}\\"]"}']
    assert splitter.feed(b"\r\n,\r\n{") == []
    assert splitter.feed(b"}") == [b"{}"]
    assert not splitter.complete
    assert splitter.feed(b"\r\n]") == []
    assert splitter.complete


def test_an_object_without_an_array_around_it_is_the_only_element() -> None:
    assert split(b' {"error": {"code"', b": 503}}\n") == [b'{"error": {"code": 503}}']


def test_a_stream_cut_off_is_not_complete() -> None:
    splitter = JsonArraySplitter()
    assert splitter.feed(b'[{"a":1}\r\n,\r\n{"b"') == [b'{"a":1}']
    assert not splitter.complete


@pytest.mark.parametrize(
    "stream", [b"<html>", b'["text"]', b"[1]", b'[{"a":1}] {', b"[{}][", b"]", b"[[", b'{"a":1}{', b"null"]
)
def test_anything_but_an_array_of_objects_is_refused(stream: bytes) -> None:
    with pytest.raises(JsonArrayBroken, match="expected an array of objects"):
        JsonArraySplitter().feed(stream)
    with pytest.raises(JsonArrayBroken):
        split(*(stream[i : i + 1] for i in range(len(stream))))


def test_an_element_over_the_bound_is_refused() -> None:
    splitter = JsonArraySplitter(max_element_bytes=10)
    assert splitter.feed(b'[{"a":"bc"}') == [b'{"a":"bc"}']
    splitter.feed(b',{"a":"')
    with pytest.raises(JsonElementTooLarge, match="10 bytes"):
        splitter.feed(b"bcdef")


def test_a_large_string_in_small_chunks_costs_its_length_not_its_square() -> None:
    splitter = JsonArraySplitter()
    piece = b"A\\n" * 1365
    started = time.process_time()
    splitter.feed(b'[{"data":"')
    for _ in range(2000):
        assert splitter.feed(piece) == []
    (element,) = splitter.feed(b'"}]')
    assert len(element) == len(piece) * 2000 + 11
    assert time.process_time() - started < 4.0


def test_the_end_of_an_object_is_found_in_the_middle_of_text() -> None:
    text = b'"usageMetadata": {"a": [{"b": "}"}]}, "modelVersion"'
    start = text.index(b"{")
    assert text[start : object_end(text, start)] == b'{"a": [{"b": "}"}]}'
    assert object_end(text[:30], start) == -1
