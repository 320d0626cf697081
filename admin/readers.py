"""Who reads a page: language, number form, time zone and theme, and values in that reader's form.

Made from a request by base.py; the filters of rendering.py ask it. No state, no clock.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.numbers import format_compact_decimal, format_decimal, format_percent

Language = Literal["en", "zh_CN"]
Theme = Literal["light", "dark", "system"]
LANGUAGES: tuple[Language, ...] = ("en", "zh_CN")
THEMES: tuple[Theme, ...] = ("system", "light", "dark")
_COMPACT_FROM = 100_000
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}")
_TAG = re.compile(r"\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?")


@dataclass(frozen=True, slots=True)
class Reader:
    """What a page looks like for whom.

    language   of the words
    numbers    the locale whose digits and separators numbers have, as Babel names it
    zone       an IANA time zone
    """

    language: Language = "en"
    numbers: str = "en_US"
    zone: str = "UTC"
    theme: Theme = "system"

    @property
    def tag(self) -> str:
        """The language as HTML names it."""
        return "zh-CN" if self.language == "zh_CN" else "en"

    def number(self, value: float) -> str:
        """A number with its separators: `1,204`; at most two digits after the point."""
        return _number(value, self.numbers)

    def compact(self, value: float) -> str:
        """A number that may be large, in few characters: `1,204`, `1.2M`, `123.5万`."""
        if value < _COMPACT_FROM:
            return self.number(value)
        # The shortening is a word, so it is of the reader's language.
        return format_compact_decimal(value, locale=_locale(self.language), fraction_digits=1)

    def percent(self, share: float) -> str:
        """A share of one: `99.8%`; never rounded up to all nor down to none."""
        if 0.999 < share < 1:
            share = 0.999
        if 0 < share < 0.001:
            share = 0.001
        return _percent(share, self.numbers)

    def at(self, epoch_ms: float) -> datetime:
        """A moment on the reader's clock."""
        return datetime.fromtimestamp(epoch_ms / 1000, ZoneInfo(self.zone))

    def moment(self, epoch_ms: float) -> str:
        """A moment whole: `2026-11-25 14:05:09`."""
        return self.at(epoch_ms).replace(microsecond=0, tzinfo=None).isoformat(" ")

    def with_zone(self, zone: str) -> "Reader":
        """The same reader elsewhere, if there is such a place."""
        return replace(self, zone=zone) if is_zone(zone) else self


def iso(epoch_ms: float) -> str:
    """A moment as `<time datetime>` wants it, in UTC."""
    return f"{datetime.fromtimestamp(epoch_ms // 1000, UTC).replace(tzinfo=None).isoformat()}Z"


def choose_language(chosen: str, accepted: str) -> Language:
    """The language that was chosen, else the best of an Accept-Language header, else English."""
    for language in LANGUAGES:
        if chosen == language:
            return language
    for tag in _tags(accepted):
        if tag.partition("-")[0].lower() == "zh":
            return "zh_CN"
        if tag.partition("-")[0].lower() == "en":
            return "en"
    return "en"


def choose_numbers(accepted: str, language: Language) -> str:
    """The locale for numbers: the first that the browser asks for and Babel knows."""
    for tag in _tags(accepted):
        known = _known(tag)
        if known is not None:
            return known
    return language


@lru_cache(maxsize=256)
def is_zone(name: str) -> bool:
    """Whether a time zone is known here."""
    if not _ZONE.fullmatch(name):
        return False
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return False
    return True


def _tags(accepted: str) -> list[str]:
    """The language tags of an Accept-Language header, the best first."""
    found: list[tuple[float, str]] = []
    for part in accepted[:400].split(","):
        match = _TAG.fullmatch(part)
        if match is not None:
            found.append((float(match[2] or 1), match[1]))
    return [tag for quality, tag in sorted(found, key=lambda pair: -pair[0]) if quality > 0]


@lru_cache(maxsize=256)
def _known(tag: str) -> str | None:
    try:
        return str(Locale.parse(tag, sep="-"))
    except (UnknownLocaleError, ValueError):
        return None


@lru_cache(maxsize=256)
def _locale(name: str) -> Locale:
    return Locale.parse(name)


# A list has thousands of numbers, most of them small, and Babel takes some 20 µs for each.
@lru_cache(maxsize=8192)
def _number(value: float, locale: str) -> str:
    return str(format_decimal(value, format="#,##0.##", locale=_locale(locale)))


@lru_cache(maxsize=4096)
def _percent(share: float, locale: str) -> str:
    return format_percent(share, format="#,##0.#%", locale=_locale(locale))
