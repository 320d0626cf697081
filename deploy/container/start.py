"""The image's entry point: becomes the user who may write the data folder, then is the gateway.

Only a start as root does anything. A folder of root's (Docker makes one for `-v ./data:/app/data`, and older
deployments filled it as root) is given to user 1000; one that belongs to somebody keeps its owner, and the
gateway becomes that user. What root left inside goes to the same user. Nobody else's files change hands.
Standard library only. Run with `python -I`.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

APP = Path("/app")
ROOT = 0


@dataclass(frozen=True, slots=True)
class User:
    """Whom the gateway runs as."""

    uid: int
    gid: int


GATEWAY = User(uid=1000, gid=1000)
"""The image's own user; see the Dockerfile."""


def owner_of(folder: Path) -> User:
    """Whose folder it is; the image's user's when it is root's, or not there."""
    try:
        found = folder.stat()
    except OSError:
        return GATEWAY
    return GATEWAY if found.st_uid == ROOT else User(uid=found.st_uid, gid=found.st_gid)


def give(folder: Path, user: User) -> None:
    """Make the folder, and give it and what belongs to root in it to a user. Links are not followed.

    Raises OSError where root may not: on shares that take no orders from it, without its capabilities.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid == ROOT:
            os.chown(path, user.uid, user.gid, follow_symlinks=False)


def become(user: User) -> None:
    """Be this user from here on, without root's groups. Raises OSError when it is not allowed."""
    os.setgroups([])
    os.setgid(user.gid)
    os.setuid(user.uid)


def main(arguments: Sequence[str]) -> NoReturn:
    data = Path(os.environ.get("DATA_DIR") or "data")
    if os.geteuid() == ROOT:
        folder = data if data.is_absolute() else APP / data
        user = owner_of(folder)
        try:
            give(folder, user)
        except OSError as error:
            # The gateway may not need it: it says itself what is wrong with its data folder.
            _say(f"{folder} cannot be given to user {user.uid} ({error.strerror}).")
        try:
            become(user)
        except OSError as error:
            name = f"{user.uid}:{user.gid}"
            _say(
                f"The container starts as root and may not become user {user.uid} ({error.strerror}). "
                f'Start it as that user instead: --user {name}, or user: "{name}" in compose.'
            )
            sys.exit(1)
    os.chdir(APP)
    os.execv(sys.executable, [sys.executable, "-m", "gateway", *arguments])  # noqa: S606 - no shell is meant


def _say(text: str) -> None:
    print(f"start: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the container's log


if __name__ == "__main__":
    main(sys.argv[1:])
