"""One message's content → Gemini parts: text, pictures, sound, video and documents that stand inline.

What would have to be downloaded or looked up (http addresses, file ids) is refused with a clear message.
Called by openai_messages.
"""

import re
from collections.abc import Callable

from gateway.protocols import media
from gateway.protocols.fields import as_list, as_object, as_str, missing, unsupported, wrong_value
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
_UPSTREAM_FILE = re.compile(r"https://[^/\s]*googleapis\.com/(?:[^\s?#]*/)?files/[A-Za-z0-9_-]+$", re.ASCII)
_YOUTUBE = re.compile(r"https?://(?:(?:www\.|m\.)?youtube\.com/|youtu\.be/)", re.ASCII)
_INLINE_PICTURE = re.compile(r"!\[[^\]]*\]\((data:image/[^)\s]+)\)")

Resolutions = list[tuple[Part, str | None]]
"""Each picture of a request with the media resolution wanted, None where the client left it open."""


def text_parts(content: object, param: str) -> list[Part]:
    """The parts of a message that may only hold text (system, developer, tool). Raises BadRequest."""
    if isinstance(content, str):
        return [{"text": content}] if content else []
    if content is None:
        return []
    parts: list[Part] = []
    for position, piece in enumerate(as_list(content, param)):
        at = f"{param}[{position}]"
        item = as_object(piece, at)
        kind = _kind(item, at)
        if kind != "text":
            raise wrong_value(f"{at}.type", "only text is possible in this message.")
        if text := as_str(item.get("text"), f"{at}.text"):
            parts.append({"text": text})
    return parts


def content_parts(content: object, param: str, resolutions: Resolutions) -> list[Part]:
    """The parts of a user's, assistant's or tool's message; empty text is dropped.

    resolutions  gets one entry per picture, in order

    Raises BadRequest naming the field at fault, as in `messages[2].content[0].image_url.url`.
    """
    if isinstance(content, str):
        return _text(content) if content else []
    if content is None:
        return []
    if isinstance(content, dict):
        content = [content]  # one part without its list, as some clients write it
    parts: list[Part] = []
    for position, piece in enumerate(as_list(content, param)):
        at = f"{param}[{position}]"
        item = {"type": "text", "text": piece} if isinstance(piece, str) else as_object(piece, at)
        kind = _kind(item, at)
        if kind == "image_url":
            parts.append(_picture(item, at, resolutions))
        elif (read := _READERS.get(kind)) is not None:
            parts += read(item, at)
        else:
            raise wrong_value(f"{at}.type", f"this kind of content is not known here: {kind[:64]!r}.")
    return parts


def _kind(item: JsonObject, param: str) -> str:
    kind = item.get("type")
    if kind is None and "text" in item:
        return "text"
    return as_str(kind, f"{param}.type")


def _text(text: str) -> list[Part]:
    """Text as parts; pictures an answer carried as markdown become pictures again, not a million tokens."""
    if "](data:image/" not in text:
        return [{"text": text}]
    parts: list[Part] = []
    position = 0
    for found in _INLINE_PICTURE.finditer(text):
        try:
            picture = media.read_data_url(found[1])
        except media.MediaError:
            continue
        if before := text[position : found.start()].strip("\n"):
            parts.append({"text": before})
        parts.append(_inline(picture))
        position = found.end()
    if after := text[position:].strip("\n") if position else text:
        parts.append({"text": after})
    return parts


def _read_text(item: JsonObject, param: str) -> list[Part]:
    text = as_str(item.get("text"), f"{param}.text")
    return _text(text) if text else []


def _read_refusal(item: JsonObject, param: str) -> list[Part]:
    text = as_str(item.get("refusal"), f"{param}.refusal")
    return [{"text": text}] if text else []


def _picture(item: JsonObject, param: str, resolutions: Resolutions) -> Part:
    source = item.get("image_url")
    at = f"{param}.image_url"
    detail: str | None = None
    if not isinstance(source, str):
        described = as_object(source, at)
        at, source = f"{at}.url", described.get("url")
        if described.get("detail") is not None:
            detail = as_str(described["detail"], f"{param}.image_url.detail")
    part = _from_address(as_str(source, at), at)
    resolutions.append((part, _RESOLUTIONS.get(detail or "")))
    return part


def _read_video_url(item: JsonObject, param: str) -> list[Part]:
    source = item.get("video_url")
    at = f"{param}.video_url"
    if not isinstance(source, str):
        at, source = f"{at}.url", as_object(source, at).get("url")
    return [_from_address(as_str(source, at), at)]


def _read_audio(item: JsonObject, param: str) -> list[Part]:
    return [_with_format(item, "input_audio", _AUDIO_TYPES, param=param)]


def _read_video(item: JsonObject, param: str) -> list[Part]:
    return [_with_format(item, "input_video", _VIDEO_TYPES, param=param)]


def _with_format(item: JsonObject, name: str, types: dict[str, str], *, param: str) -> Part:
    at = f"{param}.{name}"
    described = as_object(item.get(name), at)
    data = as_str(described.get("data"), f"{at}.data")
    if data.startswith("data:"):
        return _from_address(data, f"{at}.data")
    named = as_str(described.get("format"), f"{at}.format").lower()
    if named not in types:
        raise wrong_value(f"{at}.format", f"supported formats are {', '.join(types)}.")
    try:
        return _inline(media.read_base64(data, mime_type=types[named]))
    except media.MediaError as unreadable:
        raise wrong_value(f"{at}.data", str(unreadable)) from None


def _read_file(item: JsonObject, param: str) -> list[Part]:
    at = f"{param}.file"
    described = as_object(item.get("file"), at)
    data = described.get("file_data")
    if data is None and described.get("file_id") is not None:
        raise unsupported(f"{at}.file_id", "Files by id are not supported yet; send the file in 'file_data'.")
    if data is None:
        raise missing(f"{at}.file_data")
    return [_from_address(as_str(data, f"{at}.file_data"), f"{at}.file_data")]


def _from_address(address: str, param: str) -> Part:
    """Media from a data URL, an address Gemini itself reads, or bare base64 with a known beginning."""
    address = address.strip()
    if address[:5].lower() == "data:":
        return _inline_or_refuse(lambda: media.read_data_url(address), param)
    if _YOUTUBE.match(address) or _UPSTREAM_FILE.match(address):
        return {"fileData": {"fileUri": address}}
    if "://" in address[:16]:
        raise unsupported(param, "Media at an address cannot be fetched yet; send it as a data URL.")
    return _inline_or_refuse(lambda: media.read_base64(address), param)


def _inline_or_refuse(read: Callable[[], media.Media], param: str) -> Part:
    try:
        return _inline(read())
    except media.MediaError as unreadable:
        raise wrong_value(param, str(unreadable)) from None


def _inline(read: media.Media) -> Part:
    return {"inlineData": {"mimeType": read.mime_type, "data": read.data}}


_READERS: dict[str, Callable[[JsonObject, str], list[Part]]] = {
    "text": _read_text,
    "refusal": _read_refusal,
    "video_url": _read_video_url,
    "input_audio": _read_audio,
    "input_video": _read_video,
    "file": _read_file,
}
