"""The translations, read from the catalogues in locale/: what translators edit is what runs.

scripts/catalogue.py keeps the catalogues in step with the source. English needs none.
"""

import io
from functools import lru_cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from admin.readers import Language

LOCALE = Path(__file__).resolve().parent / "locale"


def catalogue_path(language: Language) -> Path:
    """Where a language's catalogue lies."""
    return LOCALE / language / "LC_MESSAGES" / "messages.po"


@lru_cache(maxsize=8)
def translations_of(language: Language) -> NullTranslations:
    """What the words are in a language. A compiled file would be one more thing to forget."""
    if language == "en":
        return NullTranslations()
    with catalogue_path(language).open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
