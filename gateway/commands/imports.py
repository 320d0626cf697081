"""`import`: what another program has, taken over; says what came, what stayed behind and why."""

import argparse
import time
import zoneinfo
from datetime import UTC, tzinfo
from types import MappingProxyType

from gateway.building import Opened, database_config
from gateway.commands.keys import add_table, import_keys
from gateway.commands.old_places import PASSWORD_NAME, OldPlace, opened, read_database, read_place
from gateway.commands.options import Commands, add_env_file, quiet_sources
from gateway.commands.stores import ME, on_opened, on_store
from gateway.commands.terminal import Progress, answer
from gateway.control.following import Telling
from gateway.control.key_edits import NewKeys
from gateway.control.key_files import read_key_rows
from gateway.control.moving_in import Found, Moved, find, take_in
from gateway.control.old_logs import MOST_DAYS, OldLogs, Read, Taken
from gateway.control.old_settings import KEY_LISTS, OldValues, read_old
from gateway.errors import StartupError
from gateway.pool.key import VERTEX
from gateway.settings.sources import Sources
from gateway.store.foreign import open_foreign
from gateway.store.gemini_balance import GeminiBalance

_TELL_S = 0.5
_A_FILE = "a file it has exported (text, CSV or JSON)"
_A_DATABASE = f"its SQLite database, mysql://USER@HOST:3306/DATABASE, or {_A_FILE}"
_KEEPERS = MappingProxyType({"one-api": _A_DATABASE, "new-api": _A_DATABASE, "gpt-load": _A_FILE})
_CHANNEL = ("type", "key", "status", "name", "group", "tag", "weight", "remark")
_NOTHING_HERE = (
    "There is no table of gemini-balance in {place}. Say --from FILE for its SQLite file or .env, or "
    "--from mysql://USER@HOST/DATABASE."
)


def add_to(commands: Commands) -> None:
    """The words on the command line."""
    into = commands.add_parser(
        "import",
        help="take over what another program has",
        description="Take over what another program has. Can be run again: what is here already stays.",
    )
    kinds = into.add_subparsers(dest="kind", required=True)
    old = kinds.add_parser(
        "gemini-balance",
        help="keys, tokens, settings, files and logs of a gemini-balance",
        description="Take over the keys, tokens, settings, files and logs of a gemini-balance. Its tables "
        "are only read. Can be run again: nothing comes twice, and what was changed here stays.",
    )
    old.add_argument(
        "--from",
        dest="place",
        metavar="WHERE",
        help="its SQLite file, its .env, or mysql://USER@HOST:3306/DATABASE (password from the environment's "
        f"{PASSWORD_NAME}, or asked for); default: the database of this gateway's own settings",
    )
    old.add_argument("--without-logs", action="store_true", help="leave its request and error logs")
    old.add_argument(
        "--logs-days",
        type=_days,
        default=MOST_DAYS,
        metavar="N",
        help=f"logs of the last N days ({MOST_DAYS})",
    )
    old.add_argument(
        "--time-zone",
        type=_zone,
        metavar="ZONE",
        help="zone of its clock, such as Asia/Shanghai (default: TZ or TIMEZONE as set here, else UTC)",
    )
    old.add_argument("--dry-run", action="store_true", help="say what is there and change nothing")
    add_env_file(old)
    old.set_defaults(run=_gemini_balance)
    for name, where in _KEEPERS.items():
        keeper = kinds.add_parser(
            name,
            help=f"Gemini keys of {name}",
            description=f"Take over the Gemini keys of {name}, with their names, groups and whether they are "
            "enabled. Keys of other providers are left.",
        )
        keeper.add_argument("place", metavar="WHERE", help=where)
        add_env_file(keeper)
        keeper.set_defaults(run=_keys_of_another)


def _days(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_DAYS}")
    return int(text)


