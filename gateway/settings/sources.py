"""Reads all settings from the command line, the environment and a `.env` file, in this order of weight.

The result is typed and checked; every problem is reported together. What the database adds to it is
resolution.py's business. Called by gateway/__main__.py once at start.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from gateway.errors import SettingsError
from gateway.settings.catalogue import ALIASES, BY_NAME, DESCRIPTIONS, Kind, SettingDescription
from gateway.settings.env_file import EnvFile, parse_env_file
from gateway.settings.loose import parse, unquoted, without_comments
from gateway.settings.model import BootSettings, LiveSettings, RowLists
from gateway.settings.unusable import Unusable
from gateway.settings.weak import looks_copied

_ONE_CASE = re.compile(r"[A-Z][A-Z0-9_]{0,63}|[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Sources:
    """What was set outside the database.

    boot            complete: what was not set has its default
    rows            API_KEYS and ALLOWED_TOKENS; None for one that was not set
    live            only the live settings that were set: name -> value as `LiveSettings` holds it
    unknown_names   names in the `.env` file that are no setting, in the order of the file
    warnings        sentences for the log, without secrets
    """

    boot: BootSettings
    rows: RowLists
    live: Mapping[str, object] = field(repr=False)
    unknown_names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Given:
    """One setting's text and where it was read; `exact` when nothing may be taken off it."""

    text: str = field(repr=False)
    place: str
    exact: bool = False


def read_sources(
    environ: Mapping[str, str],
    env_file: Path | None = None,
    *,
    command_line: Mapping[str, str] = MappingProxyType({}),
) -> Sources:
    """Read every setting that is set. Names count in any case; an empty text means "not set".

    env_file       read when it exists
    command_line   PORT -> text and the like; wins over everything

    Raises SettingsError naming every unusable setting with its place, and every unreadable line of the file.
    """
    problems: list[str] = []
    warnings: list[str] = []
    unknown: list[str] = []
    layers = [_from_mapping(command_line, "command line"), _from_mapping(environ, "environment")]
    if env_file is not None and (read := _file(env_file)) is not None:
        layers.append(_from_file(read, env_file.name, unknown, warnings))
        problems += [f"line {line} of {env_file.name}: {what}" for line, what in read.problems]
    texts = {name: given for layer in reversed(layers) for name, given in layer.items()}
    values = _values(texts, problems, warnings)
    if values.get("DATABASE_TYPE") == "mysql":
        problems += _missing_for_mysql(texts)
    if problems:
        raise SettingsError(_listing(problems))
    return Sources(
        boot=BootSettings.model_validate(_fields_of(BootSettings, values)),
        rows=RowLists.model_validate(_fields_of(RowLists, values)),
        live=MappingProxyType(
            {name: each for name, each in values.items() if BY_NAME[name].model is LiveSettings}
        ),
        unknown_names=tuple(dict.fromkeys(unknown)),
        warnings=tuple(warnings),
    )


def check_value(description: SettingDescription, value: object) -> object:
    """Give a parsed value as its model holds it.

    Raises Unusable.
    """
    try:
        checked = description.model.model_validate({description.attribute: value})
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        cause = first.get("ctx", {}).get("error")
        raise (cause if isinstance(cause, Unusable) else description.unusable()) from None
    return getattr(checked, description.attribute)


def _file(path: Path) -> EnvFile | None:
    try:
        return parse_env_file(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def _setting_name(name: str) -> str | None:
    upper = name.upper()
    return upper if upper in BY_NAME or upper in ALIASES else None


def _from_mapping(texts: Mapping[str, str], place: str) -> dict[str, _Given]:
    """Pick the settings out of an environment. A name in capitals wins over the same in another case."""
    found: dict[str, _Given] = {}
    for name in sorted(texts, reverse=True):  # capitals sort first, so they are read last
        if (setting := _setting_name(name)) is not None and unquoted(texts[name]):
            found[setting] = _Given(texts[name], place)
    return found


def _from_file(read: EnvFile, file_name: str, unknown: list[str], warnings: list[str]) -> dict[str, _Given]:
    """Pick the settings out of a file. The last of several lines with one name counts."""
    found: dict[str, _Given] = {}
    lines: dict[str, int] = {}
    for binding in read.bindings:
        setting = _setting_name(binding.name)
        if setting is None:
            # A line broken out of a list of keys can look like a name: repeat only what is written like one.
            plain = _ONE_CASE.fullmatch(binding.name)
            unknown.append(binding.name if plain else f"(the name on line {binding.line})")
            continue
        if setting in lines:
            warnings.append(
                f"{setting} stands on lines {lines[setting]} and {binding.line} of {file_name}; "
                f"line {binding.line} counts."
            )
        lines[setting] = binding.line
        found.pop(setting, None)
        if unquoted(binding.text):
            found[setting] = _Given(binding.text, f"line {binding.line} of {file_name}", exact=binding.quoted)
    return found


def _values(texts: Mapping[str, _Given], problems: list[str], warnings: list[str]) -> dict[str, object]:
    """Parse and check each text; what cannot be used lands among the problems."""
    values: dict[str, object] = {}
    for description in DESCRIPTIONS:
        for name in (description.name, *description.about.aliases):
            if name not in texts:
                continue
            given = texts[name]
            try:
                value = _value(description, given)
            except Unusable as error:
                line = f"{name} ({given.place}) {error}{_shown(description, given)}"
                if name == description.name:
                    problems.append(line)
                else:
                    warnings.append(f"{line}; it is left out.")
                continue
            if value is not None:
                values[description.name] = value
                warnings += _doubts(description, given, value)
                break
    return values


def _value(description: SettingDescription, given: _Given) -> object | None:
    parsed: object | None
    if description.about.verbatim:
        parsed = given.text if given.exact else unquoted(given.text)
    elif given.exact:
        parsed = parse(description, given.text)
    else:
        parsed = parse(description, without_comments(given.text))
    return None if parsed is None else check_value(description, parsed)


def _shown(description: SettingDescription, given: _Given) -> str:
    """Repeat what was written, for settings where that gives nothing away."""
    text = unquoted(given.text)
    if description.about.secret or len(text) > 60 or not text.isprintable():
        return ""
    return f", got {text}"


def _doubts(description: SettingDescription, given: _Given, value: object) -> Iterator[str]:
    """Say what looks like a mistake in a value that is used all the same."""
    if not description.about.secret or description.kind in (Kind.MAP, Kind.TABLE):
        return
    items: Iterable[object] = value if isinstance(value, tuple) else (value,)
    doubtful = sum(1 for item in items if looks_copied(str(item)))
    if doubtful:
        which = "has a value" if description.kind is not Kind.LIST else f"has {doubtful} of its values"
        yield f"{description.name} ({given.place}) {which} that looks like one copied from a guide."


def _missing_for_mysql(set_names: Container[str]) -> list[str]:
    needed = ["MYSQL_USER", "MYSQL_DATABASE"]
    if "MYSQL_SOCKET" not in set_names:
        needed.insert(0, "MYSQL_HOST")
    return [f"{name} must be set because DATABASE_TYPE is mysql" for name in needed if name not in set_names]


def _fields_of(model: type, values: Mapping[str, object]) -> dict[str, object]:
    return {BY_NAME[name].attribute: value for name, value in values.items() if BY_NAME[name].model is model}


def _listing(problems: list[str]) -> str:
    if len(problems) == 1:
        return f"Settings: {problems[0]}"
    return "\n  ".join([f"{len(problems)} settings cannot be used:", *problems])
