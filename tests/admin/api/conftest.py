"""A gateway over a scriptable upstream, and a script with its administrator's token."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store import writer
from tests.admin.api.scripting import Script
from tests.fakes.upstream import FakeUpstream
from tests.integration.running import RunningGateway


@pytest.fixture(params=["llhttp", "tornado"])
def running(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    fake_upstream: FakeUpstream,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[RunningGateway]:
    """With three keys and one token, on each front."""
    monkeypatch.setattr(writer, "FLUSH_EVERY_S", 0.005)
    settings = {"HTTP_FRONT": str(request.param)}
    with RunningGateway(tmp_path, fake_upstream.url, settings) as gateway:
        yield gateway


@pytest.fixture
def script(running: RunningGateway) -> Script:
    return Script(running)
