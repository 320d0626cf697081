"""Keys in a real browser: pasted and checked, disabled and seen to be, by the keyboard alone, on a phone."""

from pathlib import Path

from selenium.webdriver.common.keys import Keys

from tests.admin.browsing import Browser
from tests.browser.chromium import PHONE, SMALL, Window
from tests.control.gateways import fake_key
from tests.integration.running import RunningGateway

FIRST = "tbody tr:first-child"


def test_keys_are_pasted_seen_checked_and_told_of(admin: Window, axe: Path) -> None:
    admin.open("/keys/add")
    admin.type(f"one {fake_key(41)} and {fake_key(42)} and AIzaShort", into="#text")
    admin.see("#preview", "new")
    admin.see("#preview", "not a key")
    admin.type("pasted", into="#tags")
    admin.click(".adding-side button.solid")

    admin.see(".work", "Checking new keys")
    admin.see(".work .panel-note", "done")
    admin.see(".outcomes", "key not valid")
    assert admin.faults(axe) == []
    admin.open("/keys?tag=pasted")
    admin.until(lambda: len(admin.all("tbody tr")) == 2)
    admin.click("[data-pick-all]")
    admin.see("[data-picked]", "2 chosen")
    admin.click(".bulk .menu > summary")
    admin.click(".bulk .menu-more:last-child > summary")
    admin.click(".bulk .menu-more[open] button.danger")
    admin.see(".toast", "Deleted: 2.")
    admin.click(".toast button:not([data-dismiss])")

    admin.until(lambda: len(admin.all("tbody tr")) == 2)
    assert admin.complaints() == []


def test_a_key_is_disabled_from_its_row_and_seen_to_be(admin: Window) -> None:
    admin.open("/keys?sort=added")
    name = admin.text(f"{FIRST} .lead a")
    admin.click(f"{FIRST} [data-menu]")
    admin.see("#row-menu", name)
    admin.click("#row-menu button[value=disable]")
    admin.see(".toast", "Disabled: 1.")
    admin.see(f"{FIRST} .standing", "disabled")
    admin.click(f"{FIRST} [data-menu]")
    admin.click("#row-menu button[value=enable]")

    admin.until(lambda: "disabled" not in admin.text(f"{FIRST} .standing"))
    assert admin.complaints() == []


def test_a_key_disabled_elsewhere_is_seen_on_the_live_overview(served: RunningGateway, admin: Window) -> None:
    elsewhere = Browser(served)
    elsewhere.sign_in()
    key = served.on_loop(lambda services: min(services.pool.key_ids()))
    admin.open("/")
    count = ".states-row[href='/keys?state=disabled'] .number"
    before = int(admin.text(count))
    sentence = admin.text("#sentence")
    admin.run("window.untouched = true")

    elsewhere.post(f"/keys/{key}/do", {"do": "disable"})
    admin.until(lambda: int(admin.text(count)) == before + 1)
    admin.until(lambda: admin.text("#sentence") != sentence)
    elsewhere.post(f"/keys/{key}/do", {"do": "enable"})
    admin.until(lambda: int(admin.text(count)) == before)

    assert admin.run("return window.untouched"), "the page was not loaded anew"
    assert admin.complaints() == []


def test_typing_narrows_the_list_and_stands_in_the_address(admin: Window) -> None:
    admin.open("/keys")
    admin.press("f")
    assert admin.focus.get_attribute("id") == "keys-text"
    admin.press("leak")
    admin.until(lambda: len(admin.all("tbody tr")) == 1)

    assert admin.path == "/keys?text=leak"
    assert admin.focus.get_attribute("id") == "keys-text"
    admin.driver.back()
    admin.until(lambda: len(admin.all("tbody tr")) > 1)


def test_a_whole_key_that_is_typed_stands_in_no_address(admin: Window) -> None:
    secret = fake_key(93)
    admin.open("/keys")
    admin.press("f")
    admin.press(secret)
    admin.see("#keys", "No key matches")

    admin.until(lambda: admin.path == f"/keys?text={secret[:4]}%E2%80%A6{secret[-4:]}")
    asked = admin.run("return performance.getEntriesByType('resource').map(each => each.name).join(' ')")
    assert "/keys/find" in asked
    assert secret not in asked
    assert admin.complaints() == []


def test_rows_are_chosen_with_the_keyboard_alone(admin: Window) -> None:
    admin.open("/keys")
    admin.run("document.querySelector('tbody input').focus()")
    admin.press(Keys.SPACE, Keys.ARROW_DOWN, Keys.SPACE, Keys.ARROW_DOWN, Keys.ARROW_UP)
    admin.see("[data-picked]", "2 chosen")
    assert len(admin.all("tbody tr.chosen")) == 2

    admin.press(Keys.TAB, Keys.ARROW_DOWN, Keys.ENTER)
    admin.until(lambda: admin.path.startswith("/keys/"))
    admin.see("#standing-title")


def test_on_a_phone_a_row_is_two_lines_and_its_menu_a_sheet(admin: Window) -> None:
    admin.wear(SMALL)
    admin.open("/keys")
    row = admin.see(FIRST)
    assert 48 <= row.size["height"] <= 84
    admin.click(f"{FIRST} [data-menu]")
    sheet = admin.see("#row-menu")

    assert sheet.size["width"] == PHONE[0]
    assert admin.run("return document.querySelector('#row-menu').getBoundingClientRect().bottom") == PHONE[1]
    admin.press(Keys.ESCAPE)
    admin.see_gone("#row-menu")


def test_a_key_is_disabled_without_scripts(window: Window) -> None:
    window.without_scripts()
    window.sign_in("sk-test-admin")
    window.open("/keys?text=slow")
    window.click(f"{FIRST} .tools a")
    window.click("button[value=disable]")
    window.see(".toast", "Disabled: 1.")
    window.click("button[value=enable]")

    window.see(".toast", "Enabled: 1.")
