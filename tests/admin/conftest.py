"""A gateway for a module of tests that leave it as it was, and browsers of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.admin.browsing import Browser
from tests.integration.running import RunningGateway

NO_UPSTREAM = "http://127.0.0.1:9/v1beta"
StartGateway = Callable[..., RunningGateway]


@pytest.fixture(scope="module", params=["llhttp", "tornado"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """With three keys and one token, on each front."""
    settings = {"HTTP_FRONT": str(request.param)}
    with RunningGateway(tmp_path_factory.mktemp("admin"), NO_UPSTREAM, settings) as running:
        yield running


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[StartGateway]:
    """Start a gateway of one's own: `start_gateway(API_KEYS="")`; again on the same data when stopped."""
    started: list[RunningGateway] = []

    def start(**settings: str) -> RunningGateway:
        running = RunningGateway(tmp_path, NO_UPSTREAM, settings)
        started.append(running.__enter__())
        return running

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def stranger(gateway: RunningGateway) -> Browser:
    """A browser that is not signed in."""
    return Browser(gateway)


@pytest.fixture
def browser(gateway: RunningGateway) -> Browser:
    """A browser that is signed in."""
    browser = Browser(gateway)
    assert browser.sign_in().status == 303
    return browser
