"""What went wrong, in the words of the caller's dialect: OpenAI's error object, Google's envelope.

One `Problem` is rendered in either dialect, as a body or inside a stream. `problem_after_failure` hides the
faults of the pool's own keys: the client's token is fine, so it must never see a 401 or 403 for them.
"""

import math
from dataclasses import dataclass

import orjson

from gateway.errors import BadRequest
from gateway.protocols.failure_kinds import FailureKind
from gateway.protocols.shapes import JsonObject


@dataclass(frozen=True, slots=True)
class Problem:
    """An error on its way to a client.

    status          the HTTP status that is answered; inside a stream the status it would have had
    kind            a failure kind of the pool, or one of invalid_api_key, model_not_found, not_found,
                    method_not_allowed, bad_request, request_too_large, no_keys, all_resting, upstream_error,
                    overloaded, timeout, internal, token_limit, model_not_allowed
    code            overrides the dialect's usual code
    upstream_body   Google's own error body, already free of secrets; relayed as it is to native callers
    """

    status: int
    message: str
    kind: str
    param: str | None = None
    code: str | None = None
    retry_after_s: float | None = None
    upstream_body: bytes | None = None


_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    416: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

# status → (OpenAI's type, its usual code). Source: OpenAI error codes guide and the SDKs' exceptions.
_OPENAI_BY_STATUS: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("authentication_error", "invalid_api_key"),
    403: ("permission_error", None),
    404: ("invalid_request_error", None),
    405: ("invalid_request_error", "method_not_allowed"),
    413: ("invalid_request_error", "request_too_large"),
    415: ("invalid_request_error", "unsupported_media_type"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", None),
    502: ("server_error", "upstream_error"),
    503: ("server_error", "overloaded"),
    504: ("timeout", None),
}
_OPENAI_CODES = {
    "invalid_api_key": "invalid_api_key",
    "model_not_found": "model_not_found",
    "model_not_allowed": "model_not_found",  # as OpenAI calls it when a project lacks access
    "no_keys": "no_usable_key",
    "truncated": "stream_truncated",
}

_OVERLOADED = (503, "The model is overloaded at Google. Please try again later.")
_BROKEN = (502, "Google answered with an error.")
_NO_KEY = (503, "The gateway has no usable key for this call. Its operator can see why in the admin pages.")
_QUOTA = (429, "The quota of every key that can serve this model is used up for now.")

# Failure kinds of the pool → status and words for the client. Absent kinds keep the upstream's own.
_AFTER_FAILURE: dict[str, tuple[int, str]] = {
    FailureKind.KEY_INVALID: _NO_KEY,
    FailureKind.KEY_LEAKED: _NO_KEY,
    FailureKind.KEY_BLOCKED: _NO_KEY,
    FailureKind.PROJECT_SUSPENDED: _NO_KEY,
    FailureKind.PROJECT_DENIED: _NO_KEY,
    FailureKind.SERVICE_DISABLED: _NO_KEY,
    FailureKind.BILLING: _NO_KEY,
    FailureKind.ACCOUNT_LIMITED: _NO_KEY,
    FailureKind.RATE_MINUTE: _QUOTA,
    FailureKind.TOKENS_MINUTE: _QUOTA,
    FailureKind.RATE_DAY: _QUOTA,
    FailureKind.RATE_UNKNOWN: _QUOTA,
    FailureKind.NO_ALLOWANCE: (429, "No key has an allowance for this model."),
    FailureKind.LOCATION: (503, "Google does not serve the place the gateway's calls come from."),
    FailureKind.OVERLOADED: _OVERLOADED,
    FailureKind.INTERNAL: (500, "Google had an internal error."),
    FailureKind.DEADLINE: (504, "Google did not finish before its own deadline."),
    FailureKind.NETWORK: (502, "The connection to Google failed."),
    FailureKind.TIMEOUT: (504, "Google did not answer in time."),
    FailureKind.EMPTY: (502, "Google answered with nothing."),
    FailureKind.MALFORMED: (502, "Google's answer was malformed."),
    FailureKind.GATEWAY_FAULT: (500, "The gateway called Google in a way Google refuses."),
    FailureKind.TRUNCATED: (502, "Google's answer broke off."),
}
_WORDS_OF_UPSTREAM = frozenset(
    {FailureKind.OVERLOADED, FailureKind.INTERNAL, FailureKind.DEADLINE, FailureKind.NO_ALLOWANCE}
)
_TOO_LONG = ("exceeds the maximum number of tokens", "input token count")


def problem_of(error: BadRequest) -> Problem:
    """The problem of a request that cannot be understood."""
    kind = "request_too_large" if error.status == 413 else "bad_request"
    return Problem(error.status, error.message, kind, param=error.param, code=error.code)


