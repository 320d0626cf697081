"""The form of settings: from values to fields and back. Whether a value may be, the setting desk decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from admin.contexts.settings import SettingField
from gateway.control.setting_desk import ADMIN_TOKEN, SettingView
from gateway.settings.about import Group
from gateway.settings.catalogue import Kind, SettingDescription
from gateway.settings.checks import THRESHOLDS
from gateway.settings.model import LiveSettings

SPARE_ROWS = 2
_COLUMNS = ("category", "threshold")
_CATEGORIES = tuple(row["category"] for row in LiveSettings().safety_settings)
Texts = Callable[[str], Sequence[str]]
"""All texts a form holds under a name."""


def _(message: str) -> str:
    return message


HEADINGS: Mapping[Group, str] = {
    Group.ACCESS: _("Keys and access"),
    Group.UPSTREAM: _("Calls to Gemini"),
    Group.POOL: _("Use of keys"),
    Group.MODELS: _("Models"),
    Group.ANSWERS: _("Answers to clients"),
    Group.STREAMS: _("Streams"),
    Group.IMAGES: _("Pictures and image hosts"),
    Group.SPEECH: _("Speech"),
    Group.FILES: _("Files"),
    Group.ADMIN: _("Admin page"),
    Group.LOGS: _("Logs, time and metrics"),
    Group.SERVER: _("Server"),
    Group.DATABASE: _("Database"),
}


def field_of(view: SettingView, help_text: str) -> SettingField:
    """A setting as it stands; `help_text` is its help in the reader's language."""
    each, about = view.description, view.description.about
    return SettingField(
        name=each.name,
        kind=each.kind.name,
        help=help_text,
        unit=about.unit,
        low=each.low,
        high=each.high,
        choices=each.choices,
        origin=view.origin.value,
        default=about.default_text or each.default_text,
        secret=about.secret,
        suggests=each.name.endswith(("MODEL", "MODELS")),
        is_filled=about.secret and bool(view.text),
        text="" if about.secret else _text(each.kind, view),
        columns=_COLUMNS if each.kind is Kind.TABLE else (),
        rows=_rows(view.value) if each.kind is Kind.TABLE else (),
        offers=(_CATEGORIES, THRESHOLDS) if each.kind is Kind.TABLE else (),
    )


def typed_field(standing: SettingField, texts: Texts, error: str) -> SettingField:
    """The field as it was typed, with what is wrong with it."""
    if standing.secret:
        return replace(standing, error=error)
    if standing.kind == Kind.TABLE.name:
        return replace(standing, rows=_typed_rows(texts, standing.name), error=error)
    if standing.kind == Kind.SWITCH.name:
        return replace(standing, text="true" if texts(standing.name) else "false", error=error)
    return replace(standing, text=_joined(texts(standing.name)), error=error)


def read_wanted(descriptions: Sequence[SettingDescription], texts: Texts) -> dict[str, object]:
    """What a form asks for, by name; a secret field that was left empty asks for nothing."""
    wanted: dict[str, object] = {}
    for each in descriptions:
        if each.about.secret and not _joined(texts(each.name)).strip():
            if texts(f"{each.name}.clear") and each.name != ADMIN_TOKEN:
                wanted[each.name] = ""
            continue
        wanted[each.name] = _value(each, texts)
    return wanted


def _value(description: SettingDescription, texts: Texts) -> object:
    name = description.name
    text = _joined(texts(name))
    match description.kind:
        case Kind.SWITCH:
            return bool(texts(name))
        case Kind.LIST:
            return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        case Kind.MAP:
            return {
                key.strip(): value.strip()
                for key, _colon, value in (line.partition(":") for line in text.splitlines() if line.strip())
            }
        case Kind.TABLE:
            rows = _typed_rows(texts, name)
            return [dict(zip(_COLUMNS, row, strict=True)) for row in rows if any(row)]
        case _:
            return text


def _typed_rows(texts: Texts, name: str) -> tuple[tuple[str, ...], ...]:
    columns = [[text.strip() for text in texts(f"{name}.{column}")] for column in _COLUMNS]
    return tuple(zip(*columns, strict=False))


def _joined(texts: Sequence[str]) -> str:
    """The texts of the fields of a name as lines: what stands there, and what was chosen to be added."""
    return "\n".join(text for text in texts if text.strip())


def _text(kind: Kind, view: SettingView) -> str:
    value = view.value
    if kind is Kind.LIST and isinstance(value, tuple):
        return "\n".join(str(item) for item in value)
    if kind is Kind.MAP and isinstance(value, Mapping):
        return "\n".join(f"{name}: {item}" for name, item in value.items())
    return view.text


def _rows(value: object) -> tuple[tuple[str, ...], ...]:
    held = value if isinstance(value, tuple) else ()
    rows = [tuple(str(row.get(column, "")) for column in _COLUMNS) for row in held]
    return (*rows, *[("",) * len(_COLUMNS)] * SPARE_ROWS)
