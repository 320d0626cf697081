"""Errors of the Interactions API and of Anthropic: words for codes, the upstream's own body, the end."""

import orjson
import pytest

from gateway.protocols.error_bodies import Problem, gemini_error
from gateway.protocols.error_dialects import anthropic_error, interaction_error, interaction_error_event


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Problem(400, "m", "bad_request"), "invalid_request"),
        (Problem(401, "m", "invalid_api_key"), "authentication"),
        (Problem(403, "m", "object_denied"), "permission_denied"),
        (Problem(404, "m", "not_found"), "not_found"),
        (Problem(404, "m", "model_not_found"), "model_not_found"),
        (Problem(416, "m", "client_error"), "out_of_range"),
        (Problem(429, "m", "rate_minute"), "rate_limit_exceeded"),
        (Problem(429, "m", "rate_day"), "quota_exceeded"),
        (Problem(418, "m", "odd"), "invalid_request"),
        (Problem(502, "m", "network"), "internal"),
        (Problem(503, "m", "no_keys"), "unavailable"),
    ],
)
def test_an_interaction_s_error_is_a_word(problem: Problem, code: str) -> None:
    assert orjson.loads(interaction_error(problem)) == {"error": {"code": code, "message": "m"}}


def test_an_interaction_s_stream_ends_with_its_error_and_its_mark() -> None:
    event, done, rest = interaction_error_event(Problem(502, "It broke.", "network")).split(b"\n\n")

    name, _, data = event.partition(b"\ndata: ")
    assert name == b"event: error"
    assert orjson.loads(data) == {
        "event_type": "error",
        "error": {"code": "internal", "message": "It broke."},
    }
    assert (done, rest) == (b"event: done\ndata: [DONE]", b"")


def test_the_upstream_s_own_words_are_kept() -> None:
    body = b'{"error": {"code": "parameter_unknown", "message": "No such field."}}'
    problem = Problem(400, "No such field.", "client_error", upstream_body=body)

    assert interaction_error(problem) == body
    assert b'"code":"parameter_unknown"' in interaction_error_event(problem)


@pytest.mark.parametrize("page", [b"<html>404</html>", b"", b"[]", b'{"other":1}'])
def test_a_page_of_an_edge_is_no_error_body(page: bytes) -> None:
    problem = Problem(404, "Not Found", "not_found", upstream_body=page)

    assert orjson.loads(interaction_error(problem))["error"]["code"] == "not_found"
    assert orjson.loads(gemini_error(problem))["error"]["status"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "authentication_error"),
        (404, "not_found_error"),
        (503, "overloaded_error"),
        (529, "overloaded_error"),
        (599, "api_error"),
        (499, "invalid_request_error"),
    ],
)
def test_an_anthropic_error_has_its_type(status: int, kind: str) -> None:
    assert orjson.loads(anthropic_error(Problem(status, "m", "k"))) == {
        "type": "error",
        "error": {"type": kind, "message": "m"},
    }
