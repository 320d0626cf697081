"""Access tokens on their pages: added and shown once, limited, disabled, deleted; and nothing by accident."""

import pytest

from gateway.control.token_desk import TokenView
from tests.admin.browsing import ADMIN_TOKEN, HTMX, Answer, Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import Element, assert_readable, assert_safe
from tests.integration.running import TOKEN, RunningGateway

HOSTILE = "\"><script>alert('1')</script>"
PAGES = ("/tokens", "/tokens?q=nobody", "/tokens/1", "/tokens/1?days=30")
CHANGES = (
    "/tokens",
    "/tokens/1",
    "/tokens/1/reveal",
    "/tokens/1/switch",
    "/tokens/1/delete",
    "/tokens/undo/0a",
)


def added_secret(answer: Answer) -> str:
    return answer.page.one("code", id="added-secret").text


def tokens_of(gateway: RunningGateway) -> dict[str, TokenView]:
    views = gateway.wait_for(lambda services: services.desk.tokens.all())
    return {view.name: view for view in views if view.id}


@pytest.fixture
def own(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway()


@pytest.fixture
def owner(own: RunningGateway) -> Browser:
    browser = Browser(own)
    browser.sign_in()
    return browser


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_safe_readable_and_tells_no_token(browser: Browser, path: str) -> None:
    answer = browser.get(path)

    assert answer.status == 200
    assert_safe(answer.page)
    assert_readable(answer.page)
    assert TOKEN not in answer.text
    assert ADMIN_TOKEN not in answer.text


def test_the_list_has_the_administrator_s_and_the_clients_tokens(browser: Browser) -> None:
    rows = browser.get("/tokens").page.one("tbody").all("tr")

    assert [row.one(class_="lead").text for row in rows] == ["administrator", "without a name environment"]
    assert rows[1].one("a", href="/tokens/1")
    assert rows[1].one("a", href="/calls?range=today&token=1").text == "0"


def test_a_token_is_generated_and_shown_once(own: RunningGateway, owner: Browser) -> None:
    answer = owner.post("/tokens", {"name": "laptop"})

    secret = added_secret(answer)
    assert secret.startswith("sk-")
    assert own.on_loop(lambda services: services.tokens.admit(secret)) is not None
    assert secret not in owner.get("/tokens").text
    assert tokens_of(own)["laptop"].enabled


def test_htmx_gets_the_list_with_the_new_token(owner: Browser) -> None:
    answer = owner.post("/tokens", {"name": HOSTILE, "secret": "sk-my-own-token"}, headers=HTMX)

    assert [each["id"] for each in answer.page.children if isinstance(each, Element)] == ["tokens"]
    assert added_secret(answer) == "sk-my-own-token"
    assert HOSTILE in answer.page.one("tbody").text
    assert_safe(answer.page)
    assert_readable(answer.page)


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("requests_per_minute", "many", "whole number"),
        ("tokens_per_day", "9" * 15, "whole number"),
        ("models", "two words", "without spaces"),
        ("expires", "tomorrow", "date and a time"),
        ("expires", "0001-01-01T00:00", "date and a time"),
        ("secret", "short", "6 to 500"),
        ("secret", TOKEN, "already"),
        ("secret", ADMIN_TOKEN, "administrator"),
        ("name", "x" * 101, "at most 100"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(browser: Browser, field: str, typed: str, words: str) -> None:
    answer = browser.post("/tokens", {"name": "n", field: typed}, headers=HTMX)

    assert answer.status == 422
    assert words in answer.page.one("p", id=f"{field}-error").text
    assert answer.page.one(id=field)["aria-invalid"] == "true"
    assert typed in (answer.page.one(id=field)["value"] or answer.page.one(id=field).text)
    assert len(browser.get("/tokens").page.one("tbody").all("tr")) == 2


def test_limits_are_changed_and_act(own: RunningGateway, owner: Browser) -> None:
    form = {
        "name": "phone",
        "requests_per_minute": "5",
        "tokens_per_day": "1000",
        "models": "gemini-*\n\n gemma ",
        "expires": "2031-01-02T03:04",
    }

    assert owner.post("/tokens/1", form).place == "/tokens/1"
    limits = tokens_of(own)["phone"].limits
    assert (limits.requests_per_minute, limits.tokens_per_day) == (5, 1000)
    assert limits.models == ("gemini-*", "gemma")
    page = owner.get("/tokens/1").page
    assert page.one("input", id="expires")["value"] == "2031-01-02T03:04"
    token = own.on_loop(lambda services: services.tokens.admit(TOKEN))
    assert token is not None
    assert token.limits is not None
    assert not token.limits.may_use("other")


def test_a_wrong_limit_changes_nothing(browser: Browser) -> None:
    answer = browser.post("/tokens/1", {"name": "changed", "tokens_per_day": "-1"}, headers=HTMX)

    assert answer.status == 422
    assert "changed" not in browser.get("/tokens").text


def test_a_saved_form_says_so_to_htmx(owner: Browser) -> None:
    answer = owner.post("/tokens/1", {"name": "tablet"}, headers=HTMX)

    assert answer.page.one("div", role="status").text == "The token was changed."
    assert answer.page.one("input", id="name")["value"] == "tablet"


def test_a_token_is_shown_when_asked_for(browser: Browser) -> None:
    answer = browser.post("/tokens/1/reveal", headers=HTMX)

    assert answer.page.one("code", id="secret").text == TOKEN


def test_a_disabled_token_opens_nothing_until_it_is_enabled(own: RunningGateway, owner: Browser) -> None:
    answer = owner.post("/tokens/1/switch", {"enabled": "0"}, headers=HTMX)

    assert answer.page.one(class_="disabled", tag="span").text == "disabled"
    assert own.on_loop(lambda services: services.tokens.admit(TOKEN)) is None
    assert owner.post("/tokens/1/switch", {"enabled": "1"}).place == "/tokens"
    assert own.on_loop(lambda services: services.tokens.admit(TOKEN)) is not None


def test_a_token_is_deleted_where_it_is_confirmed(own: RunningGateway, owner: Browser) -> None:
    confirmation = owner.get("/tokens/1").page.one("details", class_="confirm")

    assert confirmation.one("form")["action"] == "/tokens/1/delete"
    assert owner.post("/tokens/1/delete").place.startswith("/tokens?undo=")
    assert own.on_loop(lambda services: services.tokens.admit(TOKEN)) is None
    assert owner.get("/tokens/1").status == 404


def test_a_deleted_token_is_brought_back_from_where_it_is_told(own: RunningGateway, owner: Browser) -> None:
    place = owner.post("/tokens/1/delete").place
    page = owner.get(place).page
    assert_safe(page)
    assert_readable(page)
    (undo,) = [form["action"] for form in page.all("form") if form["action"].startswith("/tokens/undo/")]

    assert owner.post(undo).place == "/tokens"
    assert own.on_loop(lambda services: services.tokens.admit(TOKEN)) is not None
    assert owner.get("/tokens").page.one(class_="toasts").text.startswith("The token is back.")
    assert undo not in owner.get(place).text
    owner.post(undo)
    assert "nothing to bring back" in owner.get("/tokens").page.one(class_="toasts").text


@pytest.mark.parametrize("path", ["/tokens/0", "/tokens/99", "/tokens/" + "9" * 18])
def test_there_is_no_page_for_the_administrator_s_token_or_none(browser: Browser, path: str) -> None:
    assert browser.get(path).status == 404
    assert browser.post(f"{path}/delete").status == 404


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_is_changed_by_strangers_forgers_or_links(
    browser: Browser, stranger: Browser, path: str
) -> None:
    assert browser.post(path, {"name": "forged"}, xsrf=False).status == 403
    assert stranger.post(path, {"name": "strange"}).status == 303
    browser.get(path)

    page = browser.get("/tokens").page
    assert [row.one(class_="main").text for row in page.one("tbody").all("tr")] == ["enabled", "enabled"]
    assert "forged" not in page.text
    assert "strange" not in page.text


def test_the_page_is_there_in_chinese(browser: Browser) -> None:
    page = browser.get("/tokens", Accept_Language="zh-CN").page

    assert page.one("h1").text == "访问令牌"
    assert "管理员" in page.one("tbody").text
