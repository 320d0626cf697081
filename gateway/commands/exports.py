"""`export`: keys, tokens, settings and calls as files for their owner alone, written part by part."""

import argparse
import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

import orjson

from gateway.building import Opened
from gateway.commands.options import Commands, add_env_file, quiet_sources
from gateway.commands.stores import ME, on_opened
from gateway.commands.terminal import Progress, answer, open_private
from gateway.control.setting_desk import env_line
from gateway.control.trail import Trail
from gateway.errors import StartupError
from gateway.settings.catalogue import DESCRIPTIONS, text_of
from gateway.settings.model import LiveSettings
from gateway.settings.resolution import Origin
from gateway.store.call_query import CallQuery
from gateway.store.records import CallRecord, KeyRow, StoredCall, TokenRow
from gateway.store.store import Store

KEYS, TOKENS, SETTINGS, CALLS = "keys.jsonl", "tokens.jsonl", "settings.env", "calls.jsonl"
_CALLS_A_PART = 200
_KEY = "secret provider enabled dead_reason project weight tags note created_at_ms".split()
_TOKEN = "secret name enabled requests_per_minute tokens_per_day models expires_at_ms created_at_ms".split()
_BODIES = frozenset(("attempts", "error_body", "request_body"))
_CALL = [name for name in CallRecord.__slots__ if name not in _BODIES]
Open = Callable[[str], AbstractContextManager[TextIO]]
"""Opens one of the files by its name, to be written."""


def add_to(commands: Commands) -> None:
    """The words on the command line."""
    out = commands.add_parser(
        "export",
        help="write keys, tokens, settings and calls to files",
        description=f"Write what is worth taking along: {KEYS}, {TOKENS}, {SETTINGS} (a .env file) and "
        f"{CALLS}, newest first. They hold secrets in the clear and are for their owner alone.",
    )
    out.add_argument("place", type=Path, metavar="PLACE", help="a folder, or a file that ends with .zip")
    out.add_argument("--without-calls", action="store_true", help="leave the log of calls")
    add_env_file(out)
    out.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    place: Path = arguments.place
    opening = _zip if place.suffix == ".zip" else _folder
    sources = quiet_sources(arguments)
    try:
        with opening(place) as files:
            return on_opened(
                sources, lambda opened: _write(opened, files, with_calls=not arguments.without_calls)
            )
    except OSError as error:
        raise StartupError(f"{place} cannot be written: {error.strerror}.") from None


@contextmanager
def _folder(place: Path) -> Iterator[Open]:
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    yield lambda name: open_private(place / name)


@contextmanager
def _zip(place: Path) -> Iterator[Open]:
    number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(number, 0o600)
    with os.fdopen(number, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        yield lambda name: io.TextIOWrapper(archive.open(name, "w", force_zip64=True), encoding="utf-8")


async def _write(opened: Opened, files: Open, *, with_calls: bool) -> int:
    store = opened.store
    keys = await store.read(store.keys.everything)
    tokens = await store.read(store.tokens.everything)
    counts: dict[str, object] = {
        KEYS: _write_lines(files, KEYS, map(_key, keys)),
        TOKENS: _write_lines(files, TOKENS, map(_token, tokens)),
        SETTINGS: _write_settings(opened, files),
    }
    if with_calls:
        counts[CALLS] = await _write_calls(store, files)
    await store.write(lambda: Trail(store).note(ME, "exported", "everything", counts))
    for name, count in counts.items():
        answer(f"{name}: {count:,}")
    return 0


def _write_lines(files: Open, name: str, values: Iterable[object]) -> int:
    count = 0
    with files(name) as target:
        for value in values:
            target.write(orjson.dumps(value).decode() + "\n")
            count += 1
    return count


def _key(row: KeyRow) -> object:
    return {name: getattr(row, name) for name in _KEY}


def _token(row: TokenRow) -> object:
    return {name: getattr(row, name) for name in _TOKEN}


def _write_settings(opened: Opened, files: Open) -> int:
    """What was set, as it holds."""
    configuration = opened.configuration
    lines = [
        env_line(each.name, text_of(getattr(configuration.settings, each.attribute)))
        for each in DESCRIPTIONS
        if each.model is LiveSettings and configuration.origins[each.name] is not Origin.DEFAULT
    ]
    with files(SETTINGS) as target:
        target.writelines(lines)
    return len(lines)


async def _write_calls(store: Store, files: Open) -> int:
    """The log, newest first; nothing of it is held but a part."""
    before_id: int | None = None
    count, total = 0, await store.read(store.calls.count)
    progress = Progress("Calls")
    with files(CALLS) as target:
        while ids := await store.read(
            partial(store.call_search.ids, CallQuery(), _CALLS_A_PART, before_id=before_id)
        ):
            for stored in await store.read(partial(store.calls.named, ids, bodies=True)):
                target.write(orjson.dumps(_call(stored)).decode() + "\n")
            before_id = ids[-1]
            count += len(ids)
            progress.tell(count, total)
    progress.end()
    return count


def _call(stored: StoredCall) -> object:
    call = stored.call
    return {
        "id": str(stored.id),
        **{name: getattr(call, name) for name in _CALL},
        "attempts": call.attempts,
        "error": _text(call.error_body),
        "request": _text(call.request_body),
    }


def _text(body: bytes | None) -> str | None:
    return None if body is None else body.decode("utf-8", "replace")
