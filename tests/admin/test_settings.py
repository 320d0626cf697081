"""The page of settings: all of them shown, changed all or none, reset, moved; and no secret in it."""

from collections.abc import Sequence
from urllib.parse import urlencode

import pytest

from gateway.control.results import Actor
from gateway.settings.catalogue import DESCRIPTIONS
from gateway.settings.model import LiveSettings, RowLists
from tests.admin.browsing import ADMIN_TOKEN, HTMX, Answer, Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import Element, assert_readable, assert_safe
from tests.integration.running import TOKEN, RunningGateway

HOSTILE = "\"><script>alert('1')</script>"
CHANGES = (
    *("/settings", "/settings/reset", "/settings/export", "/settings/import", "/settings/ways"),
    "/settings/take-logs",
)
Pairs = list[tuple[str, str]]


def form_of(page: Element, group: str) -> Pairs:
    """What a browser sends of a group's form that nobody touched."""
    form = page.one("section", id=group).one("form", action="/settings")
    pairs: Pairs = []
    for each in form.walk():
        name = each["name"]
        if not name or (each["type"] == "checkbox" and "checked" not in each):
            continue
        if each.tag == "select":
            chosen = [option.text for option in each.all("option") if "selected" in option]
            pairs.append((name, chosen[0] if chosen else each.all("option")[0].text))
        elif each.tag == "textarea":
            pairs.append((name, "".join(str(child) for child in each.children)))
        elif each.tag == "input":
            pairs.append((name, each["value"]))
    return pairs


def changed(pairs: Pairs, **values: str) -> Pairs:
    return [(name, values.get(name, value)) for name, value in pairs]


def send(browser: Browser, path: str, pairs: Sequence[tuple[str, str]], *, htmx: bool = True) -> Answer:
    browser.get("/settings")
    guard = [("_xsrf", browser.cookies["_xsrf"].value)]
    given = [pair for pair in pairs if pair[0] != "_xsrf"]
    headers = {"Content-Type": "application/x-www-form-urlencoded", **(HTMX if htmx else {})}
    return browser.ask("POST", path, urlencode([*given, *guard]), headers=headers)


def live(gateway: RunningGateway) -> LiveSettings:
    return gateway.on_loop(lambda services: services.live.current)


