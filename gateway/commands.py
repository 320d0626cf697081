"""Commands beside serving: keys in and out of the database, whether a gateway runs on it or not.

What runs hears of changes within about a second, as of any other process's.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeVar

from gateway.building import open_store
from gateway.control.following import Telling
from gateway.control.key_edits import NewKeys
from gateway.control.key_list import KeyList
from gateway.control.key_views import KeyFilter
from gateway.control.keys import KeyDesk
from gateway.control.results import Actor, Refused
from gateway.control.trail import Trail
from gateway.errors import StartupError
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.settings.sources import Sources
from gateway.store.store import Store

T = TypeVar("T")
_ME = Actor("command line")
_PART = 500
STANDARD = "-"
"""The name of standard input and output."""


def import_keys(sources: Sources, file: str, new: NewKeys) -> int:
    """Add the keys of a file; says what became of them."""
    text = _read(file)

    async def add(store: Store) -> int:
        result = await _desk(store).add(text, new, _ME, origin="import")
        if isinstance(result, Refused):
            raise StartupError(result.message)
        _say(f"{len(result.ids)} keys were added, {result.known} were there already.")
        if result.repeated:
            _say(f"{result.repeated} stood in the file more than once.")
        for each in result.malformed:
            _say(f"Line {each.line}: {each.shown} looks like a key and is none; it was left out.")
        return 0

    return _on(sources, add)


def export_keys(sources: Sources, file: str, *, provider: str) -> int:
    """Write every key in the clear, one a line."""
    try:
        with _target(file) as target:
            count = _on(sources, lambda store: _write_keys(store, provider, target.write))
    except OSError as error:
        raise StartupError(f"{file} cannot be written: {error.strerror}.") from None
    _say(f"{count} keys were written.")
    return 0


@contextmanager
def _target(file: str) -> Iterator[TextIO]:
    if file == STANDARD:
        yield sys.stdout
        return
    # For its owner alone: it holds secrets.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
        yield target


async def _write_keys(store: Store, provider: str, write: Callable[[str], object]) -> int:
    ids = await KeyList(store, Pool(PoolLimits(), _no_jitter)).ids(KeyFilter(provider=provider))
    for start in range(0, len(ids), _PART):
        rows = await store.read(partial(store.keys.named, ids[start : start + _PART]))
        for row in rows:
            write(f"{row.secret}\n")
    await _desk(store).note_export(len(ids), _ME)
    return len(ids)


def _desk(store: Store) -> KeyDesk:
    """The desk of a program that lends no keys itself."""
    return KeyDesk(
        store,
        Pool(PoolLimits(), _no_jitter),
        following=Telling(store),
        told=lambda _: None,
        trail=Trail(store),
        wall_s=time.time,
    )


def _on(sources: Sources, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    store = open_store(sources).store
    try:
        return asyncio.run(work(store))
    finally:
        store.close()


def _read(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == STANDARD else Path(file).read_bytes()
    except OSError as error:
        raise StartupError(f"{file} cannot be read: {error.strerror}.") from None
    for encoding in ("utf-8-sig", "utf-16"):
        with suppress(UnicodeError):
            return raw.decode(encoding)
    return raw.decode("latin-1")


def _no_jitter() -> float:
    return 0.0


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - the operator's terminal; standard output is for keys
