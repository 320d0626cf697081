"""What is counted, under which labels, and that a scrape can read it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.metrics.metric import Kind, Metric
from gateway.metrics.metrics import MAX_MODELS, MAX_TOKENS, OTHER, Metrics
from gateway.protocols.failures import FailureKind
from gateway.store.records import CallRecord
from tests.metrics.samples import CALL, FAILED_OVER, MODEL, families, names, value


def call_over(
    metrics: Metrics,
    record: CallRecord,
    *,
    provider: str = "gemini",
    token: str = "alice",
    own_s: float = 0.0004,
    telling_s: float | None = 1.2,
) -> None:
    metrics.call_over(record, provider=provider, token=token, own_s=own_s, telling_s=telling_s)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_a_call_is_counted_and_timed(metrics: Metrics) -> None:
    call_over(metrics, CALL)
    call_over(metrics, CALL)

    labels = {"dialect": "openai", "operation": "chat", "model": MODEL, "outcome": "success"}
    assert value(metrics, "gateway_calls_total", **labels) == 2
    assert value(metrics, "gen_ai_server_request_duration_seconds_sum", gen_ai_request_model=MODEL) == 3.0
    assert value(metrics, "gen_ai_server_request_duration_seconds_bucket", le="1.28") == 0
    assert value(metrics, "gen_ai_server_request_duration_seconds_bucket", le="2.56") == 2
    assert value(metrics, "gen_ai_server_request_duration_seconds_bucket", le="+Inf") == 2
    assert value(metrics, "gen_ai_server_time_to_first_token_seconds_sum") == 0.6
    assert value(metrics, "gateway_attempts_per_call_sum", operation="chat") == 2
    assert value(metrics, "gateway_overhead_seconds_sum", operation="chat") == 0.0008


_CALLS = st.builds(
    lambda **fields: replace(CALL, **fields),
    model=st.sampled_from([MODEL, "gemini-3-pro", "made-up"]),
    outcome=st.sampled_from(["success", "blocked", "upstream_error"]),
    failure_kind=st.sampled_from([None, "overloaded"]),
    stream=st.booleans(),
    duration_ms=st.integers(0, 400_000),
    first_token_ms=st.none() | st.integers(0, 90_000),
    prompt_tokens=st.integers(0, 3),
    completion_tokens=st.integers(0, 2),
    thought_tokens=st.integers(0, 2),
    cached_tokens=st.integers(0, 1),
    total_tokens=st.sampled_from([0, 0, 1, 9]),
    attempts=st.sampled_from([(), CALL.attempts, FAILED_OVER.attempts]),
)
_WORK = st.tuples(
    _CALLS,
    st.sampled_from(["alice", "bob", ""]),
    st.floats(0.0, 2.0),
    st.none() | st.floats(0.0, 90.0),
)


@given(st.lists(_WORK, max_size=12), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_calls_that_wait_to_be_counted_count_as_if_each_were_read_at_once(
    calls: list[tuple[CallRecord, str, float, float | None]], times: int
) -> None:
    read_at_once, read_late = Metrics(), Metrics()
    for record, token, own_s, telling_s in calls * times:
        for metrics in (read_at_once, read_late):
            call_over(metrics, record, token=token, own_s=own_s, telling_s=telling_s)
        read_at_once.totals()

    late = read_late.totals()
    for name, family in read_at_once.totals().items():
        if not name.startswith("process_"):
            assert late[name].samples == pytest.approx(family.samples)


def test_a_value_on_a_bound_is_within_it(metrics: Metrics) -> None:
    call_over(metrics, replace(CALL, duration_ms=1280))

    assert value(metrics, "gen_ai_server_request_duration_seconds_bucket", le="0.64") == 0
    assert value(metrics, "gen_ai_server_request_duration_seconds_bucket", le="1.28") == 1


def test_a_call_beyond_every_bound_is_counted_in_the_last(metrics: Metrics) -> None:
    call_over(metrics, replace(CALL, duration_ms=3_600_000))

    assert value(metrics, "gen_ai_server_request_duration_seconds_bucket", le="327.68") == 0
    assert value(metrics, "gen_ai_server_request_duration_seconds_bucket", le="+Inf") == 1
    assert value(metrics, "gen_ai_server_request_duration_seconds_count") == 1


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ("chat", "chat"),
        ("completions", "text_completion"),
        ("generateContent", "generate_content"),
        ("streamGenerateContent", "generate_content"),
        ("images", "generate_content"),
        ("embeddings", "embeddings"),
        ("batchEmbedContents", "embeddings"),
        ("countTokens", "countTokens"),
    ],
)
def test_operations_are_called_as_opentelemetry_calls_them(
    metrics: Metrics, operation: str, named: str
) -> None:
    call_over(metrics, replace(CALL, operation=operation))

    count = "gen_ai_server_request_duration_seconds_count"
    assert value(metrics, count, gen_ai_operation_name=named) == 1
    assert value(metrics, "gateway_calls_total", operation=operation) == 1


@pytest.mark.parametrize(
    ("provider", "named"), [("gemini", "gcp.gemini"), ("paid", "gcp.gemini"), ("vertex", "gcp.vertex_ai")]
)
def test_providers_are_called_as_opentelemetry_calls_them(
    metrics: Metrics, provider: str, named: str
) -> None:
    call_over(metrics, CALL, provider=provider)

    for name in ("request_duration", "time_to_first_token", "time_per_output_token"):
        assert value(metrics, f"gen_ai_server_{name}_seconds_count", gen_ai_provider_name=named) == 1


def test_an_error_is_named_by_its_failure_or_its_outcome_and_a_success_not_at_all(metrics: Metrics) -> None:
    count = "gen_ai_server_request_duration_seconds_count"
    call_over(metrics, CALL)
    call_over(metrics, replace(CALL, outcome="upstream_error", failure_kind="overloaded"))
    call_over(metrics, replace(CALL, outcome="no_key", failure_kind=None))

    assert value(metrics, count, error_type="") == 1
    assert value(metrics, count, error_type="overloaded") == 1
    assert value(metrics, count, error_type="no_key") == 1


def test_tokens_of_a_call_are_spread_with_thoughts_as_output_and_tool_results_as_input(
    metrics: Metrics,
) -> None:
    call_over(metrics, replace(CALL, total_tokens=CALL.total_tokens + 100))

    usage = "gen_ai_client_token_usage"
    assert value(metrics, f"{usage}_sum", gen_ai_token_type="input") == 8 + 100
    assert value(metrics, f"{usage}_bucket", gen_ai_token_type="input", le="64.0") == 0
    assert value(metrics, f"{usage}_bucket", gen_ai_token_type="input", le="256.0") == 1
    assert value(metrics, f"{usage}_sum", gen_ai_token_type="output") == 5 + 20


def test_a_call_that_makes_no_tokens_has_no_output_usage(metrics: Metrics) -> None:
    call_over(metrics, replace(CALL, completion_tokens=0, thought_tokens=0, total_tokens=8))

    assert value(metrics, "gen_ai_client_token_usage_sum", gen_ai_token_type="input") == 8
    assert value(metrics, "gen_ai_client_token_usage_count", gen_ai_token_type="output") == 0


def test_a_call_whose_tokens_nobody_counted_has_no_usage(metrics: Metrics) -> None:
    call_over(metrics, replace(CALL, prompt_tokens=0, completion_tokens=0, thought_tokens=0, total_tokens=0))

    assert "gen_ai_client_token_usage_count" not in names(metrics)


def test_time_per_output_token_is_that_of_the_tokens_behind_the_first(metrics: Metrics) -> None:
    call_over(metrics, CALL, telling_s=2.4)

    assert value(metrics, "gen_ai_server_time_per_output_token_seconds_sum") == pytest.approx(2.4 / 24)


def test_a_stream_that_was_not_told_as_it_was_made_has_no_time_per_token(metrics: Metrics) -> None:
    call_over(metrics, CALL, telling_s=None)
    call_over(metrics, replace(CALL, completion_tokens=1, thought_tokens=0))

    assert value(metrics, "gen_ai_server_time_to_first_token_seconds_count") == 2
    assert value(metrics, "gen_ai_server_time_per_output_token_seconds_count") == 0


def test_calls_and_tokens_are_counted_by_the_name_of_the_access_token(metrics: Metrics) -> None:
    call_over(metrics, CALL, token="alice")
    call_over(metrics, replace(CALL, outcome="no_key", total_tokens=0), token="alice")
    call_over(metrics, CALL, token="bob")

    assert value(metrics, "gateway_token_calls_total", token="alice", outcome="success") == 1
    assert value(metrics, "gateway_token_calls_total", token="alice", outcome="no_key") == 1
    assert value(metrics, "gateway_token_tokens_total", token="alice", model=MODEL, type="input") == 8
    assert value(metrics, "gateway_token_tokens_total", token="bob", model=MODEL, type="output") == 25


def test_names_of_access_tokens_beyond_the_bound_are_folded_into_other(metrics: Metrics) -> None:
    for number in range(MAX_TOKENS + 50):
        call_over(metrics, CALL, token=f"customer-{number}")

    tokens = {sample.labels["token"] for sample in families(metrics)["gateway_token_calls"].samples}
    assert len(tokens) == MAX_TOKENS + 1
    assert value(metrics, "gateway_token_calls_total", token=OTHER) == 50


def test_an_access_token_that_is_gone_makes_room_for_another(metrics: Metrics) -> None:
    for number in range(MAX_TOKENS):
        call_over(metrics, CALL, token=f"customer-{number}")

    metrics.keep_tokens({"customer-0"})
    call_over(metrics, CALL, token="new")
    call_over(metrics, CALL, token="")

    assert value(metrics, "gateway_token_calls_total", token="customer-0") == 1
    assert value(metrics, "gateway_token_calls_total", token="new") == 1
    assert value(metrics, "gateway_token_calls_total", token=OTHER) == 1, "deleted while its call ran"
    assert b"customer-1" not in metrics.exposition()[0]


def test_a_key_has_series_of_its_own_while_it_is_shown(metrics: Metrics) -> None:
    metrics.show_keys({1: "AI…1k", 2: "AI…2k"})
    for key_id in (1, 2, 3):
        metrics.attempts_over(MODEL, None, key_id)
    metrics.attempts_over(MODEL, FailureKind.RATE_DAY, 1)

    assert value(metrics, "gateway_key_attempts_total", key_id="1", key="AI…1k", kind="rate_day") == 1
    assert value(metrics, "gateway_key_attempts_total", key_id="3") == 0

    metrics.show_keys({2: "AI…2k"})

    assert value(metrics, "gateway_key_attempts_total", key_id="1") == 0
    assert value(metrics, "gateway_key_attempts_total", key_id="2", kind="ok") == 1
    assert value(metrics, "gateway_attempts_total", kind="rate_day") == 1, "the sums keep what it did"


@pytest.mark.parametrize(("kind", "count"), [("input", 8), ("output", 5), ("thoughts", 20), ("cached", 3)])
def test_tokens_are_counted_by_kind(metrics: Metrics, kind: str, count: float) -> None:
    call_over(metrics, CALL)

    assert value(metrics, "gateway_tokens_total", model=MODEL, type=kind) == count


def test_moves_to_another_key_are_counted_by_reason(metrics: Metrics) -> None:
    call_over(metrics, FAILED_OVER)

    assert value(metrics, "gateway_failovers_total", kind="rate_minute") == 1
    assert value(metrics, "gateway_failovers_total", kind="overloaded") == 1
    assert value(metrics, "gateway_attempts_per_call_sum") == 3


def test_a_call_that_failed_or_was_no_stream_is_not_timed_to_its_first_token(metrics: Metrics) -> None:
    call_over(metrics, replace(CALL, first_token_ms=None))
    call_over(metrics, replace(CALL, outcome="failed", first_token_ms=100))
    call_over(metrics, replace(CALL, stream=False))

    assert value(metrics, "gen_ai_server_time_to_first_token_seconds_count") == 0


def test_attempts_are_counted_by_how_they_ended(metrics: Metrics) -> None:
    metrics.attempts_over(MODEL, None, 1)
    metrics.attempts_over(MODEL, FailureKind.RATE_DAY, 1)
    metrics.attempts_over(MODEL, FailureKind.RATE_DAY, 1)

    assert value(metrics, "gateway_attempts_total", model=MODEL, kind="ok") == 1
    assert value(metrics, "gateway_attempts_total", model=MODEL, kind="rate_day") == 2


def test_the_attempt_that_went_well_is_counted_with_its_call(metrics: Metrics) -> None:
    metrics.show_keys({2: "AI…1k"})
    call_over(metrics, replace(CALL, key_id=2))
    call_over(metrics, replace(CALL, key_id=2))
    call_over(metrics, replace(CALL, key_id=2, outcome="upstream_error", failure_kind="overloaded"))

    assert value(metrics, "gateway_attempts_total", model=MODEL, kind="ok") == 2
    assert value(metrics, "gateway_key_attempts_total", key_id="2", kind="ok") == 2


def test_what_waits_to_be_counted_is_counted_before_a_key_goes(metrics: Metrics) -> None:
    metrics.show_keys({2: "AI…1k"})
    call_over(metrics, replace(CALL, key_id=2))

    metrics.show_keys({})

    assert value(metrics, "gateway_attempts_total", model=MODEL, kind="ok") == 1
    assert value(metrics, "gateway_key_attempts_total", key_id="2") == 0


def test_a_model_that_never_answered_is_folded_into_other(metrics: Metrics) -> None:
    call_over(metrics, replace(CALL, model="made-up-by-a-client", outcome="client_error", status=404))
    metrics.attempts_over("made-up-by-a-client", FailureKind.NOT_FOUND, 1)

    assert value(metrics, "gateway_calls_total", model=OTHER) == 1
    assert value(metrics, "gateway_attempts_total", model=OTHER) == 1
    assert b"made-up" not in metrics.exposition()[0]


def test_a_model_that_has_answered_keeps_its_name_when_it_fails(metrics: Metrics) -> None:
    metrics.attempts_over(MODEL, None, 1)
    metrics.attempts_over(MODEL, FailureKind.OVERLOADED, 1)
    call_over(metrics, replace(CALL, outcome="failed"))

    assert value(metrics, "gateway_attempts_total", model=MODEL, kind="overloaded") == 1
    assert value(metrics, "gateway_calls_total", model=MODEL, outcome="failed") == 1


def test_models_beyond_the_bound_are_folded_into_other(metrics: Metrics) -> None:
    for number in range(MAX_MODELS + 50):
        call_over(metrics, replace(CALL, model=f"tuned-{number}"))

    models = {sample.labels["model"] for sample in families(metrics)["gateway_calls"].samples}
    assert len(models) == MAX_MODELS + 1
    assert value(metrics, "gateway_calls_total", model=OTHER) == 50
    assert value(metrics, "gateway_calls_total", model="tuned-0") == 1


def test_refusals_are_counted_by_status(metrics: Metrics) -> None:
    metrics.refused_request("gemini", 401)
    metrics.refused_request("gemini", 401)

    assert value(metrics, "gateway_refused_requests_total", dialect="gemini", status="401") == 2


def test_readings_are_taken_at_each_scrape(metrics: Metrics) -> None:
    readings: dict[tuple[str, ...], float] = {("active",): 3.0, ("resting",): 1.0}
    metrics.watch(Metric("things", Kind.GAUGE, "Things by state.", ("state",)), lambda: readings)
    metrics.watch_number(Metric("events_total", Kind.COUNTER, "Things that happened."), lambda: 7)

    assert value(metrics, "things", state="active") == 3
    readings["active",] = 4.0
    assert value(metrics, "things", state="active") == 4
    assert value(metrics, "events_total") == 7
    assert families(metrics)["events"].type == "counter"


def test_labels_hold_no_key_token_or_request(metrics: Metrics) -> None:
    call_over(metrics, FAILED_OVER)
    text = metrics.exposition()[0].decode()

    assert "AI…" not in text
    assert "request_id" not in text
    assert "token_id" not in text


def test_hostile_label_values_do_not_break_the_scrape(metrics: Metrics) -> None:
    hostile = 'a"b\\c\nd{e="f"}'
    call_over(metrics, replace(CALL, model=hostile))

    assert value(metrics, "gateway_calls_total", model=hostile) == 1


def test_two_gateways_in_one_process_count_apart(metrics: Metrics) -> None:
    call_over(metrics, CALL)

    assert value(Metrics(), "gateway_calls_total") == 0
