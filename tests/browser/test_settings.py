"""A setting edited in a real browser, and seen to act on a client's next call."""

import json
import urllib.request

from tests.browser.chromium import Window
from tests.integration.running import TOKEN
from tests.sdk.clients import MODEL


def listed(window: Window) -> list[str]:
    """The models a client is offered now."""
    request = urllib.request.Request(
        f"{window.origin}/v1/models", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return [model["id"] for model in json.load(answer)["data"]]


def test_a_setting_acts_at_once_and_is_reset(admin: Window) -> None:
    assert MODEL in listed(admin)
    admin.open("/settings?q=FILTERED_MODELS")
    admin.type(MODEL, into="#FILTERED_MODELS")
    admin.click("#models form[action='/settings'] .panel-foot .button")

    admin.see("#models [role=status]", "FILTERED_MODELS")
    assert MODEL not in listed(admin)

    admin.click("#models .confirm > summary")
    admin.click("#models .confirm .button[name=name]")
    admin.see_gone("#models .confirm")
    assert MODEL in listed(admin)
    assert admin.complaints() == []


def test_what_is_wrong_stands_beside_its_field(admin: Window) -> None:
    admin.open("/settings?q=MAX_RETRIES")
    admin.type("many", into="#MAX_RETRIES")
    admin.click("#upstream form[action='/settings'] .panel-foot .button")

    admin.see("#MAX_RETRIES-error", "whole number")
