"""Every page in every dress: nothing serious for the accessibility checker, nothing wider than the window."""

from pathlib import Path

import pytest

from tests.browser.chromium import DRESSES, Dress, Window

PAGES = (
    "/",
    "/?range=7d&ailment=quota",
    "/playground?dialect=gemini",
    "/connect",
    "/tokens",
    "/tokens/1?days=30",
    "/keys?model=gemini-3.5-flash&size=20",
    "/keys?text=no-such-key",
    "/keys/add",
    "/keys/3",
    "/calls",
    "/calls?range=7d&ending=unserved&slower=1&key=3",
    "/calls/history-1",
    "/settings",
    "/settings?q=MODELS",
    "/search?q=key",
)


@pytest.mark.parametrize("dress", DRESSES, ids=lambda dress: dress.name)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_usable_by_everybody(admin: Window, axe: Path, path: str, dress: Dress) -> None:
    admin.wear(dress)
    admin.open(path)
    admin.see("#sentence")

    assert admin.faults(axe) == []
    assert admin.overflow() == 0
    assert admin.complaints() == []


@pytest.mark.parametrize("dress", DRESSES, ids=lambda dress: dress.name)
def test_signing_in_is_usable_by_everybody(window: Window, axe: Path, dress: Dress) -> None:
    window.wear(dress)
    window.open("/?next=%2Fkeys")
    window.see("#sign-in")

    assert window.faults(axe) == []
    assert window.overflow() == 0
    assert window.complaints() == []


def test_times_are_in_the_readers_zone(admin: Window) -> None:
    admin.wear(Dress("tokyo", zone="Asia/Tokyo"))
    admin.open("/")
    admin.open("/")  # the first visit from there told the server where that is

    assert admin.run("return document.documentElement.dataset.zone") == "Asia/Tokyo"


def test_the_checker_finds_what_it_looks_for(admin: Window, axe: Path) -> None:
    admin.open("/")
    admin.run("document.querySelector('h1').insertAdjacentHTML('afterend', '<button></button>')")

    assert [fault for fault in admin.faults(axe) if fault.startswith("button-name")]