@pytest.fixture
def own(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(
        PROXIES='["http://someone:pass-word-1@127.0.0.1:9"]', METRICS_TOKEN="metrics-secret-1"
    )


@pytest.fixture
def owner(own: RunningGateway) -> Browser:
    browser = Browser(own)
    browser.sign_in()
    return browser


@pytest.mark.parametrize("path", ["/settings", "/settings?q=stream", "/settings?q=nosuchthing"])
def test_the_page_is_safe_and_readable(browser: Browser, path: str) -> None:
    answer = browser.get(path)

    assert answer.status == 200
    assert_safe(answer.page)
    assert_readable(answer.page)


def test_every_setting_is_there_and_no_secret(owner: Browser) -> None:
    answer = owner.get("/settings")

    for each in DESCRIPTIONS:
        if each.model is not RowLists:
            assert each.name in answer.page.text
            assert " ".join(each.about.help.split()) in answer.page.text
    for secret in (ADMIN_TOKEN, TOKEN, "pass-word-1", "metrics-secret-1"):
        assert secret not in answer.text


def test_a_search_keeps_what_it_matches(browser: Browser) -> None:
    page = browser.get("/settings?q=max_retries").page

    assert [each["value"] for each in page.all("input", name_="field")] == ["MAX_RETRIES"]


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_a_form_that_nobody_touched_changes_nothing(owner: Browser, language: str) -> None:
    owner.headers["Accept-Language"] = language
    page = owner.get("/settings").page
    groups = [each["value"] for each in page.all("input", name_="group")]

    assert len(groups) > 8
    for group in groups:
        answer = send(owner, "/settings", form_of(page, group))
        assert answer.status == 200, answer.text
        assert answer.page.one("span", role="status").text in ("Nothing was different.", "没有变化。")


def test_units_and_what_is_wrong_are_in_the_readers_language(browser: Browser) -> None:
    browser.headers["Accept-Language"] = "zh-CN"
    form = form_of(browser.get("/settings").page, "upstream")

    answer = send(browser, "/settings", changed(form, MAX_RETRIES="many", BASE_URL="nowhere"))

    assert answer.status == 422
    assert answer.page.one("p", id="MAX_RETRIES-error").text == "必须是 0 到 100 之间的整数（单位：个密钥）"
    assert answer.page.one("p", id="BASE_URL-error").text.startswith("必须是 http:// 或 https:// 地址，例如 ")
    assert "0 – 100 个密钥" in answer.page.text
    assert "seconds" not in answer.page.text


def test_settings_are_changed_by_kind_and_act_at_once(own: RunningGateway, owner: Browser) -> None:
    page = owner.get("/settings").page
    upstream = changed(
        form_of(page, "upstream"), MAX_RETRIES="7", TIME_OUT="61.5", CUSTOM_HEADERS="X-One: a:b\nX-Two: c"
    )
    models = form_of(page, "models")
    models = changed(models, SEARCH_MODELS="gemini-a\ngemini-b", THINKING_BUDGET_MAP="gemini-a: 512")
    models.append(("URL_CONTEXT_ENABLED", "true"))
    pool = changed(form_of(page, "pool"), KEY_ORDER="least_busy")

    for form in (upstream, models, pool):
        assert send(owner, "/settings", form).status == 200

    now = live(own)
    assert (now.max_retries, now.time_out, now.key_order) == (7, 61.5, "least_busy")
    assert dict(now.custom_headers) == {"X-One": "a:b", "X-Two": "c"}
    assert now.search_models == ("gemini-a", "gemini-b")
    assert dict(now.thinking_budget_map) == {"gemini-a": 512}
    assert now.url_context_enabled
    assert now.proxies, "a secret left empty stays"


def test_rows_of_safety_settings_are_edited(own: RunningGateway, owner: Browser) -> None:
    rows = [("HARM_CATEGORY_HARASSMENT", "BLOCK_NONE"), ("", "")]
    form = [("group", "models"), ("field", "SAFETY_SETTINGS")]
    for category, threshold in rows:
        form += [("SAFETY_SETTINGS.category", category), ("SAFETY_SETTINGS.threshold", threshold)]

    assert send(owner, "/settings", form).status == 200
    assert [dict(row) for row in live(own).safety_settings] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
    ]


def test_one_wrong_value_changes_nothing_and_stands_beside_its_field(
    own: RunningGateway, owner: Browser
) -> None:
    before = live(own)
    form = changed(form_of(owner.get("/settings").page, "upstream"), MAX_RETRIES="9", TIME_OUT=HOSTILE)
    answer = send(owner, "/settings", form)

    assert answer.status == 422
    assert [each["id"] for each in answer.page.children if isinstance(each, Element)] == ["upstream"]
    assert "from 1 to 86,400" in answer.page.one("p", id="TIME_OUT-error").text
    assert answer.page.one("input", id="TIME_OUT")["value"] == HOSTILE
    assert answer.page.one("input", id="MAX_RETRIES")["value"] == "9"
    assert_safe(answer.page)
    assert_readable(answer.page)
    assert live(own) == before


def test_without_a_script_the_page_comes_back_with_the_error(browser: Browser) -> None:
    form = changed(form_of(browser.get("/settings").page, "pool"), POOL_WAIT_SECONDS="-1")
    answer = send(browser, "/settings", form, htmx=False)

    assert answer.status == 422
    assert answer.page.one("p", id="POOL_WAIT_SECONDS-error")
    assert_readable(answer.page)


def test_a_setting_is_reset_where_it_is_confirmed(own: RunningGateway, owner: Browser) -> None:
    usual = live(own).max_retries
    form = changed(form_of(owner.get("/settings").page, "upstream"), MAX_RETRIES="8")
    answer = send(owner, "/settings", form, htmx=False)
    assert answer.place == "/settings#upstream"

    page = owner.get("/settings").page
    button = page.one("button", value="MAX_RETRIES")
    assert page.one("form", id=button["form"])["action"] == "/settings/reset"
    send(owner, "/settings/reset", [("name", "MAX_RETRIES")])
    assert live(own).max_retries == usual
    assert "8" in page.one("section", aria_labelledby="changes-title").text


def test_everything_is_reset_but_the_administrator_s_token(own: RunningGateway, owner: Browser) -> None:
    before = live(own)
    send(owner, "/settings", changed(form_of(owner.get("/settings").page, "pool"), POOL_WAIT_SECONDS="3"))

    assert send(owner, "/settings/reset", [], htmx=False).place == "/settings"
    assert live(own) == before


