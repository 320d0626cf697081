"""gemini-balance's settings read as ours: which can be used, and why the others are left. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.pool.key import GEMINI, VERTEX
from gateway.settings.catalogue import BY_NAME, Kind, SettingDescription
from gateway.settings.fingerprints import canonical
from gateway.settings.loose import parse
from gateway.settings.model import BootSettings, RowLists
from gateway.settings.sources import check_value
from gateway.store.gemini_balance import OldSetting

ADMIN_TOKEN, TOKENS = "AUTH_TOKEN", "ALLOWED_TOKENS"
KEY_LISTS: Mapping[str, str] = MappingProxyType({"API_KEYS": GEMINI, "VERTEX_API_KEYS": VERTEX})
"""The old setting → the provider its keys are of."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_KEY = re.compile(r"[!-~]{1,500}")
_NOTHING = frozenset(("", "null", "None"))
_OLD_DEFAULTS: Mapping[str, object] = MappingProxyType(
    {
        "AUTO_DELETE_REQUEST_LOGS_ENABLED": False,
        "CREATE_IMAGE_MODEL": "imagen-3.0-generate-002",
        "IMAGE_MODELS": ("gemini-2.0-flash-exp", "gemini-2.5-flash-image-preview"),
        "SEARCH_MODELS": ("gemini-2.5-flash", "gemini-2.5-pro"),
        "TEST_MODEL": "gemini-2.5-flash-lite",
        "URL_CONTEXT_MODELS": (
            *("gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.0-flash"),
            "gemini-2.0-flash-live-001",
        ),
    }
)
"""What gemini-balance 2.2.8 stores by itself where our default is another: nobody chose it."""


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was not taken in, and why. Neither holds a secret."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class OldValues:
    """What the old settings say.

    settings   name → value as ours holds it
    edited     names whose rows were saved again after they had been made: by a person, in the old admin
    keys       by provider · tokens: clients'
    """

    settings: Mapping[str, object] = field(repr=False)
    edited: frozenset[str]
    keys: Mapping[str, tuple[str, ...]] = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    left: tuple[Left, ...]


def read_old(rows: Iterable[OldSetting]) -> OldValues:
    """Read the rows; of several with one name the last counts."""
    settings: dict[str, object] = {}
    lists: dict[str, tuple[str, ...]] = {}
    left: list[Left] = []
    by_name = {row.name.strip().upper(): row for row in rows}
    for name, row in by_name.items():
        text = row.text.strip()
        if text in _NOTHING:
            continue
        if not _NAME.fullmatch(name):  # not repeated: it may be anything
            left.append(Left("a row", "has a name that no setting can have"))
            continue
        try:
            if (items := _items(name, text, left)) is not None:
                lists[name] = items
            elif (value := _value(name, text, left)) is not None:
                settings[name] = value
        except ValueError as error:
            left.append(Left(name, str(error)))
    return OldValues(
        settings=MappingProxyType(settings),
        edited=frozenset(name for name, row in by_name.items() if _is_edited(row)),
        keys=MappingProxyType({provider: lists.get(name, ()) for name, provider in KEY_LISTS.items()}),
        tokens=lists.get(TOKENS, ()),
        left=tuple(left),
    )


def _is_edited(row: OldSetting) -> bool:
    return row.created is not None and row.updated is not None and row.updated > row.created


def _items(name: str, text: str, left: list[Left]) -> tuple[str, ...] | None:
    """The items of a list that becomes rows; None for another setting."""
    description = BY_NAME.get(name)
    if description is None or description.model is not RowLists:
        return None
    parsed = parse(description, text)
    found = parsed if isinstance(parsed, tuple) else ()
    usable = tuple(item for item in found if _is_usable(description, item))
    if unusable := len(found) - len(usable):
        what = "is no token" if name == TOKENS else "cannot be a key"
        left.append(Left(name, f"{unusable} of its {len(found)} values {what}"))
    return usable


def _is_usable(description: SettingDescription, item: str) -> bool:
    if description.name != TOKENS and not _KEY.fullmatch(item):
        return False  # such as the sentence that an empty list of the old admin was saved with
    try:
        check_value(description, (item,))
    except ValueError:
        return False
    return True


def _value(name: str, text: str, left: list[Left]) -> object | None:
    """A setting's value; None when it is not taken, which was said. Raises ValueError in words."""
    description = BY_NAME.get(name)
    if description is None:
        left.append(Left(name, "there is no such setting here"))
        return None
    if description.model is BootSettings:
        left.append(Left(name, "counts at start: it is set in the environment"))
        return None
    value = parse(description, text)
    if value is None:
        return None
    checked = check_value(description, _within(description, value, left))
    if name in _OLD_DEFAULTS and canonical(checked) == canonical(_OLD_DEFAULTS[name]):
        left.append(Left(name, "was gemini-balance's own default; the gateway's holds"))
        return None
    return checked


def _within(description: SettingDescription, value: object, left: list[Left]) -> object:
    """A number beyond the bounds as the nearest that may be."""
    if description.kind not in (Kind.WHOLE, Kind.NUMBER) or not isinstance(value, int | float):
        return value
    low, high = description.low, description.high
    bounded = max(value, low) if low is not None else value
    bounded = min(bounded, high) if high is not None else bounded
    if bounded == value:
        return value
    left.append(Left(description.name, f"was {value:g}, which is out of bounds; {bounded:g} was taken"))
    return int(bounded) if description.kind is Kind.WHOLE else bounded
