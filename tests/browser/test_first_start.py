"""From the first start to the first call, as somebody new goes about it."""

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.simulator.world import demo_world
from gateway.store import writer
from tests.browser.chromium import LIGHT, Window
from tests.integration.running import RunningGateway
from tests.sdk.simulated import SimulatedUpstream


@pytest.fixture
def fresh(tmp_path: Path, browser_programs: None) -> Iterator[RunningGateway]:
    """A gateway that nobody has set up: no key, no token, no administrator's token."""
    unset = {"API_KEYS": "", "AUTH_TOKEN": "", "ALLOWED_TOKENS": ""}
    with pytest.MonkeyPatch.context() as patch, SimulatedUpstream(demo_world().without_delays()) as upstream:
        patch.setattr(writer, "FLUSH_EVERY_S", 0.05)
        with RunningGateway(tmp_path, upstream.url, unset) as gateway:
            yield gateway


def test_from_the_first_start_to_the_first_call(fresh: RunningGateway) -> None:
    assert fresh.services is not None
    made_up = fresh.services.live.current.auth_token
    with Window(fresh.url) as window:
        window.wear(LIGHT)
        window.sign_in(made_up)
        window.see("#sentence", "No key yet")

        window.click(".steps a[href='/keys']")
        window.type(demo_world().secrets[0], into="#first-text")
        window.click(".teaching button.solid")
        window.see(".work .panel-note", "done")
        window.see(".outcomes", "work")

        window.press("g", "c")
        window.see("#first-title", "No call yet")
        if not window.all("#calls form[action='/calls'] button"):
            window.click(".teach a[href='/tokens']")
            window.type("mine", into="#name")
            window.click("form[action='/tokens'] .button.solid")
            window.see("#added-secret")
            window.press("g", "c")
        window.click("#calls form[action='/calls'] button")
        window.until(lambda: "YOUR_TOKEN" not in window.text("#first-curl"))
        shown = window.text("#first-curl")
        made = subprocess.run(
            shlex.split(shown.replace("\\\n", " ")), capture_output=True, text=True, timeout=30, check=True
        )
        assert "chat.completion.chunk" in made.stdout

        def look_again() -> bool:
            """It is written a moment after it has ended."""
            window.run("document.querySelector('#first-title ~ a')?.click()")
            return bool(window.all("#calls tbody tr"))

        window.until(look_again)
        window.see("#calls tbody .standing", "succeeded")
        window.see("#sentence", "Serving")
        assert window.complaints() == []
