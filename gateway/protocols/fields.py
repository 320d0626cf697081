"""Typed reads of a client's JSON: every read gives the value, or a BadRequest that names the field.

Used by the request translations. The texts follow OpenAI's own, which client programs already show well.
"""

import math
from typing import Any

from gateway.errors import BadRequest
from gateway.protocols.shapes import JsonObject

_INT32_MAX = 2**31 - 1


def wrong_type(param: str, expected: str, value: object) -> BadRequest:
    return BadRequest(
        f"Invalid type for '{param}': expected {expected}, but got {_kind(value)} instead.",
        param=param,
        code="invalid_type",
    )


def wrong_value(param: str, message: str) -> BadRequest:
    return BadRequest(f"Invalid value for '{param}': {message}", param=param, code="invalid_value")


def missing(param: str) -> BadRequest:
    return BadRequest(
        f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
    )


def unsupported(param: str, message: str) -> BadRequest:
    """For what the client may rightly ask and the gateway cannot do."""
    return BadRequest(message, param=param, code="unsupported_value")


def as_str(value: object, param: str) -> str:
    if isinstance(value, str):
        return value
    raise missing(param) if value is None else wrong_type(param, "a string", value)


def as_object(value: object, param: str) -> JsonObject:
    if isinstance(value, dict):
        return value
    raise missing(param) if value is None else wrong_type(param, "an object", value)


def as_list(value: object, param: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise missing(param) if value is None else wrong_type(param, "an array", value)


def optional_str(source: JsonObject, name: str, *, within: str = "") -> str | None:
    value = source.get(name)
    return None if value is None else as_str(value, within + name)


def optional_object(source: JsonObject, name: str, *, within: str = "") -> JsonObject | None:
    value = source.get(name)
    return None if value is None else as_object(value, within + name)


def optional_list(source: JsonObject, name: str, *, within: str = "") -> list[Any] | None:
    value = source.get(name)
    return None if value is None else as_list(value, within + name)


def optional_bool(source: JsonObject, name: str, *, within: str = "") -> bool | None:
    value = source.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise wrong_type(within + name, "a boolean", value)


def optional_number(source: JsonObject, name: str, *, within: str = "") -> float | None:
    """A finite number as the client wrote it, integer or not."""
    value = source.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(within + name, "a number", value)
    if not math.isfinite(value):
        raise wrong_value(within + name, "the number must be finite.")
    return value


def optional_int(source: JsonObject, name: str, *, within: str = "") -> int | None:
    """An integer; a float without a fraction counts as one, because JavaScript clients write those."""
    value = source.get(name)
    if value is None or type(value) is int:
        return value
    if not isinstance(value, float) or not value.is_integer():
        raise wrong_type(within + name, "an integer", value)
    return int(value)


def optional_int32(source: JsonObject, name: str, *, within: str = "") -> int | None:
    """An integer within the 32 bits that Gemini's counts have."""
    value = optional_int(source, name, within=within)
    if value is not None and abs(value) > _INT32_MAX:
        raise wrong_value(within + name, f"integer out of range, at most {_INT32_MAX}.")
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a decimal number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"
