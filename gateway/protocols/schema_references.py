"""A JSON Schema with its references and `allOf` taken in: one flat schema at a time, never for ever.

Used by openapi_schema, whose target shape knows neither. Cycles are cut, and what may be unfolded is bounded,
because a few lines of references can describe millions of schemas.
"""

from typing import Any
from urllib.parse import unquote

from gateway.protocols.shapes import JsonObject

MAX_UNFOLDED = 20_000
"""Schemas reached through references in one conversion; beyond it a reference becomes an outline."""

MAX_CHAIN = 32
"""References inside references inside references."""

MAX_REPEATS = 2
"""How often a reference may stand inside what it refers to."""

_NAMED = ("properties", "$defs", "definitions")
_VARIANTS = ("anyOf", "oneOf")

Chain = tuple[str, ...]
"""The references that were followed from the root to a schema."""


class References:
    """Follows the references of one schema document."""

    __slots__ = ("_root", "unfolded")

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self.unfolded = 0

    def flat(self, schema: JsonObject, chain: Chain) -> tuple[JsonObject, Chain]:
        """The schema without `$ref` and `allOf`, and the chain of references it is reached by."""
        if "$ref" in schema:
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            ref = schema["$ref"]
            target = self._target(ref) if isinstance(ref, str) else None
            if target is None:
                return self.flat(beside, chain)
            if len(chain) >= MAX_CHAIN or chain.count(ref) >= MAX_REPEATS or self.unfolded >= MAX_UNFOLDED:
                return merged(beside, outline(target)), chain
            self.unfolded += 1
            return self.flat(merged(beside, target), (*chain, ref))
        members = schema.get("allOf")
        if "allOf" not in schema:
            return schema, chain
        whole = {key: value for key, value in schema.items() if key != "allOf"}
        for member in members if isinstance(members, list) else ():
            if isinstance(member, dict):
                flat, chain = self.flat(member, chain)
                whole = merged(whole, flat)
        return whole, chain

    def _target(self, ref: str) -> JsonObject | None:
        """The schema a reference inside the document (`#/$defs/x`) points at."""
        pointer, _, path = ref.partition("#")
        if pointer:
            return None
        found: Any = self._root
        for step in path.split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict):
                found = found.get(name)
            elif isinstance(found, list) and name.isdecimal() and len(name) < 6 and int(name) < len(found):
                found = found[int(name)]
            else:
                return None
        return found if isinstance(found, dict) else None


def merged(first: JsonObject, second: JsonObject) -> JsonObject:
    """Both schemas at once; where they cannot both be kept the first one's word stands.

    A property that both have must satisfy both; of choices both give, any may be taken.
    """
    whole = {**second, **first}
    for key in _NAMED:
        own, other = first.get(key), second.get(key)
        if isinstance(own, dict) and isinstance(other, dict):
            both = {name: {"allOf": [own[name], other[name]]} for name in own.keys() & other.keys()}
            whole[key] = {**other, **own, **both}
    for key in _VARIANTS:
        own, other = first.get(key), second.get(key)
        if isinstance(own, list) and isinstance(other, list):
            whole[key] = [*own, *other]
    own, other = first.get("required"), second.get("required")
    if isinstance(own, list) and isinstance(other, list):
        whole["required"] = [*own, *other]
    return whole


def outline(schema: JsonObject) -> JsonObject:
    """A schema's kind and description, without what is in it: where a cycle is cut."""
    kind = schema.get("type")
    if not isinstance(kind, str | list):
        kind = "array" if "items" in schema else "string" if "enum" in schema else "object"
    cut: JsonObject = {"type": kind}
    if isinstance(schema.get("description"), str):
        cut["description"] = schema["description"]
    return cut
