"""The gateway over a scriptable upstream, on both HTTP fronts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.store import writer
from tests.fakes.upstream import FakeUpstream
from tests.integration.running import RunningGateway

StartGateway = Callable[..., RunningGateway]


@pytest.fixture(params=["llhttp", "tornado"])
def front(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs on both fronts."""
    return str(request.param)


@pytest.fixture
def start_gateway(
    tmp_path: Path, fake_upstream: FakeUpstream, front: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StartGateway]:
    """Start a gateway over `fake_upstream`; settings by name: `start_gateway(MAX_RETRIES="0")`."""
    # Many tests read their call's record back: they need not wait for a batch to gather.
    monkeypatch.setattr(writer, "FLUSH_EVERY_S", 0.005)
    with ExitStack() as stack:

        def start(**settings: str) -> RunningGateway:
            settings.setdefault("HTTP_FRONT", front)
            return stack.enter_context(RunningGateway(tmp_path, fake_upstream.url, settings))

        yield start


@pytest.fixture
def gateway(start_gateway: StartGateway) -> RunningGateway:
    """A gateway with three keys, one token, and settings of their defaults."""
    return start_gateway()


@dataclass(frozen=True, slots=True)
class Lasting:
    """A gateway and its upstream that serve a whole module of tests that leave the keys as they were."""

    front: str
    gateway: RunningGateway
    upstream: FakeUpstream


@pytest.fixture(scope="module", params=["llhttp", "tornado"])
def lasting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lasting]:
    """Starting one takes longer than most tests: modules of many small ones make their `gateway` of this."""
    settings = {"HTTP_FRONT": str(request.param)}
    with pytest.MonkeyPatch.context() as patch, FakeUpstream() as upstream:
        patch.setattr(writer, "FLUSH_EVERY_S", 0.005)
        with RunningGateway(tmp_path_factory.mktemp("lasting"), upstream.url, settings) as gateway:
            yield Lasting(settings["HTTP_FRONT"], gateway, upstream)
