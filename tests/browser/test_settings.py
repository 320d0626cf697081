"""A setting edited in a real browser, and seen to act on a client's next call."""

import json
import urllib.request

from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import DRESSES, Window
from tests.integration.running import TOKEN
from tests.sdk.clients import MODEL


def listed(window: Window) -> list[str]:
    """The models a client is offered now."""
    request = urllib.request.Request(
        f"{window.origin}/v1/models", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return [model["id"] for model in json.load(answer)["data"]]


def test_a_setting_acts_at_once_and_is_reset(admin: Window) -> None:
    assert MODEL in listed(admin)
    admin.open("/settings?q=FILTERED_MODELS")
    admin.type(MODEL, into="#FILTERED_MODELS")
    admin.click("#models form[action='/settings'] .panel-foot .button")

    admin.see("#models [role=status]", "FILTERED_MODELS")
    assert MODEL not in listed(admin)

    admin.click("#models .confirm > summary")
    admin.click("#models .confirm .button[name=name]")
    admin.see_gone("#models .confirm")
    assert MODEL in listed(admin)
    assert admin.complaints() == []


def test_what_is_wrong_stands_beside_its_field(admin: Window) -> None:
    admin.open("/settings?q=MAX_RETRIES")
    admin.type("many", into="#MAX_RETRIES")
    admin.click("#upstream form[action='/settings'] .panel-foot .button")

    admin.see("#MAX_RETRIES-error", "whole number")


def test_a_setting_is_found_and_changed_with_the_keyboard_alone(admin: Window) -> None:
    admin.open("/")
    admin.press("g", "s")
    admin.until(lambda: admin.path == "/settings")
    admin.press("f")
    admin.until(lambda: admin.focus.get_attribute("id") == "settings-q")
    admin.press("MAX_RETRIES", Keys.ENTER)
    admin.until(lambda: admin.path == "/settings?q=MAX_RETRIES")
    admin.see("#MAX_RETRIES")
    while admin.focus.get_attribute("id") != "MAX_RETRIES":
        admin.press(Keys.TAB)
    held = admin.focus.get_attribute("value") or ""
    for value in ("7", held):
        admin.press(Keys.CONTROL + "a")
        admin.press(value, Keys.ENTER)
        admin.see("#upstream [role=status]", "MAX_RETRIES")
        admin.see(f"#MAX_RETRIES[value='{value}']")
        admin.until(lambda: admin.focus.get_attribute("id") == "MAX_RETRIES")


def test_on_a_chinese_phone_in_the_dark_what_is_wrong_is_told_in_chinese(admin: Window) -> None:
    admin.wear(DRESSES[-1])
    admin.open("/settings?q=MAX_RETRIES")
    admin.type("many", into="#MAX_RETRIES")
    admin.click("#upstream form[action='/settings'] .panel-foot .button")

    admin.see("#MAX_RETRIES-error", "之间的整数")
    assert admin.overflow() == 0


def test_proxies_are_pasted_seen_tried_and_removed(admin: Window) -> None:
    admin.open("/settings?q=PROXIES")
    admin.type("127.0.0.1:9 and socks4://no:1", into="#proxy-text")
    admin.see("#proxy-preview", "not a proxy")
    admin.click(".proxy-adding .button")
    admin.see("#proxies p[role=status]", "Added: 1.")

    admin.click("#proxies .way:last-child .button[name=way]")
    admin.see("#proxies .way:last-child .way-state", "not reached")
    assert admin.text("#proxies .way:first-child .way-state") == "not tried"
    admin.click("#proxies .way:last-child .confirm > summary")
    admin.click("#proxies .way:last-child .danger")
    admin.until(lambda: len(admin.all("#proxies .way")) == 1)
    assert admin.complaints() == []
