"""JSON Schema into Gemini's `Schema`: cases of the conversion, and what holds for any schema at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.genai import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.protocols.openapi_schema import openapi_schema
from gateway.simulator.checks import check_schema

STRING = {"type": "STRING"}
KNOWN_TYPES = {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT"}

CASES = sorted((Path(__file__).parents[1] / "golden" / "schema").glob("*.json"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.stem) for case in CASES])
def test_a_schema_is_said_as_gemini_says_it(case: Path) -> None:
    """Add a file with `schema` and `expected` under tests/golden/schema; write no code."""
    row = orjson.loads(case.read_bytes())

    assert openapi_schema(row["schema"]) == row["expected"]


TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "children": {"items": {"$ref": "#/$defs/node"}}},
            "required": ["name"],
        }
    },
    "$ref": "#/$defs/node",
}


def test_a_schema_that_holds_itself_is_cut_after_some_levels() -> None:
    found = openapi_schema(TREE)

    inner = found["properties"]["children"]["items"]
    assert inner["properties"]["name"] == STRING
    assert inner["properties"]["children"]["items"] == {"type": "OBJECT"}


def test_parts_that_contradict_each_other_keep_their_properties() -> None:
    inner = {"type": "object", "properties": {"$ref": {"type": "string"}}}
    parts = [{"type": "object", "properties": {"type": each}} for each in ({"type": "string"}, inner)]

    for order in (parts, parts[::-1]):
        found = openapi_schema({"allOf": order})

        assert found["properties"]["type"] == {"type": "OBJECT", "properties": {"$ref": STRING}}


def test_references_that_multiply_end_all_the_same() -> None:
    names = [f"d{number}" for number in range(40)]
    references = [{"$ref": f"#/$defs/{name}"} for name in names]
    members = {f"p{position}": reference for position, reference in enumerate(references)}
    schema = {
        "$defs": {
            name: {"type": "object", "properties": members, "anyOf": references, "allOf": references[:2]}
            for name in names
        },
        "$ref": "#/$defs/d0",
    }

    found = openapi_schema(schema)

    assert set(found["properties"]) == set(members)


LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": ["integer", "null"]},
        {"enum": ["a", None]},
        {"const": 1},
        {},
        True,
        {"$ref": "#/$defs/leaf"},
    ]
)
NAMES = st.sampled_from(
    ["type", "$ref", "default", "properties", "enum", "anyOf", "items", "required", "const", "a b", "ü"]
) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    several = st.lists(inner, min_size=1, max_size=3)
    objects = members.map(lambda named: {"type": "object", "properties": named, "required": [*named]})
    return (
        objects
        | members.map(lambda named: {"properties": named, "additionalProperties": False})
        | inner.map(lambda each: {"type": "array", "items": each})
        | several.map(lambda each: {"type": "array", "prefixItems": each})
        | several.map(lambda each: {"anyOf": [*each, {"type": "null"}]})
        | several.map(lambda each: {"oneOf": each, "description": "d"})
        | st.tuples(objects, st.lists(objects, min_size=1, max_size=2)).map(
            lambda pair: {**pair[0], "anyOf": pair[1]}
        )
        | st.lists(objects, min_size=1, max_size=2).map(lambda each: {"allOf": each})
    )


SCHEMAS = st.recursive(LEAVES, containers, max_leaves=12)


def names_in(schema: Any) -> Iterator[str]:
    """Every property name of a schema, found by position."""
    if not isinstance(schema, dict):
        return
    named = schema.get("properties", {})
    yield from named
    lists = [schema.get(key, []) for key in ("anyOf", "oneOf", "allOf", "prefixItems")]
    for inner in (*named.values(), schema.get("items"), *(each for several in lists for each in several)):
        yield from names_in(inner)


def check_accepted(schema: Any) -> None:
    """What every level of a result must be: the simulator's own check, and types that agree with members."""
    check_schema(schema, "schema")
    types.Schema.model_validate(schema)
    if "anyOf" in schema:
        assert len(schema["anyOf"]) > 1
    else:
        assert schema["type"] in KNOWN_TYPES
    assert set(schema.get("required", ())) <= set(schema.get("properties", ()))
    assert all(isinstance(value, str) and value for value in schema.get("enum", ()))
    assert ("items" in schema) == (schema.get("type") == "ARRAY")
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        check_accepted(inner)
    if "items" in schema:
        check_accepted(schema["items"])


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(SCHEMAS.filter(lambda schema: isinstance(schema, dict)))
def test_no_property_loses_its_name(schema: Any) -> None:
    found = openapi_schema({**schema, "$defs": {"leaf": {"properties": {"leaf": {}}}}})

    check_accepted(found)
    assert set(names_in(schema)) <= set(names_in(found))


KEYWORDS = (
    "type properties items prefixItems anyOf oneOf allOf $ref $defs definitions enum const required format "
    "title description nullable minimum exclusiveMaximum minItems maxLength pattern additionalProperties not "
    "if default"
).split()
TEXTS = "object array string integer null file a #/$defs/a # #/properties/a #/anyOf/0".split()
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.sampled_from(TEXTS)
)
ANY_SCHEMA = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYWORDS, "a"]), inner, max_size=5)
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["object", ["object", "null"]]), "properties": inner}
        )
    ),
    max_leaves=25,
)


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from([*KEYWORDS, "a"]), ANY_SCHEMA, max_size=6))
def test_any_object_becomes_a_schema_that_gemini_takes(schema: Any) -> None:
    before = orjson.dumps(schema)

    found = openapi_schema(schema)

    check_accepted(orjson.loads(orjson.dumps(found)))
    assert orjson.dumps(schema) == before
