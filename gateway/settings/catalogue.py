"""The one list of settings as values: `DESCRIPTIONS`, derived from the declarations in model.py.

Messages (sources.py), the documents (describe.py) and later the admin's form are made from it.
"""

import enum
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from gateway.settings.about import About, SettingsModel
from gateway.settings.model import BootSettings, LiveSettings, RowLists
from gateway.settings.unusable import Phrase, Unusable


class Kind(enum.Enum):
    """What a setting's value is; the value is the word the documents use."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    LIST = "list"
    MAP = "map"
    TABLE = "list of maps"


@dataclass(frozen=True, slots=True)
class SettingDescription:
    """One setting.

    name        MAX_RETRIES      attribute   max_retries      model   the class that declares it
    low, high   bounds of a number, both allowed; a number has both
    choices     allowed texts of a CHOICE, else ()
    restart     True: a new value counts from the next start; False: it counts at once
    """

    name: str
    attribute: str
    model: type[SettingsModel]
    kind: Kind
    about: About
    default: object = field(repr=False)
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def restart(self) -> bool:
        return self.model is BootSettings

    @property
    def allowed(self) -> str:
        """What a value may be, as it completes "must be …"."""
        return str(self.unusable()).removeprefix("must be ")

    def unusable(self) -> Unusable:
        """What is said of a value that is of another kind, or out of bounds."""
        bounds = {"low": self.low, "high": self.high}
        unit = Phrase(self.about.unit)
        match self.kind, bool(unit.words):
            case Kind.WHOLE, True:
                return Unusable(
                    "must be a whole number of %(unit)s from %(low)s to %(high)s", unit=unit, **bounds
                )
            case Kind.WHOLE, False:
                return Unusable("must be a whole number from %(low)s to %(high)s", **bounds)
            case Kind.NUMBER, True:
                return Unusable("must be a number of %(unit)s from %(low)s to %(high)s", unit=unit, **bounds)
            case Kind.NUMBER, False:
                return Unusable("must be a number from %(low)s to %(high)s", **bounds)
            case Kind.SWITCH, _:
                return Unusable("must be true or false")
            case Kind.CHOICE, _:
                return Unusable("must be one of %(choices)s", choices=", ".join(self.choices))
            case Kind.LIST, _:
                return Unusable('must be a list such as ["one","two"]')
            case Kind.MAP, _:
                return Unusable('must be a map such as {"name":"value"}')
            case Kind.TABLE, _:
                return Unusable('must be a list of maps such as [{"name":"value"}]')
            case _:
                return Unusable("must be text")

    @property
    def default_text(self) -> str:
        """The default as a person would write it in `.env`; "" when there is none to write."""
        return text_of(self.default)


def text_of(value: object) -> str:
    """Write a parsed value in the plain form of `.env`, which loose.py reads back to the same value."""
    match value:
        case None | "" | ():
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case tuple():
            return orjson.dumps(value, default=dict).decode()
        case Mapping():
            return orjson.dumps(dict(value)).decode() if value else ""
        case _:
            return str(value)


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    origin = typing.get_origin(annotation)
    if origin is types.UnionType:
        (annotation,) = (each for each in typing.get_args(annotation) if each is not types.NoneType)
        return _kind(annotation)
    if origin is typing.Annotated:
        return _kind(typing.get_args(annotation)[0])
    if origin is typing.Literal:
        return Kind.CHOICE, typing.get_args(annotation)
    if origin is tuple:
        of_maps = _kind(typing.get_args(annotation)[0])[0] is Kind.MAP
        return (Kind.TABLE if of_maps else Kind.LIST), ()
    if origin is not None and issubclass(origin, Mapping):
        return Kind.MAP, ()
    if annotation is bool:  # before int, whose subclass it is
        return Kind.SWITCH, ()
    if annotation is int:
        return Kind.WHOLE, ()
    if annotation is float:
        return Kind.NUMBER, ()
    return Kind.TEXT, ()


def _describe(model: type[SettingsModel], attribute: str, declared: FieldInfo) -> SettingDescription:
    notes = [note for note in declared.metadata if isinstance(note, About)]
    if len(notes) != 1:
        raise TypeError(f"{model.__name__}.{attribute} needs exactly one About")
    kind, choices = _kind(declared.annotation)
    low = next((note.ge for note in declared.metadata if isinstance(note, Ge)), None)
    high = next((note.le for note in declared.metadata if isinstance(note, Le)), None)
    if kind in (Kind.WHOLE, Kind.NUMBER) and (low is None or high is None):
        raise TypeError(f"{model.__name__}.{attribute} is a number without both bounds")
    return SettingDescription(
        name=attribute.upper(),
        attribute=attribute,
        model=model,
        kind=kind,
        about=notes[0],
        default=declared.get_default(call_default_factory=True, validated_data={}),
        low=typing.cast("float | None", low),
        high=typing.cast("float | None", high),
        choices=choices,
    )


DESCRIPTIONS: tuple[SettingDescription, ...] = tuple(
    _describe(model, attribute, declared)
    for model in (RowLists, LiveSettings, BootSettings)
    for attribute, declared in model.model_fields.items()
)
"""Every setting, in the order of declaration."""

BY_NAME: Mapping[str, SettingDescription] = MappingProxyType({each.name: each for each in DESCRIPTIONS})

ALIASES: Mapping[str, str] = MappingProxyType(
    {alias: each.name for each in DESCRIPTIONS for alias in each.about.aliases}
)
"""TZ -> TIMEZONE."""
