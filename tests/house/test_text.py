"""What no file of the project may say: private paths, registry hosts, anything shaped like a real key."""

import re
from pathlib import Path

from tests.house.source import ROOT, project_files

# Written in pieces, so that this file does not say them either.
UNWANTED = {
    "a path outside the project": re.compile(r"\.\./" + r"shared\b|/work/" + r"main"),
    "the host of a package registry": re.compile(
        r"py" + r"pi\.org|python" + r"hosted|registry\.npm" + r"js|proxy\.golang" + r"\.org|crates" + r"\.io"
    ),
    "a key of Google's own shape": re.compile(r"AI" + r"za[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
    "a conflict left over": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
    "a line meant for later": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b"),
}
MADE_UP = re.compile(
    r"AI" + r"za(?:Sy)?(?:(.)\1{9}|[A-Za-z]*(?i:fake|test|demo|example|simulated)|[\w-]*0123456789)"
)
"""Keys in tests and in the demo look like keys but say that they are not."""


def test_no_file_says_what_is_nobody_elses_business() -> None:
    said = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1} has {what}"
        for path in project_files()
        if (text := _text(path)) is not None
        for what, pattern in UNWANTED.items()
        for found in pattern.finditer(text)
        if not MADE_UP.match(found.group())
    ]

    assert said == []


def test_every_text_file_ends_with_one_newline() -> None:
    ragged = [
        str(path.relative_to(ROOT))
        for path in project_files()
        if path.suffix in {".py", ".md", ".cfg", ".toml", ".sh", ""} and (text := _text(path))
        if not text.endswith("\n") or text.endswith("\n\n")
    ]

    assert ragged == []


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
