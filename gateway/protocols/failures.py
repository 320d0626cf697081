"""What a failed attempt means: pure classification of upstream errors into named kinds.

What follows a kind for the key and the call is the pool's business (gateway/pool/effects.py, policy.py).
Called by `relay` with every answer that is not a 2xx, with errors inside streams, and by probes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.protocols.failure_envelope import (
    Envelope,
    QuotaViolation,
    envelope_of,
    header_delay,
    read_envelope,
)
from gateway.protocols.failure_judgement import kind_of
from gateway.protocols.failure_kinds import FailureKind, Repair
from gateway.protocols.failure_repairs import repair_for
from gateway.protocols.redaction import redact

__all__ = [
    "TRANSPORT_KINDS",
    "Failure",
    "FailureKind",
    "QuotaViolation",
    "Repair",
    "classify",
    "classify_error",
    "from_transport",
]


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt.

    status          the upstream's true HTTP status; 0 when no answer came
    grpc_status     "RESOURCE_EXHAUSTED", or the Interactions API's string code, or ""
    reason          ErrorInfo.reason, or ""
    message         the upstream's words with every credential redacted; may be empty
    retry_after_s   what the upstream asked for, None when it did not
    project         "projects/N" when the error names the key's project
    repair          how the request might be changed, None when nothing is known to help
    """

    kind: FailureKind
    status: int = 0
    grpc_status: str = ""
    reason: str = ""
    message: str = ""
    retry_after_s: float | None = None
    project: str | None = None
    violations: tuple[QuotaViolation, ...] = ()
    activation_url: str | None = None
    repair: Repair | None = None


# Keys are the values of gateway.upstream.transport.FailureCause; `protocols` does not import `upstream`.
TRANSPORT_KINDS: Mapping[str, FailureKind] = MappingProxyType(
    {
        "resolve": FailureKind.NETWORK,
        "forbidden": FailureKind.NETWORK,
        "connect": FailureKind.NETWORK,
        "proxy": FailureKind.NETWORK,
        "tls": FailureKind.NETWORK,
        "timeout_connect": FailureKind.TIMEOUT,
        "timeout_first_byte": FailureKind.TIMEOUT,
        "timeout_idle": FailureKind.TIMEOUT,
        "timeout_total": FailureKind.TIMEOUT,
        "reset": FailureKind.NETWORK,
        "truncated": FailureKind.TRUNCATED,
        "protocol": FailureKind.NETWORK,
        "too_large": FailureKind.MALFORMED,  # as large with every key: one retry, no more
        "other": FailureKind.NETWORK,
    }
)

_STATUS_NUMBERS = MappingProxyType(
    {
        "INVALID_ARGUMENT": 400,
        "FAILED_PRECONDITION": 400,
        "OUT_OF_RANGE": 400,
        "UNAUTHENTICATED": 401,
        "PERMISSION_DENIED": 403,
        "NOT_FOUND": 404,
        "ABORTED": 409,
        "ALREADY_EXISTS": 409,
        "RESOURCE_EXHAUSTED": 429,
        "CANCELLED": 499,
        "UNKNOWN": 500,
        "INTERNAL": 500,
        "DATA_LOSS": 500,
        "UNIMPLEMENTED": 501,
        "UNAVAILABLE": 503,
        "DEADLINE_EXCEEDED": 504,
    }
)


def classify(status: int, body: bytes, *, retry_after: str | None = None) -> Failure:
    """Say what a failed answer means.

    status       the HTTP status of the answer
    body         its body as it came: Google's envelope (bare or in an array), a page, nothing, anything
    retry_after  the Retry-After header, used when the body asks for no delay of its own

    Never raises. Trusts `details[].reason` before the message and the message before the number.
    Source: Gemini API error bodies as publicly reported; Interactions API error codes.
    """
    return _failure(status, read_envelope(body), header_delay(retry_after))


def classify_error(error: object, status: int = 0) -> Failure:
    """Say what the `error` object inside an event means; `status` is used only when it bears no code."""
    return _failure(status, envelope_of(error), None)


def from_transport(cause: str, message: str) -> Failure:
    """Give the failure of a transfer that ended below HTTP; `cause` is a `FailureCause` value."""
    return Failure(kind=TRANSPORT_KINDS.get(cause, FailureKind.NETWORK), message=redact(message))


def _failure(status: int, envelope: Envelope, asked_s: float | None) -> Failure:
    if status < 300:  # an error inside a stream or a 200: its own number is the true one
        status = (
            envelope.code or _STATUS_NUMBERS.get(envelope.status, 0) or (500 if envelope.found else status)
        )
    kind = kind_of(status, envelope)
    url = envelope.metadata.get("activationUrl", "")
    return Failure(
        kind=kind,
        status=status,
        grpc_status=redact(envelope.status or envelope.code_name)[:60],
        reason=redact(envelope.reasons[0])[:60] if envelope.reasons else "",
        message=redact(envelope.message),
        retry_after_s=asked_s if envelope.retry_after_s is None else envelope.retry_after_s,
        project=envelope.project,
        violations=envelope.violations,
        activation_url=redact(url) if url.startswith("https://") and len(url) < 500 else None,
        repair=repair_for(envelope.message) if kind is FailureKind.CLIENT_ERROR and status == 400 else None,
    )
