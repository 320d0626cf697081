"""The playground: what is sent is what a client would send, and no token leaves unasked."""

import orjson
import pytest

from tests.admin.browsing import ADMIN_TOKEN, HTMX, Answer, Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import Element, assert_readable, assert_safe
from tests.integration.running import TOKEN, RunningGateway
from tests.store.samples import attempt_record, call_record, until

HOSTILE = "\"><script>alert('1')</script>"
FIELDS = {"dialect": "openai", "model": "m", "prompt": "hi", "token": "1", "stream": "1"}


def call_for(browser: Browser, **fields: str) -> Answer:
    return browser.post("/playground/call", {**FIELDS, **fields})


def test_the_page_is_safe_readable_and_tells_no_token(browser: Browser) -> None:
    answer = browser.get("/playground")

    assert answer.status == 200
    assert_safe(answer.page)
    assert_readable(answer.page)
    assert TOKEN not in answer.text
    assert ADMIN_TOKEN not in answer.text


def test_it_begins_as_its_address_says(browser: Browser) -> None:
    page = browser.get("/playground?dialect=gemini&model=gemini-x").page

    assert page.one("input", name_="model")["value"] == "gemini-x"
    (chosen,) = [each["value"] for each in page.all("input", name_="dialect") if "checked" in each]
    assert chosen == "gemini"
    assert "google-genai" in page.one("section", id="code").text


@pytest.mark.parametrize("field", ["model", "prompt", "system"])
def test_what_is_typed_stays_text(browser: Browser, field: str) -> None:
    answer = browser.post("/playground", {**FIELDS, field: HOSTILE})

    assert answer.status == 200
    assert_safe(answer.page)
    assert HOSTILE in (answer.page.text + str([each.attributes for each in answer.page.walk()]))


def test_htmx_gets_the_code_for_what_is_typed(browser: Browser) -> None:
    answer = browser.post("/playground", {**FIELDS, "prompt": "tell me"}, headers=HTMX)

    assert [each["id"] for each in answer.page.children if isinstance(each, Element)] == ["code"]
    assert "tell me" in answer.page.text
    assert "YOUR_TOKEN" in answer.page.text


def test_a_browser_without_scripts_is_told_what_to_do_instead(browser: Browser) -> None:
    assert "needs a script" in browser.post("/playground", FIELDS).page.one("div", class_="notice").text


def test_the_request_to_send_comes_with_the_token_once(browser: Browser) -> None:
    first = orjson.loads(call_for(browser).text)
    later = orjson.loads(call_for(browser, known="1").text)

    assert first["token"] == TOKEN
    assert "token" not in later
    assert first["path"] == later["path"] == "/v1/chat/completions"
    assert first["body"]["messages"] == [{"role": "user", "content": "hi"}]
    assert first["body"]["stream"] is True


def test_a_native_call_is_one_of_gemini_s(browser: Browser) -> None:
    request = orjson.loads(call_for(browser, dialect="gemini", stream="", system="be kind").text)

    assert request["path"] == "/gemini/v1beta/models/m:generateContent"
    assert request["body"] == {
        "systemInstruction": {"parts": [{"text": "be kind"}]},
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    }


@pytest.mark.parametrize("token", ["0", "", "99", "-1", "1e3", "9" * 30, "\u0661"])
def test_only_an_access_token_is_given_and_never_the_administrator_s(browser: Browser, token: str) -> None:
    assert orjson.loads(call_for(browser, token=token).text)["token"] is None


def test_that_a_token_was_given_stands_in_the_audit(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    browser = Browser(gateway)
    browser.sign_in()
    call_for(browser)
    services = gateway.services
    assert services is not None
    (entry,) = services.store.read_sync(lambda: services.store.audit.latest(5))

    assert (entry.actor, entry.action, entry.subject) == ("admin", "revealed", "token 1")


@pytest.mark.parametrize("path", ["/playground", "/playground/call", "/connect"])
def test_a_forged_form_is_told_nothing(browser: Browser, path: str) -> None:
    answer = browser.post(path, FIELDS, xsrf=False)

    assert answer.status == 403
    assert TOKEN not in answer.text


@pytest.mark.parametrize("path", ["/playground", "/playground/models", "/playground/trace/x", "/connect"])
def test_strangers_are_asked_to_sign_in(stranger: Browser, path: str) -> None:
    assert (stranger.get(path).status, stranger.get(path).place[:2]) == (303, "/?")
    assert stranger.post(path, FIELDS).status in (303, 405)


def test_names_that_cannot_be_read_are_no_hindrance(browser: Browser) -> None:
    names = browser.get("/playground/models", HX_Request="true").page.one("datalist", id="models")

    assert names.all("option") == []
    assert "hx-get" not in names, "it is not asked for again and again"


def test_what_became_of_the_call_is_told_attempt_by_attempt(
    gateway: RunningGateway, browser: Browser
) -> None:
    services = gateway.services
    assert services is not None
    written = services.store.health().written
    attempts = (
        attempt_record(1, key_id=1, key_alias=HOSTILE[:40], failure_kind="rate_day", status=429),
        attempt_record(2, key_id=2, key_alias="k2"),
    )
    services.store.records.put(call_record("trace-me", attempts=attempts))
    until(lambda: services.store.health().written > written)
    answer = browser.get("/playground/trace/trace-me")

    assert_safe(answer.page)
    rows = answer.page.one("ol", class_="attempts").all("li")
    assert [row.text for row in rows] == [
        f"{HOSTILE[:40]} quota of the day used up 429 290 ms",
        "k2 answered 290 ms",
    ]


def test_a_call_that_is_not_recorded_is_said_to_be(browser: Browser) -> None:
    assert "not recorded yet" in browser.get("/playground/trace/nothing").page.text


# Connect


def test_addresses_are_those_the_reader_came_by(gateway: RunningGateway) -> None:
    browser = Browser(gateway, Host="gateway.example.org", X_Forwarded_Proto="https")
    browser.sign_in()
    answer = browser.get("/connect")

    assert_safe(answer.page)
    assert_readable(answer.page)
    assert "https://gateway.example.org/v1" in answer.page.text
    assert "127.0.0.1" not in answer.page.text
    assert TOKEN not in answer.text


def test_the_readers_own_token_is_shown_when_asked_for(browser: Browser) -> None:
    fragment = browser.post("/connect", {"token": "1"}, headers=HTMX)
    page = browser.post("/connect", {"token": "1"})

    assert [each["id"] for each in fragment.page.children if isinstance(each, Element)] == ["clients"]
    for answer in (fragment, page):
        assert answer.text.count(TOKEN) > 10
        assert "YOUR_TOKEN" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert ADMIN_TOKEN not in answer.text


def test_without_a_token_one_is_told_to_add_one(start_gateway: StartGateway) -> None:
    browser = Browser(start_gateway(ALLOWED_TOKENS=""))
    browser.sign_in()

    for path in ("/playground", "/connect"):
        page = browser.get(path).page
        assert "no access token yet" in page.text


@pytest.mark.parametrize("host", ['x"><script>alert(1)</script>', "a'b", "evil/../x"])
def test_a_hostile_host_stays_text(gateway: RunningGateway, host: str) -> None:
    browser = Browser(gateway)
    browser.sign_in()
    answer = browser.ask("GET", "/connect", headers={"X-Forwarded-Host": host})

    assert_safe(answer.page)
