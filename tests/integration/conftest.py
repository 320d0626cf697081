"""The gateway over a scriptable upstream, on both HTTP fronts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.integration.running import RunningGateway

StartGateway = Callable[..., RunningGateway]


@pytest.fixture(params=["llhttp", "tornado"])
def front(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs on both fronts."""
    return str(request.param)


@pytest.fixture
def start_gateway(tmp_path: Path, fake_upstream: FakeUpstream, front: str) -> Iterator[StartGateway]:
    """Start a gateway over `fake_upstream`; settings by name: `start_gateway(MAX_RETRIES="0")`."""
    with ExitStack() as stack:

        def start(**settings: str) -> RunningGateway:
            settings.setdefault("HTTP_FRONT", front)
            return stack.enter_context(RunningGateway(tmp_path, fake_upstream.url, settings))

        yield start


@pytest.fixture
def gateway(start_gateway: StartGateway) -> RunningGateway:
    """A gateway with three keys, one token, and settings of their defaults."""
    return start_gateway()
