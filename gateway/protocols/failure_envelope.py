"""Reading the upstream's error envelopes, whatever their state: facts only, no judgement.

Gemini's object and array-wrapped forms, the Interactions API's string codes, HTML and empty bodies,
and hostile types. Called by `failures`, which decides what the facts mean.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

MAX_PARSED_BYTES = 1 << 20
_MAX_MESSAGE_CHARS = 2000
_MAX_DETAILS = 32
_MAX_RETRY_S = 7 * 86_400.0

_PROJECT = re.compile(r"projects/[0-9A-Za-z.:_-]{1,100}\Z")
_PROJECT_IN_TEXT = re.compile(r"\bin project ([0-9A-Za-z.:_-]{1,100}) before\b")
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,12})?)s\Z")
_RETRY_IN_TEXT = re.compile(r"retry in ((?:\d{1,9}(?:\.\d{1,12})?(?:ms|h|m|s))+)", re.IGNORECASE)
_DURATION_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_QUOTA_LINE = re.compile(
    r"Quota exceeded for metric: ([^\s,]{1,200}), limit: (\d{1,15})(?:, model: ([^\s,]{1,100}))?"
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class QuotaViolation:
    """One limit that a call ran into.

    quota_id  Google's name for the limit, "" when only the message told of it
    value     the limit itself, None when not said
    window    "minute", "day" or "unknown"
    tokens    True when it counts input tokens, not requests
    model     the model Google counted, "" when not said
    Source: google.rpc.QuotaFailure; ids and metrics as publicly reported for the Gemini API.
    """

    quota_id: str
    metric: str
    value: int | None
    window: str
    tokens: bool
    model: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an error body said, every field of a sane type. `message` is bounded but not yet redacted.

    found      an error object was there, so the body comes from the API and not from an edge or a proxy
    html       the body looked like a page
    code       the HTTP-like number inside, None when absent
    code_name  the string code of the Interactions API, "" when absent
    status     the gRPC status name, "" when absent
    """

    found: bool = False
    html: bool = False
    code: int | None = None
    code_name: str = ""
    status: str = ""
    message: str = ""
    reasons: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[QuotaViolation, ...] = ()
    retry_after_s: float | None = None
    project: str | None = None


def read_envelope(body: bytes) -> Envelope:
    """Read an error body of any kind; never raises."""
    if len(body) <= MAX_PARSED_BYTES:
        error = _error_in(_parsed(body))
        if error is not None:
            return envelope_of(error)
    text = body[:8192].decode("utf-8", "replace")
    html = "<html" in text[:2048].lower() or "<!doctype html" in text[:2048].lower()
    if html:
        title = _TITLE.search(text)
        text = title.group(1) if title else _TAG.sub(" ", text)
    return Envelope(html=html, message=" ".join(text.split())[:300])


def envelope_of(error: object) -> Envelope:
    """Read the value of an `error` field: normally an object, sometimes a bare string."""
    if isinstance(error, str):
        return Envelope(found=True, message=error[:_MAX_MESSAGE_CHARS])
    if not isinstance(error, dict):
        return Envelope(found=True)
    code = error.get("code")
    message = _text(error.get("message"))[:_MAX_MESSAGE_CHARS]
    details = [d for d in _listed(error.get("details")) if isinstance(d, dict)]
    reasons: list[str] = []
    metadata: dict[str, str] = {}
    for detail in details:
        reason = detail.get("reason")
        if isinstance(reason, str) and reason:
            reasons.append(reason)
            _collect(metadata, detail.get("metadata"))
    return Envelope(
        found=True,
        code=_number(code),
        code_name=code if isinstance(code, str) and not code.isdecimal() else "",
        status=_text(error.get("status")),
        message=message,
        reasons=tuple(reasons),
        metadata=metadata,
        violations=_violations(details, metadata, message),
        retry_after_s=_retry_after(details, message),
        project=_project(metadata, message),
    )


def header_delay(retry_after: str | None) -> float | None:
    """Seconds in a Retry-After header; None for its date form, which needs a clock."""
    if retry_after is None:
        return None
    match = _DURATION.match(retry_after.strip() + "s")
    return min(float(match.group(1)), _MAX_RETRY_S) if match else None


