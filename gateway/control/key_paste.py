"""Keys in whatever somebody pastes: a list, a letter, a log, a .env file. Pure.

Keys of Google's shapes are found anywhere; a text without any of them holds one key a line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.control.pasting import Malformed
from gateway.protocols.redaction import masked

MOST_KEYS = 100_000
_SHAPE = re.compile(r"(?<![0-9A-Za-z_-])(?:AIza[0-9A-Za-z_-]{35}|AQ\.[0-9A-Za-z_-]{20,500})(?![0-9A-Za-z_-])")
_ALMOST = re.compile(r"(?<![0-9A-Za-z_-])(?:AIza[0-9A-Za-z_-]{4,}|AQ\.[0-9A-Za-z_-]{4,})")
_PLAIN = re.compile(r"[!-~]{8,500}")
_BETWEEN = re.compile(r"[^0-9A-Za-z_.-]")
_PORTION_CHARS = 64 * 1024
"""Read at once: a regular expression lets no other thread go on until it has come to its end."""
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
    shaped = any(_SHAPE.search(piece) for line in _lines(text) for piece in _pieces(line))
    found: dict[str, None] = {}
    malformed: list[Malformed] = []
    total = 0
    for number, line in enumerate(_lines(text), start=1):
        for piece in _pieces(line) if shaped else (line,):
            here = _SHAPE.findall(piece) if shaped else _plain(piece)
            wrong = _ALMOST.findall(_SHAPE.sub(" ", piece)) if shaped else [] if here else [piece]
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


def without_keys(text: str) -> str:
    """The text with every key of Google's shapes in its masked form."""
    return _SHAPE.sub(lambda found: masked(found[0]), text)


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, made a portion of it at a time."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _PORTION_CHARS) + 1 or len(text)
        yield from text[start:end].splitlines()
        start = end


def _pieces(line: str) -> Iterator[str]:
    """A line, in pieces when it is long; no key is cut."""
    start = 0
    while len(line) - start > _PORTION_CHARS and (cut := _BETWEEN.search(line, start + _PORTION_CHARS)):
        yield line[start : cut.start()]
        start = cut.start()
    yield line[start:]


def _plain(line: str) -> list[str]:
    """The one key of a line, of any shape; `NAME=key` and quotes come off."""
    bare = line.strip(_TRIMMED)
    return [bare] if _PLAIN.fullmatch(bare) else []
