"""The form of an upload: its file goes on as it comes, whatever stands before or behind it."""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.handlers.file_form import FileForm
from gateway.protocols.context import ChatOptions
from gateway.protocols.openai_batch_lines import BatchRequests
from gateway.streaming.form_parts import FormReader
from tests.integration.forms import BOUNDARY, Part, form

PURPOSE: Part = ("purpose", "user_data")
PROGRAM = b"print('hi')\n" * 100
CODE: Part = ("file", ("/home/a/main.py", PROGRAM, "text/x-python"))
BATCH_LINE = orjson.dumps(
    {
        "custom_id": "1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "gemini-3.5-flash", "messages": [{"role": "user", "content": "hi"}]},
    }
)
BATCH: Part = ("file", ("b.jsonl", BATCH_LINE + b"\n", "application/octet-stream"))


def reader() -> FileForm:
    options = ChatOptions(show_thoughts=False, new_id=lambda: "id")
    return FileForm(FormReader(BOUNDARY.encode()), lambda: BatchRequests(options))


def read(body: bytes, cuts: list[int] | None = None) -> tuple[FileForm, bytes]:
    """The form, and what it sends on."""
    read_one = reader()
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts or []), len(body)]
    sent = b"".join(read_one.feed(body[start:end]) for start, end in pairwise(places))
    read_one.end()
    return read_one, sent


@given(cuts=st.lists(st.integers(0, 3000), max_size=12), is_first=st.booleans())
def test_a_file_goes_on_as_it_came(cuts: list[int], is_first: bool) -> None:
    parts = [CODE, PURPOSE] if is_first else [PURPOSE, CODE]

    read_one, sent = read(form(*parts), cuts)

    assert sent == PROGRAM
    assert (read_one.filename, read_one.media_type) == ("main.py", "text/plain")
    assert (read_one.purpose, read_one.size, read_one.batch) == ("user_data", 1200, None)


@given(cuts=st.lists(st.integers(0, 3000), max_size=12), is_first=st.booleans())
def test_a_batch_s_file_is_translated(cuts: list[int], is_first: bool) -> None:
    parts = [BATCH, ("purpose", "batch")] if is_first else [("purpose", "batch"), BATCH]

    read_one, sent = read(form(*parts), cuts)

    assert orjson.loads(sent)["key"] == "1"
    assert read_one.media_type == "application/jsonl"
    assert read_one.batch is not None
    assert read_one.batch.lines == 1


def test_a_long_file_is_not_held() -> None:
    read_one = reader()
    head = form(PURPOSE, ("file", ("a.bin", b"", "video/mp4")), end="")[: -len(b"\r\n")]
    read_one.feed(head)

    sent = sum(len(read_one.feed(b"x" * 1000)) for _ in range(100))

    assert read_one.is_known
    assert sent > 99_000


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([PURPOSE], "'file'"),
        ([CODE], "'purpose'"),
        ([PURPOSE, CODE, CODE], "one file a request"),
        ([PURPOSE, ("file", ("a", b"", ""))], "the file is empty"),
        ([("purpose", "nonsense"), CODE], "it must be one of"),
        ([CODE, ("purpose", "batch")], "it does not look like one for batch"),
        ([BATCH, PURPOSE], "it does not look like one for user_data"),
        ([("purpose", "batch"), CODE], "Line 1 of the batch file"),
        ([PURPOSE, ("note", "x" * 70_000), CODE], "too long"),
    ],
)
def test_a_form_that_cannot_be_taken_says_why(parts: list[Part], why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        read(form(*parts))


def test_a_form_that_breaks_off_is_refused() -> None:
    with pytest.raises(BadRequest, match="breaks off"):
        read(form(PURPOSE, CODE, end=""))
