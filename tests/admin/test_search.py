"""The search: one field that finds pages, settings, keys, tokens, models and calls, with the way to each."""

import pytest

from tests.admin.browsing import HTMX, Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import Element, assert_readable, assert_safe
from tests.integration.running import TOKEN, RunningGateway
from tests.store.samples import until

HOSTILE = "\"><script>alert('1')</script>"


def ways(page: Element) -> list[str]:
    """Where the findings lead."""
    return [each["href"] for each in page.one("div", id="found").all("a", class_="hit")]


def asked(browser: Browser, sought: str, **headers: str) -> Element:
    return browser.get(f"/search?q={sought}", **headers).page


@pytest.fixture
def own(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(API_KEYS="")


@pytest.fixture
def owner(own: RunningGateway) -> Browser:
    browser = Browser(own)
    browser.sign_in()
    return browser


@pytest.mark.parametrize("query", ["", "q=retries", "q=nosuchthing", "q=%22%3E%3Cscript%3E"])
def test_the_page_is_safe_and_readable(browser: Browser, query: str) -> None:
    answer = browser.get(f"/search?{query}")

    assert answer.status == 200
    assert_safe(answer.page)
    assert_readable(answer.page)


def test_every_page_has_the_field_and_the_way_without_a_script(browser: Browser) -> None:
    page = browser.get("/").page

    assert page.one("a", href="/search")["data-opens"] == "search"
    form = page.one("dialog", id="search").one("form")
    assert (form["method"], form["action"], form["hx-post"]) == ("post", "/search", "/search")
    assert page.one("dialog", id="shortcuts")


def test_strangers_find_nothing(stranger: Browser) -> None:
    assert stranger.get("/search?q=key").place == "/?next=%2Fsearch%3Fq%3Dkey"


def test_without_a_wish_it_shows_the_places(browser: Browser) -> None:
    assert ways(asked(browser, ""))[:3] == ["/", "/keys", "/tokens"]


@pytest.mark.parametrize("sought", ["playground", "Playground", "%E8%AF%95%E7%94%A8"])
def test_pages_are_found_in_either_language(browser: Browser, sought: str) -> None:
    assert ways(asked(browser, sought, Accept_Language="zh-CN"))[0] == "/playground"


def test_a_setting_that_is_called_so_comes_before_those_that_speak_of_it(browser: Browser) -> None:
    found = [way for way in ways(asked(browser, "max+retries")) if way.startswith("/settings")]

    assert found[0] == "/settings?q=MAX_RETRIES"
    assert ways(asked(browser, "stream"))[-1] == "/settings?q=stream"


def test_keys_are_found_by_note_tag_and_end_and_told_with_their_state(owner: Browser) -> None:
    secret = "AIza" + "k" * 31 + "9f2c"
    owner.post(
        "/keys/add",
        {"text": secret, "note": "the night key", "tags": "spare", "weight": "1", "provider": "gemini"},
    )
    (way,) = [each for each in ways(asked(owner, "9f2c")) if each.startswith("/keys/")]

    for sought in ("night+key", "spare"):
        page = asked(owner, sought)
        assert way in ways(page)
        assert page.one(class_="hit-state").text == "ready"
        assert secret not in page.text
    for whole in (owner.get(f"/search?q={secret}"), owner.post("/search", {"q": secret})):
        assert whole.place == way, "a whole key leads to its page"
    fragment = owner.post("/search", {"q": secret}, headers=HTMX)
    assert secret not in fragment.text
    assert way in fragment.text


def test_what_is_typed_stands_in_the_address_unless_it_is_a_key(owner: Browser) -> None:
    unknown = "AIza" + "u" * 31 + "7e1d"

    assert owner.post("/search", {"q": "night key & more"}).place == "/search?q=night+key+%26+more"
    assert owner.post("/search", {"q": f"is {unknown} here"}).place == ("/search?q=is+AIza%E2%80%A67e1d+here")
    assert unknown not in owner.get(f"/search?q={unknown}").text


def test_tokens_are_found_by_name(owner: Browser) -> None:
    owner.post("/tokens", {"name": f"Ann {HOSTILE}"})

    page = asked(owner, "ann")
    assert [way for way in ways(page) if way.startswith("/tokens/")] == ["/tokens/2"]
    assert_safe(page)
    assert TOKEN not in page.text


def test_a_call_is_found_by_its_request_id(own: RunningGateway, owner: Browser) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    body = '{"model": "gemini-x", "messages": [{"role": "user", "content": "hi"}]}'
    request_id = owner.ask("POST", "/v1/chat/completions", body, headers=headers).headers["x-request-id"]

    def found() -> list[str]:
        return [each for each in ways(asked(owner, request_id)) if each.startswith("/calls/")]

    until(found)
    assert found()[0].removeprefix("/calls/").isdigit()


def test_a_part_is_given_when_a_part_is_asked_for(browser: Browser) -> None:
    answer = browser.get(
        "/search?q=retries", **{name.replace("-", "_"): value for name, value in HTMX.items()}
    )

    (root,) = [each for each in answer.page.children if isinstance(each, Element)]
    assert root["id"] == "found"
    assert "/settings?q=MAX_RETRIES" in ways(answer.page)


def test_the_keys_of_the_places_differ(browser: Browser) -> None:
    letters = [
        each["data-letter"]
        for each in browser.get("/").page.one("nav", class_="nav").all("a", class_="nav-place")
    ]

    assert all(letters)
    assert len(set(letters)) == 7