def problem_after_failure(
    kind: str,
    *,
    status: int = 0,
    message: str = "",
    retry_after_s: float | None = None,
    upstream_body: bytes | None = None,
) -> Problem:
    """What the client is told when a call failed for good.

    kind            the last failure's kind, as its value string
    status          the upstream's HTTP status, 0 when there was none
    message         the upstream's own words, already free of secrets
    upstream_body   the upstream's error body, already free of secrets

    Faults of our keys become a 503 in our words; the upstream's body is dropped with them. The client's own
    mistakes, and failures the upstream describes better than we can, keep status, words and body.
    """
    known = _AFTER_FAILURE.get(kind)
    if known is None:
        if status in (401, 403) and kind != FailureKind.OBJECT_DENIED:  # not the client's doing
            return Problem(*_NO_KEY, "no_keys", retry_after_s=retry_after_s)
        shown = kind
        if status == 404 and "models/" in message:
            shown = "model_not_found"
        usual = status if 400 <= status <= 599 else 502
        return Problem(
            usual, message or _BROKEN[1], shown, retry_after_s=retry_after_s, upstream_body=upstream_body
        )
    told_status, words = known
    if known is _NO_KEY:
        return Problem(told_status, words, "no_keys", retry_after_s=retry_after_s)
    if kind in _WORDS_OF_UPSTREAM and status == told_status:
        return Problem(
            told_status, message or words, kind, retry_after_s=retry_after_s, upstream_body=upstream_body
        )
    return Problem(told_status, words, kind, retry_after_s=retry_after_s)


def openai_error(problem: Problem) -> bytes:
    """OpenAI's error object: `{"error":{"message","type","param","code"}}`."""
    usual = ("server_error", None) if problem.status >= 500 else ("invalid_request_error", None)
    kind, _ = _OPENAI_BY_STATUS.get(problem.status, usual)
    error = {"message": problem.message, "type": kind, "param": problem.param, "code": openai_code(problem)}
    return orjson.dumps({"error": error})


def openai_code(problem: Problem) -> str | None:
    """OpenAI's `code` of a problem, None where it has none."""
    if problem.code is None and problem.status == 400 and _is_too_long(problem.message):
        return "context_length_exceeded"
    _, usual = _OPENAI_BY_STATUS.get(problem.status, ("", None))
    return problem.code or _OPENAI_CODES.get(problem.kind) or usual


def openai_error_event(problem: Problem) -> bytes:
    """The error as the last block of a chat stream: the SDKs raise on a block whose data has an `error`."""
    return b"data: " + openai_error(problem) + b"\n\n"


def gemini_error(problem: Problem) -> bytes:
    """Google's envelope: the upstream's own body where there is one, else ours with RetryInfo."""
    body = problem.upstream_body
    # An edge's page, or nothing at all, is no answer a client can read.
    return body if body and parsed_error(body) is not None else orjson.dumps(_envelope(problem))


def gemini_error_array(problem: Problem) -> bytes:
    """The body for callers of the JSON-array stream before its first element: `[{"error":…}]`."""
    return b"[" + gemini_error_element(problem) + b"]"


def gemini_error_element(problem: Problem) -> bytes:
    """The error as one element of an array stream, on one line; the caller puts the comma and the bracket."""
    if problem.upstream_body is not None and (parsed := parsed_error(problem.upstream_body)) is not None:
        return orjson.dumps(parsed)
    return orjson.dumps(_envelope(problem))


def gemini_error_event(problem: Problem) -> bytes:
    """The error as the last block of a native event stream; Google's SDKs accept no `event:` line."""
    return b"data: " + gemini_error_element(problem) + b"\r\n\r\n"


def retry_headers(problem: Problem) -> list[tuple[str, str]]:
    """Retry-After in whole seconds, rounded up, and a word against the SDKs' own retries.

    The pool has done what can be done by then; an SDK's two further tries would only multiply the load.
    """
    headers: list[tuple[str, str]] = []
    if problem.retry_after_s is not None and math.isfinite(problem.retry_after_s):
        headers.append(("retry-after", str(max(1, math.ceil(problem.retry_after_s)))))
    if problem.status >= 429 or problem.status in (408, 409):
        headers.append(("x-should-retry", "false"))
    return headers


def _envelope(problem: Problem) -> JsonObject:
    usual = "INTERNAL" if problem.status >= 500 else "INVALID_ARGUMENT"
    error: JsonObject = {
        "code": problem.status,
        "message": problem.message,
        "status": _STATUS_NAMES.get(problem.status, usual),
    }
    details: list[JsonObject] = []
    if problem.param is not None:
        violation = {"field": problem.param, "description": problem.message}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    if problem.retry_after_s is not None and math.isfinite(problem.retry_after_s):
        delay = f"{max(1, math.ceil(problem.retry_after_s))}s"
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    if details:
        error["details"] = details
    return {"error": error}


def parsed_error(body: bytes) -> JsonObject | None:
    """Google's error object out of its body, unwrapped when it comes as an array of one; None for no JSON."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(parsed, list) and len(parsed) == 1:
        parsed = parsed[0]
    return parsed if isinstance(parsed, dict) and "error" in parsed else None


def _is_too_long(message: str) -> bool:
    lowered = message.lower()
    return all(words in lowered for words in _TOO_LONG)
