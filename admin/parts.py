"""What the admin's handlers share: made once by routes.py, handed to each of them."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from admin.events import Broadcaster
from admin.lookout import Lookout
from admin.rendering import Renderer
from gateway.control.sessions import SessionBook
from gateway.control.throttle import Throttle

STATIC = Path(__file__).resolve().parent.parent / "static"
_GUESSES_A_CONNECTION = 50
"""A proxy in front of us makes every connection itself, so connections may be wrong more often than peers."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts.

    peers, connections   wrong guesses by the address a request says it comes from, which can be made up where
                         no proxy stands in front, and by the one its connection comes from
    """

    renderer: Renderer
    sessions: SessionBook
    lookout: Lookout
    live: Broadcaster
    peers: Throttle = field(default_factory=Throttle)
    connections: Throttle = field(default_factory=lambda: Throttle(_GUESSES_A_CONNECTION))


class StaticFiles:
    """Addresses of static files that change with their content, so that browsers may keep them for ever."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._urls: dict[str, str] = {}

    def url(self, path: str) -> str:
        """The address of a file. Raises OSError for one that is not there."""
        url = self._urls.get(path)
        if url is None:
            digest = hashlib.sha256((self._folder / path).read_bytes()).hexdigest()
            url = self._urls[path] = f"/static/{path}?v={digest[:12]}"
        return url
