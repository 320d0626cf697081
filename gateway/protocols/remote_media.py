"""Media a request only points at: which addresses and ids it holds, and what was found there.

Pure. A planner lists them, has them fetched or looked up, and hands the finds to the translation as
`Attachments`; what Gemini itself can read (Files API, YouTube, Cloud Storage) is never listed.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.protocols.shapes import JsonObject

FILES_ORIGIN = "https://generativelanguage.googleapis.com/v1beta/"
"""Where Gemini expects a file of its Files API to be, whatever way leads there."""

_ADDRESS_FIELDS = ("image_url", "video_url", "audio_url", "file_url")
_DATA_FIELDS = ("input_audio", "input_video")
MOST_SHOWN = 4
_SHOWN = re.compile(r"!\[image\]\((https?://[^)\s]+)\)")
_REMOTE = re.compile(r"https?://", re.IGNORECASE)
_FILES_API = re.compile(r"https://[^/\s]*googleapis\.com/(?:[^\s?#]*/)?files/[A-Za-z0-9_-]+$", re.ASCII)
_FILES_NAME = re.compile(r"files/[A-Za-z0-9_-]{1,128}", re.ASCII)
_READ_BY_GEMINI = re.compile(r"https?://(?:(?:www\.|m\.)?youtube\.com/|youtu\.be/)|gs://[a-z0-9]", re.ASCII)


@dataclass(frozen=True, slots=True)
class FetchedMedia:
    """What an address held. mime_type as its server said, without parameters; "" when it said nothing."""

    mime_type: str
    content: bytes = field(repr=False)

    @property
    def base64(self) -> str:
        return base64.b64encode(self.content).decode("ascii")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where a file known by a client's id lives upstream; mime_type may be ""."""

    uri: str
    mime_type: str = ""


@dataclass(frozen=True, slots=True)
class Attachments:
    """What was found for a request before its translation.

    fetched   by the address as `remote_urls` gave it
    missed    likewise: why nothing could be fetched, as the end of a sentence
    shown     by the address as `shown_pictures` gave it
    files     by the id as `file_ids` gave it
    """

    fetched: Mapping[str, FetchedMedia] = field(default_factory=lambda: MappingProxyType({}))
    missed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    shown: Mapping[str, FetchedMedia] = field(default_factory=lambda: MappingProxyType({}))
    files: Mapping[str, StoredFile] = field(default_factory=lambda: MappingProxyType({}))


NO_ATTACHMENTS = Attachments()


def is_all_text(messages: object) -> bool:
    """True where every message of a chat is a plain text: there are no parts to look into."""
    if not isinstance(messages, list):
        return False
    for message in messages:
        if (
            not isinstance(message, dict)
            or not isinstance(message.get("content"), str)
            or "output" in message
        ):
            return False
    return True


def remote_urls(messages: object) -> tuple[str, ...]:
    """The http(s) addresses of media in `messages` that must be fetched, each once, in order.

    messages   of a chat request, or the `input` of a response request

    Never raises: what has the wrong type is refused by the translation, which can name the field.
    """
    found: dict[str, None] = {}
    for part in _parts(messages):
        for address in _addresses(part):
            if _REMOTE.match(address) and not gemini_reads(address):
                found[address] = None
    return tuple(found)


def shown_pictures(messages: object) -> tuple[str, ...]:
    """The addresses of the last pictures that answers showed (`![image](https://…)`), each once.

    A picture on an image host comes back as its address; what a model painted it must see to go on with it.
    """
    found: dict[str, None] = {}
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") == "assistant":
            for text in _texts(message.get("content")):
                found |= dict.fromkeys(_SHOWN.findall(text))
    return tuple(found)[-MOST_SHOWN:]


def file_ids(messages: object) -> tuple[str, ...]:
    """The ids of files (`file-…`) in `messages`, each once, in order; Gemini's own names are not listed."""
    found: dict[str, None] = {}
    for part in _parts(messages):
        file = part.get("file")
        for holder in (part, file):
            file_id = holder.get("file_id") if isinstance(holder, dict) else None
            if isinstance(file_id, str) and file_id and upstream_file(file_id) is None:
                found[file_id] = None
    return tuple(found)


def gemini_reads(address: str) -> bool:
    """True for an address Gemini opens itself when it stands in `fileData.fileUri`."""
    return _FILES_API.match(address) is not None or _READ_BY_GEMINI.match(address) is not None


def upstream_file(file_id: str) -> str | None:
    """The URI of a file id that is Gemini's own (`files/abc`, or its whole URI), None for any other id."""
    if _FILES_NAME.fullmatch(file_id):
        return FILES_ORIGIN + file_id
    return file_id if _FILES_API.match(file_id) else None


def _texts(content: object) -> Iterator[str]:
    for part in content if isinstance(content, list) else (content,):
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            yield text


def _parts(messages: object) -> Iterator[JsonObject]:
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            continue
        for content in (message.get("content"), message.get("output")):
            if isinstance(content, dict):
                yield content
            elif isinstance(content, list):
                yield from (part for part in content if isinstance(part, dict))


def _addresses(part: JsonObject) -> Iterator[str]:
    file = part.get("file")
    inside: JsonObject = file if isinstance(file, dict) else {}
    values: list[Any] = [part.get(name) for name in _ADDRESS_FIELDS]
    values += (inside.get("file_url"), inside.get("file_data"))
    values += [held.get("data") for name in _DATA_FIELDS if isinstance(held := part.get(name), dict)]
    for value in values:
        address = value.get("url") if isinstance(value, dict) else value
        if isinstance(address, str):
            yield address.strip()
