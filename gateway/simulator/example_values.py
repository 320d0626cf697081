"""A value that fits a schema: arguments for the calls and JSON answers the simulated model makes.

Pure. Reads OpenAPI-like Schemas and JSON Schema alike, as far as people write them for tools.
"""

import re
from types import MappingProxyType
from typing import Any

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_NAME_IN_TEXT = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][a-zà-ÿ]+(?: [A-Z][a-zà-ÿ]+)*")
_MAX_DEPTH = 8
# google-generativeai sends enums as integers. Source: generativelanguage v1beta, enum Type.
_TYPE_NUMBERS = MappingProxyType(
    {1: "string", 2: "number", 3: "integer", 4: "boolean", 5: "array", 6: "object", 7: "null"}
)


def example_value(schema: object, text: str, name: str = "value", *, depth: int = 0) -> Any:
    """Make a value for `schema`, with a name or a number out of `text` where one fits."""
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return {}
    for choice in ("enum", "anyOf", "any_of", "oneOf", "allOf"):
        choices = schema.get(choice)
        if isinstance(choices, list) and choices:
            first = choices[0]
            return first if choice == "enum" else example_value(first, text, name, depth=depth + 1)
    properties = schema.get("properties")
    kind = schema.get("type", "object" if properties else "string")
    if isinstance(kind, list) and kind:
        kind = kind[0]
    kind = _TYPE_NUMBERS.get(kind, str(kind).lower()) if isinstance(kind, int) else str(kind).lower()
    if kind == "object":
        members = properties.items() if isinstance(properties, dict) else ()
        return {member: example_value(inner, text, member, depth=depth + 1) for member, inner in members}
    if kind == "array":
        return [example_value(schema.get("items", {"type": "string"}), text, name, depth=depth + 1)]
    if kind in ("integer", "number"):
        found = _NUMBER.search(text)
        number = float(found[0]) if found else 1.0
        return int(number) if kind == "integer" else number
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    proper = _NAME_IN_TEXT.search(text)
    return proper[0] if proper else f"example {name}"
