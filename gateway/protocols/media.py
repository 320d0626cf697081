"""Media inside requests and replies: data URLs, types told from first bytes, PCM in a WAV envelope.

Pure bytes and text; nothing is downloaded here. Called by openai_parts and the reply translation.
"""

import base64
import binascii
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_WHITESPACE = b" \t\r\n"
_VAGUE_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream", "image/*"})
_SPELLINGS = {
    "image/jpg": "image/jpeg",
    "audio/mpeg3": "audio/mp3",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/m4a",
}
_SNIFFED_CHARS = 64  # a multiple of 4: 48 bytes tell every type below
_TEXT_TYPES = frozenset(
    f"text/{kind}" for kind in ("plain", "html", "css", "csv", "xml", "markdown", "md", "rtf")
)
_TEXTUAL_APPLICATION = re.compile(
    r"application/(?:[a-z0-9.-]*\+)?(?:x-)?(?:json|jsonl|ndjson|xml|yaml|toml|csv|javascript|typescript|sql|sh"
    r"|python|python-code|httpd-php|graphql|tex|latex)",
    re.ASCII,
)
_RATE = re.compile(r"rate=(\d{4,6})")

# Offsets from each format's own specification (PNG, JFIF, GIF89a, RIFF, ISO BMFF, PDF, Ogg, FLAC, ID3).
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheif", "image/heif"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypM4A", "audio/m4a"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"BM", "image/bmp"),
    (0, b"%PDF-", "application/pdf"),
    (8, b"WAVE", "audio/wav"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mp3"),
    (0, b"\xff\xfb", "audio/mp3"),
    (0, b"\xff\xf3", "audio/mp3"),
    (0, b"\xff\xf1", "audio/aac"),
    (8, b"AIFF", "audio/aiff"),
)


class MediaError(ValueError):
    """The bytes a client put inline cannot be read; the text says why, without quoting them."""


@dataclass(frozen=True, slots=True)
class Media:
    """mime_type as Gemini wants it; data in base64 without whitespace."""

    mime_type: str
    data: str


def read_data_url(url: str) -> Media:
    """Read `data:[type][;parameter…][;base64],data`; a missing or vague type is told from the bytes.

    Raises MediaError. Source: RFC 2397.
    """
    return _settled(_split_data_url(url))


def read_base64(payload: str, *, mime_type: str = "") -> Media:
    """Check bare base64 of either alphabet, drop its whitespace, and settle its type. Raises MediaError."""
    return _settled(Media(mime_type, _clean_base64(payload)))


def of_type(mime_type: str, data: str) -> Media:
    """Media whose base64 is known to be good and whose type may be vague. Raises MediaError."""
    return _settled(Media(mime_type, data))


def read_document(text: str) -> Media:
    """Read a file from its data URL or bare base64. Raises MediaError.

    Source code, JSON, YAML and what has no type but is text goes as text/plain: the model reads it all the
    same, and Gemini refuses types it does not list.
    """
    is_url = text[:5].lower() == "data:"
    read = _split_data_url(text) if is_url else Media("", _clean_base64(text))
    return as_document(read.mime_type, read.data)


def as_document(mime_type: str, data: str) -> Media:
    """The same for base64 whose type is known from elsewhere, "" when it is not. Raises MediaError."""
    if is_text_type(mime_type):
        return Media(mime_type if mime_type in _TEXT_TYPES else "text/plain", data)
    if mime_type in _VAGUE_TYPES and sniff(_first_bytes(data)) != "application/pdf" and _is_text(data):
        return Media("text/plain", data)
    return _settled(Media(mime_type, data))


def _split_data_url(url: str) -> Media:
    """The parts of a data URL; the type is as it was declared, "" for none."""
    head, comma, payload = url[len("data:") :].partition(",")
    if not comma:
        raise MediaError("the data URL has no comma before its data.")
    fields = [field.strip() for field in head.split(";")]
    declared = fields[0].lower()
    if fields[-1].lower() == "base64":
        return Media("" if declared == "base64" else declared, _clean_base64(payload))
    raw = base64.b64encode(unquote_to_bytes(payload)).decode("ascii")
    return Media(declared or "text/plain", _clean_base64(raw))


def _settled(read: Media) -> Media:
    """The same with a type that says something, in its usual spelling. Raises MediaError."""
    declared = read.mime_type.lower()
    declared = _SPELLINGS.get(declared, declared)
    if declared not in _VAGUE_TYPES:
        return Media(declared, read.data)
    sniffed = sniff(_first_bytes(read.data))
    if sniffed is None:
        raise MediaError("its media type is not given and cannot be told from its first bytes.")
    return Media(sniffed, read.data)


def is_text_type(mime_type: str) -> bool:
    """Say whether files of this type are text that a model can read."""
    return mime_type.startswith("text/") or _TEXTUAL_APPLICATION.fullmatch(mime_type) is not None


def _is_text(data: str) -> bool:
    try:
        return "\0" not in _decode(data).decode("utf-8")
    except UnicodeDecodeError:
        return False


def content_of(read: Media) -> bytes:
    """The bytes themselves; none where the base64 cannot be read."""
    return _decode(read.data)


def sniff(first_bytes: bytes) -> str | None:
    """Tell a media type from a file's first bytes (12 are enough), or None."""
    for offset, magic, mime_type in _MAGIC:
        if first_bytes.startswith(magic, offset):
            return mime_type
    return None


def fetched_type(said: str, first_bytes: bytes) -> str:
    """The type of what a server sent: its bytes are believed before its words, which are often wrong.

    Not where the bytes only tell the envelope: an MP4 or Ogg file may hold sound or moving pictures.
    """
    told = sniff(first_bytes)
    if told is None or (_is_played(told) and _is_played(said)):
        return said
    return told


def stored_type(said: str, first_bytes: bytes) -> str:
    """The type to give a file that a model is to read later, of which only the first bytes are there.

    said   by the client, without parameters, "" for nothing

    Source code in any language is text/plain, as in `read_document`.
    """
    if is_text_type(said):
        return said if said in _TEXT_TYPES else "text/plain"
    if said not in _VAGUE_TYPES:
        return _SPELLINGS.get(said, said)
    told = sniff(first_bytes)
    if told is not None:
        return told
    text = first_bytes.decode("utf-8", "replace").rstrip("\ufffd")  # a character may be cut in two
    return "application/octet-stream" if "\ufffd" in text or "\0" in text else "text/plain"


def _is_played(mime_type: str) -> bool:
    return mime_type.startswith(("audio/", "video/"))


def join_base64(pieces: list[str]) -> str:
    """One base64 text for several pieces of one stream of bytes; unreadable pieces are left out."""
    if len(pieces) == 1:
        return pieces[0]
    return base64.b64encode(b"".join(_decode(piece) for piece in pieces)).decode("ascii")


def pcm_rate_hz(mime_type: str) -> int | None:
    """The sample rate of Gemini's raw audio (`audio/L16;codec=pcm;rate=24000`), None for other types."""
    lowered = mime_type.lower()
    if not lowered.startswith(("audio/l16", "audio/pcm")):
        return None
    found = _RATE.search(lowered)
    return int(found[1]) if found else 24000


def sound_link(pieces: Sequence[tuple[str, str]]) -> str:
    """A reply's sound as a markdown link that holds it, for answers without a place of its own for it.

    pieces   (mime type, base64), one at least. Raw audio is given as WAV
    """
    mime_type = pieces[0][0]
    data = join_base64([piece for _, piece in pieces])
    if (rate_hz := pcm_rate_hz(mime_type)) is not None:
        mime_type, data = "audio/wav", wav_base64(data, rate_hz)
    return f"[audio](data:{mime_type};base64,{data})"


def wav_base64(pcm_base64: str, rate_hz: int) -> str:
    """The same for base64: in and out."""
    return base64.b64encode(wav_file(_decode(pcm_base64), rate_hz)).decode("ascii")


def wav_file(pcm: bytes, rate_hz: int) -> bytes:
    """Put 16-bit little-endian mono PCM into a WAV file."""
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16, b"data", len(pcm),
    )  # fmt: skip
    return header + pcm


def _clean_base64(payload: str) -> str:
    # Deleting the alphabet in C shows at once what else is there; images may be tens of megabytes long.
    try:
        encoded = payload.encode("ascii")
    except UnicodeEncodeError:
        raise MediaError("its data is not base64.") from None
    rest = encoded.translate(None, _BASE64_ALPHABET)
    if len(rest) > 2 or rest.strip(b"="):
        if rest.translate(None, _WHITESPACE + b"="):
            raise MediaError("its data is not base64.")
        payload = encoded.translate(None, _WHITESPACE).decode("ascii")
    if not payload.strip("="):
        raise MediaError("it holds no data.")
    return payload


def _first_bytes(data: str) -> bytes:
    return _decode(data[:_SNIFFED_CHARS])


def _decode(data: str) -> bytes:
    body = data.rstrip("=")
    if len(body) % 4 == 1:
        body = body[:-1]
    try:
        return base64.b64decode(body.translate(_TO_STANDARD) + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return b""


_TO_STANDARD = str.maketrans("-_", "+/")
