"""The routes beside the calls: health, metrics that count rightly, a hostile Host."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes import gemini_errors
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import MODEL, array, call, chat, native, sse
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, RunningGateway
from tests.integration.scraping import ADMIN, Samples


def test_health_is_healthy_with_keys(gateway: RunningGateway) -> None:
    for method in ("GET", "HEAD"):
        answer = call(gateway, "/health", None, method=method, headers={})
        assert answer.status == 200
    healthy = call(gateway, "/health", None, method="GET", headers={}).json
    assert healthy["status"] == "healthy"
    assert healthy["keys"]["active"] == len(KEYS)


def test_health_is_200_without_a_usable_key_and_says_so(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(API_KEYS=KEYS[0])
    fake_upstream.error(gemini_errors.leaked())
    native(gateway)

    answer = call(gateway, "/health", None, method="GET", headers={})

    assert answer.status == 200
    assert answer.json["keys"]["dead"] == 1
    assert "No key is usable" in answer.json["detail"]


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"authorization": "Bearer sk-test-token"}, "", 401),  # a client's token opens calls, not this
        ({"authorization": "Bearer scrape-me-now"}, "", 200),
        (ADMIN, "", 200),
        ({}, "?key=scrape-me-now", 200),
    ],
    ids=["none", "client", "metrics", "admin", "query"],
)
def test_metrics_open_to_their_token_and_the_admins(
    start_gateway: StartGateway, headers: dict[str, str], query: str, status: int
) -> None:
    gateway = start_gateway(METRICS_TOKEN="scrape-me-now")

    answer = call(gateway, f"/metrics{query}", None, method="GET", headers=headers)

    assert answer.status == status
    if status == 401:
        assert answer.error["type"] == "authentication_error"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_without_a_metrics_token_an_empty_one_opens_nothing(gateway: RunningGateway) -> None:
    answer = call(gateway, "/metrics", None, method="GET", headers={"authorization": "Bearer "})

    assert answer.status == 401


def test_metrics_count_what_was_called(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_minute(), key=KEYS[0], times=1)
    fake_upstream.error(gemini_errors.unknown_field("x"), model="gemini-wrong")
    fake_upstream.error(gemini_errors.model_not_found(), model="gemini-invented")
    fake_upstream.error(gemini_errors.leaked(), key=KEYS[2], times=1)

    for _ in range(3):
        native(gateway)
    for each in (sse, array, chat):
        each(gateway)
    native(gateway, model="gemini-wrong")
    for number in range(5):
        native(gateway, model=f"gemini-made-up-{number}", body=b"{")
    native(gateway, model="gemini-invented")
    native(gateway, headers={})

    seen = Samples(gateway)
    assert seen.sum("gateway_calls_total", model=MODEL, outcome="success") == 6
    assert seen.sum("gateway_calls_total", dialect="openai", operation="chat", outcome="success") == 1
    assert seen.sum("gateway_calls_total", operation="streamGenerateContent") == 2
    assert seen.sum("gateway_calls_total", outcome="client_error", model="other") == 2
    assert seen.sum("gateway_attempts_total", model=MODEL, kind="ok") == 6
    assert seen.sum("gateway_attempts_total", kind="rate_minute") == 1
    assert seen.sum("gateway_attempts_total", kind="key_leaked") == 1
    assert seen.sum("gateway_failovers_total") == 2
    assert seen.sum("gateway_refused_requests_total", status="400", dialect="gemini") == 5
    assert seen.sum("gateway_refused_requests_total", status="401", dialect="gemini") == 1
    assert seen.sum("gateway_tokens_total", type="input", model=MODEL) == 6 * 8
    assert seen.sum("gateway_tokens_total", type="output", model=MODEL) == 6 * 5
    assert seen.sum("gen_ai_server_request_duration_seconds_count", error_type="") == 6
    assert seen.sum("gen_ai_server_time_to_first_token_seconds_count") == 2
    assert seen.sum("gateway_keys", state="active") == 2
    assert seen.sum("gateway_keys", state="dead") == 1
    assert seen.sum("gateway_streams_open") == 0
    assert seen.sum("gateway_build_info") == 1
    assert seen.sum("gateway_records_dropped_total") == 0
    assert not any("made-up" in name or "invented" in name for name in seen.values("model"))


def test_a_running_stream_is_counted(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    gate = fake_upstream.gate()
    fake_upstream.stream([gate], verb="streamGenerateContent")
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(sse, gateway)
        gate.wait_reached()
        open_now = Samples(gateway).sum("gateway_streams_open")
        gate.release()
        running.result()

    assert open_now == 1
    assert Samples(gateway).sum("gateway_streams_open") == 0


def test_a_hostile_host_header_does_not_reach_the_page_unescaped(gateway: RunningGateway) -> None:
    answer = call(gateway, "/", None, method="GET", headers={"x-forwarded-host": '"><script>alert(1)'})

    assert b"<script>alert" not in answer.body
