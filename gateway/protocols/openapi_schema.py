"""JSON Schema → Gemini's `Schema`, the OpenAPI-like shape of `parameters` and `responseSchema`.

For models that know nothing else, and for schemas a newer one refuses. Walks by position: a property may
itself be called `type`, `$ref` or `default`. Called by schema_forms.
"""

import math
from collections.abc import Iterator
from typing import Any, TypeGuard

from gateway.protocols.schema_references import Chain, References, outline
from gateway.protocols.shapes import JsonObject

MAX_DEPTH = 64

_TYPES = {
    "object": "OBJECT",
    "dict": "OBJECT",
    "map": "OBJECT",
    "array": "ARRAY",
    "list": "ARRAY",
    "string": "STRING",
    "str": "STRING",
    "number": "NUMBER",
    "float": "NUMBER",
    "integer": "INTEGER",
    "int": "INTEGER",
    "boolean": "BOOLEAN",
    "bool": "BOOLEAN",
}
_FORMATS = {
    "STRING": ("enum", "date-time"),
    "NUMBER": ("float", "double"),
    "INTEGER": ("int32", "int64"),
}
_COUNTS = {
    "STRING": ("minLength", "maxLength"),
    "ARRAY": ("minItems", "maxItems"),
    "OBJECT": ("minProperties", "maxProperties"),
}
# Words that say what a value is. A choice with none of them only narrows what stands beside it.
_SHAPING = frozenset("type properties items prefixItems enum const $ref allOf anyOf oneOf".split())


def openapi_schema(schema: JsonObject) -> JsonObject:
    """The schema as Gemini's `Schema` can say it; every property keeps its name.

    Never raises. What `Schema` cannot say is left out (patterns of names, conditions, `not`) or loosened
    (alternatives of an object become optional properties).
    Source: Gemini API, Schema.
    """
    return _Conversion(schema).schema(schema, (), 0)


class _Conversion:
    __slots__ = ("_references",)

    def __init__(self, root: JsonObject) -> None:
        self._references = References(root)

    def schema(self, schema: Any, chain: Chain, depth: int) -> JsonObject:
        if not isinstance(schema, dict):  # `true`, `false`, and what is no schema at all
            return {"type": "STRING"}
        if chain:
            self._references.unfolded += 1
        flat, chain = self._references.flat(schema, chain)
        if depth >= MAX_DEPTH:
            flat = outline(flat)
        kinds = _kinds(flat)
        choices = _choices(flat)
        variants = self._variants(choices, chain)
        if _widens(flat, kinds, choices):
            made = self._plain(kinds[0] if kinds else "OBJECT", flat, chain, depth)
        elif variants:
            made = self._any_of(flat, variants, depth)
        elif len(kinds) > 1 and not _values(flat):
            made = _choice([self._plain(kind, flat, chain, depth) for kind in kinds])
        else:
            made = self._plain(kinds[0] if len(kinds) == 1 else _guessed(flat), flat, chain, depth)
        for name in ("title", "description"):
            if isinstance(flat.get(name), str):
                made[name] = flat[name]
        if _is_nullable(flat, choices):
            made["nullable"] = True
        return made

    def _variants(self, choices: list[Any], chain: Chain) -> list[tuple[JsonObject, Chain]]:
        """The flat choices that say what the value may be, each with its own chain; `null` left out."""
        return [self._references.flat(choice, chain) for choice in choices if _shapes(choice)]

    def _any_of(self, flat: JsonObject, variants: list[tuple[JsonObject, Chain]], depth: int) -> JsonObject:
        inherited = {key: flat[key] for key in ("type", "items", "enum") if key in flat}
        return _choice([self.schema({**inherited, **each}, chain, depth + 1) for each, chain in variants])

    def _plain(self, kind: str, flat: JsonObject, chain: Chain, depth: int) -> JsonObject:
        if kind == "OBJECT":
            return self._object(flat, chain, depth)
        if kind == "ARRAY":
            return self._array(flat, chain, depth)
        texts = [text for value in _values(flat) if (text := _text_of(value))]
        if texts and kind != "BOOLEAN":
            return {"type": "STRING", "enum": list(dict.fromkeys(texts))}
        made: JsonObject = {"type": kind}
        if flat.get("format") in _FORMATS.get(kind, ()):
            made["format"] = flat["format"]
        if kind == "STRING" and isinstance(flat.get("pattern"), str):
            made["pattern"] = flat["pattern"]
        _add_counts(made, flat)
        if kind in ("NUMBER", "INTEGER"):
            _add_bounds(made, flat)
        return made

    def _object(self, flat: JsonObject, chain: Chain, depth: int) -> JsonObject:
        made: JsonObject = {"type": "OBJECT"}
        members: dict[str, list[JsonObject]] = {}
        for name, member, member_chain in self._members(flat, chain):
            members.setdefault(name, []).append(self.schema(member, member_chain, depth + 1))
        if not members:
            return made
        made["properties"] = {name: _choice(said) for name, said in members.items()}
        for key in ("required", "propertyOrdering"):
            named = flat.get(key)
            known = [name for name in named if name in members] if _all_texts(named) else []
            if known:
                made[key] = list(dict.fromkeys(known))
        _add_counts(made, flat)
        return made

    def _members(self, flat: JsonObject, chain: Chain) -> Iterator[tuple[str, Any, Chain]]:
        """The properties of an object and of all its variants."""
        own = flat.get("properties")
        for name, member in own.items() if isinstance(own, dict) else ():
            yield name, member, chain
        for variant, variant_chain in self._variants(_choices(flat), chain):
            yield from self._members(variant, variant_chain)

    def _array(self, flat: JsonObject, chain: Chain, depth: int) -> JsonObject:
        items = flat.get("items", flat.get("contains"))
        first = flat.get("prefixItems")
        places = items if isinstance(items, list) else [items]
        if isinstance(first, list):
            places = [*first, *places]
        members = [self.schema(place, chain, depth + 1) for place in places if isinstance(place, dict)]
        made: JsonObject = {"type": "ARRAY", "items": _choice(members) if members else {"type": "STRING"}}
        _add_counts(made, flat)
        return made


