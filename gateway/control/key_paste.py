"""Keys in whatever somebody pastes: a list, a letter, a log, a .env file. Pure.

Keys of Google's shapes are found anywhere; a text without any of them holds one key a line.
"""

import re
from dataclasses import dataclass, field

from gateway.control.pasting import Malformed
from gateway.protocols.redaction import masked

MOST_KEYS = 100_000
_SHAPE = re.compile(r"(?<![0-9A-Za-z_-])(?:AIza[0-9A-Za-z_-]{35}|AQ\.[0-9A-Za-z_-]{20,500})(?![0-9A-Za-z_-])")
_ALMOST = re.compile(r"(?<![0-9A-Za-z_-])(?:AIza[0-9A-Za-z_-]{4,}|AQ\.[0-9A-Za-z_-]{4,})")
_PLAIN = re.compile(r"[!-~]{8,500}")
_TRIMMED = " \t\r\"'`,;[](){}<>"


@dataclass(frozen=True, slots=True)
class Pasted:
    """What was found.

    secrets    each once, in the order they stood
    repeated   how many stood there again
    left_out   beyond the bound
    """

    secrets: tuple[str, ...] = field(repr=False)
    repeated: int = 0
    malformed: tuple[Malformed, ...] = ()
    left_out: int = 0


def read_pasted(text: str) -> Pasted:
    """Find the keys in a text."""
    shaped = _SHAPE.search(text) is not None
    found: dict[str, None] = {}
    malformed: list[Malformed] = []
    total = 0
    for number, line in enumerate(text.splitlines(), start=1):
        here = _SHAPE.findall(line) if shaped else _plain(line)
        rest = _SHAPE.sub(" ", line)
        wrong = _ALMOST.findall(rest) if shaped else [] if here else [line]
        total += len(here)
        found.update(dict.fromkeys(here))
        bare = (each.strip(_TRIMMED) for each in wrong)
        malformed += [Malformed(number, masked(each)) for each in bare if each]
    secrets = tuple(found)
    return Pasted(
        secrets=secrets[:MOST_KEYS],
        repeated=total - len(secrets),
        malformed=tuple(malformed),
        left_out=max(len(secrets) - MOST_KEYS, 0),
    )


def _plain(line: str) -> list[str]:
    """The one key of a line, of any shape; `NAME=key` and quotes come off."""
    bare = line.strip(_TRIMMED)
    return [bare] if _PLAIN.fullmatch(bare) else []
