"""The calls page: found, paged, told of newer ones, exported, deleted, and one call looked at whole."""

import json
import re
import time
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from admin.call_filters import CallAddress, CallFilter, read_call_address, utc_text
from admin.call_page import readable, steps_of
from admin.contexts.calls import CallsAnswer, NewerCalls
from admin.readers import Reader
from admin.rendering import Renderer
from gateway.control.endings import OUTCOMES, Ending
from gateway.protocols.failure_kinds import FailureKind
from gateway.store.call_query import CallQuery
from gateway.store.records import CallRecord
from tests.admin.browsing import HTMX, Answer, Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import Element, assert_readable, assert_safe, parse
from tests.integration.calling import eventually
from tests.integration.running import RunningGateway
from tests.store.samples import attempt_record, call_record

HOSTILE = "\"><script>alert('1')</script>&amp;"
NOW_MS = 1_793_000_000_000
CALLS: dict[str, dict[str, Any]] = {
    "old": {"started_at_ms": NOW_MS - 40 * 86_400_000},
    "pro": {"model": "gemini-pro", "dialect": "gemini", "duration_ms": 9000, "token_id": None},
    "limited": {"status": 429, "outcome": "rate_limited", "failure_kind": "rate_day", "token_id": 2},
    "hostile": {
        "model": HOSTILE,
        "operation": HOSTILE,
        "status": 503,
        "outcome": "upstream_error",
        "failure_kind": "overloaded",
        "total_tokens": 77_777,
        "first_token_ms": 8000,
        "error_body": f'{{"error":{{"message":{json.dumps(HOSTILE)}}}}}'.encode(),
        "request_body": HOSTILE.encode(),
        "attempts": (
            attempt_record(1, key_id=1, key_alias=HOSTILE[:20], failure_kind="rate_minute"),
            attempt_record(2, key_id=2, failure_kind="overloaded"),
            attempt_record(3, key_id=3, failure_kind="key_leaked", bucket_state="dead"),
        ),
    },
}
PAGES = (
    "/calls",
    "/calls?ending=unserved&range=24h&key=1&tried=failed",
    "/calls?slower=5&from=2026-01-01T00:00:00Z&to=2099-01-01T00:00:00Z",
    "/calls?model=nothing-like-it",
    "/calls/request-hostile",
    "/calls/request-pro",
)


def put(gateway: RunningGateway, calls: dict[str, dict[str, Any]]) -> None:
    services = gateway.services
    assert services is not None
    before = services.store.health().written
    for name, fields in calls.items():
        usual = {"started_at_ms": NOW_MS - 60_000, "duration_ms": 500}
        services.store.records.put(call_record(f"request-{name}", **{**usual, **fields}))
    eventually(lambda: services.store.health().written == before + len(calls))


@pytest.fixture(scope="module")
def logged(gateway: RunningGateway) -> RunningGateway:
    """The gateway of this module with its calls, which tests leave as they are."""
    put(gateway, CALLS)
    return gateway


@pytest.fixture
def calls(logged: RunningGateway, browser: Browser) -> Browser:
    return browser


@pytest.fixture
def own(start_gateway: StartGateway) -> tuple[Browser, RunningGateway]:
    """A browser of a gateway whose calls may be spoilt."""
    gateway = start_gateway()
    put(gateway, CALLS)
    browser = Browser(gateway)
    assert browser.sign_in().status == 303
    return browser, gateway


def rows(reply: Answer) -> dict[str, Element]:
    """The lines of a list by the request id of their call."""
    found = [each for each in reply.page.walk() if each.tag == "tr" and each["id"].startswith("call-")]
    return {each.one("input")["aria-label"].removeprefix("request-"): each for each in found}


def listed(browser: Browser, query: str = "") -> list[str]:
    return list(rows(browser.get(f"/calls{query}")))


def checked(document: Element) -> Element:
    assert_safe(document)
    assert_readable(document)
    return document


# What is shown


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_page_is_safe_and_readable_in_every_language(calls: Browser, path: str, language: str) -> None:
    reply = calls.get(path, Accept_Language=language)

    assert reply.status == 200
    checked(reply.page)
    assert "<script>alert" not in reply.text


