"""Who reads: the language, the digits and the clock are the reader's."""

import pytest

from admin.readers import Reader, choose_language, choose_numbers, is_zone, iso

NOON_MS = 1_793_000_000_000


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh_CN"),
        ("", "zh-TW", "zh_CN"),
        ("", "fr, en;q=0.8, zh;q=0.9", "zh_CN"),
        ("", "de-DE,de;q=0.9", "en"),
        ("", "zh;q=0, en", "en"),
        ("en", "zh-CN", "en"),
        ("zh_CN", "en", "zh_CN"),
        ("tlh", "zh", "zh_CN"),
        ("", ";;;,=,q=1,*", "en"),
    ],
)
def test_the_language_is_what_was_chosen_else_what_the_browser_prefers(
    chosen: str, accepted: str, language: str
) -> None:
    assert choose_language(chosen, accepted) == language


@pytest.mark.parametrize(
    ("accepted", "shown"),
    [("en-US", "1,234,567.5"), ("de-DE,en", "1.234.567,5"), ("xx-YY,fr", "1 234 567,5"), ("", "1,234,567.5")],
)
def test_numbers_have_the_form_the_browser_asks_for(accepted: str, shown: str) -> None:
    reader = Reader(numbers=choose_numbers(accepted, "en"))

    assert reader.number(1234567.5).replace("\u202f", " ") == shown


def test_large_numbers_are_short_in_the_readers_language() -> None:
    assert [Reader().compact(n) for n in (9_999, 1_234_567)] == ["9,999", "1.2M"]
    assert Reader("zh_CN").compact(1_234_567) == "123.5万"


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0%"), (1, "100%"), (0.5, "50%"), (0.9985, "99.8%"), (0.99999, "99.9%"), (0.00001, "0.1%")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, shown: str) -> None:
    assert Reader().percent(share) == shown


def test_times_are_those_of_the_readers_clock() -> None:
    assert iso(NOON_MS) == "2026-10-26T07:33:20Z"
    assert Reader(zone="Asia/Shanghai").moment(NOON_MS) == "2026-10-26 15:33:20"
    assert Reader(zone="America/New_York").moment(NOON_MS) == "2026-10-26 03:33:20"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Europe/Berlin", True),
        ("UTC", True),
        ("America/Argentina/Buenos_Aires", True),
        ("Nowhere/Land", False),
        ("../../etc/passwd", False),
        ("", False),
        ("a" * 5000, False),
    ],
)
def test_a_zone_is_one_that_exists(name: str, known: bool) -> None:
    assert is_zone(name) is known
