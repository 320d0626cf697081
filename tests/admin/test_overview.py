"""The overview: its numbers are those of the calls, each leads to them, and every state is designed."""

import re
from dataclasses import replace
from typing import Any

import pytest

from admin.charts import outcome_chart
from admin.contexts.frame import Sentence
from admin.contexts.overview import Ailing, ModelStanding, ModelUse, OverviewPage, Quota
from admin.readers import Reader
from admin.rendering import Renderer
from gateway.control.ailments import Ailment
from gateway.control.overview import PERIODS, Numbers, Step
from gateway.control.pulse import Pulse, Recent
from gateway.pool.bucket import BucketState
from gateway.pool.key import KeyState
from gateway.pool.rests import Rest
from gateway.protocols.failure_kinds import FailureKind
from gateway.store.usage_sums import UsageSum
from tests.admin.browsing import HTMX, Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import Element, assert_readable, assert_safe, parse
from tests.store.samples import attempt_record, call_record, until

NOW_MS = 1_793_000_000_000
QUIET = Recent(0, 0, None)
HOSTILE = "\"><script>alert('1')</script>&amp;"
SUM = UsageSum(calls=9, total_tokens=1_234_567, prompt_tokens=1_000_000, first_tokens=0)


def numbers(**changes: Any) -> Numbers:
    period = PERIODS["1h"]
    steps = tuple(
        Step(NOW_MS + place * period.step_ms, {"success": 8, "no_key": 1} if place == 5 else {}, UsageSum())
        for place in range(60)
    )
    usual: dict[str, Any] = {
        "period": period,
        "steps": steps,
        "total": SUM,
        "outcomes": {"success": 8, "no_key": 1},
        "minute": 1,
        "hour": 9,
        "day": 10,
        "month": 12_345,
        "today": SUM,
        "models": (),
    }
    return Numbers(**{**usual, **changes})


def page(**changes: Any) -> OverviewPage:
    shown = changes.pop("numbers", numbers())
    usual: dict[str, Any] = {
        "now_ms": NOW_MS,
        "period": "1h",
        "pulse": Pulse(3, 1, 1, 0, Recent(9, 1, 320.0)),
        "numbers": shown,
        "chart": outcome_chart(shown.steps, PERIODS["1h"], Reader()) if shown else None,
        "models": (ModelUse(HOSTILE, 9, 8 / 9, 1_234_567, 321.5), ModelUse("", 2, None, 0, None)),
        "ailment": None,
        "ailing": (
            Ailing(7, HOSTILE, KeyState.RESTING, FailureKind.RATE_DAY, 12),
            Ailing(8, "k8", None, FailureKind.KEY_INVALID, 1),
        ),
        "standings": (
            ModelStanding("", HOSTILE, 0, 1, 2, 3, NOW_MS / 1000 + 41, (Quota(False, 2, 5, 100),)),
            ModelStanding("vertex", "m2", 3, 0, 0, 0, None, ()),
        ),
        "more_standings": 1,
        "rests": (
            Rest(7, HOSTILE, HOSTILE, BucketState.EXHAUSTED, FailureKind.RATE_DAY, NOW_MS / 1000 + 3600, 3),
            Rest(8, "k8", None, BucketState.COOLING, FailureKind.ACCOUNT_LIMITED, NOW_MS / 1000 + 41),
        ),
        "renew_s": NOW_MS / 1000 + 7200,
        "streams": 2,
        "origin": "http://localhost:8000",
    }
    return OverviewPage(**{**usual, **changes})


def render(context: OverviewPage, reader: Reader | None = None) -> Element:
    document = parse(Renderer().render("fragments/overview/live.html", context, reader=reader))
    assert_safe(document)
    assert_readable(document)
    return document


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_live_part_renders_alone_and_shows_names_as_text(language: Any) -> None:
    document = render(page(), Reader(language))

    assert [each["id"] for each in document.all() if each in document.children] == ["overview"]
    assert document.text.count(HOSTILE) >= 4
    assert document.all("script") == []


@pytest.mark.parametrize("kind", list(FailureKind))
def test_every_failure_has_words_in_every_language(kind: FailureKind) -> None:
    ailing = (Ailing(7, "k7", KeyState.ACTIVE, kind, 1),)
    words = [
        render(page(ailing=ailing), Reader(language)).one("section", aria_labelledby="ailing-title").text
        for language in ("en", "zh_CN")
    ]

    assert words[0] != words[1]


def test_every_number_leads_to_the_calls_behind_it() -> None:
    document = render(page())
    figures = {each.all("span")[0].text: each for each in document.all("a", class_="figure")}

    assert {label: each["href"] for label, each in figures.items()} == {
        "Last minute": "/calls?range=1m",
        "Last hour": "/calls?range=1h",
        "Last 24 hours": "/calls?range=24h",
        "Last 30 days": "/calls?range=30d",
        "Success rate": "/calls?range=1h&ending=unserved",
        "First token": "/calls?range=1h&ending=success",
        "Tokens today": "/tokens",
        "Streams open": "/calls?range=1h",
    }
    assert figures["Last 30 days"].text == "Last 30 days 12,345 calls"
    assert figures["Success rate"].text == "Success rate 88.9% 1 failed"
    assert figures["Tokens today"].text == "Tokens today 1.2M 1M input"
    legend = document.one("ul", class_="legend").all("a")
    assert [each["href"].rpartition("=")[2] for each in legend] == ["success", "client", "limited", "failed"]


