"""Changing settings: listing them with where they come from, editing, resetting, taking them elsewhere.

A change is checked whole before anything happens; it acts at once here and soon elsewhere (following.py), and
holds until the environment's own value changes (gateway/settings/resolution.py).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from gateway.control.configuration import stored_settings
from gateway.control.following import Following
from gateway.control.results import Actor, FieldError, Refused
from gateway.control.setting_trail import HIDDEN, told_change
from gateway.control.trail import Trail
from gateway.settings.catalogue import BY_NAME, DESCRIPTIONS, Kind, SettingDescription, text_of
from gateway.settings.env_file import parse_env_file
from gateway.settings.fingerprints import canonical, fingerprint
from gateway.settings.live import LiveHolder
from gateway.settings.loose import parse
from gateway.settings.model import LiveSettings
from gateway.settings.resolution import Origin, fresh_salt, resolve
from gateway.settings.sources import check_value
from gateway.settings.unusable import Unusable
from gateway.store.records import SettingValue
from gateway.store.store import Store

ADMIN_TOKEN = "AUTH_TOKEN"  # noqa: S105 - a name
SHORTEST_ADMIN_TOKEN = 6
_QUOTED = re.compile(r"[\s#\"'`\\${]|^$")


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting.

    value       as it holds now; of a secret one only with `with_secrets`
    text        the same as a person would write it
    is_set      differs from the default, or was set on purpose
    origin      whose the value is
    restart     counts from the next start and is set in the environment only
    """

    description: SettingDescription
    origin: Origin
    value: object = field(repr=False)
    text: str = field(repr=False)
    updated_at_ms: int = 0

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def is_set(self) -> bool:
        return self.origin is not Origin.DEFAULT

    @property
    def restart(self) -> bool:
        return self.description.restart


class SettingDesk:
    """Reads and changes settings. Raises StoreError when the database is away or refuses.

    environment   what the environment of this process sets, for going back to it
    """

    def __init__(
        self,
        store: Store,
        live: LiveHolder,
        *,
        environment: Mapping[str, object],
        following: Following,
        trail: Trail,
    ) -> None:
        self._store = store
        self._live = live
        self._environment = environment
        self._following = following
        self._trail = trail

    # Reading

    async def all(self, *, with_secrets: bool = False) -> list[SettingView]:
        """Every setting that can be changed here, in the order of the documents."""
        rows = await self._store.read(self._store.settings.all)
        origins = resolve({}, stored_settings(rows)).origins
        return [
            self._view(each, origins[each.name], rows.get(each.name), with_secrets=with_secrets)
            for each in _live_descriptions()
        ]

    async def export(self, *, as_json: bool = False, with_secrets: bool = True) -> str:
        """What was set, as a `.env` file or as JSON, to be imported elsewhere."""
        views = [
            view
            for view in await self.all(with_secrets=with_secrets)
            if view.is_set and (with_secrets or not view.description.about.secret)
        ]
        if as_json:
            values = {view.name: orjson.Fragment(canonical(view.value)) for view in views}
            return orjson.dumps(values, option=orjson.OPT_INDENT_2).decode() + "\n"
        return "".join(env_line(view.name, view.text) for view in views)

    # Changing

    async def change(self, wanted: Mapping[str, object], actor: Actor) -> tuple[str, ...] | Refused:
        """Change settings, all or none; gives the names of those that are different now.

        wanted   name -> value, or text as it stands in `.env`
        """
        errors: list[FieldError] = []
        values: dict[str, object] = {}
        for name, value in wanted.items():
            try:
                values[name.upper()] = read_value(name.upper(), value)
            except Unusable as error:
                errors.append(FieldError(name, error.phrase.words, error.phrase.values))
        if refused := Refused.of(errors):
            return refused
        current = self._live.current
        changed = {
            name: value
            for name, value in values.items()
            if canonical(value) != canonical(getattr(current, BY_NAME[name].attribute))
        }
        if changed:
            await self._store.write(lambda: self._put(changed, actor))
            await self._following.settings_changed(tuple(changed))
        return tuple(changed)

    async def reset(self, names: Sequence[str], actor: Actor) -> tuple[str, ...] | Refused:
        """Go back to the environment's values, or to the defaults; gives the names that were reset.

        The administrator's token stays when nothing else gives one: nobody is locked out.
        """
        unknown = [FieldError(name, "There is no such setting.") for name in names if not _is_live(name)]
        if refused := Refused.of(unknown):
            return refused
        if ADMIN_TOKEN in names and ADMIN_TOKEN not in self._environment:
            if len(names) == 1:
                return Refused.because(
                    ADMIN_TOKEN, "The environment gives no AUTH_TOKEN to go back to. Set a new one instead."
                )
            names = [name for name in names if name != ADMIN_TOKEN]
        await self._store.write(lambda: self._put_back(names, actor))
        await self._following.settings_changed(tuple(names))
        return tuple(names)

    async def reset_all(self, actor: Actor) -> tuple[str, ...] | Refused:
        """Go back to the environment and the defaults with everything."""
        return await self.reset([each.name for each in _live_descriptions()], actor)

    async def take_in(self, text: str, actor: Actor) -> tuple[str, ...] | Refused:
        """Import a `.env` file or JSON; names that are no setting here are passed over."""
        wanted = read_import(text)
        if isinstance(wanted, Refused):
            return wanted
        return await self.change(wanted, actor)

    def _put(self, changed: Mapping[str, object], actor: Actor) -> None:
        held = self._store.settings.all()
        rows = []
        for name, value in changed.items():
            description = BY_NAME[name]
            known = held.get(name)
            rows.append(
                SettingValue(
                    name=name,
                    value=canonical(value),
                    # Kept: the environment's value is not new because an admin's is.
                    fingerprint=None if known is None else known.fingerprint,
                    origin=Origin.ADMIN.value,
                    secret=description.about.secret,
                )
            )
            old = getattr(self._live.current, description.attribute)
            self._trail.note(actor, "changed", f"setting {name}", told_change(description, old, value))
        self._store.settings.put(rows)

    def _put_back(self, names: Sequence[str], actor: Actor) -> None:
        given = [name for name in names if name in self._environment]
        self._store.settings.remove(name for name in names if name not in self._environment)
        self._store.settings.put(
            SettingValue(
                name=name,
                value=canonical(self._environment[name]),
                fingerprint=fingerprint(BY_NAME[name], self._environment[name], fresh_salt()),
                origin=Origin.ENVIRONMENT.value,
                secret=BY_NAME[name].about.secret,
            )
            for name in given
        )
        subject = f"setting {names[0]}" if len(names) == 1 else "settings"
        self._trail.note(actor, "reset", subject, {"names": list(names)})

    def _view(
        self,
        description: SettingDescription,
        origin: Origin,
        row: SettingValue | None,
        *,
        with_secrets: bool,
    ) -> SettingView:
        value: object = getattr(self._live.current, description.attribute)
        text = text_of(value)
        if description.about.secret and not with_secrets:
            value = text = HIDDEN if text else ""
        return SettingView(description, origin, value, text, 0 if row is None else row.updated_at_ms)


