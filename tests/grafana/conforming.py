"""Does JSON fit Grafana's published types? Their own code reads it; each value is held to its annotation.

The SDK's `from_json` passes over what it does not know and believes every value, so this looks for what got
lost and for what is of another type. Source: grafana-foundation-sdk, generated from Grafana's schemas.
"""

import enum
import inspect
import types
import typing
from collections.abc import Iterator

import orjson


def lost(written: object, read: object, at: str = "") -> Iterator[str]:
    """What the types do not know: in `written`, and not in `read`, their own form of it."""
    if isinstance(written, dict) and isinstance(read, dict):
        for name, value in written.items():
            if name in read:
                yield from lost(value, read[name], f"{at}.{name}")
            else:
                yield f"{at}.{name}"
    elif isinstance(written, list) and isinstance(read, list):
        for number, (one, other) in enumerate(zip(written, read, strict=True)):
            yield from lost(one, other, f"{at}[{number}]")
    elif written != read:
        yield f"{at}: {written!r} became {read!r}"


def misfits(value: object, at: str = "") -> Iterator[str]:
    """Attributes of the SDK's objects whose values are not of the type that is announced."""
    for name, annotation in _announced(type(value)).items():
        inner = getattr(value, name)
        if not _fits(inner, annotation):
            yield f"{at}.{name}: {inner!r} is no {annotation}"
        for number, part in enumerate(inner if isinstance(inner, list) else [inner]):
            yield from misfits(part, f"{at}.{name}" + (f"[{number}]" if isinstance(inner, list) else ""))


def plain(value: object) -> object:
    """The SDK's object as JSON says it."""
    return orjson.loads(orjson.dumps(value, default=lambda thing: thing.to_json()))


def _announced(kind: type) -> dict[str, object]:
    if not kind.__module__.startswith("grafana_foundation_sdk"):
        return {}
    return typing.get_type_hints(kind, vars(inspect.getmodule(kind)))


def _fits(value: object, annotation: object) -> bool:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in (object, typing.Any):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(_fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(item, arguments[1]) for item in value.values())
    if not isinstance(annotation, type):
        return True
    if isinstance(value, dict) and hasattr(annotation, "from_json"):  # some are left as they came
        read = annotation.from_json(value)
        return not [*lost(value, plain(read)), *misfits(read)]
    if issubclass(annotation, enum.Enum):
        return value in [member.value for member in annotation]
    if annotation is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, annotation)
