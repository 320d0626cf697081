"""What must be read of a native request's body, without changing it.

Native bodies are relayed as the bytes they came in. Fields are read in camelCase and in snake_case, because
the SDKs mix both in one body. Called by the planners.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gateway.protocols.object_names import continuation_name, named_object
from gateway.protocols.shapes import JsonObject

# What a generation names an object by, beside files: looked at once for each call.
_TOP_FIELDS = frozenset({"cachedContent", "cached_content", "continuationToken", "continuation_token"})
_BESIDE_CONTENTS = _TOP_FIELDS | {"systemInstruction", "system_instruction", "tools"}
_NAMING_FIELDS = frozenset({"fileData", "file_data", "functionResponse", "function_response"})
_RARE_FIELDS = _NAMING_FIELDS | {"thoughtSignature", "thought_signature"}
_TOOL_FIELDS = frozenset({"fileSearch", "file_search"})
_MAX_DEPTH = 24

_Reader = Callable[[str], str | None]


def _bare(collection: str) -> _Reader:
    """Reads an id that may stand without its collection: `interactions/x`, or `x`."""
    return lambda text: named_object(text) or named_object(f"{collection}/{text}")


# The fields that name an object, and how the name is read; lists of names count as well.
_FIELDS: Mapping[str, _Reader] = MappingProxyType(
    {
        "fileUri": named_object,
        "file_uri": named_object,
        "uri": named_object,
        "fileName": named_object,
        "file_name": named_object,
        "cachedContent": named_object,
        "cached_content": named_object,
        "fileSearchStoreNames": named_object,
        "file_search_store_names": named_object,
        "previousInteractionId": _bare("interactions"),
        "previous_interaction_id": _bare("interactions"),
        "continuationToken": continuation_name,
        "continuation_token": continuation_name,
    }
)
# What the client's own functions take and give, and what it declares of them, names no object of Google's.
_CLOSED = re.compile(
    r"args|arguments|response|result|parameters(?:_?json_?schema)?|response_?(?:json_?)?schema|metadata",
    re.IGNORECASE,
)


def may_reference(body: JsonObject) -> bool:
    """False when a GenerateContentRequest surely names no object: a look at the places where one may stand.

    Looking through the parsed body costs a tenth of searching its bytes, and less for one with pictures.
    """
    return may_reference_beside(body) or has_rare_parts(body.get("contents"), _NAMING_FIELDS)


def may_reference_beside(body: JsonObject) -> bool:
    """The same of all but its contents, for one whose contents have no rare parts."""
    if _BESIDE_CONTENTS.isdisjoint(body):
        return False
    if not _TOP_FIELDS.isdisjoint(body):
        return True
    system = body.get("systemInstruction") or body.get("system_instruction")
    if system is not None and has_rare_parts(system, _NAMING_FIELDS):
        return True
    return "tools" in body and _holds(body["tools"], _TOOL_FIELDS)


def has_rare_parts(contents: Any, fields: frozenset[str] = _RARE_FIELDS) -> bool:
    """False where no part of a request's contents can name an object or bear a signature, as in most.

    A loop in a loop: a call less for each content.
    """
    for content in contents if isinstance(contents, list) else (contents,):
        if isinstance(content, dict):
            parts = content.get("parts")
            for part in parts if isinstance(parts, list) else (parts,):
                if isinstance(part, dict) and not fields.isdisjoint(part):
                    return True
    return False


def may_ask_several(body: bytes) -> bool:
    """False for a request, JSON as it is sent, that surely asks for no more than one candidate.

    Letters of `candidateCount` may be written as escapes: a body with any escape of such a letter may ask.
    """
    return b"candidate" in body or b"\\u00" in body


def references(body: object) -> tuple[str, ...]:
    """The server-side objects a body names (`files/…`, `cachedContents/…`), each once, in order.

    They live in one Google project: the call is bound to the key that made them. Never raises; what has the
    wrong type names nothing, and the upstream will say so.
    """
    return tuple(dict.fromkeys(_names(body, _MAX_DEPTH)))


def _names(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, list):
        for item in value if depth else ():
            yield from _names(item, depth - 1)
    elif isinstance(value, dict):
        for name, inner in value.items() if depth else ():
            reader = _FIELDS.get(name)
            if reader is not None:
                yield from _read(reader, inner)
            if isinstance(inner, dict | list) and not _CLOSED.fullmatch(name):
                yield from _names(inner, depth - 1)


def _read(reader: _Reader, value: Any) -> Iterator[str]:
    for text in value if isinstance(value, list) else (value,):
        if isinstance(text, str) and (name := reader(text)) is not None:
            yield name


def _holds(items: Any, fields: frozenset[str]) -> bool:
    for item in items if isinstance(items, list) else (items,):
        if isinstance(item, dict) and not fields.isdisjoint(item):
            return True
    return False