def test_a_line_says_all_that_is_compared(calls: Browser) -> None:
    line = rows(calls.get("/calls"))["hostile"]

    texts = [cell.text for cell in line.all("td")]
    assert texts[2:4] == [" ".join(HOSTILE.split()), "model overloaded 503"]
    assert texts[5:] == ["openai", "500 ms", "8 s", "77,777", "3"]
    assert line.one("td", class_="lead").one("time")["datetime"] == utc_text(NOW_MS - 59_500)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["hostile", "limited", "pro", "old"]),
        ("?model=gemini-pro", ["pro"]),
        ("?token=0", ["pro"]),
        ("?token=2", ["limited"]),
        ("?dialect=gemini", ["pro"]),
        ("?status=429", ["limited"]),
        ("?kind=overloaded", ["hostile"]),
        ("?key=1&kind=rate_minute", ["hostile"]),
        ("?key=1&kind=overloaded", []),
        ("?key=3&tried=failed", ["hostile"]),
        ("?key=3&tried=success", []),
        ("?ending=failed", ["hostile"]),
        ("?ending=limited", ["limited"]),
        ("?ending=unserved", ["hostile", "limited"]),
        ("?ending=success", ["pro", "old"]),
        ("?slower=8.5", ["pro"]),
        ("?first=8", ["hostile"]),
        ("?tokens=70000", ["hostile"]),
        ("?attempts=2", ["hostile"]),
        ("?request=request-lim", ["limited"]),
        ("?to=2026-10-01T00:00:00Z", ["old"]),
        ("?from=2026-10-01T00:00:00Z", ["hostile", "limited", "pro"]),
        ("?range=900d&token=2", ["limited"]),
        ("?model=gemini-pro&ending=failed", []),
    ],
)
def test_each_filter_finds_its_calls(calls: Browser, query: str, found: list[str]) -> None:
    page = calls.get(f"/calls{query}")

    assert sorted(rows(page)) == sorted(found)
    assert ("No call matches" in page.page.text) == (not found)


