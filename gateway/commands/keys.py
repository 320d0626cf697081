"""`keys`: in from a file of any kind, out in the clear, and checked (checking.py)."""

import argparse
from collections.abc import Callable
from functools import partial

from gateway.commands import checking
from gateway.commands.options import Commands, add_env_file, quiet_sources
from gateway.commands.stores import ME, idle_pool, key_desk, on_store
from gateway.commands.terminal import STANDARD, as_text, read_bytes, say, written
from gateway.control.key_edits import NewKeys
from gateway.control.key_files import KeyFile, read_key_file
from gateway.control.key_list import KeyList
from gateway.control.key_views import PROVIDERS, KeyFilter
from gateway.control.keys import Added
from gateway.control.results import Refused
from gateway.errors import StartupError
from gateway.settings.sources import Sources
from gateway.store.store import Store

_PART = 500


def add_to(commands: Commands) -> None:
    """The words on the command line."""
    keys = commands.add_parser("keys", help="bring keys in from a file, write them out, check them")
    actions = keys.add_subparsers(dest="action", required=True)
    into = actions.add_parser(
        "import",
        help="add every key found in a file of any kind",
        description="Add every key found in a file: plain text of any kind, CSV, JSON or JSON lines, also of "
        "one-api, new-api and gpt-load. Rows of a table may say provider, note, tags, weight, project and "
        "whether a key is enabled; those of other providers are left. Keys that are here already stay so.",
    )
    into.add_argument("file", help=f"the file; {STANDARD} is standard input")
    into.add_argument("--tag", action="append", default=[], help="a tag for each key; may be given often")
    into.add_argument("--note", default="", help="a note for each key")
    out = actions.add_parser(
        "export",
        help="write every key in the clear, one a line",
        description="Write every key in the clear, one a line, to a file for its owner alone. `export` "
        "writes what is known of them, too.",
    )
    out.add_argument("file", nargs="?", default=STANDARD, help=f"the file; {STANDARD} is standard output")
    check = actions.add_parser(
        "check",
        help="ask the upstream whether keys work",
        description="Ask the upstream whether keys work, eight at a time, at no cost unless told otherwise. "
        "Every gateway on the database knows the result at once. Ends with 1 when a key does not work.",
    )
    checking.add_options(check)
    for command in (into, out):
        command.add_argument("--provider", choices=PROVIDERS, default="gemini", help="whose keys (gemini)")
    for command in (into, out, check):
        add_env_file(command)
    into.set_defaults(run=_import)
    out.set_defaults(run=lambda given: export_keys(quiet_sources(given), given.file, provider=given.provider))


def _import(arguments: argparse.Namespace) -> int:
    new = NewKeys(provider=arguments.provider, tags=tuple(arguments.tag), note=arguments.note)
    return import_keys(quiet_sources(arguments), arguments.file, new)


def import_keys(sources: Sources, file: str, new: NewKeys) -> int:
    """Add the keys of a file; says what became of them."""
    text = as_text(read_bytes(file))
    table = read_key_file(text, new)
    return on_store(
        sources, lambda store: _add(store, text, new) if table is None else add_table(store, table)
    )


async def _add(store: Store, text: str, new: NewKeys) -> int:
    result = _granted(await key_desk(store).add(text, new, ME, origin="import"))
    say(f"{len(result.ids)} keys were added, {result.known} were there already.")
    if result.repeated:
        say(f"{result.repeated} stood in the file more than once.")
    for each in result.malformed:
        say(f"Line {each.line}: {each.shown} looks like a key and is none; it was left out.")
    return 0


async def add_table(store: Store, table: KeyFile) -> int:
    """Add the keys of a table, each with what its row says; says what became of them."""
    if not table.groups:
        raise StartupError("There is no key of Gemini's in this file.")
    desk, added, known = key_desk(store), 0, 0
    for new, secrets in table.groups:
        result = _granted(await desk.add("\n".join(secrets), new, ME, origin="import"))
        added, known = added + len(result.ids), known + result.known
        for each in result.malformed:
            say(f"{each.shown} looks like a key and is none; it was left out.")
    say(f"{added} keys were added, {known} were there already.")
    if table.others:
        say(f"{table.others} rows were of other providers and were left out.")
    return 0


def _granted(result: Added | Refused) -> Added:
    if isinstance(result, Refused):
        raise StartupError(result.message)
    return result


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