@pytest.mark.parametrize("form", ["env", "json"])
def test_what_was_exported_can_be_imported(own: RunningGateway, owner: Browser, form: str) -> None:
    with_secrets = send(owner, "/settings/export", [("format", form), ("secrets", "1")], htmx=False)
    without = send(owner, "/settings/export", [("format", form)], htmx=False)
    before = live(own)

    assert "attachment" in with_secrets.headers["content-disposition"]
    assert "metrics-secret-1" in with_secrets.text
    assert "metrics-secret-1" not in without.text
    assert send(owner, "/settings/import", [("text", with_secrets.text)], htmx=False).place == "/settings"
    assert live(own) == before


def test_an_import_that_is_wrong_changes_nothing_and_says_why(own: RunningGateway, owner: Browser) -> None:
    before = live(own)
    answer = send(owner, "/settings/import", [("text", "MAX_RETRIES=5\nTIME_OUT=never")], htmx=False)

    assert answer.status == 422
    assert "TIME_OUT" in answer.page.one("p", id="text-error").text
    assert live(own) == before


def test_the_way_and_each_proxy_are_tried(owner: Browser) -> None:
    answer = send(owner, "/settings/ways", [])

    ways = [each.text for each in answer.page.one("ul").all("li")]
    assert ["not reached" in way for way in ways] == [True, True]
    assert "pass-word-1" not in answer.text


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_is_changed_or_told_to_strangers_and_forgers(
    browser: Browser, stranger: Browser, path: str
) -> None:
    fields = {"group": "pool", "field": "POOL_WAIT_SECONDS", "POOL_WAIT_SECONDS": "5", "secrets": "1"}

    assert browser.post(path, fields, xsrf=False).status == 403
    assert stranger.post(path, fields).status == 303


def test_the_address_of_the_original_leads_here(browser: Browser) -> None:
    assert browser.get("/config").place == "/settings"


def test_the_help_is_there_in_chinese_and_found_by_it(browser: Browser) -> None:
    page = browser.get("/settings?q=%E5%90%8C%E4%B8%80%E4%BB%A3%E7%90%86", Accept_Language="zh-CN").page

    assert page.one("p", id="PROXIES_USE_CONSISTENCY_HASH_BY_API_KEY-help").text == "同一密钥始终走同一代理。"
    assert [each["value"] for each in page.all("input", name_="field")] == [
        "PROXIES_USE_CONSISTENCY_HASH_BY_API_KEY"
    ]


def test_a_file_is_imported_like_its_text(own: RunningGateway, owner: Browser) -> None:
    def send_file(content: bytes) -> Answer:
        owner.get("/settings")
        guard = owner.cookies["_xsrf"].value
        parts = [
            f'--edge\r\nContent-Disposition: form-data; name="_xsrf"\r\n\r\n{guard}\r\n'.encode(),
            b'--edge\r\nContent-Disposition: form-data; name="file"; filename=".env"\r\n\r\n',
            content,
            b"\r\n--edge--\r\n",
        ]
        body = b"".join(parts).decode("latin-1")
        headers = {"Content-Type": "multipart/form-data; boundary=edge"}
        return owner.ask("POST", "/settings/import", body, headers=headers)

    wrong = send_file(b"MAX_RETRIES=9\nTIME_OUT=never\n")
    assert wrong.status == 422
    assert "TIME_OUT: must be a number" in wrong.page.one("p", id="text-error").text
    assert send_file("\ufeffMAX_RETRIES=9\n".encode("utf-8")).place == "/settings"
    assert live(own).max_retries == 9
    assert send_file("MAX_RETRIES=4\r\n".encode("utf-16")).place == "/settings"
    assert live(own).max_retries == 4


def test_changes_are_told_however_much_else_was_done(own: RunningGateway, owner: Browser) -> None:
    form = changed(form_of(owner.get("/settings").page, "upstream"), MAX_RETRIES="8")
    send(owner, "/settings", form)
    own.wait_for(
        lambda services: services.store.write(
            lambda: [services.desk.trail.note(Actor("api"), "added", f"key {n}", {}) for n in range(300)]
        )
    )

    changes = owner.get("/settings").page.one("section", aria_labelledby="changes-title")
    assert "MAX_RETRIES" in changes.text
