"""Reads the text forms people write for a setting: `["a","b"]`, `('a', 'b')`, `a, b`, `Yes`, `" 3 "`.

Pure text work: which names exist is catalogue.py's, how a `.env` file is laid out is env_file.py's.
Called by sources.py. Errors are Unusable.
"""

import ast
import re
from collections.abc import Iterator, Mapping

import orjson

from gateway.settings.catalogue import Kind, SettingDescription
from gateway.settings.unusable import Unusable

_EDGES = re.compile(r"^[\s\ufeff\u200b\u2060]+|[\s\ufeff\u200b\u2060]+$")
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "”": "”"}
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}(\.0*)?")
_NUMBER = re.compile(r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})")
_SWITCH = {
    **dict.fromkeys(("true", "1", "yes", "on", "y", "t", "enable", "enabled"), True),
    **dict.fromkeys(("false", "0", "no", "off", "n", "f", "disable", "disabled"), False),
}
_LIST_SEPARATORS = frozenset(",;，；、")
_MAP_SEPARATORS = frozenset(",，\r\n")


def parse(description: SettingDescription, text: str) -> object | None:
    """Give the value a text means for a setting, None when it means "not set".

    Types are only rough here (a choice may still be unknown, a number out of bounds): the model decides.
    Raises Unusable: the text means nothing of this kind.
    """
    text = unquoted(text)
    if not text:
        return None
    of_several = {Kind.LIST: parse_list, Kind.MAP: parse_map, Kind.TABLE: parse_table}
    if (read := of_several.get(description.kind)) is not None:
        return read(text)
    plain = _only_item(text)
    if not plain:
        return None
    match description.kind:
        case Kind.SWITCH:
            if plain.lower() in _SWITCH:
                return _SWITCH[plain.lower()]
        case Kind.WHOLE:
            if _WHOLE.fullmatch(plain):
                return int(plain.partition(".")[0])
        case Kind.NUMBER:
            if _NUMBER.fullmatch(plain):
                return float(plain)
        case Kind.CHOICE:
            by_fold = {choice.lower(): choice for choice in description.choices}
            return by_fold.get(plain.lower(), plain)
        case _:
            return plain
    raise description.unusable()


def parse_list(text: str) -> tuple[str, ...] | None:
    """Read a list: JSON, Python's or shell's way of writing one, or items between separators or spaces.

    None when there is nothing at all, () for an empty pair of brackets. Repeated items count once.
    """
    text = unquoted(text)
    if not text:
        return None
    if text[0] in "[(":
        exact = _from_json(text)
        if isinstance(exact, list) and all(isinstance(item, str) for item in exact):
            return _distinct(trimmed(item) for item in exact)
        if not _is_closed(text):
            raise Unusable(
                "must be a list on one line or in brackets: "
                "the opening %(opening)s has no closing %(closing)s",
                opening=text[0],
                closing=_BRACKETS[text[0]],
            )
        return _distinct(_items(_inside(text), spaces_separate=True))
    if text[0] == "{":
        raise Unusable('must be a list such as ["one","two"], not a map')
    return _distinct(_items(text, spaces_separate=True)) or None


def parse_map(text: str) -> Mapping[str, object] | None:
    """Read a map: JSON, also with single quotes, or `name:value, name=value`. None when there is nothing."""
    text = unquoted(text)
    if not text:
        return None
    exact = _from_json(text)
    if isinstance(exact, dict):
        return exact
    if text[0] in _BRACKETS:
        if not _is_closed(text):
            raise Unusable(
                "must be a map on one line or in brackets: "
                "the opening %(opening)s has no closing %(closing)s",
                opening=text[0],
                closing=_BRACKETS[text[0]],
            )
        text = _inside(text)
    found: dict[str, object] = {}
    for item in _split(text, _MAP_SEPARATORS, spaces_separate=False):
        name, separator, value = _pair(item)
        if not separator or not name:
            raise Unusable('must be a map such as {"name":"value"} or name:value,name:value')
        found[name] = value
    return found


def parse_table(text: str) -> tuple[Mapping[str, object], ...] | Mapping[str, object] | None:
    """Read a list of maps: JSON, or as Python writes it. A single map is given as it is: what it stands for
    is the setting's to say. None when there is nothing."""
    text = unquoted(text)
    if not text:
        return None
    if text[0] not in "[(":
        return parse_map(text)
    for written in (text, text.replace('\\"', '"')):  # \"a\": went through one shell too many
        found = _from_json(written)
        if found is None:
            found = _from_python(written)
        if isinstance(found, list | tuple) and all(isinstance(row, dict) for row in found):
            return tuple(found)
    raise Unusable('must be a list of maps such as [{"name":"value"}]')


def trimmed(text: str) -> str:
    """Drop white space at both ends, also the invisible kinds that copying from a web page leaves there."""
    return _EDGES.sub("", text)


