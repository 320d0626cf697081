"""Where another program is that somebody moves from: its database, its file, or the `.env` it ran with."""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gateway.commands.terminal import STANDARD, say
from gateway.errors import StartupError, StoreUnavailable
from gateway.settings.env_file import parse_env_file
from gateway.store.config import DatabaseConfig
from gateway.store.foreign import ForeignDatabase, open_foreign
from gateway.store.gemini_balance import OldSetting

PASSWORD_NAME = "OLD_DATABASE_PASSWORD"  # noqa: S105 - the name of an environment variable
_SQLITE_HEAD = b"SQLite format 3\0"
_PORT = 3306


@dataclass(frozen=True, slots=True)
class OldPlace:
    """What was named.

    config     its database; None when there is only a `.env`
    settings   those of the `.env`, over which the database's count
    file       of the `.env`, "" without one
    """

    config: DatabaseConfig | None
    settings: tuple[OldSetting, ...] = ()
    file: str = ""


def read_place(named: str) -> OldPlace:
    """What somebody wrote behind --from. Raises StartupError."""
    config = read_database(named)
    return _env_file(Path(named)) if config is None else OldPlace(config)


def read_database(named: str) -> DatabaseConfig | None:
    """The database somebody named; None for a file of another kind. Raises StartupError."""
    if named.startswith(("mysql://", "mariadb://")):
        return _mysql(named)
    if named == STANDARD:
        return None
    path = Path(named.removeprefix("sqlite:///"))
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE_HEAD))
    except OSError as error:
        raise StartupError(f"{path} cannot be read: {error.strerror}.") from None
    return DatabaseConfig("sqlite", path=path) if head == _SQLITE_HEAD else None


@contextmanager
def opened(place: OldPlace) -> Iterator[ForeignDatabase | None]:
    """The place's database, read-only. One that only its `.env` names may be away."""
    with ExitStack() as stack:
        database: ForeignDatabase | None = None
        if place.config is not None:
            try:
                database = stack.enter_context(open_foreign(place.config))
            except StoreUnavailable as error:
                if not place.settings:
                    raise
                say(f"Only the .env file is read, since its database is away. {error}")
        if database is not None and not database.gemini_balance.is_there():
            raise StartupError(f"There is no table of gemini-balance in {database.place}.")
        yield database


def _mysql(url: str) -> DatabaseConfig:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORT
    except ValueError:
        host = ""
    name = unquote(parts.path.strip("/")) if host else ""
    if not host or not name:
        raise StartupError("Write the database as mysql://USER@HOST:3306/DATABASE.")
    return DatabaseConfig(
        "mysql",
        host=host,
        port=port,
        user=unquote(parts.username or "root"),
        password=_password(None if parts.password is None else unquote(parts.password)),
        database=name,
    )


def _password(in_url: str | None) -> str:
    if in_url is not None:
        say(f"Others on this machine can see a password on the command line; {PASSWORD_NAME} hides it.")
        return in_url
    if (given := os.environ.get(PASSWORD_NAME)) is not None:
        return given
    return getpass.getpass("Password of the old database: ") if sys.stdin.isatty() else ""


def _env_file(path: Path) -> OldPlace:
    read = parse_env_file(path.read_bytes())
    texts = {binding.name.upper(): binding.text.strip() for binding in read.bindings}
    if not texts:
        raise StartupError(f"{path} is neither a SQLite database nor a .env file.")
    for line, what in read.problems:
        say(f"Line {line} of {path} is left out: {what}")
    settings = tuple(OldSetting(name, text) for name, text in texts.items())
    return OldPlace(_config_of(texts, path.parent), settings, str(path))


def _config_of(texts: dict[str, str], folder: Path) -> DatabaseConfig | None:
    """The database that a gemini-balance with these settings lived on."""
    if texts.get("DATABASE_TYPE", "mysql").lower() != "sqlite" and texts.get("MYSQL_DATABASE"):
        return DatabaseConfig(
            "mysql",
            host=texts.get("MYSQL_HOST", ""),
            port=int(port) if (port := texts.get("MYSQL_PORT", "")).isdigit() else _PORT,
            user=texts.get("MYSQL_USER", ""),
            password=texts.get("MYSQL_PASSWORD", ""),
            database=texts["MYSQL_DATABASE"],
            socket=texts.get("MYSQL_SOCKET", ""),
        )
    path = folder / "data" / texts.get("SQLITE_DATABASE", "default_db")
    return DatabaseConfig("sqlite", path=path) if path.is_file() else None
