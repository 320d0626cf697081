"""`migrate`, `backup`, `restore`, `rekey`: the database as a whole."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from gateway.building import database_config
from gateway.commands.options import Commands, add_env_file, quiet_sources
from gateway.commands.stores import on_store
from gateway.commands.terminal import answer, say
from gateway.errors import StartupError
from gateway.settings.catalogue import DESCRIPTIONS, SettingDescription
from gateway.settings.model import LiveSettings
from gateway.settings.sources import Sources
from gateway.store.backup import back_up, restore
from gateway.store.rekey import Step
from gateway.store.secrets import Cipher
from gateway.store.store import Store

_WITH_MYSQL = (
    "{place} is {verb} with MySQL's own tools: {tool}. `python -m gateway export` writes keys, tokens, "
    "settings and calls to files from any database."
)


def add_to(commands: Commands) -> None:
    """The words on the command line."""
    migrate = commands.add_parser(
        "migrate",
        help="bring the database's schema up to date and stop",
        description="Bring the database's schema up to date, as every start does, and stop.",
    )
    migrate.set_defaults(run=_migrate)
    backup = commands.add_parser(
        "backup",
        help="copy the SQLite database, also while gateways serve",
        description="Copy the SQLite database as it is at one moment, also while gateways serve. The copy is "
        "checked and is one file for its owner alone: it holds secrets, unless ENCRYPTION_KEY is set.",
    )
    backup.add_argument("file", type=Path, help="the copy; in a folder it gets a name with the time")
    backup.set_defaults(run=_backup)
    back = commands.add_parser(
        "restore",
        help="put a backup in the place of the SQLite database",
        description="Put a backup in the place of the SQLite database. Refused while a gateway runs on it, "
        "and for a backup of a newer version. What was there is kept beside it, as NAME.before-restore.",
    )
    back.add_argument("file", type=Path, help="the backup")
    back.set_defaults(run=_restore)
    rekey = commands.add_parser(
        "rekey",
        help="encrypt stored secrets anew with the first ENCRYPTION_KEY",
        description="Encrypt stored secrets anew with the first key of ENCRYPTION_KEY, also while gateways "
        "serve. To turn encryption on: set ENCRYPTION_KEY, restart, rekey. To change the key: "
        "ENCRYPTION_KEY=NEW,OLD, restart, rekey, take OLD out. To turn it off: rekey --off, take it "
        "out, restart.",
    )
    rekey.add_argument("--off", action="store_true", help="store them in the clear")
    rekey.set_defaults(run=_rekey)
    for command in (migrate, backup, back, rekey):
        add_env_file(command)


def _migrate(arguments: argparse.Namespace) -> int:
    async def nothing_more(store: Store) -> None:
        answer(f"The schema of {store.place} is up to date.")

    on_store(quiet_sources(arguments), nothing_more)
    return 0


def _backup(arguments: argparse.Namespace) -> int:
    sources = quiet_sources(arguments)
    path = _sqlite_path(sources, "backed up", "mysqldump --single-transaction")
    target: Path = arguments.file
    if target.is_dir():
        target /= f"{path.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"
    size = back_up(path, target)
    answer(f"{target} holds {path} ({size:,} bytes).")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    path = _sqlite_path(quiet_sources(arguments), "restored", "mysql < FILE")
    backup: Path = arguments.file
    if not backup.is_file():
        raise StartupError(f"There is no file {backup}.")
    kept = restore(backup, path)
    answer(f"{path} is what {backup} was. The next start brings it up to date.")
    if kept is not None:
        answer(f"What was there before is {kept}.")
    return 0


def _sqlite_path(sources: Sources, verb: str, tool: str) -> Path:
    config = database_config(sources.boot)
    if config.path is None:
        place = config.place[0].upper() + config.place[1:]
        raise StartupError(_WITH_MYSQL.format(place=place, verb=verb, tool=tool))
    return config.path


def _is_stored_secret(description: SettingDescription) -> bool:
    return description.about.secret and description.model is LiveSettings


def _rekey(arguments: argparse.Namespace) -> int:
    sources = quiet_sources(arguments)
    keys = sources.boot.encryption_key
    if not keys:
        raise StartupError(
            "ENCRYPTION_KEY is not set: there is no key to encrypt or decrypt with. "
            "`openssl rand -base64 32 | tr '+/' '-_'` makes one."
        )
    seals = Cipher(() if arguments.off else keys)

    async def anew(store: Store) -> int:
        names = frozenset(each.name for each in DESCRIPTIONS if _is_stored_secret(each))
        rekeying = store.rekeying(seals, names)
        step: Step | None = Step()
        total = 0
        while step is not None:
            step, changed = await store.write(lambda at=step: rekeying.step(at))  # type: ignore[misc]
            total += changed
        return total

    count = on_store(sources, anew)
    if arguments.off:
        answer(f"{count:,} secrets were decrypted. Take ENCRYPTION_KEY out and restart, for new ones too.")
    else:
        answer(f"{count:,} secrets were encrypted anew with the first key.")
    if len(keys) > 1 and not arguments.off:
        say("The other keys of ENCRYPTION_KEY are needed only for older backups now.")
    return 0