def read_value(name: str, value: object) -> object:
    """A value for a setting, from what a form, the API or a file gives. Raises Unusable."""
    if not _is_live(name):
        known = BY_NAME.get(name)
        if known is None:
            raise Unusable("There is no such setting.")
        if known.restart:
            raise Unusable("counts from the next start: set it in the environment")
        raise Unusable("is kept as rows: add keys and tokens on their own pages")
    description = BY_NAME[name]
    if isinstance(value, str):
        value = _parsed(description, value)
    checked = check_value(description, value)
    if name == ADMIN_TOKEN and len(str(checked)) < SHORTEST_ADMIN_TOKEN:
        raise Unusable("must have at least %(count)s characters", count=SHORTEST_ADMIN_TOKEN)
    return checked


def read_import(text: str) -> Mapping[str, object] | Refused:
    """The settings in a `.env` file or in JSON."""
    if text.lstrip().startswith("{"):
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return Refused.because(
                "text",
                "This is not valid JSON, as line %(line)s, column %(column)s shows.",
                line=error.lineno,
                column=error.colno,
            )
        values: dict[str, object] = {str(name).upper(): value for name, value in found.items()}
    else:
        read = parse_env_file(text.encode("utf-8", "replace"))
        if read.problems:
            return Refused(
                tuple(
                    FieldError("text", "Line %(line)s: %(what)s.", {"line": line, "what": what})
                    for line, what in read.problems
                )
            )
        values = {binding.name.upper(): binding.text for binding in read.bindings}
    wanted = {name: value for name, value in values.items() if _is_live(name)}
    return wanted or Refused.because("text", "There is no setting in this text that can be changed here.")


def _parsed(description: SettingDescription, text: str) -> object:
    """What a text means; an empty one is an empty value where there can be one."""
    if description.about.verbatim:
        return text
    parsed = parse(description, text)
    if parsed is not None:
        return parsed
    empty: Mapping[Kind, object] = {Kind.TEXT: "", Kind.LIST: (), Kind.MAP: {}}
    if description.kind not in empty:
        raise description.unusable()
    return empty[description.kind]


def _live_descriptions() -> list[SettingDescription]:
    return [each for each in DESCRIPTIONS if each.model is LiveSettings]


def _is_live(name: str) -> bool:
    known = BY_NAME.get(name)
    return known is not None and known.model is LiveSettings


def env_line(name: str, text: str) -> str:
    """A line of a `.env` file that gives the text back as it is."""
    return f"{name}={_env_text(text)}\n"


def _env_text(text: str) -> str:
    if not _QUOTED.search(text) or text[:1] in "[{(":
        return text
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
