"""One message's content → Gemini parts: text, pictures, sound, video and documents that stand inline.

What had to be downloaded or looked up (http addresses, file ids) comes in as Attachments; what was not is
refused with a clear message. Called by openai_messages.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.errors import BadRequest
from gateway.protocols import media
from gateway.protocols.fields import (
    as_list,
    as_object,
    as_str,
    missing,
    optional_str,
    unsupported,
    wrong_value,
)
from gateway.protocols.remote_media import Attachments, gemini_reads, upstream_file
from gateway.protocols.shapes import JsonObject, Part

_AUDIO_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "m4a": "audio/m4a",
    "opus": "audio/opus",
    "webm": "audio/webm",
    "pcm16": "audio/pcm",
}
_VIDEO_TYPES = {
    "mp4": "video/mp4",
    "mov": "video/mov",
    "avi": "video/avi",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
}
_RESOLUTIONS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}
_TEXT_KINDS = frozenset({"text", "input_text", "output_text"})
SHOWN_DATA = "](data:image/"
"""What every text has that shows a picture which stands inside."""
_SHOWN_PICTURE = re.compile(r"!\[[^\]]*\]\(((?:data:image/|https?://)[^)\s]+)\)")

Resolutions = list[tuple[Part, str | None]]
"""Each picture of a request with the media resolution wanted, None where the client left it open."""


def text_parts(content: object, param: str) -> list[Part]:
    """The parts of a message that may only hold text (system, developer). Raises BadRequest."""
    if isinstance(content, str):
        return [{"text": content}] if content else []
    if content is None:
        return []
    parts: list[Part] = []
    for position, piece in enumerate(as_list(content, param)):
        at = f"{param}[{position}]"
        item = {"type": "text", "text": piece} if isinstance(piece, str) else as_object(piece, at)
        if _kind(item, at) not in _TEXT_KINDS:
            raise wrong_value(f"{at}.type", "only text is possible in this message.")
        if text := as_str(item.get("text"), f"{at}.text"):
            parts.append({"text": text})
    return parts


class PartReader:
    """Reads the contents of one request's messages.

    resolutions  gets one entry per picture, in order
    """

    __slots__ = ("_attachments", "resolutions")

    def __init__(self, attachments: Attachments) -> None:
        self._attachments = attachments
        self.resolutions: Resolutions = []

    def parts(self, content: object, param: str) -> list[Part]:
        """The parts of a user's, assistant's or tool's message; empty text is dropped.

        Raises BadRequest naming the field at fault, as in `messages[2].content[0].image_url.url`.
        """
        if isinstance(content, str):
            return self.text(content) if content else []
        if content is None:
            return []
        if isinstance(content, dict):
            content = [content]  # one part without its list, as some clients write it
        parts: list[Part] = []
        for position, piece in enumerate(as_list(content, param)):
            at = f"{param}[{position}]"
            item = {"type": "text", "text": piece} if isinstance(piece, str) else as_object(piece, at)
            kind = _kind(item, at)
            read = _READERS.get(kind)
            if read is None:
                raise wrong_value(f"{at}.type", f"this kind of content is not known here: {kind[:64]!r}.")
            parts += read(self, item, at)
        return parts

    def text(self, text: str) -> list[Part]:
        """Text as parts; pictures that an answer showed become pictures again, not a million tokens."""
        if SHOWN_DATA not in text and not self._attachments.shown:
            return [{"text": text}]
        parts: list[Part] = []
        position = 0
        for found in _SHOWN_PICTURE.finditer(text):
            picture = self._shown(found[1])
            if picture is None:
                continue
            if before := text[position : found.start()].strip("\n"):
                parts.append({"text": before})
            parts.append(_inline_part(picture))
            position = found.end()
        if after := text[position:].strip("\n") if position else text:
            parts.append({"text": after})
        return parts

    def _shown(self, address: str) -> media.Media | None:
        try:
            if address.startswith("data:"):
                return media.read_data_url(address)
            fetched = self._attachments.shown.get(address)
            picture = None if fetched is None else media.of_type(fetched.mime_type, fetched.base64)
        except media.MediaError:
            return None
        return picture if picture is not None and picture.mime_type.startswith("image/") else None

    def read_picture(self, item: JsonObject, param: str) -> list[Part]:
        source = item.get("image_url")
        at = f"{param}.image_url"
        holder, within = item, param
        if not isinstance(source, str):
            holder, within = as_object(source, at), at
            at, source = f"{at}.url", holder.get("url")
        detail = optional_str(holder, "detail", within=f"{within}.")
        part = self._from_address(as_str(source, at), at)
        self.resolutions.append((part, _RESOLUTIONS.get(detail or "")))
        return [part]

    def read_addressed(self, item: JsonObject, param: str) -> list[Part]:
        name = "video_url" if item.get("type") == "video_url" else "audio_url"
        source = item.get(name)
        at = f"{param}.{name}"
        if not isinstance(source, str):
            at, source = f"{at}.url", as_object(source, at).get("url")
        return [self._from_address(as_str(source, at), at)]

    def read_audio(self, item: JsonObject, param: str) -> list[Part]:
        return [self._with_format(item, "input_audio", _AUDIO_TYPES, param=param)]

    def read_video(self, item: JsonObject, param: str) -> list[Part]:
        return [self._with_format(item, "input_video", _VIDEO_TYPES, param=param)]

    def _with_format(self, item: JsonObject, name: str, types: dict[str, str], *, param: str) -> Part:
        at = f"{param}.{name}"
        described = as_object(item.get(name), at)
        data = as_str(described.get("data"), f"{at}.data")
        if data.startswith("data:") or "://" in data[:16]:
            return self._from_address(data, f"{at}.data")
        named = as_str(described.get("format"), f"{at}.format").lower()
        if named not in types:
            raise wrong_value(f"{at}.format", f"supported formats are {', '.join(types)}.")
        return _inline(lambda: media.read_base64(data, mime_type=types[named]), f"{at}.data")

    def read_file(self, item: JsonObject, param: str) -> list[Part]:
        described, at = item, param
        if "file" in item:
            at = f"{param}.file"
            described = as_object(item["file"], at)
        for name in ("file_data", "file_url"):
            if described.get(name) is not None:
                address = as_str(described[name], f"{at}.{name}")
                return [self._from_address(address, f"{at}.{name}", document=True)]
        file_id = described.get("file_id")
        if file_id is None:
            raise missing(f"{at}.file_data")
        return [self._by_id(as_str(file_id, f"{at}.file_id"), f"{at}.file_id")]

    def _by_id(self, file_id: str, param: str) -> Part:
        uri = upstream_file(file_id)
        if uri is not None:
            return {"fileData": {"fileUri": uri}}
        stored = self._attachments.files.get(file_id)
        if stored is None:
            raise wrong_value(param, f"there is no such file: {file_id[:128]!r}.")
        if stored.mime_type:
            return {"fileData": {"fileUri": stored.uri, "mimeType": stored.mime_type}}
        return {"fileData": {"fileUri": stored.uri}}

    def _from_address(self, address: str, param: str, *, document: bool = False) -> Part:
        """Media from a data URL, an address Gemini itself reads, one that was fetched, or bare base64."""
        address = address.strip()
        if (fetched := self._attachments.fetched.get(address)) is not None:
            if not document and media.is_text_type(fetched.mime_type):
                raise _not_fetched(param, f"what stands there is {fetched.mime_type}")
            settle = media.as_document if document else media.of_type
            return _inline(lambda: settle(fetched.mime_type, fetched.base64), param)
        if (why := self._attachments.missed.get(address)) is not None:
            raise _not_fetched(param, why)
        if gemini_reads(address):
            return {"fileData": {"fileUri": address}}
        if "://" in address[:16]:
            raise unsupported(param, "Media at this address cannot be fetched; send it as a data URL.")
        if document:
            return _inline(lambda: media.read_document(address), param)
        if address[:5].lower() == "data:":
            return _inline(lambda: media.read_data_url(address), param)
        return _inline(lambda: media.read_base64(address), param)


def _kind(item: JsonObject, param: str) -> str:
    kind = item.get("type")
    if kind is None and "text" in item:
        return "text"
    return as_str(kind, f"{param}.type")


def _read_text(reader: PartReader, item: JsonObject, param: str) -> list[Part]:
    text = as_str(item.get("text"), f"{param}.text")
    return reader.text(text) if text else []


def _read_refusal(_: PartReader, item: JsonObject, param: str) -> list[Part]:
    text = as_str(item.get("refusal"), f"{param}.refusal")
    return [{"text": text}] if text else []


def _read_nothing(_: PartReader, __: JsonObject, ___: str) -> list[Part]:
    """An answer's reasoning, which clients echo and which is never sent back."""
    return []