def test_todays_numbers_of_keys_and_tokens_lead_to_todays_calls(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    browser = Browser(gateway)
    assert browser.sign_in().status == 303
    now_ms = int(time.time() * 1000)
    tried = {"token_id": 1, "key_id": 1, "attempts": (attempt_record(1, key_id=1, started_at_ms=now_ms),)}
    put(gateway, {"today": {"started_at_ms": now_ms, **tried}})
    put(gateway, {"lately": {"started_at_ms": now_ms - 49 * 3_600_000, **tried}})

    of_key = browser.get("/keys").page.one("tr", id="key-1").one("td", data_label="Today").one("a")
    of_token = browser.get("/tokens").page.one("tbody").all("td", data_label="Calls today")[1].one("a")

    assert (of_key.text, of_token.text) == ("1", "1")
    assert "1 attempt" in browser.get("/keys/1").page.one("a", href=of_key["href"]).text
    for link in (of_key, of_token):
        shown = browser.get(link["href"])
        assert list(rows(shown)) == ["today"]
        assert shown.page.one("nav", aria_label="Time").one("a", aria_current="true")["href"] == link["href"]


@pytest.mark.parametrize(
    "query",
    ["ending=red", "range=x&status=ok", "before=x&size=7", "%00=%ff", "token=-1&slower=nan&first=inf"],
)
def test_what_makes_no_sense_is_shown_as_usual(calls: Browser, query: str) -> None:
    assert len(listed(calls, f"?{query}")) == len(CALLS)


def test_pages_lead_to_older_calls_and_back(own: tuple[Browser, RunningGateway]) -> None:
    browser, gateway = own
    put(gateway, {f"many-{number}": {"started_at_ms": NOW_MS + number} for number in range(40)})
    first = browser.get("/calls?size=20&dialect=openai")
    older = browser.get(first.page.one("a", rel="next")["href"])
    oldest = browser.get(older.page.one("a", rel="next")["href"])
    back = browser.get(oldest.page.one("a", rel="prev")["href"])
    top = browser.get(back.page.one("a", rel="prev")["href"])

    assert [len(rows(page)) for page in (first, older, oldest)] == [20, 20, 3]
    assert not oldest.page.all("a", rel="next")
    assert list(rows(back)) == list(rows(older))
    assert list(rows(top)) == list(rows(first))
    assert not top.page.all("a", rel="prev")
    assert "43 calls" in first.page.one("nav", class_="pager").text


def test_newer_calls_are_told_of_when_they_match(own: tuple[Browser, RunningGateway]) -> None:
    browser, gateway = own
    asking = browser.get("/calls?dialect=openai").page.one("span", id="newer")["hx-get"]
    before = browser.get(asking)
    put(gateway, {"new": {}, "other": {"dialect": "gemini"}})
    after = browser.get(asking)

    assert checked(before.page).text == ""
    assert checked(after.page).one("a").text == "1 newer call"
    assert after.page.one("a")["href"] == "/calls?dialect=openai"
    assert browser.get("/calls/newer").status == 400


def test_htmx_gets_the_list_alone_with_its_address(calls: Browser) -> None:
    reply = calls.ask("GET", "/calls?request=&model=gemini-pro&token=&status=&from=&to=", headers=HTMX)

    (root,) = [each for each in reply.page.children if isinstance(each, Element)]
    assert root["id"] == "calls"
    assert reply.headers["HX-Push-Url"] == "/calls?model=gemini-pro"
    checked(reply.page)


def test_times_of_a_form_are_the_readers_and_stand_in_the_address_in_utc(calls: Browser) -> None:
    calls.cookies["zone"] = SimpleCookie("zone=Asia/Tokyo")["zone"]
    reply = calls.get("/calls?range=1h&from=2026-11-25T10:00")

    assert (reply.status, reply.place) == (302, "/calls?from=2026-11-25T01%3A00%3A00Z")
    assert calls.get(reply.place).page.one("input", name="from")["value"] == "2026-11-25T10:00:00"


def test_an_empty_log_teaches_with_a_call_to_this_address(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    browser = Browser(gateway)
    browser.sign_in()
    page = checked(browser.get("/calls").page)
    shown = browser.post("/calls", headers=HTMX)

    assert f"curl -N {gateway.url}/v1/chat/completions" in page.one("code", id="first-curl").text
    assert "Bearer YOUR_TOKEN" in page.text
    assert "Bearer sk-test-token" in checked(shown.page).text
    assert not shown.page.all("form")
    assert 'id="calls-request"' not in shown.text


# One call


def test_a_call_shows_its_attempts_and_what_was_kept(calls: Browser) -> None:
    page = calls.get("/calls/request-hostile").page
    attempts = page.one("ol", class_="steps-in-time").all("span", class_="attempt")

    assert len(attempts) == 3
    assert "requests of the minute used up" in attempts[0].text
    assert "the key rests for this model" in page.text
    assert "the key is not used any more" in page.text
    assert json.loads(page.one("code", id="error-body").text)["error"]["message"] == HOSTILE
    assert page.one("code", id="request-body").text == " ".join(HOSTILE.split())


def test_a_call_is_found_by_its_number_and_by_its_request_id(calls: Browser) -> None:
    place = rows(calls.get("/calls"))["limited"].one("td", class_="lead").one("a")["href"]
    page = calls.get(place).page

    assert "request-limited" in page.text
    assert "ERROR_LOG_RECORD_REQUEST_BODY" in page.text, "why there is no request"
    assert (
        calls.get("/calls/request-limited").page.one("dl", class_="facts").text
        == page.one("dl", class_="facts").text
    )
    assert calls.get("/calls/12345").status == 404
    assert calls.get("/calls/nobody").status == 404


def test_attempts_stand_where_they_were_in_time() -> None:
    first = attempt_record(1, started_at_ms=1000, duration_ms=250)
    second = attempt_record(2, started_at_ms=1500, duration_ms=500)
    steps = steps_of(call_record("r", started_at_ms=1000, duration_ms=1000, attempts=(first, second)))

    assert [(step.waited_ms, step.left, step.width) for step in steps] == [(0, 0.0, 25.0), (250, 50.0, 50.0)]
    assert steps_of(call_record("r", attempts=())) == ()
    (late,) = steps_of(call_record("r", started_at_ms=9000, duration_ms=0, attempts=(first,)))
    assert (late.left, late.width) == (0.0, 100.0)


def test_a_body_is_shown_as_it_came_unless_it_is_json() -> None:
    assert readable(b'{"a":[1]}') == '{\n  "a": [\n    1\n  ]\n}'
    assert readable(b"\xff<html>") == "\ufffd<html>"
    assert readable(None) == ""


# What is done


def test_chosen_calls_are_deleted(own: tuple[Browser, RunningGateway]) -> None:
    browser, _ = own
    ids = {name: line["id"].removeprefix("call-") for name, line in rows(browser.get("/calls")).items()}
    reply = browser.post("/calls/delete?token=2", {"call": ids["limited"]}, headers=HTMX)
    whole = browser.post("/calls/delete", {"call": ids["pro"]})

    assert "Deleted: 1." in reply.text
    assert checked(reply.page).text.count("No call matches") == 1, "the list as the address asks for it"
    assert (whole.status, whole.place) == (303, "/calls")
    assert sorted(listed(browser)) == ["hostile", "old"]
    one = browser.post(f"/calls/{ids['old']}/delete")
    assert (one.status, one.place) == (303, "/calls")
    assert listed(browser) == ["hostile"]


def test_what_matches_is_deleted_as_work_that_is_told_of(own: tuple[Browser, RunningGateway]) -> None:
    browser, gateway = own
    put(gateway, {f"many-{number}": {"model": "gone"} for number in range(450)})
    reply = browser.post("/calls/delete?model=gone", {"all": "1"}, headers=HTMX)
    place = re.search(r"/tasks/[0-9a-f]+", reply.text)
    assert place is not None
    eventually(lambda: "done" in browser.get(place[0], HX_Request_Type="partial").text)
    over = browser.get(place[0], HX_Request_Type="partial")
    page = checked(browser.get(place[0]).page)

    assert over.headers["HX-Trigger"] == "calls-changed"
    assert "deleted 450" in page.one("ul", class_="outcomes").text
    assert page.one("a", aria_current="page")["href"] == "/calls"
    assert sorted(listed(browser)) == sorted(CALLS)
    everything = browser.post("/calls/delete", {"all": "1"})
    eventually(lambda: "done" in browser.get(everything.place, HX_Request_Type="partial").text)
    assert "No call yet" in browser.get("/calls").page.text


def test_nothing_chosen_is_said_in_words(calls: Browser) -> None:
    reply = calls.post("/calls/delete", {}, headers=HTMX)
    none = calls.post("/calls/delete?model=nothing-like-it", {"all": "1"}, headers=HTMX)

    assert (reply.status, none.status) == (422, 422)
    assert "No call is chosen." in reply.text
    assert "No call matches." in none.text
    assert 'class="toast dead"' in reply.text


@pytest.mark.parametrize("path", ["/calls", "/calls/delete", "/calls/1/delete"])
def test_every_change_needs_a_session_and_the_pages_own_token(
    calls: Browser, stranger: Browser, path: str
) -> None:
    assert calls.post(path, {"all": "1"}, xsrf=False).status == 403
    assert stranger.post(path, {"all": "1"}).place == "/"
    assert stranger.get("/calls/export").place.startswith("/?next=")
    assert len(listed(calls)) == len(CALLS)


def test_calls_leave_as_a_file(calls: Browser) -> None:
    links = calls.get("/calls?ending=unserved").page.all("a", class_="menu-item")
    table, lines = (calls.get(link["href"]) for link in links)

    assert lines.headers["content-disposition"] == 'attachment; filename="calls.jsonl"'
    found = [json.loads(line) for line in lines.text.splitlines()]
    assert sorted(each["request_id"] for each in found) == ["request-hostile", "request-limited"]
    assert table.text.count("request-") == 2
    assert calls.get("/calls/export?form=exe").status == 400


# Addresses and fragments by themselves


@pytest.mark.parametrize(
    "address",
    [
        CallAddress(),
        CallAddress(CallFilter(range="24h", ending="unserved", model="a&b=c", token=0, tried="failed")),
        CallAddress(CallFilter(kind="rate_day", dialect="gemini", status=429, request="r", slower=1.5)),
        CallAddress(CallFilter(range="today", token=3)),
        CallAddress(CallFilter(range="quota_day", key=3)),
        CallAddress(CallFilter(key=3, first=2.0, since_ms=NOW_MS, until_ms=NOW_MS + 1000), 9, size=100),
        CallAddress(after=7),
    ],
)
def test_an_address_is_read_as_it_was_written(address: CallAddress) -> None:
    query = {name: values[0] for name, values in parse_qs(urlsplit(address.here()).query).items()}

    assert read_call_address(query, "Asia/Tokyo") == address


def test_another_filter_begins_at_the_newest_calls() -> None:
    address = CallAddress(CallFilter(model="m", since_ms=NOW_MS), before=9)

    assert address.link(ending="failed").endswith("&ending=failed&model=m")
    assert address.link(range="24h") == "/calls?range=24h&model=m"
    assert read_call_address({"range": "24h", "from": "2026-01-01T00:00"}, "UTC").filter.range == ""


def test_a_filter_asks_the_store_for_the_same() -> None:
    asked = CallFilter(range="2h", ending="unserved", key=3, tried="failed", kind="rate_day", slower=1.5)

    assert asked.query(NOW_MS, "UTC") == CallQuery(
        since_ms=NOW_MS - 7_200_000,
        key_id=3,
        key_failed=True,
        failure_kind="rate_day",
        outcomes=tuple(each.value for each in (*OUTCOMES[Ending.LIMITED], *OUTCOMES[Ending.FAILED])),
        min_duration_ms=1500,
    )
    assert CallFilter().query(NOW_MS, "UTC") == CallQuery()


@pytest.mark.parametrize(
    ("range_", "zone", "since"),
    [
        ("today", "UTC", "2026-10-26T00:00:00Z"),
        ("today", "Asia/Tokyo", "2026-10-25T15:00:00Z"),
        ("quota_day", "Asia/Tokyo", "2026-10-26T07:00:00Z"),
        ("90m", "Asia/Tokyo", "2026-10-26T06:03:20Z"),
    ],
)
def test_a_day_begins_at_the_gateways_midnight_or_at_googles(range_: str, zone: str, since: str) -> None:
    address = read_call_address({"range": range_}, "America/Lima")
    since_ms = address.filter.query(NOW_MS, zone).since_ms

    assert address.link() == f"/calls?range={range_}"
    assert since_ms is not None
    assert utc_text(since_ms) == since


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_fragments_render_alone(language: Any) -> None:
    address = CallAddress(CallFilter(model=HOSTILE))
    parts = (
        ("fragments/calls/answer.html", CallsAnswer(said=HOSTILE, tone="dead")),
        ("fragments/calls/newer.html", NewerCalls(address, 5, 3, 99)),
        ("fragments/calls/newer.html", NewerCalls(address, 5, 100, 99)),
    )
    for name, page in parts:
        text = Renderer().render(name, page, reader=Reader(language), frame=Gate())
        checked(parse(text))
        assert "<script>" not in text


@pytest.mark.parametrize("kind", list(FailureKind))
def test_every_failure_is_told_in_words(kind: FailureKind) -> None:
    call: CallRecord = call_record("r", failure_kind=kind.value, outcome="upstream_error", status=503)
    text = (
        Renderer()
        ._environments["zh_CN"]
        .from_string('{% import "macros/calls.html" as parts with context %}{{ parts.standing(page) }}')
        .render(page=call, reader=Reader("zh_CN"), frame=Gate())
    )

    assert any(ord(letter) > 0x3000 for letter in text)


class Gate:
    """What a fragment needs of the page it stands in."""

    xsrf = "token"
