"""`keys`: in from a file of any kind, out in the clear."""

import argparse
from collections.abc import Callable
from functools import partial

from gateway.commands.options import Commands, add_env_file, quiet_sources
from gateway.commands.stores import ME, idle_pool, key_desk, on_store
from gateway.commands.terminal import STANDARD, as_text, read_bytes, say, written
from gateway.control.key_edits import NewKeys
from gateway.control.key_list import KeyList
from gateway.control.key_views import PROVIDERS, KeyFilter
from gateway.control.results import Refused
from gateway.errors import StartupError
from gateway.settings.sources import Sources
from gateway.store.store import Store

_PART = 500


def add_to(commands: Commands) -> None:
    """The words on the command line."""
    keys = commands.add_parser("keys", help="bring keys in from a file, or write them out")
    actions = keys.add_subparsers(dest="action", required=True)
    into = actions.add_parser("import", help="add every key found in a file of any kind")
    into.add_argument("file", help=f"the file; {STANDARD} is standard input")
    into.add_argument("--tag", action="append", default=[], help="a tag for each key; may be given often")
    into.add_argument("--note", default="", help="a note for each key")
    out = actions.add_parser("export", help="write every key in the clear, one a line")
    out.add_argument("file", nargs="?", default=STANDARD, help=f"the file; {STANDARD} is standard output")
    for command in (into, out):
        command.add_argument("--provider", choices=PROVIDERS, default="gemini", help="whose keys (gemini)")
        add_env_file(command)
    into.set_defaults(run=_import)
    out.set_defaults(run=lambda given: export_keys(quiet_sources(given), given.file, provider=given.provider))


def _import(arguments: argparse.Namespace) -> int:
    new = NewKeys(provider=arguments.provider, tags=tuple(arguments.tag), note=arguments.note)
    return import_keys(quiet_sources(arguments), arguments.file, new)


def import_keys(sources: Sources, file: str, new: NewKeys) -> int:
    """Add the keys of a file; says what became of them."""
    text = as_text(read_bytes(file))

    async def add(store: Store) -> int:
        result = await key_desk(store).add(text, new, ME, origin="import")
        if isinstance(result, Refused):
            raise StartupError(result.message)
        say(f"{len(result.ids)} keys were added, {result.known} were there already.")
        if result.repeated:
            say(f"{result.repeated} stood in the file more than once.")
        for each in result.malformed:
            say(f"Line {each.line}: {each.shown} looks like a key and is none; it was left out.")
        return 0

    return on_store(sources, add)


def export_keys(sources: Sources, file: str, *, provider: str) -> int:
    """Write every key in the clear, one a line."""
    with written(file) as target:
        count = on_store(sources, lambda store: _write_keys(store, provider, target.write))
    say(f"{count} keys were written.")
    return 0


async def _write_keys(store: Store, provider: str, write: Callable[[str], object]) -> int:
    ids = await KeyList(store, idle_pool()).ids(KeyFilter(provider=provider))
    for start in range(0, len(ids), _PART):
        rows = await store.read(partial(store.keys.named, ids[start : start + _PART]))
        for row in rows:
            write(f"{row.secret}\n")
    await key_desk(store).note_export(len(ids), ME)
    return len(ids)
