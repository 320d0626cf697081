"""A body is read without its long texts, and what is written of it has them again, byte for byte."""

import base64
import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.conversations import conversation_of
from gateway.protocols.long_texts import LONG_BYTES, Shortened, without_long_texts, without_media

LONG = base64.b64encode(random.Random(1).randbytes(3 * LONG_BYTES)).decode()
SHORT = LONG[: LONG_BYTES - 1]
PNG = "data:image/png;base64,iVBORw0KGgo"
MARK = b"LongText00000000"


def native_body(*parts: Any, **more: Any) -> bytes:
    return orjson.dumps({"contents": [{"role": "user", "parts": list(parts)}], **more})


def chat_body(*parts: Any) -> bytes:
    return orjson.dumps({"model": "m", "messages": [{"role": "user", "content": list(parts)}]})


def picture(data: str) -> Any:
    return {"inlineData": {"mimeType": "image/png", "data": data}}


def shown(address: str) -> Any:
    return {"type": "image_url", "image_url": {"url": address}}


def written_again(shortened: Shortened) -> Any:
    """What comes out when the shortened body is parsed, written and completed."""
    return orjson.loads(shortened.whole(orjson.dumps(orjson.loads(shortened.data))))


def test_a_long_text_is_cut_out_and_comes_back() -> None:
    body = native_body({"text": "look"}, picture(LONG))

    shortened = without_long_texts(body)

    assert len(shortened.data) < 200
    assert shortened.whole(orjson.dumps(orjson.loads(shortened.data))) == body


def test_each_text_comes_back_where_it_stood_and_short_ones_stay() -> None:
    texts = [LONG + str(number) for number in range(12)] + [SHORT]
    body = native_body(*map(picture, texts))

    shortened = without_long_texts(body)

    assert len(shortened.cut) == 12
    assert shortened.whole(shortened.data) == body


def test_what_is_left_out_or_said_twice_is_so_in_what_is_written() -> None:
    first, second = LONG + "1", LONG + "2"
    shortened = without_long_texts(orjson.dumps([first, second]))
    _, kept = orjson.loads(shortened.data)

    assert orjson.loads(shortened.whole(orjson.dumps([kept, kept]))) == [second, second]


@pytest.mark.parametrize(
    "body",
    [
        orjson.dumps({"values": [0.125] * LONG_BYTES}),
        b'{"a":"' + LONG.encode() + b'\\""}',
        b'{"a":1,' + b" " * (3 * LONG_BYTES) + b'"b":2}',
        native_body(picture(SHORT), picture(SHORT), picture(SHORT)),
        native_body(picture(LONG), {"text": "LongText7"}),
        b"x" * (3 * LONG_BYTES),
        b'"' + b"x" * (3 * LONG_BYTES),
        b"x" * (3 * LONG_BYTES) + b'"',
        b'""' * (2 * LONG_BYTES),
        b"",
    ],
    ids=[
        "numbers",
        "an escaped quote ends nothing",
        "blanks",
        "short texts",
        "what looks like a mark",
        "no quote",
        "one quote before",
        "one quote behind",
        "quotes",
        "nothing",
    ],
)
def test_what_is_no_long_text_stays(body: bytes) -> None:
    assert without_long_texts(body) == Shortened(body)


def test_escapes_and_other_letters_come_back_as_they_were_written() -> None:
    text = b'a \\" \\\\ \\u4f60 \xe4\xbd\xa0 \\/ ' + b"\\n\xe4\xbd\xa0" * LONG_BYTES
    body = b'{"contents":[{"parts":[{"text":"' + text + b'"}]}]}'

    shortened = without_long_texts(body)

    assert len(shortened.data) < 200
    assert shortened.whole(orjson.dumps(orjson.loads(shortened.data))) == body


