"""Keys in files that say more than the keys: tables and JSON of ours, one-api, new-api and gpt-load. Pure.

one-api and new-api keep keys in channels: `type` 24 is Gemini (41 is Vertex AI), `status` 1 is enabled, and
the `key` of a channel may hold several, a line each or as a JSON list. gpt-load's own export is plain text;
its API says `key_value` and `status`.
Sources: the channel models of songquanpeng/one-api and QuantumNous/new-api, tbphp/gpt-load's key handlers.
"""

import contextlib
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.control.key_edits import (
    HIGHEST_WEIGHT,
    MAX_NOTE_CHARS,
    MAX_PROJECT_CHARS,
    MAX_TAG_CHARS,
    MOST_TAGS,
    NewKeys,
)
from gateway.pool.key import GEMINI, VERTEX

_SECRET = ("secret", "key", "api_key", "apikey", "key_value", "keys")
_CHANNELS = {"24": GEMINI, "41": VERTEX}
_PROVIDERS = {"gemini": GEMINI, "google": GEMINI, "vertex": VERTEX, "vertexai": VERTEX}
_NESTED = ("data", "items", "channels", "keys", "rows", "list")
_ENABLED = frozenset(("1", "true", "active", "enabled", "valid", "yes", "ok"))
_MARKS = "=+-@"
"""How a cell begins that a spreadsheet would run: an export puts a quote before it."""
_DEEPEST = 4
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a file holds.

    groups   keys and what they have in common
    others   rows that are of another provider
    """

    groups: tuple[tuple[NewKeys, tuple[str, ...]], ...] = field(repr=False)
    others: int = 0


def read_key_file(text: str, given: NewKeys) -> KeyFile | None:
    """Read a table or JSON; None for a text that is neither.

    given   what the keys have in common unless their rows say otherwise; its tags come in addition
    """
    rows = _json_rows(text)
    if rows is None:
        rows = _csv_rows(text)
    return None if rows is None else read_key_rows(rows, given)


def read_key_rows(rows: Iterable[Row], given: NewKeys) -> KeyFile:
    """The same of rows that a database gave."""
    groups: dict[NewKeys, dict[str, None]] = {}
    others = 0
    for row in rows:
        plain = {str(name).strip().lower(): value for name, value in row.items()}
        secrets = list(_secrets(plain))
        provider = _provider(plain, given.provider)
        if provider is None or (provider == VERTEX and "type" in plain and not _is_express(secrets)):
            others += 1
            continue
        groups.setdefault(_about(plain, provider, given), {}).update(dict.fromkeys(secrets))
    return KeyFile(tuple((new, tuple(secrets)) for new, secrets in groups.items() if secrets), others)


def _is_express(secrets: Sequence[str]) -> bool:
    """Whether a Vertex channel holds keys and not the account of a service."""
    return bool(secrets) and all(secret.startswith("AQ.") for secret in secrets)


def _secrets(row: Row) -> Iterator[str]:
    value = next((row[name] for name in _SECRET if row.get(name)), None)
    if isinstance(value, str) and value.lstrip().startswith("["):
        with contextlib.suppress(orjson.JSONDecodeError):
            value = orjson.loads(value)
    items = value if isinstance(value, list) else str(value or "").replace(",", "\n").splitlines()
    for item in items:
        if isinstance(item, str) and (bare := _cell(item)):
            yield bare


def _provider(row: Row, usual: str) -> str | None:
    """Whose keys a row holds; None for another one's."""
    named = row.get("type", row.get("channel_type", row.get("provider")))
    if named in (None, ""):
        return usual
    word = str(named).strip().lower()
    return _CHANNELS.get(word) or _PROVIDERS.get(word)


def _about(row: Row, provider: str, given: NewKeys) -> NewKeys:
    note = _cell(str(row.get("note") or row.get("remark") or row.get("name") or ""))
    project = _cell(str(row.get("project") or ""))
    weight = str(row.get("weight") or "")
    standing = row.get("enabled", row.get("status"))
    return NewKeys(
        provider=provider,
        note=given.note or note[:MAX_NOTE_CHARS],
        tags=tuple(dict.fromkeys((*given.tags, *_tags(row))))[:MOST_TAGS],
        project=given.project or (project if len(project) <= MAX_PROJECT_CHARS else ""),
        weight=min(int(weight), HIGHEST_WEIGHT) if weight.isdigit() and int(weight) else given.weight,
        enabled=given.enabled and (standing in (None, "") or str(standing).strip().lower() in _ENABLED),
    )


def _tags(row: Row) -> Iterator[str]:
    for name in ("tags", "tag", "group"):
        value = row.get(name)
        items = value if isinstance(value, list) else str(value or "").replace(",", " ").split()
        for item in items:
            tag = str(item).strip()
            if 0 < len(tag) <= MAX_TAG_CHARS and tag.isprintable() and tag != "default":
                yield tag


def _cell(text: str) -> str:
    bare = text.strip()
    return bare[1:] if bare[:1] == "'" and bare[1:2] in tuple(_MARKS) else bare


def _json_rows(text: str) -> list[Row] | None:
    bare = text.strip()
    if bare[:1] not in ("[", "{"):
        return None
    try:
        return _rows_in(orjson.loads(bare), _DEEPEST)
    except orjson.JSONDecodeError:
        pass
    try:
        return _rows_in([orjson.loads(line) for line in bare.splitlines() if line.strip()], _DEEPEST)
    except orjson.JSONDecodeError:
        return None


def _rows_in(value: object, depth: int) -> list[Row] | None:
    """The rows of a document: a list of objects, wherever it is; a list of texts is a row each."""
    if depth == 0:
        return None
    if isinstance(value, list):
        rows: list[Row] = [each if isinstance(each, dict) else {"key": each} for each in value]
        return rows or None
    if not isinstance(value, dict):
        return None
    for name in _NESTED:
        if isinstance(value.get(name), list | dict) and (nested := _rows_in(value[name], depth - 1)):
            return nested
    return [value] if any(name in value for name in _SECRET) else None


def _csv_rows(text: str) -> list[Row] | None:
    head = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    names = [name.strip().strip('"').lower() for name in head.split(delimiter)]
    if len(names) < 2 or not any(name in names for name in _SECRET):
        return None
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter, restkey="_more"))
