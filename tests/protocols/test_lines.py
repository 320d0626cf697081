"""Lines come out of pieces whole, in any cut, and are bounded."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.lines import LineSplitter, LineTooLong


@given(
    lines=st.lists(st.binary(max_size=8).filter(lambda line: b"\n" not in line and b"\r" not in line)),
    cuts=st.lists(st.integers(0, 1000), max_size=12),
    end=st.sampled_from([b"\n", b"\r\n"]),
    last=st.binary(max_size=4).filter(lambda line: b"\n" not in line and b"\r" not in line),
)
def test_any_cut_gives_the_same_lines(lines: list[bytes], cuts: list[int], end: bytes, last: bytes) -> None:
    text = b"".join(line + end for line in lines) + last
    splitter = LineSplitter(100)
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]

    found = [line for start, stop in pairwise(places) for line in splitter.feed(text[start:stop])]

    assert found + splitter.end() == [*lines, *([last] if last else [])]


@pytest.mark.parametrize("pieces", [[b"x" * 11], [b"xxxxxx", b"xxxxxx"], [b"xxxxxx", b"xxxxx\n"]])
def test_a_line_without_end_is_too_long(pieces: list[bytes]) -> None:
    splitter = LineSplitter(10)

    for piece in pieces[:-1]:
        assert splitter.feed(piece) == []
    with pytest.raises(LineTooLong, match="longer than 10 bytes"):
        splitter.feed(pieces[-1])


def test_lines_that_are_short_may_come_in_long_pieces() -> None:
    assert LineSplitter(10).feed(b"x" * 10 + b"\n" + b"y\n" * 100) == [b"x" * 10, *[b"y"] * 100]
