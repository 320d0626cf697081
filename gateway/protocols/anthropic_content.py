"""One content block of a Messages request → the parts of a chat's message: text, pictures, documents.

What stands in the parts is judged by openai_parts, which reads the chat. Called by anthropic_messages.
Source: Anthropic API reference, Messages.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.protocols.fields import (
    as_list,
    as_object,
    as_str,
    missing,
    optional_str,
    unsupported,
    wrong_type,
    wrong_value,
)
from gateway.protocols.shapes import JsonObject

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,64}/[A-Za-z0-9.+-]{1,128}", re.ASCII)

PlacedBlocks = list[tuple[JsonObject, str]]
"""Content blocks, each with where it stands: `messages[2].content[0]`."""


@dataclass(slots=True)
class ChatContent:
    """The content of a chat's message as it comes to be.

    places   where what each part holds stands in the client's request
    """

    parts: list[JsonObject] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def add(self, block: JsonObject, at: str) -> None:
        """Read one block, which stands `at`. Raises BadRequest."""
        kind = kind_of(block, at)
        read = _READERS.get(kind)
        if read is None:
            raise unsupported(
                f"{at}.type",
                f"Blocks of type {kind[:64]!r} are not supported here; say what they hold in a text, or "
                "leave them out.",
            )
        read(self, block, at)

    def add_text(self, text: str, at: str) -> None:
        self.append({"type": "text", "text": text}, at)

    def chat_form(self) -> str | list[JsonObject]:
        """The parts; a text alone as one, which chat reads a shorter way."""
        if len(self.parts) == 1 and self.parts[0]["type"] == "text":
            text: str = self.parts[0]["text"]
            return text
        return self.parts

    def append(self, part: JsonObject, at: str) -> None:
        """Take a part of chat's form; what it holds stands `at`."""
        self.parts.append(part)
        self.places.append(at)

    def _read_text(self, block: JsonObject, at: str) -> None:
        self.add_text(as_str(block.get("text"), f"{at}.text"), f"{at}.text")

    def _read_picture(self, block: JsonObject, at: str) -> None:
        source, kind, at = _source(block, at)
        if kind == "base64":
            self.append({"type": "input_image", "image_url": _data_url(source, at)}, f"{at}.data")
        elif kind == "url":
            address = as_str(source.get("url"), f"{at}.url")
            self.append({"type": "input_image", "image_url": address}, f"{at}.url")
        elif kind == "file":
            self._add_file(source, at)
        else:
            raise wrong_value(f"{at}.type", "supported values are 'base64', 'url' and 'file'.")

    def _read_document(self, block: JsonObject, at: str) -> None:
        for name in ("title", "context"):
            if text := optional_str(block, name, within=f"{at}."):
                self.add_text(f"Document {name}: {text}\n", f"{at}.{name}")
        source, kind, at = _source(block, at)
        if kind == "base64":
            self.append({"type": "input_file", "file_data": _data_url(source, at)}, f"{at}.data")
        elif kind == "text":
            self.add_text(as_str(source.get("data"), f"{at}.data"), f"{at}.data")
        elif kind == "url":
            address = as_str(source.get("url"), f"{at}.url")
            self.append({"type": "input_file", "file_url": address}, f"{at}.url")
        elif kind == "file":
            self._add_file(source, at)
        elif kind == "content":
            self._add_pieces(source, at)
        else:
            raise wrong_value(
                f"{at}.type", "supported values are 'base64', 'text', 'url', 'file' and 'content'."
            )

    def _add_file(self, source: JsonObject, at: str) -> None:
        file_id = as_str(source.get("file_id"), f"{at}.file_id")
        self.append({"type": "input_file", "file_id": file_id}, f"{at}.file_id")

    def _add_pieces(self, source: JsonObject, at: str) -> None:
        """A document in pieces, of which citations would speak: texts and pictures."""
        for piece, inside in blocks_of(source.get("content"), f"{at}.content"):
            if kind_of(piece, inside) not in ("text", "image"):
                raise wrong_value(f"{inside}.type", "supported values are 'text' and 'image'.")
            self.add(piece, inside)

    def _read_search_result(self, block: JsonObject, at: str) -> None:
        title = as_str(block.get("title"), f"{at}.title")
        source = as_str(block.get("source"), f"{at}.source")
        self.add_text(f"Search result: {title} ({source})\n", f"{at}.title")
        for position, entry in enumerate(as_list(block.get("content"), f"{at}.content")):
            inside = f"{at}.content[{position}]"
            self._read_text(as_object(entry, inside), inside)

    def _read_tool_reference(self, block: JsonObject, at: str) -> None:
        """A tool that a search of tools found; all of them are declared anyway."""
        self.add_text(as_str(block.get("tool_name"), f"{at}.tool_name"), f"{at}.tool_name")


def blocks_of(content: object, param: str) -> PlacedBlocks:
    """The blocks of a content, each with where it stands; a text is one block. Raises BadRequest."""
    if isinstance(content, str):
        return [({"type": "text", "text": content}, param)]
    if not isinstance(content, list):
        raise missing(param) if content is None else wrong_type(param, "a string or an array", content)
    return [(as_object(entry, f"{param}[{n}]"), f"{param}[{n}]") for n, entry in enumerate(content)]


def kind_of(block: JsonObject, at: str) -> str:
    """What a block is. Raises BadRequest."""
    return as_str(block.get("type"), f"{at}.type")


def _source(block: JsonObject, at: str) -> tuple[JsonObject, str, str]:
    """Where a block's media come from, of which kind that is, and where it stands."""
    inside = f"{at}.source"
    source = as_object(block.get("source"), inside)
    return source, kind_of(source, inside), inside


def _data_url(source: JsonObject, at: str) -> str:
    """The media of a source, a data URL; without a type they are told from their first bytes."""
    data = as_str(source.get("data"), f"{at}.data")
    media_type = optional_str(source, "media_type", within=f"{at}.") or ""
    if media_type and _MEDIA_TYPE.fullmatch(media_type) is None:
        raise wrong_value(f"{at}.media_type", "it is no media type.")
    return data if data[:5].lower() == "data:" else f"data:{media_type};base64,{data}"


_READERS: Mapping[str, Callable[[ChatContent, JsonObject, str], None]] = MappingProxyType(
    {
        "text": ChatContent._read_text,
        "image": ChatContent._read_picture,
        "document": ChatContent._read_document,
        "search_result": ChatContent._read_search_result,
        "tool_reference": ChatContent._read_tool_reference,
    }
)
