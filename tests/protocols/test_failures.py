"""Upstream errors in every wording, wrapping and state of decay."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.failures import (
    TRANSPORT_KINDS,
    Failure,
    FailureKind,
    Repair,
    classify,
    classify_error,
    from_transport,
)
from gateway.upstream.transport import FailureCause
from tests.pool import gemini_errors as seen

K = FailureKind


def said(status: int, message: str, name: str = "") -> Failure:
    return classify(status, seen.envelope(status, name, message))


# What the bodies say; kinds are checked row by row in tests/pool/test_failure_table.py.


def test_a_daily_quota_error_is_read_whole() -> None:
    failure = classify(429, seen.DAY)
    assert (failure.kind, failure.status, failure.grpc_status) == (K.RATE_DAY, 429, "RESOURCE_EXHAUSTED")
    assert failure.retry_after_s == 45
    (violation,) = failure.violations
    assert (violation.quota_id, violation.metric) == (seen.PER_DAY, seen.REQUESTS)
    assert (violation.value, violation.window, violation.tokens) == (20, "day", False)
    assert violation.model == "gemini-2.5-flash"


def test_a_token_limit_is_told_from_a_request_limit() -> None:
    (violation,) = classify(429, seen.TOKENS_MINUTE).violations
    assert (violation.window, violation.tokens, violation.value) == ("minute", True, 250_000)


def test_requests_and_tokens_of_a_minute_together_are_a_rate() -> None:
    both = seen.exhausted(
        seen.violation(seen.TOKENS_PER_MINUTE, seen.TOKENS, "9"),
        seen.violation(seen.PER_MINUTE, seen.REQUESTS, "9"),
    )
    assert classify(429, both).kind is K.RATE_MINUTE


def test_a_daily_token_limit_is_a_day() -> None:
    body = seen.exhausted(
        seen.violation("GenerateContentInputTokensPerModelPerDay-FreeTier", seen.TOKENS, "1000000")
    )
    assert classify(429, body).kind is K.RATE_DAY


def test_a_missing_value_is_taken_from_the_message() -> None:
    assert [v.value for v in classify(429, seen.LIMIT_ZERO).violations] == [0, 0]


def test_a_quota_told_only_in_words_is_still_read() -> None:
    message = json.loads(seen.DAY)["error"]["message"]
    failure = said(429, message, "RESOURCE_EXHAUSTED")
    assert failure.kind is K.RATE_UNKNOWN
    assert [(v.metric, v.value, v.window) for v in failure.violations] == [(seen.REQUESTS, 20, "unknown")]
    assert failure.retry_after_s == 45


def test_the_older_form_inside_error_info_is_read() -> None:
    body = seen.envelope(
        429,
        "RESOURCE_EXHAUSTED",
        "Quota exceeded for quota metric 'Generate Content API requests per minute'.",
        seen.reason(
            "RATE_LIMIT_EXCEEDED",
            quota_limit="GenerateContentRequestsPerMinutePerProjectPerRegion",
            quota_limit_value="15",
            quota_metric="generativelanguage.googleapis.com/generate_content_requests",
            consumer="projects/4711",
        ),
    )
    failure = classify(429, body)
    assert (failure.kind, failure.project) == (K.RATE_MINUTE, "projects/4711")
    assert failure.violations[0].value == 15


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        ("45s", 45.0),
        ("21.578569677s", 21.578569677),
        ("0s", 0.0),
        ({"seconds": "3", "nanos": 500_000_000}, 3.5),
        ("soon", None),
        ("-5s", None),
        ("9" * 400 + "s", None),
        ("1e3s", None),
        (12, None),
        (None, None),
    ],
)
def test_a_retry_delay_is_read_in_each_form(delay: object, seconds: float | None) -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    assert classify(429, seen.envelope(429, "RESOURCE_EXHAUSTED", "", detail)).retry_after_s == seconds


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please retry in 45.578569677s.", 45.578569677),
        ("Please retry in 830.5ms.", 0.8305),
        ("Please retry in 1h2m3.5s.", 3723.5),
        ("Please retry soon.", None),
    ],
)
def test_a_retry_delay_in_words_is_read(words: str, seconds: float | None) -> None:
    assert said(429, words).retry_after_s == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), (" 1.5 ", 1.5), ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("", None), ("-1", None)],
)
def test_the_header_counts_when_the_body_is_silent(header: str, seconds: float | None) -> None:
    assert classify(503, seen.OVERLOADED, retry_after=header).retry_after_s == seconds
    assert classify(429, seen.DAY, retry_after=header).retry_after_s == 45


def test_delays_are_bounded() -> None:
    assert classify(429, b"", retry_after="999999999").retry_after_s == 7 * 86_400


def test_the_project_and_the_way_to_mend_it_are_read() -> None:
    failure = classify(403, seen.SERVICE_DISABLED)
    assert (failure.project, failure.reason) == ("projects/4711", "SERVICE_DISABLED")
    assert failure.activation_url == seen.ACTIVATION_URL


def test_the_project_is_read_from_words_when_details_are_missing() -> None:
    message = json.loads(seen.SERVICE_DISABLED)["error"]["message"]
    failure = said(403, message, "PERMISSION_DENIED")
    assert (failure.kind, failure.project) == (K.SERVICE_DISABLED, "projects/4711")


def test_an_activation_url_that_is_not_https_is_dropped() -> None:
    body = seen.SERVICE_DISABLED.replace(b"https://", b"javascript://")
    assert classify(403, body).activation_url is None


@pytest.mark.parametrize("body", [seen.SUSPENDED, seen.SUSPENDED.replace(seen.KEY.encode(), b"odd-key-1")])
def test_the_key_never_stands_in_what_is_told(body: bytes) -> None:
    failure = classify(403, body)
    assert failure.kind is K.PROJECT_SUSPENDED
    assert seen.KEY not in repr(failure)
    assert "odd-key-1" not in repr(failure)
    assert failure.message == "Permission denied: Consumer 'api_key:[redacted]' has been suspended."


# Wrappings


@pytest.mark.parametrize(
    "wrap",
    [
        lambda body: b"[" + body + b"]",
        lambda body: b"[" + body + b"\r\n",  # the stream was cut before its bracket
        lambda body: b"\r\n" + body + b"\r\n",
        lambda body: b"data: " + json.dumps(json.loads(body)).encode() + b"\r\n\r\n",
    ],
)
def test_each_wrapping_means_the_same(wrap: Any) -> None:
    assert classify(429, wrap(seen.DAY)) == classify(429, seen.DAY)


def test_an_error_inside_a_successful_answer_has_its_own_status() -> None:
    failure = classify(200, seen.OVERLOADED)
    assert (failure.kind, failure.status) == (K.OVERLOADED, 503)
    assert classify_error({"status": "RESOURCE_EXHAUSTED"}).status == 429
    assert classify_error({"message": "?"}).status == 500
    assert classify_error("boom").message == "boom"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", K.CLIENT_ERROR),
        (400, "failed_precondition", K.CLIENT_ERROR),
        (400, "parameter_unknown", K.CLIENT_ERROR),
        (401, "authentication", K.KEY_INVALID),
        (402, "payment_required", K.BILLING),
        (403, "permission_denied", K.UNKNOWN),
        (404, "not_found", K.NOT_FOUND),
        (404, "model_not_found", K.NOT_FOUND),
        (416, "out_of_range", K.CLIENT_ERROR),
        (429, "rate_limit_exceeded", K.RATE_MINUTE),
        (429, "quota_exceeded", K.RATE_DAY),
        (500, "internal", K.INTERNAL),
        (503, "unavailable", K.OVERLOADED),
    ],
)
def test_the_interactions_apis_codes_are_understood(status: int, code: str, kind: FailureKind) -> None:
    failure = classify(status, json.dumps({"error": {"code": code, "message": "…"}}).encode())
    assert (failure.kind, failure.status, failure.grpc_status) == (kind, status, code)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"<html><title>Error 400 (Bad Request)!!1</title>", K.CLIENT_ERROR),
        (401, b"<html><title>Proxy login</title>", K.NETWORK),
        (401, b"", K.UNKNOWN),
        (403, b"<!DOCTYPE html><html lang=en><title>Error 403 (Forbidden)!!1</title>", K.NETWORK),
        (403, b"", K.UNKNOWN),
        (404, b"<html><title>Error 404 (Not Found)!!1</title>", K.NOT_FOUND),
        (407, b"", K.NETWORK),
        (408, b"", K.TIMEOUT),
        (418, b"", K.UNKNOWN),
        (429, b"<html>unusual traffic</html>", K.RATE_UNKNOWN),
        (302, b"", K.NETWORK),
        (451, b"", K.LOCATION),
        (500, b"", K.INTERNAL),
        (501, b"", K.CLIENT_ERROR),
        (503, b"", K.OVERLOADED),
        (504, b"upstream request timeout", K.DEADLINE),
        (520, b"<html>", K.INTERNAL),
        (524, b"<html>", K.DEADLINE),
    ],
)
def test_pages_and_silence_never_bury_a_key(status: int, body: bytes, kind: FailureKind) -> None:
    failure = classify(status, body)
    assert (failure.kind, failure.status) == (kind, status)


def test_a_page_is_told_by_its_title() -> None:
    page = b"<!DOCTYPE html><html><head><title>Error 403\n (Forbidden)!!1</title></head><body>\xff</body>"
    assert classify(403, page).message == "Error 403 (Forbidden)!!1"
    assert classify(502, b"<html><body><h1>Bad <b>gateway</b></h1></body></html>").message == "Bad gateway"


# Wordings


@pytest.mark.parametrize(
    ("status", "name", "message", "kind"),
    [
        (400, "INVALID_ARGUMENT", "API Key not found. Please pass a valid API key.", K.KEY_INVALID),
        (400, "FAILED_PRECONDITION", "User location is not supported for the API use without a billing "
         "account linked.", K.LOCATION),
        (400, "FAILED_PRECONDITION", "Gemini API free tier is not available in your country. Please "
         "enable billing on your project in Google AI Studio.", K.LOCATION),
        (400, "FAILED_PRECONDITION", "This model requires billing. Please enable billing on project 1.",
         K.NO_ALLOWANCE),
        (401, "UNAUTHENTICATED", "API keys are not supported by this API. Expected OAuth2 access token or "
         "other authentication credentials that assert a principal.", K.GATEWAY_FAULT),
        (403, "PERMISSION_DENIED", "You do not have permission to access tuned model x.", K.OBJECT_DENIED),
        (403, "PERMISSION_DENIED", "This service has been disabled in this account for violation of Terms of "
         "Service.", K.ACCOUNT_LIMITED),
        (403, "PERMISSION_DENIED", "This API method requires billing to be enabled.", K.BILLING),
        (404, "NOT_FOUND", "Requested entity was not found.", K.NOT_FOUND),
        (429, "RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later.", K.RATE_UNKNOWN),
    ],
)  # fmt: skip
def test_other_wordings_are_understood(status: int, name: str, message: str, kind: FailureKind) -> None:
    assert said(status, message, name).kind is kind


def test_a_429_for_want_of_capacity_is_overload_not_quota() -> None:
    body = seen.envelope(429, "RESOURCE_EXHAUSTED", "No capacity", {"reason": "MODEL_CAPACITY_EXHAUSTED"})
    assert classify(429, body).kind is K.OVERLOADED


@pytest.mark.parametrize(
    "quoted",
    [
        "API key not valid. Please pass a valid API key.",
        "Your API key was reported as leaked.",
        "only accessible to billed users",
        "please enable billing",
        "This model is no longer available",
        "User location is not supported",
    ],
)
@pytest.mark.parametrize("status", [400, 404])
def test_a_client_cannot_bury_a_key_by_quoting_an_error(quoted: str, status: int) -> None:
    for message in (
        f'Invalid JSON payload received. Unknown name "{quoted}": Cannot find field.',
        f"Invalid value at 'contents' (type.googleapis.com), '{quoted}'",
    ):
        assert said(status, message, "FAILED_PRECONDITION").kind in (K.CLIENT_ERROR, K.NOT_FOUND)


@pytest.mark.parametrize(
    ("message", "repair"),
    [
        ("Function call is missing a thought_signature in functionCall parts.", Repair.SIGNATURE),
        ("Corrupted thought signature.", Repair.SIGNATURE),
        ("Thought signature is not valid.", Repair.SIGNATURE),
        ("Thinking level MEDIUM is not supported for this model.", Repair.THINKING_LEVEL),
        ("thinking_level is not supported for this model.", Repair.THINKING),
        ("Budget 0 is invalid. This model only works in thinking mode.", Repair.THINKING_OFF),
        ("Thinking budget is not supported for this model, use thinking_level.", Repair.THINKING_BUDGET),
        ("Budget 99999 is invalid. Please choose a value between 128 and 32768.", Repair.THINKING),
        ("Thinking is not enabled for models/gemini-x.", Repair.THINKING),
        ("You can only set only one of thinking budget and thinking level.", None),
        ("Developer instruction is not enabled for models/gemma-3", Repair.SYSTEM_INSTRUCTION),
        ("JSON mode is not enabled for models/gemma-3-27b-it", Repair.JSON_MODE),
        (
            "Function calling with a response mime type: 'application/json' is unsupported",
            Repair.JSON_WITH_TOOLS,
        ),
        ('Invalid JSON payload received. Unknown name "additionalProperties" at …', Repair.SCHEMA),
        ("The specified schema produces a constraint that has too many states for serving.", Repair.SCHEMA),
        ("Penalty is not enabled for models/gemini-x", Repair.PENALTIES),
        ("Seed is not supported for this model.", Repair.SEED),
        ("Please ensure that multiturn requests ends with a user role or a …", Repair.PREFILL),
        ("Media resolution is not enabled for models/gemini-x", Repair.MEDIA_RESOLUTION),
        ("service_tier flex is not available for this project", Repair.SERVICE_TIER),
        ("Search as tool is not enabled for models/gemma-3", Repair.TOOLS),
        ("Code execution is not enabled for models/gemini-x", Repair.TOOLS),
        ("Built-in tools ({google_search}) and Function Calling cannot be combined", Repair.TOOLS),
        ("Invalid value at 'safety_settings[0].threshold' (…HarmBlockThreshold), \"OFF\"", Repair.SAFETY),
        ("Request contains an invalid argument.", None),
    ],
)
def test_a_400_that_a_changed_request_may_cure_says_so(message: str, repair: Repair | None) -> None:
    failure = said(400, message, "INVALID_ARGUMENT")
    assert (failure.kind, failure.repair) == (K.CLIENT_ERROR, repair)


# Transport


def test_every_cause_of_the_transport_has_a_kind() -> None:
    assert set(TRANSPORT_KINDS) == {cause.value for cause in FailureCause}


def test_a_transport_failure_has_no_status_and_no_secrets() -> None:
    failure = from_transport("proxy", "CONNECT to http://user:pass@proxy:3128 failed")
    assert failure == Failure(K.NETWORK, message="CONNECT to http://[redacted]@proxy:3128 failed")
    assert from_transport("never heard of", "").kind is K.NETWORK


# Hostility

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["code", "status", "message", "details", "reason", "metadata", "violations", "retryDelay", "quotaId"]
FIELDS += [
    "quotaMetric",
    "quotaValue",
    "quotaDimensions",
    "consumer",
    "quota_limit",
    "seconds",
    "nanos",
    "error",
]
HOSTILE = st.recursive(
    JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=20,
)


@given(st.integers(0, 700), HOSTILE, st.none() | st.text(max_size=20))
def test_no_envelope_makes_it_fail(status: int, error: object, header: str | None) -> None:
    failure = classify(status, json.dumps({"error": error}).encode(), retry_after=header)
    assert isinstance(failure.kind, FailureKind)
    assert failure.retry_after_s is None or 0 <= failure.retry_after_s <= 7 * 86_400
    assert len(failure.message) <= 4000
    classify_error(error)


@given(st.integers(-5, 999), st.binary(max_size=200))
def test_no_bytes_make_it_fail(status: int, body: bytes) -> None:
    classify(status, body)


def test_an_enormous_body_is_not_parsed_but_told_in_short() -> None:
    failure = classify(400, b'{"error": {"message": "' + b"x" * 2_000_000 + b'"}}')
    assert failure.kind is K.CLIENT_ERROR
    assert len(failure.message) <= 300


def test_a_deeply_nested_body_is_not_parsed() -> None:
    assert classify(400, b"[" * 100_000).kind is K.CLIENT_ERROR


def test_an_enormous_message_and_many_details_are_cut() -> None:
    details = [seen.reason("X", **{f"m{n}": "y" for n in range(100)}) for _ in range(200)]
    failure = classify(400, seen.envelope(400, "INVALID_ARGUMENT", "z" * 100_000, *details))
    assert len(failure.message) == 2000
