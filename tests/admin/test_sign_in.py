"""Signing in and out, as a browser does it: cookies, wrong guesses, forged forms, old addresses."""

import pytest

from gateway.control.throttle import FREE_GUESSES
from tests.admin.browsing import ADMIN_TOKEN, Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import assert_readable, assert_safe
from tests.integration.running import TOKEN, RunningGateway

OPEN_PATHS = ("/sign-in", "/sign-out", "/choices")


def test_whoever_is_not_signed_in_is_asked_for_the_token(stranger: Browser) -> None:
    answer = stranger.get("/")

    assert answer.status == 200
    assert answer.page.one("input", name_="token")["type"] == "password"
    assert answer.page.one("form", id="sign-in")["method"] == "post"
    assert_safe(answer.page)
    assert_readable(answer.page)


def test_the_token_opens_the_admin(stranger: Browser) -> None:
    answer = stranger.sign_in()

    assert (answer.status, answer.place) == (303, "/")
    page = stranger.get("/").page
    assert page.one("h1").text == "Overview"
    assert_safe(page)
    assert_readable(page)


@pytest.mark.parametrize("token", ["", "wrong", TOKEN, f"{ADMIN_TOKEN} x", "\ud83d", "\x00" * 5000])
def test_nothing_else_opens_it(start_gateway: StartGateway, token: str) -> None:
    stranger = Browser(start_gateway())
    answer = stranger.sign_in(token.encode("utf-8", "replace").decode())

    assert answer.status == 401
    assert answer.page.one(role="alert").text.startswith("This is not the administrator's token.")
    assert "gateway_session" not in stranger.cookies
    assert stranger.get("/").page.all("form", id="sign-in")


def test_blanks_around_a_pasted_token_do_not_matter(stranger: Browser) -> None:
    assert stranger.sign_in(f"  {ADMIN_TOKEN}\n").status == 303


def test_the_cookie_is_for_this_site_and_not_for_scripts(stranger: Browser) -> None:
    stranger.sign_in()
    cookie = stranger.cookies["gateway_session"]

    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == "3600"
    assert not cookie["secure"]
    assert len(cookie.value) >= 40
    assert ADMIN_TOKEN not in cookie.value


def test_behind_tls_every_cookie_travels_only_over_tls(gateway: RunningGateway) -> None:
    browser = Browser(gateway, X_Forwarded_Proto="https")
    browser.sign_in()

    assert browser.cookies.keys() == {"_xsrf", "gateway_session"}
    assert all(cookie["secure"] for cookie in browser.cookies.values())


def test_after_signing_in_one_is_where_one_wanted_to_be(stranger: Browser) -> None:
    page = stranger.get("/?next=%2Fkeys%3Fstate%3Ddead").page

    assert page.one("input", name_="next")["value"] == "/keys?state=dead"
    assert stranger.sign_in(next="/keys?state=dead").place == "/keys?state=dead"


@pytest.mark.parametrize(
    "place", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", ""]
)
def test_signing_in_never_leads_elsewhere(stranger: Browser, place: str) -> None:
    assert stranger.sign_in(next=place).place == "/"


def test_wrong_guesses_have_to_wait_and_are_told_so(start_gateway: StartGateway) -> None:
    stranger = Browser(start_gateway(), X_Forwarded_For="192.0.2.7")
    for _ in range(FREE_GUESSES):
        assert stranger.sign_in("wrong").status == 401
    answer = stranger.sign_in(ADMIN_TOKEN)

    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 15
    assert "Too many wrong tokens" in answer.page.one(role="alert").text
    assert "gateway_session" not in stranger.cookies
    assert Browser(start_gateway(), X_Forwarded_For="192.0.2.8").sign_in().status == 303


