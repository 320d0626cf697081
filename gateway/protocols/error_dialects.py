"""What went wrong, in the words of two smaller surfaces: Google's Interactions API, and Anthropic's.

The two large ones are in error_bodies.py, which also says what a `Problem` is.
"""

from types import MappingProxyType

import orjson

from gateway.protocols.error_bodies import Problem, parsed_error
from gateway.protocols.failure_kinds import FailureKind
from gateway.protocols.shapes import JsonObject

# Source: Interactions API, error codes page; those of 5xx are not listed there.
_INTERACTION_CODES = MappingProxyType(
    {
        400: "invalid_request",
        401: "authentication",
        402: "payment_required",
        403: "permission_denied",
        404: "not_found",
        405: "invalid_request",
        413: "invalid_request",
        415: "invalid_request",
        416: "out_of_range",
        429: "rate_limit_exceeded",
        503: "unavailable",
        504: "deadline_exceeded",
    }
)
_INTERACTION_KINDS = MappingProxyType(
    {"model_not_found": "model_not_found", FailureKind.RATE_DAY.value: "quota_exceeded"}
)
# Source: Anthropic API, errors page.
_ANTHROPIC_TYPES = MappingProxyType(
    {
        400: "invalid_request_error",
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        405: "invalid_request_error",
        413: "request_too_large",
        429: "rate_limit_error",
        500: "api_error",
        503: "overloaded_error",
        504: "timeout_error",
        529: "overloaded_error",
    }
)


def interaction_error(problem: Problem) -> bytes:
    """The Interactions API's error, whose code is a word; the upstream's own body where there is one."""
    body = problem.upstream_body
    if body and parsed_error(body) is not None:
        return body
    return orjson.dumps({"error": _interaction_error(problem)})


def interaction_error_event(problem: Problem) -> bytes:
    """The error as the last event of an interaction's stream, and the mark that ends every such stream."""
    error: object = _interaction_error(problem)
    if problem.upstream_body and (parsed := parsed_error(problem.upstream_body)) is not None:
        error = parsed["error"]
    data = orjson.dumps({"event_type": "error", "error": error})
    return b"event: error\ndata: " + data + b"\n\nevent: done\ndata: [DONE]\n\n"


def anthropic_error(problem: Problem) -> bytes:
    """Anthropic's error object: `{"type":"error","error":{"type","message"}}`.

    Its SDKs tell errors by the HTTP status; 529 is its own for a service that is overloaded.
    """
    usual = "api_error" if problem.status >= 500 else "invalid_request_error"
    kind = _ANTHROPIC_TYPES.get(problem.status, usual)
    return orjson.dumps({"type": "error", "error": {"type": kind, "message": problem.message}})


def anthropic_error_event(problem: Problem) -> bytes:
    """The same as the last event of a stream, whatever stood before it."""
    return b"event: error\ndata: " + anthropic_error(problem) + b"\n\n"


def _interaction_error(problem: Problem) -> JsonObject:
    usual = "internal" if problem.status >= 500 else "invalid_request"
    code = _INTERACTION_KINDS.get(problem.kind) or _INTERACTION_CODES.get(problem.status, usual)
    return {"code": code, "message": problem.message}
