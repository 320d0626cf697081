"""The keys page: found, added, checked, changed, deleted and brought back, with htmx and without a script."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from admin.contexts.keys import Answer, KeyRows
from admin.contexts.work import TaskPage
from admin.key_filters import KeyAddress, read_key_address
from admin.readers import Reader
from admin.rendering import Renderer
from admin.sparklines import HEIGHT_PX, sparkline
from gateway.control.key_views import KeyFilter
from gateway.control.keys import Revealed
from gateway.control.paid_key import paid_key_id
from gateway.control.tasks import Task, TaskGroup
from gateway.protocols.failure_kinds import FailureKind
from gateway.store.key_use import KeyHour
from tests.admin.browsing import HTMX, Browser
from tests.admin.browsing import Answer as Reply
from tests.admin.conftest import StartGateway
from tests.admin.html import Element, assert_readable, assert_safe, parse
from tests.control.gateways import fake_key
from tests.integration.running import KEYS
from tests.store.samples import until

HOSTILE = "\"><script>alert('1')</script>&amp;"
NOW_MS = 1_793_000_000_000
PAGES = ("/keys", "/keys?state=dead", "/keys?text=nothing-like-it", "/keys/add", "/keys/1")
CHANGES = (
    "/keys/do",
    "/keys/1/do",
    "/keys/add",
    "/keys/1",
    "/keys/export",
    "/keys/undo/ab",
    "/tasks/ab/stop",
)
NONSENSE = ("state=red", "sort=colour&page=x", "page=99999999999999", "size=7", "%00=%ff")


@pytest.fixture
def keys(start_gateway: StartGateway) -> Browser:
    """A browser that is signed in to a gateway whose keys it may spoil."""
    browser = Browser(start_gateway())
    assert browser.sign_in().status == 303
    return browser


def rows(reply: Reply) -> dict[str, Element]:
    """The lines of a list by the id of their key."""
    found = [each for each in reply.page.walk() if each.tag == "tr" and each["id"].startswith("key-")]
    return {each["id"].removeprefix("key-"): each for each in found}


def ids(browser: Browser, query: str = "") -> list[str]:
    return list(rows(browser.get(f"/keys{query}")))


def do(browser: Browser, what: str, path: str = "/keys/do", **fields: str) -> Reply:
    return browser.post(path, {"do": what, **fields}, headers=HTMX)


def checked(document: Element) -> Element:
    assert_safe(document)
    assert_readable(document)
    return document


# What is shown


def test_the_list_shows_every_key_and_no_secret(browser: Browser) -> None:
    reply = browser.get("/keys")

    assert reply.status == 200
    assert len(rows(checked_page(reply))) == len(KEYS)
    assert not [secret for secret in KEYS if secret in reply.text]
    assert reply.page.one("a", class_="solid")["href"] == "/keys/add"


def checked_page(reply: Reply) -> Reply:
    checked(reply.page)
    return reply


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_page_is_safe_and_readable_in_every_language(
    browser: Browser, path: str, language: str
) -> None:
    reply = browser.get(path, Accept_Language=language)

    assert reply.status == 200
    checked(reply.page)


def test_htmx_gets_the_list_alone_with_its_address(browser: Browser) -> None:
    reply = browser.ask("GET", "/keys?text=&tag=&state=ready&reason=", headers=HTMX)

    (root,) = [each for each in reply.page.children if isinstance(each, Element)]
    assert root["id"] == "keys"
    assert reply.headers["HX-Push-Url"] == "/keys?state=ready"
    checked(reply.page)


@pytest.mark.parametrize("secret", [KEYS[1], "AIzaSyTest-0123456789-abcdefghij-unknown"[:39]])
def test_a_whole_key_is_looked_for_and_stands_in_no_address(browser: Browser, secret: str) -> None:
    typed = {"text": f" {secret} ", "state": "ready", "tag": ""}
    form = browser.get("/keys").page.one("form", class_="filters")
    list_ = browser.post("/keys/find", typed, headers=HTMX)
    led = browser.post("/keys/find", typed)
    bookmark = browser.get(f"/keys?text={secret}&page=2")

    told = f"{secret[:4]}%E2%80%A6{secret[-4:]}"
    assert (form["method"], form["action"], form["hx-post"]) == ("post", "/keys/find", "/keys/find")
    assert list_.headers["HX-Push-Url"] == f"/keys?text={told}&state=ready"
    assert (led.status, led.place) == (303, f"/keys?text={told}&state=ready")
    assert (bookmark.status, bookmark.place) == (303, f"/keys?text={told}&page=2")
    assert secret not in list_.text
    checked(list_.page)
    assert list(rows(list_)) == ids(browser, f"?text={told}") == (["2"] if secret == KEYS[1] else [])


def test_any_other_text_stands_in_the_address_as_it_was_typed(browser: Browser) -> None:
    text = "a note of more than twenty signs & a tag"

    assert browser.post("/keys/find", {"text": text}, headers=HTMX).headers["HX-Push-Url"] == (
        "/keys?text=a+note+of+more+than+twenty+signs+%26+a+tag"
    )
    assert browser.get("/keys/find").place == "/keys"


def test_the_address_says_what_is_shown(browser: Browser) -> None:
    page = browser.get("/keys?state=ready&tag=free&sort=used&descending=1&size=20").page
    chosen = page.one("nav", aria_label="State").all("a", aria_current="true")

    assert [each.text for each in chosen] == ["ready 0"]
    links = [each["href"] for each in page.one("nav", aria_label="State").all("a")]
    assert all("tag=free" in link and "sort=used" in link for link in links)
    assert page.one("select", name="tag").one("option", value="free")["selected"] == ""


@pytest.mark.parametrize("query", NONSENSE)
def test_what_makes_no_sense_is_shown_as_usual(browser: Browser, query: str) -> None:
    assert len(ids(browser, f"?{query}")) == len(KEYS)


def test_rows_on_the_screen_are_told_as_they_stand_now(browser: Browser) -> None:
    first = ids(browser)[0]
    reply = browser.get(f"/keys/rows?ids={first},999999,x")

    assert f'<hx-partial hx-target="#key-{first}" hx-swap="outerMorph">' in reply.text
    assert list(rows(reply)) == [first]
    assert all("hx-morph-skip" in rows(reply)[first].one("td", class_=name) for name in ("pick", "tools"))


def test_an_empty_list_teaches(start_gateway: StartGateway) -> None:
    browser = Browser(start_gateway(API_KEYS=""))
    browser.sign_in()
    page = checked(browser.get("/keys").page)

    assert page.one("form", action="/keys/add").one("textarea")["name"] == "text"
    assert "Google AI Studio" in page.text


def test_a_key_that_is_not_there_is_told(browser: Browser) -> None:
    assert browser.get("/keys/999999").status == 404


def test_names_of_others_are_shown_as_text(keys: Browser) -> None:
    key = ids(keys)[0]
    note = {"note": HOSTILE, "tags": "<b>tag</b>", "project": HOSTILE, "weight": "3"}
    assert keys.post(f"/keys/{key}", note).place == f"/keys/{key}"
    listed, shown = keys.get("/keys"), keys.get(f"/keys/{key}")

    assert HOSTILE in rows(listed)[key].text
    assert "<b>tag</b>" in rows(listed)[key].text
    assert HOSTILE in checked(shown.page).text
    assert "<script>alert" not in listed.text + shown.text


# What is done


def test_one_key_is_disabled_and_enabled_where_it_stands(keys: Browser) -> None:
    key = ids(keys)[0]
    off = do(keys, "disable", f"/keys/{key}/do?state=ready")
    disabled = ids(keys, "?state=disabled")
    on = keys.post(f"/keys/{key}/do?here=1", {"do": "enable"})

    assert "Disabled: 1." in off.text
    assert key not in rows(off), "the list as the address asks for it"
    assert disabled == [key]
    assert (on.status, on.place) == (303, f"/keys/{key}")
    assert ids(keys, "?state=disabled") == []


def test_keys_that_are_chosen_get_and_lose_tags(keys: Browser) -> None:
    first, second, _ = ids(keys)
    body = f"do=edit&add_tags=free%2C%20mine&key={first}&key={second}&_xsrf={keys.cookies['_xsrf'].value}"
    form = {"Content-Type": "application/x-www-form-urlencoded", **HTMX}
    reply = keys.ask("POST", "/keys/do", body, headers=form)
    tagged = ids(keys, "?tag=mine")
    do(keys, "edit", "/keys/do?tag=mine", all="1", remove_tags="mine")

    assert "Changed: 2." in reply.text
    assert tagged == [first, second]
    assert ids(keys, "?tag=mine") == []
    assert ids(keys, "?tag=free") == [first, second]


def test_deleted_keys_come_back(keys: Browser) -> None:
    before = ids(keys)
    reply = do(keys, "delete", all="1")
    undo = re.search(r'hx-post="(/keys/undo/[0-9a-f]+)"', reply.text)
    assert undo is not None
    gone = ids(keys)
    back = keys.post(undo[1], headers=HTMX)
    again = keys.post(undo[1], headers=HTMX)

    assert gone == []
    assert "Brought back: 3." in back.text
    assert ids(keys) == before
    assert "nothing to bring back" in again.text


def test_without_a_script_a_deletion_can_be_taken_back_too(keys: Browser) -> None:
    key = ids(keys)[0]
    reply = keys.post(f"/keys/{key}/do", {"do": "delete"})
    page = checked(keys.get(reply.place).page)
    (undo,) = [each for each in page.all("form") if each["action"].startswith("/keys/undo/")]
    keys.post(undo["action"])

    assert key in ids(keys)


def test_keys_are_shown_in_the_clear_only_when_asked_for(keys: Browser) -> None:
    reply = do(keys, "copy", all="1")
    whole = keys.post("/keys/do", {"do": "copy", "all": "1"})

    for shown in (reply, whole):
        assert shown.page.one("textarea", id="revealed-keys").text.split() == list(KEYS)
    checked(whole.page)


@pytest.mark.parametrize("form", ["text", "csv", "jsonl"])
def test_keys_leave_as_a_file(keys: Browser, form: str) -> None:
    reply = keys.post("/keys/export", {"form": form, "all": "1"})

    assert reply.headers["content-disposition"].startswith("attachment")
    assert all(secret in reply.text for secret in KEYS)


def test_a_check_says_what_is_wrong(keys: Browser) -> None:
    reply = do(keys, "check", f"/keys/{ids(keys)[0]}/do")

    assert "The key does not work: network." in reply.text
    assert 'class="toast dead"' in reply.text


def test_many_checks_are_work_that_is_told_of(keys: Browser) -> None:
    reply = do(keys, "check", all="1")
    place = re.search(r"/tasks/[0-9a-f]+", reply.text)
    assert place is not None
    assert 'hx-target="#work"' in reply.text
    until(lambda: "done" in keys.get(place[0], HX_Request_Type="partial").text)
    over = keys.get(place[0], HX_Request_Type="partial")
    page = checked(keys.get(place[0]).page)

    assert over.headers["HX-Trigger"] == "keys-changed"
    assert "network 3" in page.one("ul", class_="outcomes").text
    copied = do(keys, "copy", task=place[0].rpartition("/")[2], outcome="network")
    assert all(secret in copied.text for secret in KEYS)


def test_work_can_be_stopped_only_when_there_is_some(keys: Browser) -> None:
    assert keys.post("/tasks/abc123/stop").status == 404
    assert keys.get("/tasks/abc123").status == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"do": "explode"}, 400),
        ({"do": "check"}, 422),
        ({"do": "edit", "key": "1", "add_tags": "t" * 41}, 422),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    browser: Browser, fields: dict[str, str], status: int
) -> None:
    reply = browser.post("/keys/do", fields, headers=HTMX)

    assert reply.status == status
    assert reply.text.strip()


@pytest.mark.parametrize("path", CHANGES)
def test_every_change_needs_a_session_and_the_pages_own_token(
    browser: Browser, stranger: Browser, path: str
) -> None:
    assert browser.post(path, {"do": "delete", "all": "1"}, xsrf=False).status == 403
    assert stranger.post(path, {"do": "delete", "all": "1"}).place == "/"
    assert len(ids(browser)) == len(KEYS)


# What is added


def test_what_a_text_holds_is_told_before_it_is_saved(keys: Browser) -> None:
    text = f"{fake_key(1)} {fake_key(1)}\nAIzaSyTooShort\n{fake_key(2)}"
    looked = keys.post("/keys/add", {"text": text, "step": "look"}, headers=HTMX)
    warned = keys.post("/keys/add", {"text": text})
    before = ids(keys)
    seen = warned.page.one("input", name="seen")["value"]
    added = keys.post("/keys/add", {"text": text, "seen": seen, "tags": "new"})

    assert "new 2" in looked.page.text
    assert "not a key line 2" in looked.page.text
    assert fake_key(1) not in looked.text
    assert warned.status == 200
    assert len(before) == len(KEYS), "nothing was saved"
    assert added.place == "/keys"
    assert len(ids(keys, "?tag=new")) == 2


def test_keys_of_a_file_are_added_after_a_check(keys: Browser) -> None:
    boundary = "a-line-between"
    parts = {"_xsrf": keys.cookies["_xsrf"].value, "text": "", "check": "1", "provider": "vertex"}
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="keys.txt"\r\n'
        f"Content-Type: text/plain\r\n\r\n{fake_key(7)}\r\n--{boundary}--\r\n"
    )
    reply = keys.ask(
        "POST",
        "/keys/add",
        "".join(lines),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )

    assert reply.place.startswith("/tasks/")
    until(lambda: "network 1" in keys.get(reply.place).page.text)
    (key,) = ids(keys, "?provider=vertex")
    assert ids(keys, "?state=disabled") == [key], "what was not seen to work is not used"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": ""}, "There is no key"),
        ({"weight": "0"}, "from 1 to 100"),
        ({"weight": "x"}, "from 1 to 100"),
        ({"tags": "t" * 41}, "40 characters"),
        ({"provider": "x"}, "one of"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(browser: Browser, fields: dict[str, str], words: str) -> None:
    usual = {"text": fake_key(9), "weight": "1", "provider": "gemini"}
    reply = browser.post("/keys/add", {**usual, **fields})

    assert reply.status == 422
    assert words in checked(reply.page).text
    assert len(ids(browser)) == len(KEYS)


def test_a_wrong_edit_keeps_what_was_typed(browser: Browser) -> None:
    key = ids(browser)[0]
    reply = browser.post(f"/keys/{key}", {"note": "kept", "tags": "", "project": "", "weight": "0"})

    assert reply.status == 422
    assert reply.page.one("textarea", name="note").text == "kept"
    assert "from 1 to 100" in reply.page.text


# Addresses, columns and fragments by themselves


@pytest.mark.parametrize(
    "asked",
    [
        KeyFilter(),
        KeyFilter(text="a&b=c", state="dead", tag="标签", sort="used", descending=True),
        KeyFilter(model="m", failed="rate_day"),
    ],
)
def test_an_address_is_read_as_it_was_written(asked: KeyFilter) -> None:
    address = KeyAddress(asked, 3, 100)
    query = {name: values[0] for name, values in parse_qs(urlsplit(address.link(page=3)).query).items()}

    assert read_key_address(query) == address
    assert read_key_address({}).link() == "/keys"


def test_another_filter_begins_at_its_first_page() -> None:
    address = KeyAddress(KeyFilter(tag="t"), 3)

    assert address.link(state="dead") == "/keys?state=dead&tag=t"
    assert address.sorted_by("used") == "/keys?tag=t&sort=used&descending=1"
    assert address.sorted_by("alias") == "/keys?tag=t&sort=alias"


def test_a_sparkline_is_as_high_as_its_busiest_hour() -> None:
    line = sparkline([KeyHour(76, 9, 9), KeyHour(77, 4, 1), KeyHour(100, 8, 8)], last_hour=100)

    assert (line.attempts, line.failures) == (12, 9)
    assert line.served == "M0 8h3v6h-3z"
    assert line.failed == f"M0 14h3v2h-3zM92 0h3v{HEIGHT_PX}h-3z"
    assert sparkline([], last_hour=100).served == ""


PAID_SECRET = "AIza-a-paid-key-0123456789-abcdefghijkl"


def test_the_paid_key_is_shown_with_its_setting_and_checked(start_gateway: StartGateway) -> None:
    browser = Browser(start_gateway(PAID_KEY=PAID_SECRET))
    browser.sign_in()
    place = f"/keys/{paid_key_id(PAID_SECRET)}"

    listed = browser.get("/keys")
    row = rows(listed)[place.removeprefix("/keys/")]

    assert "PAID_KEY" in [link.text for link in row.all("a")]
    assert not row.all("input", type="checkbox")
    assert PAID_SECRET not in listed.text
    page = browser.get(place)
    assert "/settings?q=PAID_KEY#PAID_KEY" in page.text
    assert PAID_SECRET not in page.text
    assert 'name="note"' not in page.text
    checked_now = do(browser, "check", f"{place}/do")
    assert (checked_now.status, "does not work: network" in checked_now.text) == (200, True)
    live = browser.get(f"/keys/rows?ids={paid_key_id(PAID_SECRET)},x", **{"HX-Request": "true"})
    assert f'id="key-{paid_key_id(PAID_SECRET)}"' in live.text


@pytest.mark.parametrize("what", ["disable", "delete", "enable"])
def test_what_only_the_setting_can_do_is_refused(start_gateway: StartGateway, what: str) -> None:
    browser = Browser(start_gateway(PAID_KEY=PAID_SECRET))
    browser.sign_in()

    refused = do(browser, what, f"/keys/{paid_key_id(PAID_SECRET)}/do")

    assert (refused.status, "PAID_KEY" in refused.text) == (422, True)


def test_a_paid_key_alone_does_not_hide_how_to_begin(start_gateway: StartGateway) -> None:
    browser = Browser(start_gateway(API_KEYS="", PAID_KEY=PAID_SECRET))
    browser.sign_in()

    page = browser.get("/keys")

    assert len(rows(page)) == 1
    assert "first-text" in page.text


def task(**changes: Any) -> Task:
    groups = (TaskGroup("ok", 3, (1, 2, 3)), TaskGroup("key_leaked", 1, (4,)), TaskGroup("gone", 1, (5,)))
    usual: dict[str, Any] = {
        "id": "ab12",
        "kind": "check keys",
        "state": "running",
        "done": 5,
        "total": 9,
        "started_at_ms": 1,
        "updated_at_ms": 2,
        "actor": "admin",
        "groups": groups,
    }
    return Task(**{**usual, **changes})


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("state", ["running", "done", "stopped", "failed", "lost"])
def test_work_renders_alone_in_every_state(state: str, language: Any) -> None:
    shown = checked(
        parse(
            Renderer().render(
                "fragments/work/task.html", TaskPage(task(state=state)), reader=Reader(language), frame=Gate()
            )
        )
    )
    root = shown.one("section")

    assert ("hx-get" in root) == (state == "running"), "it is asked for again only while it is under way"
    assert root.one("progress")["value"] == "5"


def test_a_deletion_in_parts_offers_its_undo() -> None:
    deleting = task(kind="delete keys", state="done", groups=(TaskGroup("undo beef", 9, ()),))
    shown = parse(Renderer().render("fragments/work/task.html", TaskPage(deleting), frame=Gate()))

    assert shown.one("form")["action"] == "/keys/undo/beef"


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_fragments_of_answers_render_alone(language: Any) -> None:
    answers = (
        Answer(said=HOSTILE, tone="dead", undo="/keys/undo/ab"),
        Answer(task=task()),
        Answer(shown=(Revealed(1, HOSTILE, "gemini", HOSTILE),)),
    )
    for answer in answers:
        text = Renderer().render("fragments/keys/answer.html", answer, reader=Reader(language), frame=Gate())
        checked(parse(text))
        assert "<script>" not in text
    assert parse(Renderer().render("fragments/keys/rows.html", KeyRows(NOW_MS, ()))).children in ([], ["\n"])


@pytest.mark.parametrize("kind", list(FailureKind))
def test_every_failure_can_be_told_of_a_check(kind: FailureKind) -> None:
    page = TaskPage(task(groups=(TaskGroup(kind.value, 1, (1,)),)))
    text = Renderer().render("fragments/work/task.html", page, reader=Reader("zh_CN"), frame=Gate())

    assert any(ord(letter) > 0x3000 for letter in parse(text).one("ul").one("a").text)


class Gate:
    """What a fragment needs of the page it stands in."""

    xsrf = "token"
