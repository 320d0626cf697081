"""What commands read, write and say: on standard output what was asked for, on standard error the rest."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from gateway.errors import StartupError

STANDARD = "-"
"""The name of standard input and output."""


def say(line: str) -> None:
    """Tell the operator."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the operator's terminal


def answer(line: str) -> None:
    """A line of what was asked for."""
    print(line)  # noqa: T201 - what was asked for


def read_bytes(file: str) -> bytes:
    """A whole file, or standard input. Raises StartupError."""
    try:
        return sys.stdin.buffer.read() if file == STANDARD else Path(file).read_bytes()
    except OSError as error:
        raise StartupError(f"{file} cannot be read: {error.strerror}.") from None


def as_text(raw: bytes) -> str:
    """The text of a file in whatever encoding it was saved."""
    for encoding in ("utf-8-sig", "utf-16"):
        with suppress(UnicodeError):
            return raw.decode(encoding)
    return raw.decode("latin-1")


@contextmanager
def written(file: str) -> Iterator[TextIO]:
    """A file for its owner alone, since it holds secrets, or standard output. Raises StartupError."""
    if file == STANDARD:
        yield sys.stdout
        return
    try:
        with open_private(Path(file)) as target:
            yield target
    except OSError as error:
        raise StartupError(f"{file} cannot be written: {error.strerror}.") from None


def open_private(path: Path) -> TextIO:
    """Open a file to be written that only its owner may read, also one that was there before."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(number, 0o600)
    return os.fdopen(number, "w", encoding="utf-8")


def show_admin_token(token: str) -> None:
    """Show a token that was made up just now, once."""
    # Not through the log: logs are kept and shipped.
    say(
        "\n"
        "  This is the first start and no AUTH_TOKEN was set, so one was made up.\n"
        "  It is the administrator's token and is good for every call. It is shown only now:\n"
        f"\n      {token}\n"
    )


class Progress:
    """A line on a terminal that tells how far something is; nothing where nobody looks."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_seen = sys.stderr.isatty()

    def tell(self, done: int, total: int) -> None:
        if self._is_seen:
            share = f" ({done / total:.0%})" if total else ""
            print(f"\r{self._what}: {done:,} of {total:,}{share} ", end="", file=sys.stderr, flush=True)  # noqa: T201

    def end(self) -> None:
        if self._is_seen:
            print(file=sys.stderr)  # noqa: T201
