"""Journeys through what stands around every page: in, about, out; live, offline, without scripts."""

import threading
from pathlib import Path
from urllib.request import Request, urlopen

import orjson
from selenium.webdriver.common.keys import Keys

from tests.admin.browsing import ADMIN_TOKEN, Browser
from tests.browser.chromium import CHINESE, SMALL, Window
from tests.integration.running import TOKEN, RunningGateway


def make_calls(gateway: RunningGateway, count: int) -> None:
    body = orjson.dumps(
        {"model": "gemini-3.5-flash", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    )
    for _ in range(count):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        urlopen(Request(f"{gateway.url}/v1/chat/completions", body, headers), timeout=15).read()


def streams(gateway: RunningGateway) -> int:
    """How many event streams the gateway serves."""
    names = [thread.name for thread in threading.enumerate()]
    assert "gateway-under-test" in names
    return gateway.on_loop(lambda services: len(services.farewells[0].__self__))  # type: ignore[attr-defined]


def test_in_about_and_out_with_the_keyboard_alone(window: Window) -> None:
    window.open("/")
    window.until(lambda: window.focus.get_attribute("id") == "token")
    window.press("wrong", Keys.ENTER)
    window.see("[role=alert]", "not the administrator's token")
    window.until(lambda: window.focus.get_attribute("id") == "token")
    window.press(ADMIN_TOKEN, Keys.ENTER)
    window.see("#sentence", "Serving")

    window.press(Keys.TAB)
    assert window.focus.text == "Skip to the page"
    window.press(Keys.ENTER)
    window.until(lambda: window.run("return document.activeElement.id") == "content")
    while window.focus.tag_name != "summary":
        window.press(Keys.SHIFT + Keys.TAB)
    window.press(Keys.ENTER)
    window.see(".menu-list")
    window.press(Keys.ESCAPE)
    window.see_gone(".menu-list")
    window.press(Keys.ENTER, Keys.TAB, Keys.ENTER)

    window.see("#sign-in")
    assert window.all("#sentence") == []


def test_g_and_a_letter_go_to_a_place(admin: Window) -> None:
    admin.open("/?range=1h")
    admin.see("h1")
    admin.press("g", "o")

    admin.until(lambda: admin.path == "/")


def test_numbers_change_while_one_looks_and_the_focus_stays(served: RunningGateway, admin: Window) -> None:
    admin.open("/?range=1h")
    hour = admin.see('.figure[href="/calls?range=1h"] .figure-value')
    before = int(hour.text.replace(",", ""))
    admin.run("document.querySelector('#models-title').tabIndex = -1")
    admin.run("document.querySelector('.chart-plot').focus()")
    admin.run("window.untouched = true; document.querySelector('.chart-table').open = true")
    make_calls(served, 3)

    admin.until(lambda: int(admin.text('.figure[href="/calls?range=1h"] .figure-value')) >= before + 3)
    assert admin.run("return window.untouched"), "the page was not loaded anew"
    assert admin.run("return document.activeElement.classList.contains('chart-plot')")
    assert admin.run("return document.querySelector('.chart-table').open")
    assert admin.complaints() == []


def test_the_chart_tells_exact_values(admin: Window) -> None:
    admin.open("/?range=7d")
    admin.run("document.querySelector('.chart-plot').focus()")
    admin.press(Keys.ARROW_LEFT)
    last = admin.until(lambda: admin.text("[data-readout]"))
    admin.press(Keys.ARROW_LEFT)

    admin.until(lambda: admin.text("[data-readout]") not in ("", last))


def test_a_gateway_that_is_gone_is_told_and_so_is_its_return(window: Window) -> None:
    window.sign_in(ADMIN_TOKEN)
    window.go_offline(offline=True)
    told = window.see(".offline", "cannot be reached").text
    assert any(character.isdigit() for character in told), "it says since when"
    window.see_gone("#sentence")

    window.go_offline(offline=False)
    window.see_gone(".offline")


def test_whoever_is_signed_out_elsewhere_is_asked_to_sign_in(served: RunningGateway, window: Window) -> None:
    window.sign_in(ADMIN_TOKEN)
    elsewhere = Browser(served)
    elsewhere.sign_in()
    elsewhere.post("/sign-out", {"everywhere": "1"})
    window.open("/?range=7d")

    window.see("#sign-in")


def test_language_and_colours_are_switched_and_kept(window: Window) -> None:
    window.sign_in(ADMIN_TOKEN)
    window.click("button[name=language]")
    window.see("h1", "概览")
    for theme in ("light", "dark"):
        window.click(f"button[name=theme][value={theme}]")
        window.see(f"html[data-theme={theme}]")
    paper = window.run("return getComputedStyle(document.body).backgroundColor")

    assert paper == "rgb(18, 21, 23)"
    assert window.run("return document.documentElement.lang") == "zh-CN"


def test_the_browsers_language_is_spoken_at_once(window: Window) -> None:
    window.wear(CHINESE)
    window.open("/")

    assert window.text("#sign-in button") == "登录"


def test_on_a_phone_everything_is_within_reach(window: Window) -> None:
    window.wear(SMALL)
    window.sign_in(ADMIN_TOKEN)
    assert len([each for each in window.all(".nav-place") if each.is_displayed()]) == 5
    window.click(".nav-more summary")
    window.see(".sheet a[data-place=connect]")
    window.click(".sheet form[action='/sign-out'] button")

    window.see("#sign-in")


def test_it_works_without_scripts(window: Window) -> None:
    window.without_scripts()
    window.sign_in(ADMIN_TOKEN)
    window.click("button[name=theme]")
    window.until(lambda: window.all("html[data-theme=light]"))
    window.click(".choices a[href^='/?range=7d']")
    window.see(".choice[aria-current]", "7 d")
    window.click("details.menu summary")
    window.click("form[action='/sign-out'] button:not([name])")

    window.see("#sign-in")


def test_a_hidden_tab_is_sent_nothing(served: RunningGateway, window: Window) -> None:
    window.sign_in(ADMIN_TOKEN)
    window.until(lambda: streams(served) >= 1)
    open_before = streams(served)
    window.driver.switch_to.new_window("tab")

    window.until(lambda: streams(served) == open_before - 1)


def sought(window: Window) -> str:
    """What the findings on the screen are of."""
    return str(window.run("return document.getElementById('found').dataset.sought"))


def test_the_search_finds_while_one_types_and_leads_there(admin: Window) -> None:
    admin.open("/connect")
    admin.press("/")
    admin.until(lambda: admin.focus.get_attribute("id") == "search-q")
    admin.press("retries")
    admin.until(lambda: sought(admin) == "retries")
    admin.press(Keys.ARROW_DOWN, Keys.ARROW_UP, Keys.ARROW_DOWN)
    assert "/settings?q=MAX_RETRIES" in (admin.focus.get_attribute("href") or "")
    admin.press(Keys.ESCAPE)
    admin.see_gone("#search")

    admin.press("/")
    admin.press("add keys")
    admin.until(lambda: sought(admin) == "add keys")
    admin.press(Keys.ENTER)
    admin.until(lambda: admin.path == "/keys/add")
    assert admin.complaints() == []


def test_the_keys_of_the_keyboard_are_told(admin: Window, axe: Path) -> None:
    admin.open("/tokens")
    admin.press("?")
    admin.see("#shortcuts", "Search everything")
    assert admin.faults(axe) == []
    admin.press(Keys.ESCAPE)
    admin.see_gone("#shortcuts")


def test_arrows_and_space_choose_in_a_table(admin: Window) -> None:
    admin.open("/keys")
    admin.run("document.querySelector('tbody tr .lead a').focus()")
    admin.press(" ", Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    admin.run(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: ' ', shiftKey: true, bubbles: true, cancelable: true}))"
    )

    admin.see("[data-picked]", "3 chosen")
    assert admin.path == "/keys"
    admin.press("f")
    admin.until(lambda: admin.focus.get_attribute("id") == "keys-text")


def test_the_search_works_without_scripts(window: Window) -> None:
    window.without_scripts()
    window.sign_in(ADMIN_TOKEN)
    window.click("a[href='/search']")
    window.type("retries", into="#search-q")
    window.press(Keys.ENTER)
    window.click("#found .hit")

    window.see("#MAX_RETRIES")
