"""Calls in a real browser: from a number to the reason, told of newer ones, deleted, seen on a phone."""

import time
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from gateway.store.records import AttemptRecord, CallRecord
from tests.admin.browsing import ADMIN_TOKEN
from tests.browser.chromium import SMALL, Window
from tests.integration.running import RunningGateway

FIRST = "#calls tbody tr:first-child"


def put(gateway: RunningGateway, name: str, **fields: object) -> None:
    """A call that has just failed, after two keys were tried."""
    now_ms = int(time.time() * 1000)
    attempts = (
        AttemptRecord(1, 1, "AQ.n…ok-1", "rate_minute", 429, 300, now_ms - 1200, "cooling"),
        AttemptRecord(2, 4, "AQ.n…ok-2", "overloaded", 503, 700, now_ms - 800, None),
    )
    usual: dict[str, object] = {
        "request_id": name,
        "started_at_ms": now_ms - 1200,
        "dialect": "openai",
        "operation": "chat",
        "model": name,
        "token_id": 1,
        "key_id": 4,
        "status": 503,
        "outcome": "upstream_error",
        "failure_kind": "overloaded",
        "stream": True,
        "duration_ms": 1200,
        "attempts": attempts,
        "error_body": b'{"error": {"message": "The model is overloaded."}}',
        "request_body": b'{"contents": []}',
    }
    assert gateway.services is not None
    gateway.services.store.records.put(CallRecord(**{**usual, **fields}))  # type: ignore[arg-type]


def refresh(window: Window) -> bool:
    """Press the button; calls are written a moment after they have ended."""
    window.click("#calls .bulk a[hx-get]")
    return False


def test_a_failed_call_is_found_from_the_overview_and_explained(
    served: RunningGateway, admin: Window, axe: Path
) -> None:
    put(served, "journey-failed")
    admin.open("/?range=1h")
    admin.until(lambda: "0" not in admin.text(".legend a[href*='ending=failed'] strong")[:1])
    admin.click(".legend a[href*='ending=failed']")
    admin.see(f"{FIRST} .standing", "model overloaded")
    assert "range=1h" in admin.path
    assert "ending=failed" in admin.path
    admin.type("journey-failed", into="#calls-request")
    admin.until(lambda: len(admin.all("#calls tbody tr")) == 1)
    admin.click(f"{FIRST} .lead a")

    admin.see("#attempts-title")
    told = [each.text for each in admin.all(".steps-in-time li")]
    assert "requests of the minute used up" in told[0]
    assert "the key rests for this model" in told[0]
    assert "waited 100 ms" in told[1]
    assert "model overloaded" in told[2]
    admin.see("#error-body", "The model is overloaded.")
    admin.see("#request-body", "contents")
    assert admin.faults(axe) == []
    assert admin.complaints() == []


def test_newer_calls_are_told_of_and_brought_by_a_press(served: RunningGateway, admin: Window) -> None:
    put(served, "journey-newer", model="only-newer")
    admin.open("/calls?model=only-newer")
    admin.until(lambda: admin.all(FIRST) or refresh(admin))
    put(served, "journey-newest", model="only-newer")
    admin.see("#newer a", "1 newer call")
    admin.click("#newer a")

    admin.until(lambda: len(admin.all("#calls tbody tr")) == 2)
    assert admin.path == "/calls?model=only-newer"
    assert admin.complaints() == []


def test_filters_stand_in_the_address_and_back_undoes_them(admin: Window) -> None:
    admin.open("/calls")
    admin.click(".more-filters > summary")
    admin.type("8.9", into="#calls-slower")
    admin.until(lambda: admin.path == "/calls?slower=8.9")
    assert admin.focus.get_attribute("id") == "calls-slower"
    admin.click(".call-bars a[href*='range=7d']")
    admin.until(lambda: admin.path == "/calls?range=7d&slower=8.9")
    admin.driver.back()

    admin.until(lambda: admin.path == "/calls?slower=8.9")


def test_calls_are_chosen_with_the_keyboard_and_deleted(served: RunningGateway, admin: Window) -> None:
    for number in range(3):
        put(served, f"journey-gone-{number}", model="to-be-deleted")
    admin.open("/calls?model=to-be-deleted")
    admin.until(lambda: len(admin.all("#calls tbody tr")) == 3 or refresh(admin))
    admin.run("document.querySelector('#calls tbody input').focus()")
    admin.press(Keys.SPACE, Keys.ARROW_DOWN, Keys.SPACE)
    admin.see("[data-picked]", "2 chosen")
    admin.click("#calls .bulk .menu > summary")
    admin.click("#calls .menu-more > summary")
    admin.click("#calls .menu-more[open] button.danger")
    admin.see(".toast", "Deleted: 2.")
    admin.until(lambda: len(admin.all("#calls tbody tr")) == 1)

    admin.click("#calls .bulk .check input")
    admin.click("#calls .bulk .menu > summary")
    admin.click("#calls .menu-more > summary")
    admin.click("#calls .menu-more[open] button.danger")
    admin.see("#work .panel-note", "done")
    admin.see("#calls", "No call matches")
    assert admin.complaints() == []


def test_on_a_phone_a_call_is_two_lines(admin: Window) -> None:
    admin.wear(SMALL)
    admin.open("/calls?ending=success")

    assert 44 <= admin.see(FIRST).size["height"] <= 84
    admin.click(f"{FIRST} .lead a")
    admin.see("#attempts-title")
    assert admin.overflow() == 0


@pytest.mark.parametrize("path", ["/calls?size=20"])
def test_calls_are_paged_and_filtered_without_scripts(window: Window, path: str) -> None:
    window.without_scripts()
    window.sign_in(ADMIN_TOKEN)
    window.open(path)
    first = window.text(FIRST)
    window.click("a[rel=next]")
    window.until(lambda: "before=" in window.path)
    window.click("a[rel=prev]")
    window.until(lambda: window.text(FIRST) == first)
    window.type("gemini", into="#calls-model")
    window.press(Keys.ENTER)

    window.see("#calls", "No call matches")
    assert "model=gemini" in window.path
