"""Every word of the pages is there in every language."""

import subprocess
import sys

import pytest
from babel.messages.pofile import read_po

from admin.catalogues import catalogue_path, translations_of
from admin.readers import LANGUAGES, Language
from tests.house.source import ROOT

TRANSLATED = [language for language in LANGUAGES if language != "en"]


def test_the_catalogues_are_whole_and_in_step_with_the_source() -> None:
    check = subprocess.run(
        [sys.executable, "scripts/catalogue.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (check.returncode, check.stdout) == (0, ""), "run scripts/catalogue.py, then translate"


@pytest.mark.parametrize("language", TRANSLATED)
def test_markup_and_values_of_a_message_are_in_its_translation(language: Language) -> None:
    with catalogue_path(language).open("rb") as source:
        catalogue = read_po(source, locale=language)
    for message in catalogue:
        texts = message.string if isinstance(message.string, tuple) else (str(message.string),)
        original = str(message.id[-1] if isinstance(message.id, tuple) else message.id)
        for text in texts if message.id else ():
            assert text.count("<code>") == original.count("<code>"), message.id
            assert text.count("%(") == original.count("%("), message.id


@pytest.mark.parametrize(
    ("english", "chinese"),
    [("Keys", "密钥"), ("Tokens", "令牌"), ("Calls", "调用"), ("Settings", "设置")],
)
def test_the_words_are_those_people_know(english: str, chinese: str) -> None:
    assert translations_of("zh_CN").gettext(english) == chinese
    assert translations_of("en").gettext(english) == english
