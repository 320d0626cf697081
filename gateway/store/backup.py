"""Copies of a SQLite database: made while gateways serve, checked, and put back when none does. Blocks."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from gateway.errors import StoreUnavailable
from gateway.store.schema import HISTORY, known_migrations

_BUSY_S = 30.0
_BESIDE = ("-wal", "-shm", "-journal")
"""Files of SQLite's own beside a database."""


def back_up(path: Path, target: Path) -> int:
    """Copy a database as it is at one moment; gives the copy's bytes. Writers are not held up.

    The copy is one file for its owner alone, and takes the place of `target` once it is whole and right.
    Raises StoreUnavailable.
    """
    if not path.is_file():
        raise StoreUnavailable(f"There is no database {path} to be copied.")
    part = target.with_name(f".{target.name}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with _worded(path), _opened(path, "ro") as source, _opened(part, "rw") as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without others beside it
        check_backup(part)
        part.replace(target)
    except OSError as error:
        raise StoreUnavailable(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def check_backup(path: Path) -> None:
    """See whether a file can become the database of this version. Raises StoreUnavailable."""
    with _worded(path), _opened(path, "ro") as copy:
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreUnavailable(f"{path} is damaged: {verdict}.")
        tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if HISTORY not in tables:
            raise StoreUnavailable(f"{path} is not a database of this gateway.")
        applied = {name for (name,) in copy.execute(f"SELECT name FROM {HISTORY}")}  # noqa: S608
    if unknown := sorted(applied - set(known_migrations())):
        raise StoreUnavailable(
            f"{path} was written by a newer version of the gateway (it has {unknown[-1]}). Use that version."
        )


def restore(backup: Path, path: Path) -> Path | None:
    """Make a backup the database; gives where the one that was there is kept, if there was one.

    Raises StoreUnavailable, also when somebody has the database open.
    """
    check_backup(backup)
    part = path.with_name(f".{path.name}.part")
    kept = path.with_name(f"{path.name}.before-restore")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        if there:
            _take_alone(path)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with _worded(backup), _opened(backup, "ro") as source, _opened(part, "rw") as copy:
            source.backup(copy)
        if there:
            path.replace(kept)
        for beside in _BESIDE:
            path.with_name(path.name + beside).unlink(missing_ok=True)
        part.replace(path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be replaced: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)
    return kept if there else None


def _take_alone(path: Path) -> None:
    """See that nobody has a database open, and write what its log still holds into it.

    SQLite leaves write-ahead logging only for the one connection that there is.
    """
    try:
        with _opened(path, "rw", timeout_s=0) as database:
            database.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreUnavailable(
                f"{path} is in use. Stop every gateway that runs on it, then restore."
            ) from None
        raise StoreUnavailable(f"{path} cannot be opened: {error}.") from None
    except sqlite3.DatabaseError:
        return  # what is damaged is in nobody's use, and is kept beside the restored one


@contextlib.contextmanager
def _opened(path: Path, mode: str, *, timeout_s: float = _BUSY_S) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    connection = sqlite3.connect(address, uri=True, timeout=timeout_s, isolation_level=None)
    with contextlib.closing(connection):
        yield connection


@contextlib.contextmanager
def _worded(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path} cannot be read as a database: {error}.") from None