def _zone(text: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError("must be a time zone such as Asia/Shanghai or UTC") from None


def _gemini_balance(arguments: argparse.Namespace) -> int:
    sources = quiet_sources(arguments)
    wish = _Wish(arguments, sources)
    place = None if arguments.place is None else read_place(arguments.place)
    if arguments.dry_run:
        return _look(place or OldPlace(database_config(sources.boot)), wish)
    if place is None:
        return on_opened(sources, lambda gateway: _from_here(gateway, wish))
    return on_opened(sources, lambda gateway: _from_there(gateway, place, wish))


def _keys_of_another(arguments: argparse.Namespace) -> int:
    sources = quiet_sources(arguments)
    config = read_database(arguments.place)
    if config is None:
        return import_keys(sources, arguments.place, NewKeys())
    with open_foreign(config) as foreign:
        rows = foreign.table("channels", _CHANNEL)
        if rows is None:
            raise StartupError(f"There is no table of channels in {foreign.place}.")
    table = read_key_rows(rows, NewKeys())
    return on_store(sources, lambda store: add_table(store, table))


class _Wish:
    """What was asked for on the command line."""

    def __init__(self, arguments: argparse.Namespace, sources: Sources) -> None:
        self.with_logs: bool = not arguments.without_logs
        self.days: int = arguments.logs_days
        self.zone: tzinfo = arguments.time_zone or _own_zone(sources)


def _own_zone(sources: Sources) -> tzinfo:
    name = sources.live.get("TIMEZONE")
    return zoneinfo.ZoneInfo(str(name)) if name else UTC


async def _from_here(gateway: Opened, wish: _Wish) -> int:
    store = gateway.store
    old = store.gemini_balance
    if not await store.read(old.is_there):
        raise StartupError(_NOTHING_HERE.format(place=store.place))
    moved = gateway.configuration.moved  # by this very start, if it was the first
    if moved is None:
        moved = await _take_in(gateway, await store.read(lambda: find(old)))
    _report(moved)
    if wish.with_logs:
        await _logs(gateway, store.read, old, wish)
    return 0


async def _from_there(gateway: Opened, place: OldPlace, wish: _Wish) -> int:
    with opened(place) as foreign:
        if foreign is None:
            _report(await _take_in(gateway, Found(read_old(place.settings))))
            return 0
        old = foreign.gemini_balance
        found = await foreign.read(lambda: _found(place, old))
        _report(await _take_in(gateway, found))
        if wish.with_logs:
            await _logs(gateway, foreign.read, old, wish)
    return 0


def _found(place: OldPlace, old: GeminiBalance) -> Found:
    return Found(read_old([*place.settings, *old.settings()]), tuple(old.files()))


async def _take_in(gateway: Opened, found: Found) -> Moved:
    store = gateway.store
    moved = await store.write(lambda: take_in(store, found, ME))
    telling = Telling(store)
    await telling.keys_changed(moved.key_ids)
    await telling.tokens_changed()
    await telling.settings_changed(moved.settings)
    return moved


async def _logs(gateway: Opened, read: Read, old: GeminiBalance, wish: _Wish) -> None:
    logs = OldLogs(
        gateway.store,
        read,
        old,
        settings=gateway.configuration.settings,
        zone=wish.zone,
        days=wish.days,
    )
    total = await logs.look()
    progress = Progress("Rows of the logs")
    taken, told_s = Taken(), 0.0
    while (step := await logs.step()) is not None:
        taken = taken.plus(step)
        if time.monotonic() - told_s > _TELL_S:
            told_s = time.monotonic()
            progress.tell(total - logs.waiting, total)
    progress.end()
    answer(f"Logs: {taken.rows - taken.left:,} rows came.")
    if taken.left:
        answer(f"  left: {taken.left:,} rows without a time, or with one yet to come: is --time-zone right?")


def _report(moved: Moved) -> None:
    for name, provider in KEY_LISTS.items():
        came = moved.keys[provider]
        if provider != VERTEX or came.new or came.known:
            answer(f"{name}: {came.new:,} came, {came.known:,} were here already.")
    answer(f"ALLOWED_TOKENS: {moved.tokens.new:,} came, {moved.tokens.known:,} were here already.")
    answer(f"Settings: {len(moved.settings)} came{_listed(moved.settings)}.")
    if moved.files:
        answer(f"Files at Google: {moved.files:,} came.")
    for left in moved.left:
        answer(f"  left: {left.name} {left.why}.")


def _listed(names: tuple[str, ...]) -> str:
    return f" ({', '.join(names)})" if names else ""


def _look(place: OldPlace, wish: _Wish) -> int:
    """Say what an import would find."""
    with opened(place) as foreign:
        if foreign is None:
            _say_found(read_old(place.settings))
            return 0
        old = foreign.gemini_balance
        _say_found(_found(place, old).values)
        if wish.with_logs:
            answer(f"Logs: at most {old.last_id('t_request_log') + old.last_id('t_error_logs'):,} rows.")
    return 0


def _say_found(values: OldValues) -> None:
    for name, provider in KEY_LISTS.items():
        if provider != VERTEX or values.keys[provider]:
            answer(f"{name}: {len(values.keys[provider]):,}.")
    answer(f"ALLOWED_TOKENS: {len(values.tokens):,}.")
    answer(f"Settings: {len(values.settings)}{_listed(tuple(values.settings))}.")
    for left in values.left:
        answer(f"  would be left: {left.name} {left.why}.")
    answer("Nothing was changed.")
