"""Forms that stream by are read the same in any cut, and hold nothing back but what is not understood yet."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.streaming.form_parts import (
    MAX_HEAD_BYTES,
    MAX_PARTS,
    FormBroken,
    FormReader,
    PartEnd,
    PartHead,
    boundary_of,
)

BOUNDARY = b"bound7"
NASTY = st.lists(
    st.sampled_from([b"\r\n", b"--", b"--bound7", b"\r\n--bound", b"\r", b"-", b"a", b"\0\xff"]), max_size=12
).map(b"".join)
CONTENT = NASTY.filter(lambda content: b"\r\n--bound7" not in b"\r\n" + content + b"\r\n")


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form's body of (disposition, content)."""
    written = (
        b"--bound7\r\nContent-Disposition: form-data; " + how.encode() + b"\r\n\r\n" + content + b"\r\n"
        for how, content in parts
    )
    return b"".join(written) + b"--bound7--\r\n"


def read(body: bytes, cuts: list[int] | None = None) -> list[tuple[PartHead, bytes]]:
    """The parts of a body that comes in pieces."""
    reader = FormReader(BOUNDARY)
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts or []), len(body)]
    found: list[tuple[PartHead, bytes]] = []
    is_open = False
    for start, end in pairwise(places):
        for event in reader.feed(body[start:end]):
            if isinstance(event, PartHead):
                assert not is_open
                found.append((event, b""))
                is_open = True
            elif isinstance(event, PartEnd):
                is_open = False
            else:
                assert is_open
                assert event
                found[-1] = (found[-1][0], found[-1][1] + event)
    assert reader.is_over
    assert not is_open
    return found


@given(contents=st.lists(CONTENT, max_size=5), cuts=st.lists(st.integers(0, 5_000), max_size=20))
def test_any_cut_gives_the_same_parts(contents: list[bytes], cuts: list[int]) -> None:
    body = form(*((f'name="p{number}"', content) for number, content in enumerate(contents)))

    found = read(body, cuts)

    assert [content for _, content in found] == contents
    assert [head.name for head, _ in found] == [f"p{number}" for number in range(len(contents))]


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        ('name="file"', "file", None),
        ("name=file", "file", None),
        ('name="file"; filename="a.txt"', "file", "a.txt"),
        ('filename="a.txt"; name="file"', "file", "a.txt"),
        ('name="file"; filename=""', "file", ""),
        ('name="file"; filename="a %22b%22.txt"', "file", 'a "b".txt'),
        ('name="file"; filename="a \\"b\\".txt"', "file", 'a "b".txt'),
        ('name="file"; filename="x"; filename*=UTF-8\'\'n%C3%A4.txt', "file", "nä.txt"),
        ('name="файл"; filename="文件.pdf"', "файл", "文件.pdf"),
        ('NAME="file"; FileName="a;b.txt"', "file", "a;b.txt"),
    ],
)
def test_names_are_read_as_clients_write_them(disposition: str, name: str, filename: str | None) -> None:
    ((head, content),) = read(form((disposition, b"x")))

    assert (head.name, head.filename, content) == (name, filename, b"x")


def test_the_type_of_a_file_is_read_without_parameters() -> None:
    body = form(
        ('name="f"; filename="a"\r\nContent-Type: Text/Plain; charset=utf-8', b"x"), ('name="g"', b"")
    )

    assert [head.media_type for head, _ in read(body)] == ["text/plain", ""]


def test_bytes_of_a_file_are_given_as_they_come() -> None:
    reader = FormReader(BOUNDARY)
    reader.feed(b'--bound7\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n')

    events = [event for _ in range(100) for event in reader.feed(b"x" * 1000)]
    given_bytes = sum(len(event) for event in events if isinstance(event, bytes))

    assert given_bytes > 99_900


def test_what_stands_before_the_first_boundary_and_behind_the_last_is_nothing() -> None:
    assert read(b"preamble\r\n" + form(('name="a"', b"x")) + b"epilogue\r\n--bound7\r\n") == [
        (PartHead("a", None, ""), b"x")
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"--bound7\r\nContent-Type: text/plain\r\n\r\nx",
        b"--bound7x\r\nContent-Disposition: form-data; name=a\r\n\r\n",
        b"--bound7\r\n" + b"x" * (MAX_HEAD_BYTES + 20),
        form(*[('name="a"', b"")] * (MAX_PARTS + 1)),
    ],
)
def test_what_is_no_form_is_broken(body: bytes) -> None:
    with pytest.raises(FormBroken):
        FormReader(BOUNDARY).feed(body)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; Boundary="a b"', b"a b"),
        ("multipart/form-data", None),
        ("multipart/related; boundary=abc", None),
        ("application/json", None),
        ("", None),
    ],
)
def test_a_boundary_is_found_in_the_content_type(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary
