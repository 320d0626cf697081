#!/usr/bin/env python3
"""Keep the catalogues in admin/locale in step with the words of templates/, admin/, refusals and settings.

scripts/catalogue.py            write what is new into the catalogues, mark what changed, drop what is gone
scripts/catalogue.py --check    say what is not translated or not in step; exit code 1 if anything is
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "admin" / "locale"
LANGUAGES = ("zh_CN",)
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "words": None, "words_of": (1, 2)}
Keywords = Mapping[str, tuple[int, ...] | None]
REFUSALS: Keywords = {"FieldError": (2,), "because": (2,), "Unusable": None}
HELP: Keywords = {"About": None}
SOURCES: tuple[tuple[str, str, str, dict[str, str], Keywords], ...] = (
    ("admin", "**.py", "python", {}, KEYWORDS),
    ("templates", "**.html", "jinja2", {"trimmed": "true"}, KEYWORDS),
    ("gateway/control", "**.py", "python", {}, REFUSALS),
    ("gateway/settings", "**.py", "python", {}, REFUSALS),
    ("gateway/settings/declared", "**.py", "python", {}, HELP),
)


def extracted() -> Catalog:
    """Every message of the source."""
    found = Catalog(project="Gemini Balance Gateway", creation_date=datetime(2026, 11, 25, tzinfo=UTC))
    for folder, pattern, method, options, keywords in SOURCES:
        messages = extract_from_dir(ROOT / folder, [(pattern, method)], {pattern: options}, keywords=keywords)
        for name, line, message, comments, context in messages:
            found.add(message, None, [(f"{folder}/{name}", line)], auto_comments=comments, context=context)
    return found


def catalogue_of(language: str) -> Catalog:
    """A language's catalogue as it is now; an empty one for a new language."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, project="Gemini Balance Gateway", fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=language)


def path_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "messages.po"


def faults(language: str) -> list[str]:
    """What a catalogue lacks, has too much, or has wrong."""
    source, catalogue = extracted(), catalogue_of(language)
    wanted = {message.id for message in source if message.id}
    there = {message.id for message in catalogue if message.id}
    found = [f"{language}: not in the catalogue: {each!r}" for each in wanted - there]
    found += [f"{language}: no longer in the source: {each!r}" for each in there - wanted]
    for message in catalogue:
        if not message.id:
            continue
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.fuzzy or not all(texts):
            found.append(f"{language}: not translated: {message.id!r}")
        found += [f"{language}: {message.id!r}: {error}" for error in message.check(catalogue)]
    return sorted(found)


def update(language: str) -> None:
    """Bring a catalogue in step with the source; what is translated stays so."""
    catalogue = catalogue_of(language)
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    for message in catalogue:
        if message.id and message.pluralizable != isinstance(message.string, tuple):
            message.string = ("",) * catalogue.num_plurals if message.pluralizable else ""
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        write_po(target, catalogue, width=110, sort_output=True, no_location=True, omit_header=False)


def main(arguments: list[str]) -> int:
    if "--check" not in arguments:
        for language in LANGUAGES:
            update(language)
    found = [fault for language in LANGUAGES for fault in faults(language)]
    for fault in found:
        print(fault)  # noqa: T201 - what was asked for
    return 1 if found and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