def _kinds(flat: JsonObject) -> list[str]:
    """The types a schema names, `null` left out; one that has properties is an object, whatever it says.

    Parts of an `allOf` that contradict each other end so: the names of properties are what must not be lost.
    """
    kinds = list(dict.fromkeys(_TYPES[word] for word in _type_words(flat) if word in _TYPES))
    has_members = isinstance(flat.get("properties"), dict) and flat["properties"]
    return ["OBJECT"] if kinds and has_members and "OBJECT" not in kinds else kinds


def _type_words(flat: JsonObject) -> list[str]:
    named = flat.get("type")
    return [word.lower() for word in (named if isinstance(named, list) else [named]) if isinstance(word, str)]


def _is_nullable(flat: JsonObject, choices: list[Any]) -> bool:
    return (
        flat.get("nullable") is True
        or "null" in _type_words(flat)
        or any(value is None or value == "" for value in _values(flat))
        or any(_is_null(choice) for choice in choices)
    )


def _widens(flat: JsonObject, kinds: list[str], choices: list[Any]) -> bool:
    """True where choices are no alternatives to be told apart: they say more about what is there already."""
    if not choices or len(kinds) > 1:
        return False
    if flat.get("properties"):
        return kinds in ([], ["OBJECT"])
    return bool(kinds) and any(_narrows(choice) for choice in choices)


def _shapes(choice: object) -> bool:
    return isinstance(choice, dict) and not _is_null(choice) and not _SHAPING.isdisjoint(choice)


def _narrows(choice: object) -> bool:
    return not _shapes(choice) and not _is_null(choice)


def _guessed(flat: JsonObject) -> str:
    if isinstance(flat.get("properties"), dict) or "additionalProperties" in flat:
        return "OBJECT"
    if "items" in flat or "prefixItems" in flat:
        return "ARRAY"
    if not _values(flat) and any(name in flat for name in ("minimum", "maximum", "multipleOf")):
        return "NUMBER"
    return "STRING"


def _choices(flat: JsonObject) -> list[Any]:
    found = (flat.get("anyOf"), flat.get("oneOf"))
    return [choice for choices in found if isinstance(choices, list) for choice in choices]


def _choice(members: list[JsonObject]) -> JsonObject:
    """Any of some schemas; one that says the same as another is left out, and a single one stands alone."""
    distinct: list[JsonObject] = []
    for member in members:
        if member not in distinct:
            distinct.append(member)
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def _is_null(choice: object) -> bool:
    if not isinstance(choice, dict):
        return False
    return choice.get("type") in ("null", ["null"]) or (
        ("const" in choice or "enum" in choice) and all(value is None for value in _values(choice))
    )


def _values(schema: JsonObject) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else []


def _all_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _text_of(value: object) -> str:
    """An enum's value as text, "" for what has none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _add_counts(made: JsonObject, flat: JsonObject) -> None:
    for name in _COUNTS.get(made["type"], ()):
        count = flat.get(name)
        if type(count) is int and 0 <= count < 2**31:
            made[name] = count


def _add_bounds(made: JsonObject, flat: JsonObject) -> None:
    step = 1 if made["type"] == "INTEGER" else 0
    bounds = (("minimum", "exclusiveMinimum", step), ("maximum", "exclusiveMaximum", -step))
    for name, exclusive, inward in bounds:
        for bound in _numbers(flat.get(name)):
            made[name] = bound
        for bound in _numbers(flat.get(exclusive)):
            made.setdefault(name, bound + (inward if float(bound).is_integer() else 0))


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        yield value
