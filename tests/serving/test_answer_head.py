"""The head writer: what it leaves out, what it refuses, also for headers it has written before."""

import pytest

from gateway.serving.answer_head import HeadWriter


def _lines(head: bytes) -> list[bytes]:
    status, date, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert status == b"HTTP/1.1 200 OK"
    assert date.startswith(b"Date: ")
    return rest


@pytest.mark.parametrize("name", ["Connection", "content-length", "DATE", "Keep-Alive", "transfer-encoding"])
def test_names_that_are_the_fronts_business_are_left_out_the_first_time_and_later(name: str) -> None:
    writer = HeadWriter()

    for _ in range(3):
        head = writer.head(200, [("x-a", "1"), (name, "2"), ("x-b", "3")], "Content-Length: 0\r\n")
        assert _lines(head) == [b"x-a: 1", b"x-b: 3", b"Content-Length: 0"]


@pytest.mark.parametrize("name", ["x-%s", "x-%", "%(a)s"])
def test_a_percent_sign_is_one_like_any_other(name: str) -> None:
    writer = HeadWriter()

    for value in ("%s", "100 %"):
        assert _lines(writer.head(200, [(name, value)], "")) == [f"{name}: {value}".encode()]


def test_an_answer_may_have_no_headers() -> None:
    assert _lines(HeadWriter().head(200, [], "Content-Length: 0\r\n")) == [b"Content-Length: 0"]


def test_repeated_headers_are_written_each_time() -> None:
    writer = HeadWriter()

    for _ in range(2):
        assert _lines(writer.head(200, [("vary", "a"), ("vary", "b")], "")) == [b"vary: a", b"vary: b"]


@pytest.mark.parametrize("bad", ["a\r\nb: c", "a\n", "a\r", "a\0"])
@pytest.mark.parametrize("is_known", [False, True], ids=["new name", "known name"])
def test_a_header_that_breaks_out_of_its_line_is_refused(bad: str, is_known: bool) -> None:
    writer = HeadWriter()
    if is_known:
        writer.head(200, [("x-a", "1"), ("x-b", "1")], "")

    for headers in ([("x-a", bad), ("x-b", "1")], [("x-a", "1"), (bad, "1")]):
        for _ in range(2):
            with pytest.raises(ValueError, match="illegal characters"):
                writer.head(200, headers, "")


def test_a_header_beyond_latin_1_is_refused() -> None:
    with pytest.raises(ValueError, match="latin-1"):
        HeadWriter().head(200, [("x-a", "你")], "")


def test_the_names_remembered_are_bounded_and_the_others_are_written_all_the_same() -> None:
    writer = HeadWriter()

    for number in range(2000):
        assert _lines(writer.head(200, [(f"x-{number}", "1"), ("date", "2")], "")) == [b"x-%d: 1" % number]
