"""Proxies on the page of settings: pasted and looked at, tried one by one, removed; and never shown whole."""

import pytest

from tests.admin.browsing import HTMX, Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import Element, assert_readable, assert_safe
from tests.integration.running import RunningGateway

HOSTILE = "\"><script>alert('1')</script>"
SECRET = "pass-word-1"
CHANGES = ("/settings/ways", "/settings/proxies", "/settings/proxies/remove")


@pytest.fixture
def own(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(PROXIES=f"http://someone:{SECRET}@127.0.0.1:9")


@pytest.fixture
def owner(own: RunningGateway) -> Browser:
    browser = Browser(own)
    browser.sign_in()
    return browser


def proxies(gateway: RunningGateway) -> tuple[str, ...]:
    return gateway.on_loop(lambda services: services.live.current.proxies)


def lines(page: Element) -> dict[str, str]:
    """The ways that are listed and what stands beside each."""
    return {
        each["id"].removeprefix("way-"): each.one(class_="way-state").text
        for each in page.all("li", class_="way")
    }


def test_the_ways_are_listed_masked_and_untried(owner: Browser) -> None:
    answer = owner.get("/settings")
    panel = answer.page.one("section", id="proxies")

    assert list(lines(panel).values()) == ["not tried", "not tried"]
    assert panel.all("li", class_="way")[1].one(class_="way-name").text == "http://***@127.0.0.1:9"
    assert SECRET not in answer.text


def test_a_paste_is_told_of_before_anything_is_saved(own: RunningGateway, owner: Browser) -> None:
    before = proxies(own)
    text = f"{before[0]}\n10.0.0.1:3128\n10.0.0.1:3128\n{HOSTILE}"
    look = owner.post("/settings/proxies", {"text": text, "step": "look"}, headers=HTMX)

    told = [each.text for each in look.page.one("ul").all("li")]
    assert told[0] == "new 1"
    assert told[1].startswith("there already http://***@127.0.0.1:9")
    assert told[2] == "more than once in the text 1"
    assert told[3].startswith("not a proxy line 4")
    assert proxies(own) == before
    assert SECRET not in look.text
    assert_safe(look.page)


def test_what_was_seen_is_added_behind_what_is_there(own: RunningGateway, owner: Browser) -> None:
    before = proxies(own)
    text = f"{before[0]}\n10.0.0.1:3128\nsocks5://u:other-secret@10.0.0.2:1080"
    unseen = owner.post("/settings/proxies", {"text": text}, headers=HTMX)
    assert proxies(own) == before, "what is odd about it is shown first"

    seen = unseen.page.one("input", name_="seen")["value"]
    added = owner.post("/settings/proxies", {"text": text, "seen": seen}, headers=HTMX)

    assert proxies(own) == (*before, "http://10.0.0.1:3128", "socks5://u:other-secret@10.0.0.2:1080")
    assert added.page.one("p", role="status").text == "Added: 2."
    assert "other-secret" not in added.text
    assert len(lines(added.page)) == 4
    assert (
        "PROXIES"
        in owner.get("/settings").page.one("section", class_="panel", aria_labelledby="changes-title").text
    )


def test_without_a_script_proxies_are_added_and_removed_too(own: RunningGateway, owner: Browser) -> None:
    assert owner.post("/settings/proxies", {"text": "10.0.0.1:3128"}).place == "/settings#proxies"
    page = owner.get("/settings").page
    assert "Added: 1." in page.one(class_="toasts").text
    way = next(name for name in lines(page) if name != "direct")
    assert owner.post("/settings/proxies/remove", {"way": way}).place == "/settings#proxies"

    assert proxies(own) == ("http://10.0.0.1:3128",)
    assert owner.post("/settings/proxies/remove", {"way": way}).place == "/settings#proxies"
    assert "not there any more" in owner.get("/settings").page.one(class_="toasts").text


def test_a_text_without_a_proxy_is_told_beside_the_field(owner: Browser) -> None:
    answer = owner.post("/settings/proxies", {"text": "nothing here", "seen": "0-0-0-1"}, headers=HTMX)

    assert answer.status == 422
    assert answer.page.one("p", id="proxy-text-error").text == "There is no new proxy in this text."
    assert_readable(answer.page)


def test_one_way_is_tried_and_told_beside_it(owner: Browser) -> None:
    way = list(lines(owner.get("/settings").page))[1]
    one = owner.post("/settings/ways", {"way": way}, headers=HTMX)
    whole = owner.post("/settings/ways", {"way": way})

    (root,) = [each for each in one.page.children if isinstance(each, Element)]
    assert root["id"] == f"way-{way}"
    assert "not reached" in root.one(class_="way-state").text
    found = lines(whole.page)
    assert ("not reached" in found[way], found["direct"]) == (True, "not tried")
    assert SECRET not in one.text + whole.text
    assert owner.post("/settings/ways", {"way": "f" * 16}).status == 404


@pytest.mark.parametrize("path", CHANGES)
def test_strangers_and_forgers_try_and_change_nothing(browser: Browser, stranger: Browser, path: str) -> None:
    assert browser.post(path, {"text": "a:1"}, xsrf=False).status == 403
    assert stranger.post(path, {"text": "a:1"}).status == 303
