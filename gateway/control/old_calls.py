"""Rows of gemini-balance's logs as calls of ours. Pure.

It logged every try by itself, without a client's token, counts of tokens or a link between tries: each try
becomes a call with one attempt. What is not known is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from gateway.protocols.failures import FailureKind, classify
from gateway.protocols.redaction import masked, redact
from gateway.relay.outcomes import outcome_of
from gateway.store.call_ids import ID_SHIFT
from gateway.store.gemini_balance import OldError, OldRequest
from gateway.store.records import AttemptRecord, CallRecord

UNKNOWN = "unknown"
_LOW_BITS = (1 << ID_SHIFT) - 1
_LONGEST_MS = 86_400_000
_HIGHEST_STATUS = 999
_KINDS: tuple[tuple[str, str, str], ...] = (
    ("openai-chat", "openai", "chat"),
    ("openai-image", "openai", "images"),
    ("openai-compatiable", "openai", "chat"),
    ("openai-embedding", "openai", "embeddings"),
    ("google-tts", "openai", "speech"),
    ("tts-api", "gemini", "generateContent"),
    ("gemini-chat-stream", "gemini", "streamGenerateContent"),
    ("gemini-chat", "gemini", "generateContent"),
    ("gemini-count", "gemini", "countTokens"),
    ("gemini-embed-single", "gemini", "embedContent"),
    ("gemini-embed-batch", "gemini", "batchEmbedContents"),
)
"""How its error types begin, with our dialect and operation."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read.

    zone          of the old program's clock: it wrote its local time
    now_ms        rows beyond it are not taken: their zone is another
    key_ids       a key's secret → its row here; one that is not here is 0
    """

    zone: tzinfo
    now_ms: int
    key_ids: Mapping[str, int]

    def began_ms(self, at: datetime | None) -> int | None:
        """When a row's call began; None when that cannot be."""
        if at is None or not 2000 < at.year < 2100:
            return None
        began_ms = int(at.replace(tzinfo=self.zone).astimezone(UTC).timestamp() * 1000)
        return began_ms if began_ms <= self.now_ms else None


def call_of_request(row: OldRequest, reading: Reading) -> tuple[int, CallRecord] | None:
    """A call with its id, the same at every reading; None for a row without a time that can be."""
    began_ms = reading.began_ms(row.at)
    if began_ms is None:
        return None
    status = _status(row.status, 200 if row.succeeded else 0)
    kind = None if row.succeeded else classify(status, b"").kind
    duration_ms = min(max(row.latency_ms or 0, 0), _LONGEST_MS)
    ended_ms = min(began_ms + duration_ms, reading.now_ms)
    call = _call(
        f"gemini-balance-{row.id}",
        (UNKNOWN, UNKNOWN),
        row.model,
        kind=kind,
        attempt=_attempt(row.key, kind, status, (began_ms, duration_ms), reading),
    )
    return (ended_ms << ID_SHIFT) | (row.id & _LOW_BITS), call


def call_of_error(row: OldError, reading: Reading) -> tuple[int, CallRecord] | None:
    """A failed call of which the request log knows nothing; None without a time that can be."""
    began_ms = reading.began_ms(row.at)
    if began_ms is None:
        return None
    status = _status(row.code, 0)
    answer = row.text[max(row.text.find("{"), 0) :]  # behind words of the old program's own
    kind = classify(status, answer.encode("utf-8", "replace")).kind
    dialect = next((names for begin, *names in _KINDS if row.kind.startswith(begin)), [UNKNOWN, UNKNOWN])
    call = _call(
        f"gemini-balance-error-{row.id}",
        (dialect[0], dialect[1]),
        row.model,
        kind=kind,
        attempt=_attempt(row.key, kind, status, (began_ms, 0), reading),
        stream="stream" in row.kind and "non-stream" not in row.kind,
        bodies=bodies_of(row),
    )
    return (began_ms << ID_SHIFT) | (~row.id & _LOW_BITS), call


def bodies_of(row: OldError) -> tuple[bytes, bytes | None]:
    """What was said, and the request if that was kept; the key's own secret is taken out."""
    secrets = (row.key,) if row.key else ()
    said = redact(row.text, secrets).encode("utf-8", "replace")
    request = None if row.request is None else redact(row.request, secrets).encode("utf-8", "replace")
    return said, None if request in (b"", b"null") else request


def _call(
    request_id: str,
    names: tuple[str, str],
    model: str,
    *,
    kind: FailureKind | None,
    attempt: AttemptRecord,
    stream: bool = False,
    bodies: tuple[bytes | None, bytes | None] = (None, None),
) -> CallRecord:
    return CallRecord(
        request_id=request_id,
        started_at_ms=attempt.started_at_ms,
        dialect=names[0],
        operation=names[1],
        model=model.removeprefix("models/") or UNKNOWN,
        token_id=None,
        key_id=attempt.key_id or None,
        status=attempt.status,
        outcome=outcome_of(kind, committed=False).value,
        failure_kind=attempt.failure_kind,
        stream=stream,
        duration_ms=attempt.duration_ms,
        attempts=(attempt,),
        error_body=bodies[0],
        request_body=bodies[1],
    )


def _attempt(
    key: str, kind: FailureKind | None, status: int, began_and_lasted_ms: tuple[int, int], reading: Reading
) -> AttemptRecord:
    began_ms, duration_ms = began_and_lasted_ms
    return AttemptRecord(
        number=1,
        key_id=reading.key_ids.get(key, 0),
        key_alias=masked(key),
        failure_kind=None if kind is None else kind.value,
        status=status,
        duration_ms=duration_ms,
        started_at_ms=began_ms,
    )


def _status(status: int | None, usual: int) -> int:
    return status if status is not None and 0 <= status <= _HIGHEST_STATUS else usual