def test_the_chart_tells_its_values_to_those_who_cannot_see_it() -> None:
    document = render(page())
    chart = document.one("svg", class_="chart-plot")
    rows = document.one("details", class_="chart-table").one("tbody").all("tr")

    assert chart["aria-label"] == "Calls by outcome"
    assert len(chart.all("g", class_="column")) == 60
    assert [row.text for row in rows] == ["07:38 8 0 1 0"]
    told = [column["data-values"] for column in chart.all("g", class_="column")]
    assert told[5] == "07:38 · 8 succeeded, 1 without a key"
    assert told[6] == "07:39 · no calls"


def test_what_the_pool_is_doing_is_told_with_the_time_left() -> None:
    document = render(page())
    quotas = document.one("section", aria_labelledby="pool-title")
    rests = document.one("section", aria_labelledby="rests-title")
    times = [each for each in document.all("time") if "data-until" in each]

    assert "0:41" in quotas.one("tbody").all("tr")[0].text
    assert "5 of 100 requests (2 keys)" in quotas.text
    assert "no limit met yet" in quotas.text
    assert "and 1 more model" in quotas.text
    assert "+2 of its project" in rests.text
    assert [each.text for each in times] == ["0:41", "1:00:00", "0:41"]
    assert times[0]["data-until"] == str(NOW_MS + 41_000)


def test_without_a_key_the_first_steps_are_shown() -> None:
    empty = page(pulse=Pulse(0, 0, 0, 0, Recent(0, 0, None)), ailing=(), standings=(), rests=(), models=())

    assert "First steps" in render(empty).text
    assert "First steps" not in render(page()).text


def test_without_a_call_the_first_one_is_shown() -> None:
    none = numbers(month=0, outcomes={}, steps=tuple(replace(each, outcomes={}) for each in numbers().steps))
    document = render(page(numbers=none, models=(), ailing=(), standings=(), rests=()))

    assert "curl http://localhost:8000/v1/chat/completions" in document.text
    assert len(document.all("div", class_="empty")) == 5
    assert document.all("svg", class_="chart-plot") == []


def test_while_the_database_is_away_the_pool_is_still_shown() -> None:
    document = render(page(numbers=None, models=(), ailing=()))

    assert "The database cannot be reached" in document.one(role="alert").text
    assert "0:41" in document.text
    assert document.all("a", class_="figure") == []


def test_what_is_shown_stands_in_the_address(browser: Browser) -> None:
    document = browser.get("/?range=7d&ailment=quota").page
    chosen = [each["href"] for each in document.all("a", class_="choice") if "aria-current" in each]

    assert chosen == ["/?range=7d&ailment=quota", "/?range=7d&ailment=quota"]
    assert document.one("div", class_="frame")["hx-sse:connect"] == "/events/overview?range=7d&ailment=quota"


@pytest.mark.parametrize("query", ["range=9y", "range=&ailment=x", "range=1h&range=8h", "%00=%ff"])
def test_what_cannot_be_shown_is_shown_as_usual(browser: Browser, query: str) -> None:
    assert browser.get(f"/?{query}").status == 200


def test_htmx_gets_the_live_part_alone(browser: Browser) -> None:
    answer = browser.ask("GET", "/?range=1h", headers=HTMX)

    assert [each.tag for each in answer.page.children if isinstance(each, Element)] == ["div"]
    assert "HX-Request-Type" in answer.headers["vary"]


def test_the_numbers_are_those_of_the_calls(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    services = gateway.services
    assert services is not None
    now_ms = int(services.engine.wall_s() * 1000)
    key = services.store.read_sync(services.store.keys.everything)[0]
    attempt = attempt_record(1, key_id=key.id, failure_kind="key_leaked")
    for outcome in ("success", "success", "no_key"):
        services.store.records.put(
            call_record(
                started_at_ms=now_ms,
                duration_ms=0,
                outcome=outcome,
                model=HOSTILE,
                total_tokens=100,
                attempts=(attempt,),
            )
        )
    until(lambda: services.store.health().written == 3)
    browser = Browser(gateway)
    browser.sign_in()
    document = browser.get("/").page

    assert document.all("a", class_="figure")[0].text == "Last minute 3 calls"
    assert HOSTILE in document.one("section", aria_labelledby="models-title").text
    ailing = document.one("section", aria_labelledby="ailing-title").one("tbody")
    assert ailing.text == f"{key.alias} ready key reported as leaked 3"
    assert Ailment.KEY.value in document.one("nav", aria_label="Reasons").all("a")[1]["href"]
    assert "1 failed call in 5 min" in document.one("p", id="sentence").text


@pytest.mark.parametrize(
    ("pulse", "words"),
    [
        (Pulse(0, 0, 0, 0, QUIET), "No key yet · every call is refused until one is added"),
        (Pulse(1, 0, 0, 0, QUIET), "Serving · 1 of 1 key ready · 0 failed calls in 5 min"),
        (
            Pulse(2, 0, 1, 0, Recent(9, 1, 320.4)),
            "Serving · 2 of 3 keys ready · 1 failed call in 5 min · first token 320 ms",
        ),
        (
            Pulse(2, 0, 0, 0, Recent(30, 20, None)),
            "Serving · 2 of 2 keys ready · 20 of 30 calls failed in 5 min",
        ),
        (
            Pulse(0, 2, 1, 1, QUIET),
            "No key is usable now · 2 resting · 1 invalid · 1 disabled · 0 failed calls in 5 min",
        ),
        (Pulse(1, 0, 0, 0, None), "Serving · 1 of 1 key ready · the database cannot be reached"),
    ],
)
def test_one_sentence_says_whether_it_works(pulse: Pulse, words: str) -> None:
    document = parse(Renderer().render("fragments/frame/sentence.html", Sentence(pulse)))
    parts = document.one("span", class_="sentence-parts")

    assert " · ".join(each.text for each in parts.children if isinstance(each, Element)) == words
    assert document.one("svg")["class"].split()[-1] == pulse.mark
    assert re.search(r"#state-\w+", document.one("use")["href"])
