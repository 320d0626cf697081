"""A gateway over the simulated Gemini with some history, and windows of a real browser on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.simulator.world import demo_world
from gateway.store import writer
from tests.admin.browsing import ADMIN_TOKEN
from tests.browser.chromium import LIGHT, Window, missing_programs
from tests.browser.history import write_history
from tests.house.source import ROOT
from tests.integration.running import RunningGateway
from tests.sdk.simulated import SimulatedUpstream


@pytest.fixture(scope="session")
def browser_programs() -> None:
    """Chromium and its driver, which scripts/get-browser-tools installs."""
    if missing := missing_programs():
        pytest.skip(f"without {' and '.join(missing)}: run scripts/get-browser-tools as root")


@pytest.fixture(scope="session")
def axe() -> Path:
    """The accessibility checker, which scripts/get-browser-tools fetches."""
    found = sorted((ROOT / "build" / "axe").glob("axe-core-*.min.js"))
    if not found:
        pytest.skip("without axe-core: run scripts/get-browser-tools, which needs npm")
    return found[-1]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, browser_programs: None) -> Iterator[RunningGateway]:
    """Keys of every health, calls of a week; tests only look at it and make calls."""
    world = demo_world().without_delays()
    settings = {"API_KEYS": ",".join(world.secrets), "AUTH_TOKEN": ADMIN_TOKEN}
    with pytest.MonkeyPatch.context() as patch, SimulatedUpstream(world) as upstream:
        patch.setattr(writer, "FLUSH_EVERY_S", 0.05)
        with RunningGateway(tmp_path_factory.mktemp("served"), upstream.url, settings) as gateway:
            write_history(gateway)
            yield gateway


@pytest.fixture
def window(served: RunningGateway) -> Iterator[Window]:
    """A fresh window that is not signed in."""
    with Window(served.url) as window:
        window.wear(LIGHT)
        yield window


@pytest.fixture(scope="session")
def _lasting_window(served: RunningGateway) -> Iterator[Window]:
    with Window(served.url) as window:
        window.wear(LIGHT)
        window.sign_in(ADMIN_TOKEN)
        yield window


@pytest.fixture
def admin(_lasting_window: Window) -> Window:
    """The window of somebody signed in, shared by tests that leave its cookies as they were."""
    window = _lasting_window
    window.wear(LIGHT)
    window.open("/")
    if window.all("#sign-in"):  # another test signed everybody out
        window.sign_in(ADMIN_TOKEN)
    window.complaints()
    return window
