"""A Prometheus that watched two gateways under load: one with well and sick keys, one before a wreck."""

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest

from gateway.simulator.world import ANY_MODEL, Project, Quota, SimulatedKey, World, demo_world
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.script import SeenRequest, StreamStep
from tests.fakes.upstream import FakeUpstream
from tests.grafana.load import PLAIN, THINKING, TOKENS, clients
from tests.grafana.prometheus import RunningPrometheus
from tests.integration.running import RunningGateway
from tests.sdk.simulated import SimulatedUpstream

WATCHED_S = 16.0
METRICS_TOKEN = "sk-only-for-prometheus"
WRECKED_KEYS = ("AIza-test-key-of-the-wreck-0001", "AIza-test-key-of-the-wreck-0002")


@dataclass(frozen=True, slots=True)
class Watched:
    """What was watched, and when: epoch seconds."""

    prometheus: RunningPrometheus
    since_s: float
    until_s: float


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Two gateways of one job, as two replicas would be; all questions are asked about the same seconds."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed: scripts/need-prometheus")
    folder = tmp_path_factory.mktemp("watched")
    world = _world()
    with ExitStack() as stack:
        upstream, wreck = stack.enter_context(SimulatedUpstream(world)), stack.enter_context(FakeUpstream())
        _script(wreck)
        well = stack.enter_context(RunningGateway(folder / "well", upstream.url, _settings(world, wreck)))
        ill_settings = {**_settings(world, wreck), "API_KEYS": ",".join(WRECKED_KEYS)}
        ill = stack.enter_context(RunningGateway(folder / "ill", wreck.url, ill_settings))
        targets = [urlsplit(gateway.url).netloc for gateway in (well, ill)]
        prometheus = stack.enter_context(RunningPrometheus(folder / "prometheus", targets, METRICS_TOKEN))
        since_s = time.time()
        with clients(well.url, well.url, ill.url):
            threading.Event().wait(WATCHED_S)
            until_s = prometheus.await_all_up()
        yield Watched(prometheus, since_s, until_s)


def _world() -> World:
    """The demo's in a hurry, with few good keys, so that the one with next to nothing a minute is asked."""
    world = replace(demo_world(), first_byte_delay_s=0.02, chunk_delay_s=0.01)
    small = Project("104857600014", {ANY_MODEL: Quota(per_minute=1)})
    tiny = SimulatedKey("AQ.not-a-real-key-demo-tiny", small)
    few = {secret: key for secret, key in world.keys.items() if not secret.endswith(("ok-2", "ok-3", "slow"))}
    return replace(world, keys={**few, tiny.secret: tiny})


def _settings(world: World, image_host: FakeUpstream) -> Mapping[str, str]:
    return {
        "API_KEYS": ",".join(world.secrets),
        "ALLOWED_TOKENS": ",".join(TOKENS),
        "METRICS_TOKEN": METRICS_TOKEN,
        "UPLOAD_PROVIDER": "picgo",
        "PICGO_API_URL": f"http://127.0.0.1:{image_host.port}/upload",
    }


def _script(wreck: FakeUpstream) -> None:
    """A key whose project lacks the API; streams that break, a refused country, connections that close."""
    wreck.reply({"success": True, "result": ["https://images.example.net/1.png"]}, when=_is_picture)
    wreck.error(gemini_errors.service_disabled(), key=WRECKED_KEYS[1])
    beginning: list[StreamStep] = [*gemini_replies.text_events("a", "b")[:1], 0.05]
    wreck.stream(beginning, then="cut", model=PLAIN, verb="streamGenerateContent")
    wreck.error(gemini_errors.location(), model=THINKING)
    wreck.drop(model=PLAIN, verb="generateContent")


def _is_picture(seen: SeenRequest) -> bool:
    return seen.path == "/upload"
