"""Proxies in whatever somebody pastes: a list, a seller's mail, a `.env` file. Pure.

Understood are URLs, host:port, user:password@host:port and the sellers' host:port:user:password.
"""

import re
from dataclasses import dataclass, field

from gateway.control.pasting import Malformed
from gateway.protocols.redaction import masked
from gateway.settings.checks import proxy_url
from gateway.settings.unusable import Unusable

_NAME = re.compile(r"^\s*(?:export\s+)?[A-Za-z_]\w*\s*=\s*")
_APART = re.compile(r"[\s,;，；、\"'`<>(){}\[\]|]+")
_PORT = re.compile(r"(?::\d{1,5}|\]:\d{1,5})/?$")
_SOLD = re.compile(r"([\w.-]+):(\d{1,5}):([^:@\s]+):([^:@\s]+)")
_ALMOST = re.compile(r"[:@]|\d+\.\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class PastedProxies:
    """What was found.

    proxies    as URLs, each once, in the order they stood
    repeated   how many stood there again
    malformed  what looks like one and is none, and lines without any
    """

    proxies: tuple[str, ...] = field(repr=False)
    repeated: int = 0
    malformed: tuple[Malformed, ...] = ()


def read_proxies(text: str) -> PastedProxies:
    """Find the proxies in a text."""
    found: dict[str, None] = {}
    malformed: list[Malformed] = []
    total = 0
    for number, line in enumerate(text.splitlines(), start=1):
        bare = _NAME.sub("", line).strip()
        if not bare or bare.startswith(("#", "//")):
            continue
        whole = _proxy(bare)
        pieces = [bare] if whole else [piece for piece in _APART.split(bare) if piece not in ("", "-", "*")]
        read = {piece: _proxy(piece) for piece in pieces}
        here = [proxy for piece in pieces if (proxy := read[piece])]
        wrong = [piece for piece in pieces if not read[piece] and _ALMOST.search(piece)]
        malformed += [Malformed(number, masked(piece)) for piece in wrong or ([] if here else [bare])]
        total += len(here)
        found.update(dict.fromkeys(here))
    return PastedProxies(tuple(found), total - len(found), tuple(malformed))


def _proxy(piece: str) -> str | None:
    """The URL of a proxy, None for anything else."""
    if (sold := _SOLD.fullmatch(piece)) is not None:
        host, port, user, password = sold.groups()
        piece = f"{user}:{password}@{host}:{port}"
    if "://" not in piece and _PORT.search(piece) is None:
        return None
    try:
        return proxy_url(piece).rstrip("/")
    except Unusable:
        return None