def unquoted(text: str) -> str:
    """Drop white space and quotes around a text as often as they are there; `\\"` inside them becomes `"`."""
    text = trimmed(text)
    while (closer := _QUOTES.get(text[:1])) is not None and len(text) >= 2:
        inside = trimmed(text[1:-1])
        bracketed = text[-1] == closer and len(inside) >= 2 and _BRACKETS.get(inside[0]) == inside[-1]
        if not bracketed and _closing(text, 0, stop="") != len(text) - 1:  # "a","b" is two texts
            break
        text = inside.replace(f"\\{closer}", closer)
    return text


def without_comments(text: str) -> str:
    """Drop ` # …` to the end of each line, outside quotes.

    `docker run --env-file` keeps such comments inside the value, and lists over several lines have them.
    """
    if "#" not in text:
        return text
    kept: list[str] = []
    at = start = 0
    while at < len(text):
        character = text[at]
        if character in _QUOTES and _opens(text, at) and (end := _closing(text, at)) > 0:
            at = end
        elif character == "#" and at > 0 and text[at - 1].isspace():
            kept.append(text[start:at])
            while at < len(text) and text[at] not in "\r\n":
                at += 1
            start = at
            continue
        at += 1
    kept.append(text[start:])
    return "".join(kept)


def balanced_end(text: str, start: int) -> int:
    """Find the bracket that closes the one at `start`, quotes and comments respected; -1 when none does."""
    expected: list[str] = []
    at = start
    while at < len(text):
        character = text[at]
        if character in _QUOTES and _opens(text, at) and (end := _closing(text, at)) > 0:
            at = end
        elif character == "#" and text[at - 1].isspace():
            while at < len(text) and text[at] not in "\r\n":
                at += 1
        elif character in _BRACKETS:
            expected.append(_BRACKETS[character])
        elif expected and character == expected[-1]:
            expected.pop()
            if not expected:
                return at
        at += 1
    return -1


def _only_item(text: str) -> str:
    """Take the value out of a list of one, as in `AUTH_TOKEN=["sk-123456"]`."""
    if text[0] not in "[(" or text[-1] != _BRACKETS[text[0]]:
        return text
    items = parse_list(text) or ()
    if len(items) > 1:
        raise Unusable("must be one value, not a list")
    return items[0] if items else ""


def _from_json(text: str) -> object:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None


def _from_python(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _is_closed(text: str) -> bool:
    """Whether a text that begins with a bracket ends with the one that closes it."""
    return len(text) >= 2 and text[-1] == _BRACKETS[text[0]]


def _inside(text: str) -> str:
    """What stands between the brackets around a text, however many there are."""
    inside = trimmed(
        text[1:-1].replace('\\"', '"')
    )  # \"a\",\"b\": a list that went through one shell too many
    while len(inside) >= 2 and _BRACKETS.get(inside[0]) == inside[-1]:
        inside = trimmed(inside[1:-1])
    return inside


def _items(text: str, *, spaces_separate: bool) -> Iterator[str]:
    for item in _split(text, _LIST_SEPARATORS, spaces_separate=spaces_separate):
        plain = unquoted(item)
        if plain and plain != "-":  # "-" begins the lines of a YAML list
            yield plain


def _distinct(items: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in items if item))


def _split(text: str, separators: frozenset[str], *, spaces_separate: bool) -> Iterator[str]:
    """Cut at separators outside quotes; the pieces are trimmed, keep their quotes, and may not be empty."""
    start = at = 0
    while at <= len(text):
        character = text[at] if at < len(text) else None
        if character is None or character in separators or (spaces_separate and character.isspace()):
            if piece := trimmed(text[start:at]):
                yield piece
            start = at + 1
        elif character in _QUOTES and _opens(text, at):
            at = _closing(text, at)
            if at < 0:
                raise Unusable("must have its quotes in pairs: one is never closed")
        at += 1


def _pair(item: str) -> tuple[str, str, str]:
    """Cut `name: value` or `name=value` at the first such sign outside quotes."""
    at = 0
    while at < len(item):
        if item[at] in _QUOTES and _opens(item, at):
            at = max(at, _closing(item, at))
        elif item[at] in ":=：":
            return unquoted(item[:at]), item[at], unquoted(item[at + 1 :])
        at += 1
    return item, "", ""


def _opens(text: str, at: int) -> bool:
    """Whether a quote at this place begins a quoted piece; inside a word it is an apostrophe."""
    return at == 0 or text[at - 1].isspace() or text[at - 1] in "[({,;:=，；、："


def _closing(text: str, at: int, *, stop: str = "\r\n") -> int:
    """Find the quote that closes the one at `at`, -1 when none does before a character of `stop`.

    A backslash protects the character after it.
    """
    closer = _QUOTES[text[at]]
    index = at + 1
    while index < len(text):
        character = text[index]
        if character == "\\":
            index += 1
        elif character == closer:
            return index
        elif character in stop:
            return -1
        index += 1
    return -1
