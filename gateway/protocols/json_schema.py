"""JSON Schema of clients → the JSON Schema that Gemini's `…JsonSchema` fields take.

Only what those fields insist on; the converter to the older `Schema` shape is not here. Called by tools and
openai_request.
"""

from typing import Any

from gateway.protocols.fields import wrong_value
from gateway.protocols.shapes import JsonObject

MAX_DEPTH = 64

_NAMED_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")


def parameters_schema(schema: JsonObject, *, param: str) -> JsonObject | None:
    """A function's parameters, or None where the function takes none: an empty object schema is left out."""
    keys = schema.keys() - {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "$schema",
        "title",
        "strict",
    }
    if not keys and not schema.get("properties") and schema.get("type", "object") == "object":
        return None
    return gemini_schema(schema, param=param)


def gemini_schema(schema: JsonObject, *, param: str) -> JsonObject:
    """The schema as Gemini's JSON Schema fields take it; the same object when nothing needs a change.

    `definitions` becomes `$defs`, and a `$ref` loses what stands beside it. Keywords unknown to Gemini
    stay, it ignores them. Raises BadRequest for a schema deeper than MAX_DEPTH.
    Source: Gemini API, responseJsonSchema ("a sub-schema with $ref may hold only $-keys beside it").
    """
    _check_depth(schema, param)
    if "$defs" not in schema and "definitions" not in schema:
        return schema
    changed = _by_position(schema)
    definitions = changed.pop("definitions", None)
    if isinstance(definitions, dict):
        own = changed.get("$defs")
        changed["$defs"] = {**definitions, **own} if isinstance(own, dict) else definitions
    return changed


def _by_position(schema: JsonObject) -> JsonObject:
    """Rewrite one schema and those in it. Walks by position: a property may itself be called `$ref`."""
    ref = schema.get("$ref")
    if isinstance(ref, str):
        kept: JsonObject = {key: value for key, value in schema.items() if key.startswith("$")}
        kept["$ref"] = ref.replace("#/definitions/", "#/$defs/", 1)
    else:
        kept = dict(schema)
    for key in _NAMED_SCHEMAS:
        if isinstance(named := kept.get(key), dict):
            kept[key] = {name: _inside(inner) for name, inner in named.items()}
    for key in _SCHEMA_LISTS:
        if isinstance(several := kept.get(key), list):
            kept[key] = [_inside(inner) for inner in several]
    for key in _SINGLE_SCHEMAS:
        if key in kept:
            kept[key] = _inside(kept[key])
    return kept


def _inside(schema: Any) -> Any:
    return _by_position(schema) if isinstance(schema, dict) else schema


def _check_depth(schema: JsonObject, param: str) -> None:
    level: list[Any] = [schema]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for value in level:
            deeper += value.values() if isinstance(value, dict) else value
        level = [value for value in deeper if isinstance(value, dict | list)]
        if not level:
            return
    raise wrong_value(param, f"the schema is nested more than {MAX_DEPTH} levels deep.")
