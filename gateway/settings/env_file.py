"""Reads the layout of a `.env` file: which name gets which text, on which line. Called by sources.py.

Quoted values are python-dotenv's to read. What it does not know is done here: lists over several lines
without quotes, `NAME: value`, several quoted items, a message that names the line. Nothing is expanded.
"""

import io
import re
from dataclasses import dataclass, field

from dotenv.parser import Error as DotenvError
from dotenv.parser import Reader, parse_value

from gateway.settings.loose import balanced_end, trimmed, without_comments
from gateway.settings.unusable import Phrase, Unusable

_SKIPPED = re.compile(r"\s*")
_COMMENT = re.compile(r"#[^\r\n]*")
_EXPORT = re.compile(r"export[^\S\r\n]+")
_NAME = re.compile(r"""(["']?)([A-Za-z_][A-Za-z0-9_.-]*)\1[^\S\r\n]*(?:=|:(?=[\s"'\[({]|$))[^\S\r\n]*""")
_REST_OF_LINE = re.compile(r"([^\r\n]*)")
_NOTHING_MORE = re.compile(r"[^\S\r\n]*(?:[,;][^\S\r\n]*)?(?:#[^\r\n]*)?(?=[\r\n]|$)")
_CUT_BYTES = "\ufffd"


@dataclass(frozen=True, slots=True)
class Binding:
    """One `NAME=value`.

    name     as written
    line     where it begins, from 1
    quoted   the value stood in quotes: nothing in it is a comment or may be trimmed
    """

    name: str
    text: str = field(repr=False)
    line: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a file says; `problems` are (line, what is wrong), without any value."""

    bindings: tuple[Binding, ...]
    problems: tuple[tuple[int, Phrase], ...]


def parse_env_file(content: bytes) -> EnvFile:
    """Read a whole file. Never raises: what cannot be read is among the problems, the rest is bindings.

    UTF-8 with or without a byte order mark, or UTF-16 with one; comments may be in any encoding.
    """
    reader = Reader(io.StringIO(_decoded(content), newline=""))
    bindings: list[Binding] = []
    problems: list[tuple[int, Phrase]] = []
    while True:
        reader.read_regex(_SKIPPED)
        if not reader.has_next():
            return EnvFile(tuple(bindings), tuple(problems))
        line = reader.position.line
        if reader.peek(1) == "#":
            reader.read_regex(_COMMENT)
            continue
        try:
            bindings.append(_binding(reader, line))
        except Unusable as problem:
            problems.append((line, problem.phrase))
            reader.read_regex(_REST_OF_LINE)


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    return content.decode("utf-8-sig", errors="replace")


def _binding(reader: Reader, line: int) -> Binding:
    start = reader.position.chars
    if export := _EXPORT.match(reader.string, start):
        start = export.end()
    named = _NAME.match(reader.string, start)
    if named is None:
        raise Unusable(
            "expected NAME=value; a comment begins with #, a list over several lines stands in [ ]"
        )
    reader.position.chars = named.end()  # within the line: the number of lines read stays as it is
    text, quoted = _value(reader)
    if _CUT_BYTES in text:
        raise Unusable("the value is not UTF-8 text; save the file as UTF-8")
    if "\0" in text:
        raise Unusable("the value has a zero byte")
    return Binding(named[2], text, line, quoted)


def _value(reader: Reader) -> tuple[str, bool]:
    """Read what stands after the sign; gives the text and whether quotes around the whole came off."""
    character = reader.peek(1)
    if character in ("'", '"'):
        return _quoted_value(reader, character)
    if character and character in "[({":
        return _bracketed_value(reader), False
    return _plain_value(reader), False


def _quoted_value(reader: Reader, quote: str) -> tuple[str, bool]:
    start, line = reader.position.chars, reader.position.line
    try:
        text = parse_value(reader)
    except DotenvError:
        closed = False
    else:
        closed = _NOTHING_MORE.match(reader.string, reader.position.chars) is not None
    if closed:
        reader.read_regex(_NOTHING_MORE)
        return text, True
    reader.position.chars, reader.position.line = start, line
    plain = _plain_value(reader)
    if plain.count(quote) % 2:  # "a","b" is a list; "a is a quote someone forgot to close
        raise Unusable(
            "the quote %(quote)s opened here is never closed, or text follows the closing one", quote=quote
        )
    return plain, False


def _bracketed_value(reader: Reader) -> str:
    start = reader.position.chars
    end = balanced_end(reader.string, start)
    if end < 0:
        raise Unusable("the bracket %(bracket)s opened here is never closed", bracket=reader.string[start])
    after = _NOTHING_MORE.match(reader.string, end + 1)
    if after is None:  # ["a"],["b"] or (a)b: one line, taken as it stands
        return _plain_value(reader)
    reader.read(after.end() - start)
    return without_comments(reader.string[start : end + 1])


def _plain_value(reader: Reader) -> str:
    start = reader.position.chars
    (text,) = reader.read_regex(_REST_OF_LINE)
    if (
        text.startswith("#") and reader.string[start - 1].isspace()
    ):  # `NAME= # nothing yet`, but not `NAME=#1`
        return ""
    return trimmed(without_comments(text))
