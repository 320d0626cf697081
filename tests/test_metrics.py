"""What is counted, under which labels, and that a scrape can read it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import MAX_MODELS, OTHER, Metrics
from gateway.protocols.failures import FailureKind
from gateway.store.records import AttemptRecord, CallRecord

MODEL = "gemini-3.5-flash"
CALL = CallRecord(
    request_id="r",
    started_at_ms=0,
    dialect="openai",
    operation="chat",
    model=MODEL,
    token_id=1,
    key_id=2,
    status=200,
    outcome="success",
    failure_kind=None,
    stream=True,
    duration_ms=1500,
    first_token_ms=300,
    prompt_tokens=8,
    completion_tokens=5,
    thought_tokens=20,
    cached_tokens=3,
    total_tokens=33,
    attempts=(AttemptRecord(1, 2, "AI…1k", None, 200, 1500, 0),),
)
FAILED_OVER = replace(
    CALL,
    attempts=(
        AttemptRecord(1, 1, "AI…9z", "rate_minute", 429, 100, 0),
        AttemptRecord(2, 3, "AI…7q", "overloaded", 503, 100, 100),
        AttemptRecord(3, 2, "AI…1k", None, 200, 1300, 200),
    ),
)


def families(metrics: Metrics) -> dict[str, Metric]:
    text, media_type = metrics.exposition()
    assert media_type.startswith("text/plain")
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def value(metrics: Metrics, sample_name: str, **labels: str) -> float:
    """Give a sample; 0 when there is none with these labels."""
    for family in families(metrics).values():
        for sample in family.samples:
            if sample.name == sample_name and _has(sample.labels, labels):
                return sample.value
    return 0.0


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == text for name, text in wanted.items())


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_a_call_is_counted_and_timed(metrics: Metrics) -> None:
    metrics.call_over(CALL)
    metrics.call_over(CALL)

    labels = {"dialect": "openai", "operation": "chat", "model": MODEL, "outcome": "success"}
    assert value(metrics, "gateway_calls_total", **labels) == 2
    assert value(metrics, "gen_ai_server_request_duration_seconds_sum", gen_ai_request_model=MODEL) == 3.0
    assert value(metrics, "gen_ai_server_request_duration_seconds_bucket", le="1.28") == 0
    assert value(metrics, "gen_ai_server_request_duration_seconds_bucket", le="2.56") == 2
    assert value(metrics, "gen_ai_server_time_to_first_token_seconds_sum") == 0.6
    assert value(metrics, "gateway_attempts_per_call_sum", operation="chat") == 2


@pytest.mark.parametrize(("kind", "count"), [("input", 8), ("output", 5), ("thoughts", 20), ("cached", 3)])
def test_tokens_are_counted_by_kind(metrics: Metrics, kind: str, count: float) -> None:
    metrics.call_over(CALL)

    assert value(metrics, "gateway_tokens_total", model=MODEL, type=kind) == count


def test_moves_to_another_key_are_counted_by_reason(metrics: Metrics) -> None:
    metrics.call_over(FAILED_OVER)

    assert value(metrics, "gateway_failovers_total", kind="rate_minute") == 1
    assert value(metrics, "gateway_failovers_total", kind="overloaded") == 1
    assert value(metrics, "gateway_attempts_per_call_sum") == 3


def test_a_call_without_a_first_token_is_not_timed_to_it(metrics: Metrics) -> None:
    metrics.call_over(replace(CALL, first_token_ms=None))
    metrics.call_over(replace(CALL, outcome="failed", first_token_ms=100))

    assert value(metrics, "gen_ai_server_time_to_first_token_seconds_count") == 0


def test_attempts_are_counted_by_how_they_ended(metrics: Metrics) -> None:
    metrics.attempt_over(MODEL, None, 1)
    metrics.attempt_over(MODEL, FailureKind.RATE_DAY, 1)
    metrics.attempt_over(MODEL, FailureKind.RATE_DAY, 1)

    assert value(metrics, "gateway_attempts_total", model=MODEL, kind="ok") == 1
    assert value(metrics, "gateway_attempts_total", model=MODEL, kind="rate_day") == 2


def test_a_model_that_never_answered_is_folded_into_other(metrics: Metrics) -> None:
    metrics.call_over(replace(CALL, model="made-up-by-a-client", outcome="client_error", status=404))
    metrics.attempt_over("made-up-by-a-client", FailureKind.NOT_FOUND, 1)

    assert value(metrics, "gateway_calls_total", model=OTHER) == 1
    assert value(metrics, "gateway_attempts_total", model=OTHER) == 1
    assert b"made-up" not in metrics.exposition()[0]


def test_a_model_that_has_answered_keeps_its_name_when_it_fails(metrics: Metrics) -> None:
    metrics.attempt_over(MODEL, None, 1)
    metrics.attempt_over(MODEL, FailureKind.OVERLOADED, 1)
    metrics.call_over(replace(CALL, outcome="failed"))

    assert value(metrics, "gateway_attempts_total", model=MODEL, kind="overloaded") == 1
    assert value(metrics, "gateway_calls_total", model=MODEL, outcome="failed") == 1


def test_models_beyond_the_bound_are_folded_into_other(metrics: Metrics) -> None:
    for number in range(MAX_MODELS + 50):
        metrics.call_over(replace(CALL, model=f"tuned-{number}"))

    models = {sample.labels["model"] for sample in families(metrics)["gateway_calls"].samples}
    assert len(models) == MAX_MODELS + 1
    assert value(metrics, "gateway_calls_total", model=OTHER) == 50
    assert value(metrics, "gateway_calls_total", model="tuned-0") == 1


def test_refusals_are_counted_by_status(metrics: Metrics) -> None:
    metrics.refused_request("gemini", 401)
    metrics.refused_request("gemini", 401)

    assert value(metrics, "gateway_refused_requests_total", dialect="gemini", status="401") == 2


def test_readings_are_taken_at_each_scrape(metrics: Metrics) -> None:
    readings = {"active": 3.0, "resting": 1.0}
    metrics.watch(
        "gateway_keys", "Keys by state.", ("state",), lambda: {(state,): n for state, n in readings.items()}
    )
    metrics.watch("gateway_things", "Things that happened.", (), lambda: {(): 7.0}, counter=True)

    assert value(metrics, "gateway_keys", state="active") == 3
    readings["active"] = 4.0
    assert value(metrics, "gateway_keys", state="active") == 4
    assert value(metrics, "gateway_things_total") == 7
    assert families(metrics)["gateway_things"].type == "counter"


def test_every_metric_has_help_a_prefix_and_a_known_type(metrics: Metrics) -> None:
    metrics.call_over(FAILED_OVER)
    metrics.attempt_over(MODEL, None, 1)
    metrics.refused_request("openai", 404)
    found = families(metrics)

    assert len(found) >= 9
    for name, family in found.items():
        assert family.documentation
        assert family.type in ("counter", "gauge", "histogram"), name
        assert name.startswith(("gateway_", "gen_ai_server_", "process_", "python_")), name


def test_labels_hold_no_key_token_or_request(metrics: Metrics) -> None:
    metrics.call_over(FAILED_OVER)
    text = metrics.exposition()[0].decode()

    assert "AI…" not in text
    assert "request_id" not in text
    assert "token_id" not in text


def test_hostile_label_values_do_not_break_the_scrape(metrics: Metrics) -> None:
    hostile = 'a"b\\c\nd{e="f"}'
    metrics.call_over(replace(CALL, model=hostile))

    assert value(metrics, "gateway_calls_total", model=hostile) == 1


def test_two_gateways_in_one_process_count_apart(metrics: Metrics) -> None:
    metrics.call_over(CALL)

    assert value(Metrics(), "gateway_calls_total") == 0
