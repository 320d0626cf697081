"""What must be read of a native request's body, without changing it.

Native bodies are relayed as the bytes they came in. Fields are read in camelCase and in snake_case, because
the SDKs mix both in one body. Called by the relay.
"""

import re
from collections.abc import Iterator
from typing import Any

from gateway.protocols.shapes import JsonObject

_MARKS = (b"fileUri", b"file_uri", b"cachedContent", b"cached_content")
_FILE = re.compile(r"(?:^|/)(files/[A-Za-z0-9_-]{1,128})(?::download)?$", re.ASCII)
_CACHED = re.compile(r"(?:^|/)(cachedContents/[A-Za-z0-9_-]{1,128})$", re.ASCII)


def may_reference(body: bytes) -> bool:
    """False when the body surely names no server-side object, so that it need not be parsed for that."""
    return any(mark in body for mark in _MARKS)


def references(body: JsonObject) -> tuple[str, ...]:
    """The server-side objects a body names (`files/…`, `cachedContents/…`), each once, in order.

    They live in one Google project: the call is bound to the key that made them. Never raises; what has the
    wrong type names nothing, and the upstream will say so.
    """
    found: dict[str, None] = {}
    cached = _field(body, "cachedContent", "cached_content")
    if isinstance(cached, str) and (match := _CACHED.search(cached)):
        found[match[1]] = None
    contents = _objects(body.get("contents"))
    system = _field(body, "systemInstruction", "system_instruction")
    for content in (*contents, *_objects([system])):
        for uri in _file_uris(content):
            if match := _FILE.search(uri):
                found[match[1]] = None
    return tuple(found)


def _file_uris(content: JsonObject) -> Iterator[str]:
    parts = _objects(content.get("parts"))
    for part in parts:
        response = _field(part, "functionResponse", "function_response")
        inner = _objects(response.get("parts")) if isinstance(response, dict) else []
        for holder in (part, *inner):
            file_data = _field(holder, "fileData", "file_data")
            uri = _field(file_data, "fileUri", "file_uri") if isinstance(file_data, dict) else None
            if isinstance(uri, str):
                yield uri


def _field(source: JsonObject, camel: str, snake: str) -> Any:
    value = source.get(camel)
    return source.get(snake) if value is None else value


def _objects(value: object) -> list[JsonObject]:
    """The objects of a list; a single object counts as a list of one, as proto-JSON parsers take it."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