def _parsed(body: bytes) -> object:
    body = body.strip()
    if body.startswith(b"data:"):  # an error that arrived as one server-sent event
        body = body[5:].strip()
    for candidate in (body, body.strip(b"[], \r\n")):  # an array cut before its bracket
        if not candidate.startswith((b"{", b"[")):
            continue
        try:
            parsed: object = orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
        return parsed
    return None


def _error_in(parsed: object) -> object:
    if isinstance(parsed, list):
        parsed = next((item for item in parsed if isinstance(item, dict) and "error" in item), None)
    return parsed.get("error") if isinstance(parsed, dict) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _listed(value: object) -> list[Any]:
    return value[:_MAX_DETAILS] if isinstance(value, list) else []


def _number(value: object) -> int | None:
    """An int out of an int, a whole float or a short string of digits (int64 is a string in proto-JSON)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 15:
        return int(value)
    return value if isinstance(value, int) else None


def _collect(into: dict[str, str], metadata: object) -> None:
    if isinstance(metadata, dict):
        for name, value in list(metadata.items())[:_MAX_DETAILS]:
            if isinstance(value, str) and len(value) <= _MAX_MESSAGE_CHARS:
                into.setdefault(name, value)


def _violations(details: list[Any], metadata: dict[str, str], message: str) -> tuple[QuotaViolation, ...]:
    # A limit of 0 is often missing from the detail (proto-JSON drops zeros) but said in the message.
    said = {(m, model): int(value) for m, value, model in _QUOTA_LINE.findall(message)}
    by_metric = {metric: value for (metric, _), value in said.items()}
    seen: list[QuotaViolation] = []
    for detail in details:
        seen += [
            _violation(item, by_metric)
            for item in _listed(detail.get("violations"))
            if isinstance(item, dict) and (item.get("quotaId") or item.get("quotaMetric"))
        ]
    if not seen and "quota_limit" in metadata:  # the older form, inside ErrorInfo
        metric = metadata.get("quota_metric", "")
        seen.append(_quota(metadata["quota_limit"], metric, _number(metadata.get("quota_limit_value")), ""))
    if not seen:
        seen = [_quota("", metric, value, model) for (metric, model), value in said.items()]
    return tuple(seen)


def _violation(item: dict[str, Any], by_metric: dict[str, int]) -> QuotaViolation:
    metric = _text(item.get("quotaMetric"))
    value = _number(item.get("quotaValue"))
    dimensions = item.get("quotaDimensions")
    model = _text(dimensions.get("model")) if isinstance(dimensions, dict) else ""
    return _quota(
        _text(item.get("quotaId")), metric, by_metric.get(metric) if value is None else value, model
    )


def _quota(quota_id: str, metric: str, value: int | None, model: str) -> QuotaViolation:
    window = "day" if "PerDay" in quota_id else "minute" if "PerMinute" in quota_id else "unknown"
    tokens = "token" in metric.lower() or "token" in quota_id.lower()
    return QuotaViolation(quota_id[:200], metric[:200], value, window, tokens, model[:100])


def _retry_after(details: list[Any], message: str) -> float | None:
    for detail in details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (match := _DURATION.match(delay)):
            return min(float(match.group(1)), _MAX_RETRY_S)
        if isinstance(delay, dict):
            seconds = _number(delay.get("seconds")) or 0
            nanos = _number(delay.get("nanos")) or 0
            if 0 <= nanos < 1_000_000_000 and seconds >= 0:
                return min(seconds + nanos / 1e9, _MAX_RETRY_S)
    found = _RETRY_IN_TEXT.search(message)
    if found is None:
        return None
    pieces = _DURATION_PIECE.findall(found.group(1))
    return min(sum(float(amount) * _UNIT_S[unit.lower()] for amount, unit in pieces), _MAX_RETRY_S)


def _project(metadata: dict[str, str], message: str) -> str | None:
    consumer = metadata.get("consumer", "")
    if _PROJECT.match(consumer):
        return consumer
    named = _PROJECT_IN_TEXT.search(message)
    return f"projects/{named.group(1)}" if named else None
