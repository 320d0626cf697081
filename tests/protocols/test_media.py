"""Data URLs and base64 of every make, and types told from first bytes."""

import base64
import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols import media


@given(st.binary(min_size=1, max_size=200), st.sampled_from(["\n", " ", "\r\n"]), st.booleans())
def test_base64_of_any_make_keeps_its_bytes(raw: bytes, gap: str, urlsafe: bool) -> None:
    text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(raw).decode()
    spaced = gap.join(text[at : at + 10] for at in range(0, len(text), 10))

    read = media.read_data_url(f"data:image/png;base64,{spaced}")

    assert read.mime_type == "image/png"
    assert base64.b64decode(read.data, altchars=b"-_" if urlsafe else b"+/") == raw


@pytest.mark.parametrize(
    ("first_bytes", "mime_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF0000WEBPVP8 ", "image/webp"),
        (b"RIFF0000WAVEfmt ", "audio/wav"),
        (b"\0\0\0\x20ftypheic", "image/heic"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        (b"OggS", "audio/ogg"),
    ],
)
def test_a_missing_type_is_told_from_the_bytes(first_bytes: bytes, mime_type: str) -> None:
    data = base64.b64encode(first_bytes).decode()

    assert media.read_data_url(f"data:;base64,{data}").mime_type == mime_type
    assert media.read_data_url(f"data:application/octet-stream;base64,{data}").mime_type == mime_type


@pytest.mark.parametrize(
    "url",
    [
        "data:",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,@@",
        "data:image/png;base64,é",
        "data:image/png;base64,====",
        "data:;base64,AAAA",
    ],
)
def test_an_unreadable_data_url_is_an_error(url: str) -> None:
    with pytest.raises(media.MediaError):
        media.read_data_url(url)


@given(st.text(max_size=60))
def test_any_text_is_media_or_a_media_error(text: str) -> None:
    readers: list[tuple[Callable[[str], media.Media], str]] = [
        (media.read_data_url, f"data:{text}"),
        (media.read_base64, text),
    ]
    for read, given_text in readers:
        with contextlib.suppress(media.MediaError):
            assert read(given_text).mime_type


def test_percent_encoded_data_becomes_base64() -> None:
    assert media.read_data_url("data:,a%20b") == media.Media("text/plain", "YSBi")


def test_pcm_gets_a_header_that_says_its_rate() -> None:
    wav = base64.b64decode(media.wav_base64(base64.b64encode(b"\1\2\3\4").decode(), 24000))

    assert wav[:4] + wav[8:16] == b"RIFFWAVEfmt "
    assert int.from_bytes(wav[24:28], "little") == 24000
    assert wav[36:] == b"data\4\0\0\0\1\2\3\4"


@pytest.mark.parametrize(
    ("mime_type", "rate_hz"),
    [("audio/L16;codec=pcm;rate=16000", 16000), ("audio/pcm", 24000), ("audio/mp3", None)],
)
def test_the_rate_of_raw_audio_is_read(mime_type: str, rate_hz: int | None) -> None:
    assert media.pcm_rate_hz(mime_type) == rate_hz


@pytest.mark.parametrize(
    ("said", "first_bytes", "mime_type"),
    [
        ("image/png", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("text/plain", b"%PDF-1.7", "application/pdf"),
        ("", b"GIF89a", "image/gif"),
        ("audio/mp4", b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        ("video/ogg", b"OggS", "video/ogg"),
        ("application/octet-stream", b"\0\0\0\x20ftypisom", "video/mp4"),
        ("image/svg+xml", b"<svg xmlns=", "image/svg+xml"),
        ("text/html", b"<!doctype", "text/html"),
    ],
)
def test_a_servers_word_is_believed_where_the_bytes_say_nothing(
    said: str, first_bytes: bytes, mime_type: str
) -> None:
    assert media.fetched_type(said, first_bytes) == mime_type


@pytest.mark.parametrize(
    ("said", "first_bytes", "mime_type"),
    [
        ("image/jpg", b"", "image/jpeg"),
        ("video/mp4", b"anything", "video/mp4"),
        ("text/x-python", b"print()", "text/plain"),
        ("application/json", b"{}", "text/plain"),
        ("text/markdown", b"# Hi", "text/markdown"),
        ("", b"%PDF-1.7", "application/pdf"),
        ("application/octet-stream", "naïve".encode(), "text/plain"),
        ("", "naï".encode()[:-1], "text/plain"),
        ("", b"\xff\xfe\x00a", "application/octet-stream"),
        ("", b"a\0b", "application/octet-stream"),
    ],
)
def test_a_file_to_be_kept_has_a_type_that_a_model_reads(
    said: str, first_bytes: bytes, mime_type: str
) -> None:
    assert media.stored_type(said, first_bytes) == mime_type
