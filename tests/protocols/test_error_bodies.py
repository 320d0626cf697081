"""Errors in both dialects: shapes, codes, headers, and what never shows."""

from typing import Any

import orjson
import pytest

from gateway.errors import BadRequest
from gateway.protocols import error_bodies
from gateway.protocols.error_bodies import Problem, problem_after_failure
from gateway.protocols.failure_kinds import FailureKind


def openai(problem: Problem) -> dict[str, Any]:
    error: dict[str, Any] = orjson.loads(error_bodies.openai_error(problem))["error"]
    return error


@pytest.mark.parametrize(
    ("problem", "kind", "code"),
    [
        (Problem(400, "m", "bad_request", code="invalid_value"), "invalid_request_error", "invalid_value"),
        (Problem(401, "m", "invalid_api_key"), "authentication_error", "invalid_api_key"),
        (Problem(403, "m", "object_denied"), "permission_error", None),
        (Problem(404, "m", "model_not_found"), "invalid_request_error", "model_not_found"),
        (Problem(404, "m", "not_found"), "invalid_request_error", None),
        (Problem(405, "m", "method_not_allowed"), "invalid_request_error", "method_not_allowed"),
        (Problem(413, "m", "request_too_large"), "invalid_request_error", "request_too_large"),
        (Problem(429, "m", "all_resting"), "rate_limit_error", "rate_limit_exceeded"),
        (Problem(500, "m", "internal"), "server_error", None),
        (Problem(502, "m", "network"), "server_error", "upstream_error"),
        (Problem(503, "m", "overloaded"), "server_error", "overloaded"),
        (Problem(503, "m", "no_keys"), "server_error", "no_usable_key"),
        (Problem(504, "m", "timeout"), "timeout", None),
        (Problem(418, "m", "odd"), "invalid_request_error", None),
        (Problem(599, "m", "odd"), "server_error", None),
        (
            Problem(
                400,
                "The input token count (9) exceeds the maximum number of tokens allowed (8).",
                "client_error",
            ),
            "invalid_request_error",
            "context_length_exceeded",
        ),
    ],
)
def test_an_openai_error_has_its_type_and_code(problem: Problem, kind: str, code: str | None) -> None:
    assert openai(problem) == {"message": problem.message, "type": kind, "param": None, "code": code}


def test_the_field_at_fault_is_named_in_both_dialects() -> None:
    problem = error_bodies.problem_of(BadRequest("Bad.", param="messages[0]", code="invalid_type"))

    assert openai(problem)["param"] == "messages[0]"
    assert orjson.loads(error_bodies.gemini_error(problem)) == {
        "error": {
            "code": 400,
            "message": "Bad.",
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [{"field": "messages[0]", "description": "Bad."}],
                }
            ],
        }
    }


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (413, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (507, "INTERNAL"),
    ],
)
def test_a_gemini_error_has_its_status_name(status: int, name: str) -> None:
    assert orjson.loads(error_bodies.gemini_error(Problem(status, "m", "k")))["error"] == {
        "code": status,
        "message": "m",
        "status": name,
    }


def test_the_time_to_wait_is_rounded_up_in_details_and_header() -> None:
    problem = Problem(429, "m", "all_resting", retry_after_s=12.1)

    details = orjson.loads(error_bodies.gemini_error(problem))["error"]["details"]
    assert details == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13s"}]
    assert error_bodies.retry_headers(problem) == [("retry-after", "13"), ("x-should-retry", "false")]


@pytest.mark.parametrize(("status", "headers"), [(400, []), (404, []), (503, [("x-should-retry", "false")])])
def test_clients_are_told_not_to_retry_what_the_pool_has_tried(
    status: int, headers: list[tuple[str, str]]
) -> None:
    assert error_bodies.retry_headers(Problem(status, "m", "k")) == headers


def test_the_upstreams_own_body_is_relayed_whole_and_on_one_line_in_streams() -> None:
    body = (
        b'[{\n  "error": {\n    "code": 400, "message": "m", "status": "INVALID_ARGUMENT", "odd": 1\n  }\n}]'
    )
    problem = Problem(400, "m", "client_error", upstream_body=body)

    one_line = b'{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","odd":1}}'
    assert error_bodies.gemini_error(problem) == body
    assert error_bodies.gemini_error_event(problem) == b"data: " + one_line + b"\r\n\r\n"
    assert error_bodies.gemini_error_array(problem) == b"[" + one_line + b"]"


def test_an_upstream_body_that_is_no_error_is_replaced_inside_streams() -> None:
    problem = Problem(502, "Broken.", "network", upstream_body=b"<html>")

    assert orjson.loads(error_bodies.gemini_error_element(problem))["error"]["message"] == "Broken."


KEY_FAULTS = [
    FailureKind.KEY_INVALID,
    FailureKind.KEY_LEAKED,
    FailureKind.KEY_BLOCKED,
    FailureKind.PROJECT_SUSPENDED,
    FailureKind.PROJECT_DENIED,
    FailureKind.SERVICE_DISABLED,
    FailureKind.BILLING,
    FailureKind.ACCOUNT_LIMITED,
]


@pytest.mark.parametrize("kind", KEY_FAULTS)
@pytest.mark.parametrize("status", [400, 401, 403, 200])
def test_a_fault_of_our_key_is_never_the_clients(kind: FailureKind, status: int) -> None:
    problem = problem_after_failure(
        kind, status=status, message="Consumer 'x'", upstream_body=b'{"error":{}}'
    )

    assert problem.status == 503
    assert b"Consumer" not in error_bodies.openai_error(problem)
    assert b"Consumer" not in error_bodies.gemini_error(problem)


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("status", [0, 200, 401, 403])
def test_no_failure_shows_a_401_or_403_but_a_denied_object(kind: FailureKind, status: int) -> None:
    problem = problem_after_failure(kind, status=status)

    assert 400 <= problem.status <= 599
    assert problem.message
    if kind is not FailureKind.OBJECT_DENIED:
        assert problem.status not in (401, 403)


@pytest.mark.parametrize(
    ("kind", "status", "shown"),
    [
        (FailureKind.CLIENT_ERROR, 400, 400),
        (FailureKind.NOT_FOUND, 404, 404),
        (FailureKind.OBJECT_DENIED, 403, 403),
        (FailureKind.OVERLOADED, 503, 503),
        (FailureKind.INTERNAL, 500, 500),
    ],
)
def test_what_the_upstream_says_better_is_kept(kind: FailureKind, status: int, shown: int) -> None:
    problem = problem_after_failure(kind, status=status, message="Their words", upstream_body=b"{}")

    assert (problem.status, problem.message, problem.upstream_body) == (shown, "Their words", b"{}")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FailureKind.RATE_DAY, 429),
        (FailureKind.RATE_UNKNOWN, 429),
        (FailureKind.NETWORK, 502),
        (FailureKind.TIMEOUT, 504),
        (FailureKind.DEADLINE, 504),
        (FailureKind.EMPTY, 502),
        (FailureKind.TRUNCATED, 502),
        (FailureKind.LOCATION, 503),
    ],
)
def test_failures_without_the_upstreams_words_get_ours(kind: FailureKind, status: int) -> None:
    assert problem_after_failure(kind, retry_after_s=3.0).status == status


def test_an_unknown_model_is_a_model_not_found() -> None:
    problem = problem_after_failure(
        "not_found", status=404, message="models/x is not found for API version v1beta"
    )

    assert openai(problem)["code"] == "model_not_found"
