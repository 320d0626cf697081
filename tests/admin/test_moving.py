"""A gateway on gemini-balance's database offers its logs, on the page of settings and in the API."""

from pathlib import Path

import pytest

from gateway.store.config import DatabaseConfig
from tests.admin.api.scripting import Script
from tests.admin.browsing import Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import assert_readable, assert_safe
from tests.integration.calling import eventually
from tests.integration.running import RunningGateway
from tests.store.old_gateway import FIRST, fill


@pytest.fixture
def moved(tmp_path: Path, start_gateway: StartGateway) -> RunningGateway:
    """A gateway that was started on the old database."""
    fill(DatabaseConfig("sqlite", path=tmp_path / "default_db"))
    return start_gateway(API_KEYS="", ALLOWED_TOKENS="")


def is_in_the_log(gateway: RunningGateway) -> bool:
    """Whether the old request is among the calls."""
    return gateway.on_loop(
        lambda services: (
            services.store.read_sync(lambda: services.store.calls.by_request_id("gemini-balance-1"))
            is not None
        )
    )


def test_the_page_of_settings_offers_the_logs_and_leads_to_the_work(moved: RunningGateway) -> None:
    browser = Browser(moved)
    browser.sign_in()

    page = browser.get("/settings")
    offer = page.page.one("section", **{"aria-labelledby": "old-logs-title"})
    begun = browser.post("/settings/take-logs")
    work = browser.get(begun.place)

    assert "at most 1 rows" in offer.text
    assert begun.status == 303
    assert "Taking in the calls of gemini-balance" in work.page.text
    for each in (page, work):
        assert_safe(each.page)
        assert_readable(each.page)
    assert eventually(lambda: is_in_the_log(moved), 30.0)
    assert eventually(lambda: "old-logs-title" not in browser.get("/settings").text, 30.0)
    assert FIRST not in page.text


def test_a_script_takes_them_in_once(moved: RunningGateway) -> None:
    script = Script(moved)

    offered = script.ask("GET", "/moving-in")
    begun = script.ask("POST", "/moving-in")

    assert offered.json == {"waiting_rows": 1}
    assert (begun.status, begun.json["kind"]) == (202, "import calls")
    assert eventually(lambda: script.ask("GET", f"/tasks/{begun.json['id']}").json["state"] == "done", 30.0)
    assert script.ask("GET", "/moving-in").json == {"waiting_rows": 0}
    assert script.ask("POST", "/moving-in").status == 409
    assert is_in_the_log(moved)


def test_nothing_is_offered_where_nothing_was(browser: Browser) -> None:
    assert "old-logs-title" not in browser.get("/settings").text