def _not_fetched(param: str, why: str) -> BadRequest:
    # OpenAI's own code for pictures it cannot download.
    code = "invalid_image_url" if "image_url" in param else "invalid_file_url"
    return BadRequest(f"The media of '{param}' could not be fetched: {why}.", param=param, code=code)


def _inline(read: Callable[[], media.Media], param: str) -> Part:
    """The media as a part. Raises BadRequest where it cannot be read."""
    try:
        return _inline_part(read())
    except media.MediaError as unreadable:
        raise wrong_value(param, str(unreadable)) from None


def _inline_part(read: media.Media) -> Part:
    return {"inlineData": {"mimeType": read.mime_type, "data": read.data}}


# The names of chat's parts, of the response API's, and what some clients write besides.
_READERS: Mapping[str, Callable[[PartReader, JsonObject, str], list[Part]]] = MappingProxyType(
    {
        "text": _read_text,
        "input_text": _read_text,
        "output_text": _read_text,
        "refusal": _read_refusal,
        "image_url": PartReader.read_picture,
        "input_image": PartReader.read_picture,
        "video_url": PartReader.read_addressed,
        "audio_url": PartReader.read_addressed,
        "input_audio": PartReader.read_audio,
        "input_video": PartReader.read_video,
        "file": PartReader.read_file,
        "input_file": PartReader.read_file,
        "thinking": _read_nothing,
        "reasoning": _read_nothing,
    }
)