def test_made_up_addresses_do_not_buy_guesses_without_end(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    statuses = set()
    stranger = Browser(gateway)
    for number in range(60):
        stranger.headers["X-Forwarded-For"] = f"198.51.100.{number}"
        statuses.add(stranger.sign_in("wrong").status)

    assert statuses == {401, 429}


def test_signing_out_ends_the_session_and_not_only_the_cookie(browser: Browser) -> None:
    kept = browser.cookies["gateway_session"]
    answer = browser.post("/sign-out")

    assert (answer.status, answer.place) == (303, "/")
    assert "gateway_session" not in browser.cookies
    browser.cookies["gateway_session"] = kept
    assert browser.get("/").page.all("form", id="sign-in")


def test_signing_out_everywhere_ends_all_sessions(gateway: RunningGateway, browser: Browser) -> None:
    elsewhere = Browser(gateway)
    elsewhere.sign_in()
    browser.post("/sign-out", {"everywhere": "1"})

    assert elsewhere.get("/").page.all("form", id="sign-in")


def test_a_session_outlives_a_restart_and_not_a_changed_token(start_gateway: StartGateway) -> None:
    first = start_gateway()
    browser = Browser(first)
    browser.sign_in()
    kept = browser.cookies
    first.stop()

    again = Browser(second := start_gateway())
    again.cookies = kept
    assert again.get("/").page.one("h1").text == "Overview"
    second.stop()

    changed = Browser(start_gateway(AUTH_TOKEN="sk-another-admin"))
    changed.cookies = kept
    assert changed.get("/").page.all("form", id="sign-in")


def test_a_session_token_that_was_made_up_opens_nothing(stranger: Browser, browser: Browser) -> None:
    for value in ("x", ADMIN_TOKEN, "%00", "a" * 4000):
        stranger.cookies["gateway_session"] = browser.cookies["gateway_session"].copy()
        stranger.cookies["gateway_session"].set("gateway_session", value, value)
        assert stranger.get("/").page.all("form", id="sign-in"), value


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_a_forged_form_changes_nothing(browser: Browser, path: str) -> None:
    fields = {"token": ADMIN_TOKEN, "everywhere": "1", "theme": "dark"}
    bare = browser.post(path, fields, xsrf=False)
    forged = browser.post(path, {**fields, "_xsrf": "2|aaaa|bbbb|1"}, xsrf=False)

    assert (bare.status, forged.status) == (403, 403)
    assert "set-cookie" not in bare.headers
    assert browser.get("/").page.one("h1").text == "Overview"


def test_the_header_that_htmx_sends_will_do(browser: Browser) -> None:
    headers = {"X-XSRFToken": browser.cookies["_xsrf"].value}

    assert browser.post("/choices", {"theme": "dark"}, xsrf=False, headers=headers).status == 303


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_nothing_is_changed_by_a_link(browser: Browser, path: str) -> None:
    browser.get(f"{path}?theme=dark&language=zh_CN&everywhere=1&token={ADMIN_TOKEN}")

    assert browser.cookies.keys() == {"_xsrf", "gateway_session"}
    assert browser.get("/").page.one("h1").text == "Overview"


def test_language_and_theme_are_chosen_and_kept(stranger: Browser) -> None:
    assert stranger.get("/").page.one("html")["lang"] == "en"
    answer = stranger.post("/choices", {"language": "zh_CN", "here": "/?next=%2Fkeys"})
    stranger.post("/choices", {"theme": "dark"})
    page = stranger.get("/").page

    assert answer.place == "/?next=%2Fkeys"
    assert (page.one("html")["lang"], page.one("html")["data-theme"]) == ("zh-CN", "dark")
    assert page.one("label").text == "管理员令牌"


def test_a_choice_there_is_not_is_no_choice(stranger: Browser) -> None:
    stranger.post("/choices", {"theme": "purple", "language": "../x"})

    assert stranger.cookies.keys() == {"_xsrf"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/keys_status", "/keys"),
        ("/config", "/settings"),
        ("/logs?x=1", "/calls?x=1"),
    ],
)
def test_old_addresses_lead_to_the_right_pages(browser: Browser, old: str, new: str) -> None:
    answer = browser.get(old)

    assert (answer.status, answer.place) == (302, new)


def test_the_old_sign_in_begins_anew(stranger: Browser) -> None:
    answer = stranger.post("/auth", {"auth_token": ADMIN_TOKEN}, xsrf=False)

    assert (answer.status, answer.place) == (303, "/")
    assert "gateway_session" not in stranger.cookies


def test_a_page_may_not_be_framed_kept_or_run_inline(browser: Browser) -> None:
    headers = browser.get("/").headers
    policy = headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["etag"] is None
    assert headers["server"] is None


def test_head_is_answered_like_get_without_the_body(stranger: Browser) -> None:
    answer = stranger.get("/", method="HEAD")

    assert (answer.status, answer.text) == (200, "")
    assert int(answer.headers["content-length"]) > 1000


def test_a_page_tells_no_secret(browser: Browser) -> None:
    text = browser.get("/").text

    assert ADMIN_TOKEN not in text
    assert TOKEN not in text


def test_a_refused_change_says_what_to_do(browser: Browser) -> None:
    answer = browser.post("/choices", {}, xsrf=False)

    assert answer.status == 403
    assert "nothing was changed" in answer.page.one(role="alert").text
    assert_safe(answer.page)


def test_htmx_is_told_in_a_toast(browser: Browser) -> None:
    answer = browser.post("/choices", {}, xsrf=False, headers={"HX-Request": "true"})

    assert answer.status == 403
    assert answer.headers["hx-retarget"] == "#toasts"
    assert "nothing was changed" in answer.page.one(class_="toast").text


def test_a_page_there_is_not_is_told_to_people_as_a_page_and_to_programs_as_an_error(
    stranger: Browser,
) -> None:
    to_people = stranger.get("/kyes", Accept="text/html,application/xhtml+xml;q=0.9")
    to_programs = stranger.get("/kyes", Accept="*/*")

    assert (to_people.status, to_programs.status) == (404, 404)
    assert "This is not here" in to_people.page.one(role="alert").text
    assert_safe(to_people.page)
    assert "There is no route GET /kyes here." in to_programs.text
    assert to_programs.headers["content-type"].startswith("application/json")
    assert (
        stranger.post("/kyes", {}, headers={"Accept": "text/html"}).headers["content-type"]
        == to_programs.headers["content-type"]
    )
