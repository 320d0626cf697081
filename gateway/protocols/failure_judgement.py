"""Which kind of failure an error envelope speaks of: the tables of reasons, codes and texts.

Reads an `Envelope`, gives a `FailureKind`. The door is `failures.classify`; nothing else calls this.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.protocols.failure_envelope import Envelope
from gateway.protocols.failure_kinds import FailureKind

# Reasons are written by Google alone, so they are believed before any text.
_REASON_KINDS = MappingProxyType(
    {
        "API_KEY_INVALID": FailureKind.KEY_INVALID,
        "API_KEY_EXPIRED": FailureKind.KEY_INVALID,
        "ACCESS_TOKEN_TYPE_UNSUPPORTED": FailureKind.KEY_INVALID,
        "CREDENTIALS_MISSING": FailureKind.GATEWAY_FAULT,
        "API_KEY_SERVICE_BLOCKED": FailureKind.KEY_BLOCKED,
        "API_KEY_HTTP_REFERRER_BLOCKED": FailureKind.KEY_BLOCKED,
        "API_KEY_IP_ADDRESS_BLOCKED": FailureKind.KEY_BLOCKED,
        "API_KEY_ANDROID_APP_BLOCKED": FailureKind.KEY_BLOCKED,
        "API_KEY_IOS_APP_BLOCKED": FailureKind.KEY_BLOCKED,
        "CONSUMER_SUSPENDED": FailureKind.PROJECT_SUSPENDED,
        "CONSUMER_INVALID": FailureKind.PROJECT_DENIED,
        "SERVICE_DISABLED": FailureKind.SERVICE_DISABLED,
        "BILLING_DISABLED": FailureKind.BILLING,
        "MODEL_CAPACITY_EXHAUSTED": FailureKind.OVERLOADED,
    }
)

# String codes of the Interactions API whose meaning does not hang on the message.
_CODE_KINDS = MappingProxyType(
    {
        "invalid_request": FailureKind.CLIENT_ERROR,
        "parameter_unknown": FailureKind.CLIENT_ERROR,
        "out_of_range": FailureKind.CLIENT_ERROR,
        "authentication": FailureKind.KEY_INVALID,
        "payment_required": FailureKind.BILLING,
        "rate_limit_exceeded": FailureKind.RATE_MINUTE,
        "quota_exceeded": FailureKind.RATE_DAY,
    }
)

# Texts are anchored at the start: Google repeats what the client wrote further on ('Unknown name "…"'),
# and a client must not be able to bury a key by quoting an error.
_KEY_TEXT = re.compile(r"API key (?:not valid|not found|expired)\b", re.IGNORECASE)
_FAULT_TEXT = re.compile(
    r"Multiple authentication credentials received|Method doesn't allow unregistered callers"
    r"|API keys are not supported by this API|Request is missing required authentication credential",
    re.IGNORECASE,
)
_LOCATION_TEXT = re.compile(
    r"User location is not supported|Gemini API free tier is not available in your country", re.IGNORECASE
)
_BILLED_MODEL_TEXT = re.compile(r"[^\"']{0,80}\bonly accessible to billed users", re.IGNORECASE)
_ENABLE_BILLING_TEXT = re.compile(r"[^\"']{0,200}\b(?:enable|requires?) billing\b", re.IGNORECASE)
_SPEND_TEXT = re.compile(
    r".{0,400}(?:spend(?:ing)?[ -](?:cap|limit)|prepa(?:id|yment) (?:credits?|balance)"
    r"|credits? (?:(?:is|are|has|have) )?(?:been )?(?:depleted|exhausted)"
    r"|insufficient (?:credits?|balance|funds))",
    re.IGNORECASE | re.DOTALL,
)
_RETIRED_MODEL_TEXT = re.compile(
    r"(?:This model|models/\S{1,100})\b[^\"']{0,200}\bno longer available\b", re.IGNORECASE
)
_FORBIDDEN_TEXTS = tuple(
    (re.compile(text, re.IGNORECASE), kind)
    for text, kind in (
        (r"Your API key was reported as leaked", FailureKind.KEY_LEAKED),
        (r"API key (?:not valid|not found|expired)\b", FailureKind.KEY_INVALID),
        (r"(?:Permission denied: )?Consumer .{0,200}has been suspended", FailureKind.PROJECT_SUSPENDED),
        (r"Your project has been denied access", FailureKind.PROJECT_DENIED),
        (r"[^\"']{0,60}\bdisabled in this account for violation", FailureKind.ACCOUNT_LIMITED),
        (r"Requests? (?:to this API|from) .{0,200}\bblocked", FailureKind.KEY_BLOCKED),
        (r"[^\"']{0,60}has not been used in project .{0,120}or it is disabled", FailureKind.SERVICE_DISABLED),
        (r"You do not have permission to access|CachedContent not found", FailureKind.OBJECT_DENIED),
        (r"[^\"']{0,200}\b(?:enable|requires?) billing\b", FailureKind.BILLING),
    )
)
_CLIENT_STATUSES = frozenset({405, 406, 409, 410, 411, 412, 413, 414, 415, 416, 417, 422, 428, 431, 501, 505})


def kind_of(status: int, envelope: Envelope) -> FailureKind:
    """Judge an envelope that came with `status` (300 or more, or 0 when nothing told)."""
    for reason in envelope.reasons:
        known = _REASON_KINDS.get(reason)
        if known is not None:
            return known
    if (by_code := _CODE_KINDS.get(envelope.code_name)) is not None and status != 429:
        return by_code
    if status >= 500:
        return _server_kind(status)
    judge = _JUDGES.get(status)
    if judge is not None:
        return judge(envelope)
    if status in _CLIENT_STATUSES:
        return FailureKind.CLIENT_ERROR
    # A redirect, or a page where an API answer should be, comes from something between us and Google.
    return FailureKind.NETWORK if 300 <= status < 400 or envelope.html else FailureKind.UNKNOWN


def _server_kind(status: int) -> FailureKind:
    if status in (501, 505):
        return FailureKind.CLIENT_ERROR
    if status in (504, 524):
        return FailureKind.DEADLINE
    return FailureKind.OVERLOADED if status in (503, 529) else FailureKind.INTERNAL


def _bad_request(envelope: Envelope) -> FailureKind:
    message = envelope.message
    if _KEY_TEXT.match(message):
        return FailureKind.KEY_INVALID
    if _FAULT_TEXT.match(message):
        return FailureKind.GATEWAY_FAULT
    if _LOCATION_TEXT.match(message):
        return FailureKind.LOCATION
    # These speak of one paid model: the key keeps serving the free ones.
    if _BILLED_MODEL_TEXT.match(message):
        return FailureKind.NO_ALLOWANCE
    if envelope.status == "FAILED_PRECONDITION" and _ENABLE_BILLING_TEXT.match(message):
        return FailureKind.NO_ALLOWANCE
    if _RETIRED_MODEL_TEXT.match(message):
        return FailureKind.NO_ALLOWANCE
    return FailureKind.CLIENT_ERROR


def _unauthenticated(envelope: Envelope) -> FailureKind:
    if _FAULT_TEXT.match(envelope.message):
        return FailureKind.GATEWAY_FAULT
    if envelope.html:
        return FailureKind.NETWORK
    return FailureKind.KEY_INVALID if envelope.found else FailureKind.UNKNOWN


def _forbidden(envelope: Envelope) -> FailureKind:
    if _FAULT_TEXT.match(envelope.message):
        return FailureKind.GATEWAY_FAULT
    for text, kind in _FORBIDDEN_TEXTS:
        if text.match(envelope.message):
            return kind
    if _LOCATION_TEXT.match(envelope.message):
        return FailureKind.LOCATION
    return FailureKind.NETWORK if envelope.html else FailureKind.UNKNOWN


def _absent(envelope: Envelope) -> FailureKind:
    return FailureKind.NO_ALLOWANCE if _RETIRED_MODEL_TEXT.match(envelope.message) else FailureKind.NOT_FOUND


def _exhausted(envelope: Envelope) -> FailureKind:
    violations = envelope.violations
    if any(violation.value == 0 for violation in violations):
        return FailureKind.NO_ALLOWANCE
    if _SPEND_TEXT.match(envelope.message):
        return FailureKind.BILLING
    # Minute and day limits may be hit together: the longer one decides, whatever the delay says.
    if any(violation.window == "day" for violation in violations):
        return FailureKind.RATE_DAY
    minutes = [violation for violation in violations if violation.window == "minute"]
    if minutes:
        only_tokens = all(violation.tokens for violation in minutes)
        return FailureKind.TOKENS_MINUTE if only_tokens else FailureKind.RATE_MINUTE
    return _CODE_KINDS.get(envelope.code_name, FailureKind.RATE_UNKNOWN)


def _payment(_: Envelope) -> FailureKind:
    return FailureKind.BILLING


def _unanswered(_: Envelope) -> FailureKind:
    return FailureKind.TIMEOUT


def _proxy_refused(_: Envelope) -> FailureKind:
    return FailureKind.NETWORK


def _cancelled(_: Envelope) -> FailureKind:
    return FailureKind.CANCELLED


def _elsewhere(_: Envelope) -> FailureKind:
    return FailureKind.LOCATION


_JUDGES: Mapping[int, Callable[[Envelope], FailureKind]] = MappingProxyType(
    {
        400: _bad_request,
        401: _unauthenticated,
        402: _payment,
        403: _forbidden,
        404: _absent,
        407: _proxy_refused,
        408: _unanswered,
        429: _exhausted,
        451: _elsewhere,
        499: _cancelled,
    }
)
