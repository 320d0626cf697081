"""Metrics of a running gateway: what calls, keys and the database do shows in the next scrape."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from shutil import which

import pytest
from prometheus_client import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gateway.metrics.catalogue import METRICS
from gateway.services import Services
from gateway.store.records import TokenRow
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import MODEL, call, chat, eventually, native, sse
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, TOKEN, RunningGateway
from tests.integration.scraping import ADMIN, Samples

ALICE = "sk-alice-of-the-metrics"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

# What is counted does not depend on it.
pytestmark = pytest.mark.parametrize("front", ["llhttp"], indirect=True)


@pytest.fixture
def called(gateway: RunningGateway, fake_upstream: FakeUpstream) -> RunningGateway:
    """A gateway after a chat and three streams, two of which took two keys, a failed call and a stranger."""
    fake_upstream.error(gemini_errors.rate_minute(limit=7), key=KEYS[0], times=1)
    fake_upstream.error(gemini_errors.leaked(), key=KEYS[2], times=1)
    fake_upstream.error(gemini_errors.unknown_field("x"), model="gemini-wrong")
    chat(gateway)
    for _ in range(3):
        sse(gateway)
    native(gateway, model="gemini-wrong")
    native(gateway, headers={})
    return gateway


def add_token(gateway: RunningGateway, secret: str, name: str) -> None:
    async def add(services: Services) -> None:
        row = TokenRow(secret, "sk-…cs", name=name)
        await services.store.write(lambda: services.store.tokens.add([row]))
        await services.following.tokens_changed()

    gateway.wait_for(add)


def test_a_scrape_tells_of_every_metric_that_is_declared_and_of_no_other(called: RunningGateway) -> None:
    types = [line.split()[2:] for line in Samples(called).text.splitlines() if line.startswith("# TYPE")]

    assert sorted(types) == sorted([metric.name, metric.kind.value] for metric in METRICS)


def test_prometheus_own_checker_has_no_complaint(called: RunningGateway) -> None:
    promtool = which("promtool")
    if promtool is None:
        pytest.skip("this machine has no promtool")

    checked = subprocess.run(
        [promtool, "check", "metrics"], input=Samples(called).text.encode(), capture_output=True, check=False
    )

    assert (checked.stdout + checked.stderr).decode() == ""
    assert checked.returncode == 0


def test_a_scraper_that_asks_for_openmetrics_gets_the_same_in_it(called: RunningGateway) -> None:
    answer = call(called, "/metrics", None, method="GET", headers={**ADMIN, "accept": OPENMETRICS})

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith(b"# EOF\n")
    parse: Callable[[str], Iterator[Family]] = text_string_to_metric_families
    families = {family.name: family for family in parse(answer.body.decode())}
    assert set(families) == {metric.family_name for metric in METRICS}
    calls = {sample.labels["operation"]: sample.value for sample in families["gateway_calls"].samples}
    assert calls == {"chat": 1, "streamGenerateContent": 3, "generateContent": 1}


def test_a_failover_shows_in_attempts_keys_and_kinds(called: RunningGateway) -> None:
    seen = Samples(called)

    assert seen.sum("gateway_attempts_total", kind="rate_minute", model="other") == 1
    assert seen.sum("gateway_failovers_total", kind="rate_minute") == 1
    assert seen.sum("gateway_failovers_total", kind="key_leaked") == 1
    assert seen.sum("gateway_attempts_per_call_count") == 5
    assert seen.sum("gateway_attempts_per_call_sum") == seen.sum("gateway_attempts_total")
    assert seen.sum("gateway_attempts_per_call_bucket", le="1.0") < 5


def test_durations_tell_who_calls_what_and_why_it_failed(called: RunningGateway) -> None:
    seen = Samples(called)
    streams = {"gen_ai_operation_name": "generate_content", "gen_ai_provider_name": "gcp.gemini"}
    count = "gen_ai_server_request_duration_seconds_count"

    assert seen.sum(count, **streams, gen_ai_request_model=MODEL, error_type="") == 3
    assert seen.sum(count, **streams, gen_ai_request_model="other", error_type="client_error") == 1
    assert seen.sum(count, gen_ai_operation_name="chat") == 1
    assert seen.sum("gen_ai_server_time_to_first_token_seconds_count", **streams) == 3
    assert seen.sum("gen_ai_server_time_per_output_token_seconds_count", **streams) == 3
    assert seen.sum("gen_ai_client_token_usage_sum", gen_ai_token_type="input") == 4 * 8
    assert seen.sum("gen_ai_client_token_usage_sum", gen_ai_token_type="output") == 4 * 5


def test_the_gateways_own_time_is_within_that_of_the_calls(called: RunningGateway) -> None:
    seen = Samples(called)

    assert seen.sum("gateway_overhead_seconds_count") == 5
    assert seen.sum("gateway_overhead_seconds_sum") > 0
    # A call's duration is counted in whole milliseconds, so up to one of each is missing there.
    durations_s = seen.sum("gen_ai_server_request_duration_seconds_sum") + 5 * 0.001
    assert seen.sum("gateway_overhead_seconds_sum") < durations_s


def test_calls_and_tokens_are_told_by_the_access_tokens_name_or_masked(gateway: RunningGateway) -> None:
    add_token(gateway, ALICE, "Alice")

    native(gateway, headers={"x-goog-api-key": ALICE})
    chat(gateway)
    native(gateway, headers=ADMIN)

    seen = Samples(gateway)
    assert seen.sum("gateway_token_calls_total", token="Alice", outcome="success") == 1
    assert seen.sum("gateway_token_calls_total", token="admin", outcome="success") == 1
    assert seen.sum("gateway_token_tokens_total", token="Alice", model=MODEL, type="input") == 8
    (masked,) = seen.values("token") - {"Alice", "admin"}
    assert "…" in masked
    assert TOKEN not in seen.text
    assert ALICE not in seen.text


def test_a_kept_connection_is_told_as_reused(gateway: RunningGateway) -> None:
    for _ in range(3):
        native(gateway)

    seen = Samples(gateway)

    assert seen.sum("gateway_upstream_requests_total") == 3
    assert seen.sum("gateway_upstream_connections_opened_total") == 1
    assert seen.sum("gateway_upstream_connections_reused_total") == 2


def test_a_call_that_waits_for_a_key_is_told_while_it_waits(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(API_KEYS=KEYS[0], POOL_WAIT_SECONDS="60")
    fake_upstream.error(gemini_errors.rate_minute(retry_delay_s=50), times=1)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(native, gateway)
        eventually(lambda: Samples(gateway).sum("gateway_calls_waiting") == 1)
        asleep = Samples(gateway)
        gateway.on_loop(lambda services: services.pool.reopen(1, services.engine.wall_s()))
        status = waiting.result().status

    assert status == 200
    assert 0 < asleep.sum("gateway_next_key_seconds", model=MODEL) <= 60
    after = Samples(gateway)
    assert after.sum("gateway_calls_waiting") == 0
    assert after.sum("gateway_next_key_seconds", model=MODEL) == 0


def test_the_databases_work_and_the_loops_lag_are_timed(called: RunningGateway) -> None:
    def timed() -> bool:
        seen = Samples(called)
        return (
            seen.sum("gateway_store_duration_seconds_count", work="read") > 0
            and seen.sum("gateway_store_duration_seconds_count", work="write") > 0
            and seen.sum("gateway_loop_lag_seconds_count") > 0
        )

    eventually(timed)


def test_what_the_database_refuses_is_counted_as_a_failure(gateway: RunningGateway) -> None:
    def refuse() -> None:
        raise ValueError("not this")

    async def fail(services: Services) -> None:
        with pytest.raises(ValueError, match="not this"):
            await services.store.write(refuse)

    before = Samples(gateway).sum("gateway_store_failures_total")
    gateway.wait_for(fail)

    assert Samples(gateway).sum("gateway_store_failures_total") == before + 1


def test_the_process_tells_what_it_uses(gateway: RunningGateway) -> None:
    seen = Samples(gateway)

    assert seen.sum("process_cpu_seconds_total") > 0
    assert seen.sum("process_resident_memory_bytes") > 10_000_000
    assert seen.sum("process_start_time_seconds") > 1_700_000_000
    assert 0 < seen.sum("process_open_fds") < seen.sum("process_max_fds")
    assert seen.sum("gateway_workers") == 1
    assert seen.sum("gateway_worker_restarts_total") == 0


def test_a_whole_answer_says_nothing_of_first_tokens(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.text("Hello"), model=MODEL)

    native(gateway)

    seen = Samples(gateway)
    assert seen.sum("gateway_calls_total", outcome="success") == 1
    assert seen.sum("gen_ai_server_time_to_first_token_seconds_count") == 0
    assert seen.sum("gen_ai_server_time_per_output_token_seconds_count") == 0
