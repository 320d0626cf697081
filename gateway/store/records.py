"""The rows of the database as values. Nothing here knows how they are kept.

Times are epoch milliseconds (UTC) in the names' `_ms`; secrets are plain here and hidden from every repr.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.values import value


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key of the pool as stored.

    id           0 for a row that is to be added
    origin       "environment", "admin" or "import"
    dead_reason  a failure kind's value or words, None for a living key
    """

    secret: str = field(repr=False)
    alias: str
    provider: str = "gemini"
    origin: str = "admin"
    id: int = 0
    project: str | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    weight: int = 1
    enabled: bool = True
    dead_reason: str | None = None
    dead_since_ms: int = 0
    created_at_ms: int = 0
    updated_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An access token as stored.

    requests_per_minute, tokens_per_day, models, expires_at_ms   its limits; None for none
    """

    secret: str = field(repr=False)
    alias: str
    name: str = ""
    origin: str = "admin"
    id: int = 0
    enabled: bool = True
    created_at_ms: int = 0
    updated_at_ms: int = 0
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    models: tuple[str, ...] | None = None
    expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SettingValue:
    """One stored setting.

    value         JSON text
    fingerprint   of the environment's value when it was last seen, None for never
    origin        "environment", "admin", "default", "derived" or "generated"
    secret        the value is encrypted at rest when there is an encryption key
    """

    name: str
    value: str = field(repr=False)
    fingerprint: str | None
    origin: str
    secret: bool = False
    updated_at_ms: int = 0


@value(frozen=True, slots=True)
class AttemptRecord:
    """One try of a call on one key.

    bucket_state   how the key stood for the model because of it: cooling, exhausted, unavailable, or as a
                   whole resting or dead; None when nothing changed
    """

    number: int
    key_id: int
    key_alias: str
    failure_kind: str | None
    status: int
    duration_ms: int
    started_at_ms: int
    bucket_state: str | None = None


@value(frozen=True, slots=True)
class CallRecord:
    """One client call, whole. Bodies are bounded when they are written, and free of secrets before."""

    request_id: str
    started_at_ms: int
    dialect: str
    operation: str
    model: str
    token_id: int | None
    key_id: int | None
    status: int
    outcome: str
    failure_kind: str | None
    stream: bool
    duration_ms: int
    first_token_ms: int | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    thought_tokens: int = 0
    cached_tokens: int = 0
    total_tokens: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    attempts: tuple[AttemptRecord, ...] = ()
    error_body: bytes | None = field(default=None, repr=False)
    request_body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as read back; `id` grows with time and orders calls."""

    id: int
    call: CallRecord


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One thing a process told the others; `origin` is the process."""

    id: int
    origin: str
    topic: str
    payload: str


class PoolStateName(NamedTuple):
    """What a remembered state is of.

    owner   a key or a project, in words that tell which
    model   "" for the key as a whole
    kind    what is told of it
    """

    provider: str
    owner: str
    model: str
    kind: str


@dataclass(frozen=True, slots=True)
class PoolStateRow:
    """A thing's last state; the text is the pool's."""

    name: PoolStateName
    state: str


@dataclass(frozen=True, slots=True)
class BoundObject:
    """A thing at the provider that only one key, or its project, can reach.

    name            as the provider names it: `files/abc`, `cachedContents/x`
    project         of that key when it was known; any of the project's keys will do
    token_id        whose call made it; None for the administrator's token
    expires_at_ms   None for never
    details         what its kind needs to be known beside that, as text; encrypted at rest like a secret
    """

    name: str
    key_id: int
    project: str | None = None
    token_id: int | None = None
    created_at_ms: int = 0
    expires_at_ms: int | None = None
    details: str = field(default="", repr=False)


class ResponseLink(NamedTuple):
    """A kept response's place among the others.

    previous_id   the response that it went on from
    token_id      whose call made it; None for the administrator's token
    body_bytes    the size of its body, as it was given
    """

    id: str
    previous_id: str | None
    token_id: int | None
    created_at_ms: int
    body_bytes: int


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """A response that clients go on from. `body` is whatever its owner wants back; encrypted at rest."""

    link: ResponseLink
    body: bytes = field(repr=False)


class ObjectPlace(NamedTuple):
    """Where one page of objects ends: the next begins behind it."""

    created_at_ms: int
    name: str


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """Something that happened to a key.

    event      a state of the pool ("active", "resting", "dead") or what an administrator did
    kind       the failure kind behind it
    until_ms   when a rest ends
    actor      "pool", or who did it
    """

    key_id: int
    at_ms: int
    event: str
    kind: str | None = None
    message: str = ""
    until_ms: int | None = None
    actor: str = "pool"


@dataclass(frozen=True, slots=True)
class TaskRow:
    """Long work that somebody began.

    state     "running", "done", "stopped" or "failed"
    outcome   JSON of what came of it so far
    """

    id: str
    kind: str
    state: str
    done: int
    total: int
    started_at_ms: int
    updated_at_ms: int
    actor: str
    stop_asked: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A change somebody made.

    actor     "admin", "api", "command line" or the like · peer: the address it came from, "" for none
    subject   what was changed: "setting MAX_RETRIES", "token 3", "key 12", "keys"
    detail    JSON: the values before and after, the number of keys; secrets masked
    """

    at_ms: int
    actor: str
    peer: str
    action: str
    subject: str
    detail: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Somebody signed in to the admin.

    token_hash   of the random token in the cookie
    mark         says which administrator's token was right when it began
    """

    token_hash: str
    mark: str = field(repr=False)
    created_at_ms: int
    expires_at_ms: int