@pytest.mark.parametrize(
    "broken",
    [
        b'{"a":"' + LONG.encode() + b'" "b":1}',
        b'{"a":"b"' + LONG.encode() + b'"c":1}',
        b'{"a":"b" ' + LONG.encode() + b' "c"}',
        b'{"a":"' + LONG.encode() + b'"',
    ],
)
def test_what_is_no_json_does_not_become_json(broken: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(without_long_texts(broken).data)


@pytest.mark.parametrize("name", ["thoughtSignature", "thought_signature"])
def test_a_long_signature_still_tells_its_conversation(name: str) -> None:
    body = native_body({"text": LONG}, {"text": "hi", name: LONG + "s"})
    contents = orjson.loads(without_long_texts(body).data)["contents"]

    assert contents[0]["parts"][0]["text"] == MARK.decode()
    assert conversation_of(contents) == conversation_of(orjson.loads(body)["contents"])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=5)
    | st.builds(
        lambda letter, times: letter * times,
        st.sampled_from(["x", "é", '"', "\\", "\n", "LongText0000000", 'a"b', ":", "]", "中"]),
        st.integers(LONG_BYTES - 2, 2 * LONG_BYTES),
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3) | st.just("x" * LONG_BYTES), inner, max_size=4)
    ),
    max_leaves=8,
)


def test_texts_can_be_kept_in_what_was_made_of_them() -> None:
    body = native_body({"text": "look"}, picture(LONG), picture(LONG + "2"), {"text": LONG + "3"})
    shortened = without_long_texts(body)
    parsed = orjson.loads(shortened.data)
    del parsed["contents"][0]["parts"][1]  # such a text is in nothing that was made
    written = orjson.dumps({"more": 1, **parsed})

    whole = shortened.whole(written)
    moved = shortened.within(written, whole)

    assert moved == shortened
    assert [text.obj is whole for text in moved.cut] == [False, True, True]


@pytest.mark.parametrize("shorten", [without_long_texts, without_media])
@given(value=JSON)
def test_any_json_comes_back(shorten: Callable[[bytes], Shortened], value: Any) -> None:
    body = orjson.dumps(value)

    shortened = shorten(body)

    assert shortened.whole(shortened.data) == body
    assert written_again(shortened) == value


# Chat requests


def test_media_keeps_its_beginning() -> None:
    body = chat_body(shown(PNG + LONG), {"type": "text", "text": LONG})

    shortened = without_media(body)

    first, second = orjson.loads(shortened.data)["messages"][0]["content"]
    assert first["image_url"]["url"].startswith(PNG + LONG[:200])
    assert first["image_url"]["url"].endswith(MARK.decode())
    assert second["text"] == LONG
    assert written_again(shortened) == orjson.loads(body)


@pytest.mark.parametrize(
    "part",
    [
        shown(PNG + LONG),
        {"type": "image_url", "image_url": PNG + LONG},
        {"type": "input_image", "image_url": PNG + LONG},
        {"type": "video_url", "video_url": {"url": "data:video/mp4;base64," + LONG}},
        {"type": "input_audio", "input_audio": {"data": "data:audio/wav;base64," + LONG}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64," + LONG}},
    ],
)
def test_media_is_cut_wherever_it_stands(part: Any) -> None:
    body = chat_body(part)

    assert len(without_media(body).data) < 1000
    assert len(without_media(body.replace(b'":"', b'" : \n"')).data) < 1000


@pytest.mark.parametrize(
    "part",
    [
        shown(PNG + LONG + " " + LONG),
        shown(PNG + LONG + "\n" + LONG),
        shown("data:image/png," + LONG),
        shown("data:image/*;base64," + LONG),
        shown("data:;base64," + LONG),
        shown("data:text/plain;base64," + LONG),
        shown("https://example.com/" + LONG),
        shown(LONG),
        {"type": "text", "text": PNG + LONG},
        {"type": "text", "text": f'{{"url":"{PNG}{LONG}"}}'},
        {"type": "text", "text": "![image](" + PNG + LONG + ")"},
        {"type": "input_audio", "input_audio": {"data": LONG, "format": "wav"}},
    ],
    ids=[
        "wrapped by blanks",
        "wrapped by lines",
        "not base64",
        "a vague type",
        "no type",
        "text",
        "an address",
        "bare base64",
        "a text",
        "JSON in a text",
        "a picture in a text",
        "bare base64 of a sound",
    ],
)
def test_what_must_be_looked_through_stays(part: Any) -> None:
    body = chat_body(part)

    assert without_media(body) == Shortened(body)
