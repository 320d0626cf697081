"""Reading native bodies: proto-JSON takes every field in camelCase and in snake_case, mixed in one body.

Never raises; what has the wrong type is the upstream's to refuse.
"""

import functools
import re
from typing import Any

from gateway.protocols.shapes import JsonObject

_CAPITAL = re.compile(r"(?=[A-Z])")


def member(source: object, camel: str) -> Any:
    """A member under either spelling, None when it is missing, null, or its holder is no object."""
    if not isinstance(source, dict):
        return None
    value = source.get(camel)
    return source.get(_snake(camel)) if value is None else value


def with_member(source: object, camel: str, value: object) -> JsonObject:
    """A copy of the holder with the member set, under the spelling it has already."""
    held: JsonObject = source if isinstance(source, dict) else {}
    snake = _snake(camel)
    return {**held, snake if held.get(camel) is None and snake in held else camel: value}


def with_absent(source: JsonObject, camel: str, value: object) -> JsonObject:
    """A copy of the object with the member, where it has none; itself where it has."""
    if camel not in source and _snake(camel) not in source:  # mostly
        return {**source, camel: value}
    return with_member(source, camel, value) if member(source, camel) is None else source


def objects(value: object) -> list[JsonObject]:
    """The objects of a list; a single object counts as a list of one, as proto-JSON parsers take it."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


@functools.lru_cache(maxsize=128)
def _snake(camel: str) -> str:
    return _CAPITAL.sub("_", camel).lower()
