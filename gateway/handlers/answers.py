"""Answers that need no upstream: errors in the caller's dialect, preflights, and the common headers."""

import re
from collections.abc import Callable, Mapping

from gateway.protocols.error_bodies import Problem, gemini_error, openai_error, retry_headers
from gateway.protocols.error_dialects import anthropic_error, interaction_error
from gateway.protocols.paths import Api, Route
from gateway.relay.plan import JSON_TYPE
from gateway.serving.light import Reply

ErrorBody = Callable[[Problem], bytes]

# Browser clients call without cookies, so any origin may; credentials are never allowed.
_ANY_ORIGIN = ("access-control-allow-origin", "*")
_EXPOSED = (
    "access-control-expose-headers",
    "x-request-id, x-gateway-request-id, x-gateway-attempts, retry-after",
)
UPLOAD_EXPOSED = (
    "access-control-expose-headers",
    "x-goog-upload-url, x-goog-upload-status, x-goog-upload-chunk-granularity, x-goog-upload-size-received",
)
"""Beside the common ones, for browsers that upload."""
_PREFLIGHT = (
    ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    ("access-control-max-age", "86400"),
    ("vary", "access-control-request-headers"),
)
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2000}")
_DEFAULT_HEADER_NAMES = (
    "authorization, content-type, x-goog-api-key, x-api-key, api-key, x-goog-api-client, x-request-id, "
    "anthropic-version"
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def error_body_of(api: Api, route: Route) -> ErrorBody:
    """How errors look to callers of an API; what belongs to none gets OpenAI's, which every tool can read."""
    if api is Api.ANTHROPIC:
        return anthropic_error
    if api is not Api.GEMINI:
        return openai_error
    return interaction_error if route.resource.startswith("interactions") else gemini_error


def given_id(headers: Mapping[str, str]) -> str:
    """The caller's own request id when it is a sane one, else ""."""
    given = headers.get("x-request-id", "")
    return given if given and _REQUEST_ID.fullmatch(given) else ""


def request_id_of(headers: Mapping[str, str], new_id: Callable[[], str]) -> str:
    """The caller's own request id when it is a sane one, else a new one."""
    return given_id(headers) or new_id()


def common_headers(request_id: str) -> tuple[tuple[str, str], ...]:
    """The headers of every answer on the API routes."""
    return (_ANY_ORIGIN, _EXPOSED, ("x-request-id", request_id), ("x-gateway-request-id", request_id))


def answer_problem(
    reply: Reply, problem: Problem, error_body: ErrorBody, headers: tuple[tuple[str, str], ...]
) -> None:
    """Answer a request with an error."""
    body = error_body(problem)
    extra = [*headers, ("content-type", JSON_TYPE), *retry_headers(problem)]
    reply.answer(problem.status, extra, body)


def preflight_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers that let a browser go on: what it asked to send is allowed by name.

    `*` would not cover Authorization (Fetch standard, CORS non-wildcard request-header names).
    """
    asked = headers.get("access-control-request-headers", "")
    allowed = asked if asked and _HEADER_NAMES.fullmatch(asked) else _DEFAULT_HEADER_NAMES
    return [*_PREFLIGHT, ("access-control-allow-headers", allowed)]
