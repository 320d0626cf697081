"""What one process learns survives its end, however it ends, and reaches the others in about a second."""

import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.simulator.error_bodies import ErrorAnswer
from tests.fakes import gemini_errors
from tests.fakes.upstream import FakeUpstream
from tests.run_contract.child import Child
from tests.run_contract.conftest import Place

TOKEN = "sk-123456"
SICK, WELL = "key-that-gets-sick-0001", "key-that-stays-well-0002"
SOON_S = 3.0
"""About a second, on a machine that does other things as well."""
StartChild = Callable[..., Child]


@pytest.fixture(params=["sqlite", "mysql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, str]:
    """The settings of a database that several processes may share."""
    if request.param == "mysql":
        place: Place = request.getfixturevalue("place")
        return place.settings
    return {"DATA_DIR": str(tmp_path / "shared")}


@pytest.fixture
def start(database: Mapping[str, str], tmp_path: Path, fake_upstream: FakeUpstream) -> StartChild:
    def started(*arguments: str, **settings: str) -> Child:
        common = {
            "API_KEYS": f"{SICK},{WELL}",
            "AUTH_TOKEN": TOKEN,
            "BASE_URL": fake_upstream.url,
            "POOL_WAIT_SECONDS": "0",
        }
        return Child(tmp_path, *arguments, settings={**common, **database, **settings})

    return started


def calls_with(fake_upstream: FakeUpstream, key: str) -> int:
    return sum(request.key == key for request in fake_upstream.requests)


def sicken(gateway: Child, fake_upstream: FakeUpstream, error: ErrorAnswer) -> None:
    """Have the sick key refused once; the calls are served by the other one."""
    fake_upstream.error(error, key=SICK)
    for _ in range(4):
        assert gateway.generate(token=TOKEN).status == 200
    assert calls_with(fake_upstream, SICK) == 1


def told(gateway: Child, name: str, **labels: str) -> float | None:
    """A value of the gateway's own metrics."""
    text = gateway.get("/metrics", token=TOKEN).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


def seconds_until(condition: Callable[[], bool], within_s: float) -> float:
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < within_s, f"it did not come about within {within_s:g} s"
        time.sleep(0.02)
    return time.monotonic() - began_s


FAULTS = [
    pytest.param(gemini_errors.rate_day(), id="a used up day"),
    pytest.param(gemini_errors.leaked(), id="a death"),
    pytest.param(gemini_errors.service_disabled(), id="a rest of hours"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_learned_survives_kill_9(
    fault: ErrorAnswer, start: StartChild, fake_upstream: FakeUpstream
) -> None:
    with start() as gateway:
        sicken(gateway, fake_upstream, fault)
        time.sleep(1.2)  # what is promised: at most about a second is lost
        gateway.send(signal.SIGKILL)
        gateway.exit_code()

    with start() as gateway:
        for _ in range(4):
            assert gateway.generate(token=TOKEN).status == 200

    assert calls_with(fake_upstream, SICK) == 1


def test_a_learned_limit_and_its_use_survive_kill_9(start: StartChild, fake_upstream: FakeUpstream) -> None:
    refusal = gemini_errors.rate_minute(limit=20, retry_delay_s=0.2)
    with start() as gateway:
        sicken(gateway, fake_upstream, refusal)
        time.sleep(1.2)
        gateway.send(signal.SIGKILL)
        gateway.exit_code()

    with start() as gateway:
        seconds_until(lambda: told(gateway, "gateway_learned_quota_limit", window="minute") == 20, 10.0)


@pytest.mark.parametrize("fault", FAULTS)
def test_another_process_knows_within_about_a_second(
    fault: ErrorAnswer, start: StartChild, fake_upstream: FakeUpstream
) -> None:
    with start() as first, start() as second:
        sicken(first, fake_upstream, fault)

        seconds_until(lambda: sees_one_key_less(second), SOON_S)

        for _ in range(4):
            assert second.generate(token=TOKEN).status == 200
    assert calls_with(fake_upstream, SICK) == 1


def sees_one_key_less(gateway: Child) -> bool:
    usable = told(gateway, "gateway_keys", state="active")
    open_buckets = told(gateway, "gateway_model_keys", state="open")
    return usable == 1 or open_buckets == 1


def test_two_workers_share_what_one_of_them_learned(start: StartChild, fake_upstream: FakeUpstream) -> None:
    with start("--workers", "2") as gateway:
        fake_upstream.error(gemini_errors.rate_day(), key=SICK)
        seconds_until(
            lambda: gateway.generate(token=TOKEN).status == 200 and calls_with(fake_upstream, SICK) > 0, 5.0
        )
        time.sleep(SOON_S)
        before = calls_with(fake_upstream, SICK)

        for _ in range(40):  # each on a connection of its own, so that both workers get some
            assert gateway.generate(token=TOKEN).status == 200

        assert calls_with(fake_upstream, SICK) == before


def test_the_jobs_go_to_another_process_when_their_holder_dies(start: StartChild) -> None:
    with start() as first:
        first.wait_event("lease_taken")
        with start() as second:
            assert second.event("lease_taken") is None
            first.send(signal.SIGKILL)
            first.exit_code()

            second.wait_event("lease_taken")


def test_a_holder_that_stops_gives_the_jobs_away_at_once(start: StartChild) -> None:
    with start() as first:
        first.wait_event("lease_taken")
        with start() as second:
            assert first.stop() == 0

            began_s = time.monotonic()
            second.wait_event("lease_taken")
            assert time.monotonic() - began_s < 10.0


def test_processes_that_start_together_agree_on_the_schema(start: StartChild) -> None:
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        gateways = list(threads.map(stack.enter_context, [start() for _ in range(3)]))

        assert [gateway.generate(token=TOKEN).status for gateway in gateways] == [200, 200, 200]
