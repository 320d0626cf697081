"""Keys as an operator sees them: the row, how the pool has them, and their use. Values without secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.control.probe_results import ProbeResult
from gateway.pool.bucket import BucketState
from gateway.pool.changes import BucketExplanation, KeyExplanation
from gateway.store.key_query import KeySort, KeyStanding
from gateway.store.key_use import KeyHour, KeyUse
from gateway.store.records import KeyEvent, KeyRow

KeyChoice = Literal["", "ready", "resting", "exhausted", "unavailable", "dead", "disabled"]
PROVIDERS = ("gemini", "vertex", "paid")


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys.

    text     part of alias, note, tags or project, or a whole key
    state    "" for all; with a model, how keys stand for it; exhausted and unavailable are said of models
    reason   why they do not serve, a failure kind
    failed   a failure kind they met in the last 24 hours, however they stand now
    model    without a state: keys that rest for it in whatever way
    """

    text: str = ""
    provider: str = ""
    state: KeyChoice = ""
    reason: str = ""
    failed: str = ""
    tag: str = ""
    project: str = ""
    model: str = ""
    sort: KeySort = "added"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class KeyView:
    """One key.

    state     "active", "resting", "dead" or "disabled", as the pool has it now
    kind      why it does not serve, a failure kind; None when it does
    sentence  all of it in plain words
    project   whose quota it uses, as far as known · project_set: what an operator said it is
    resting   models it does not serve now, the next to come back first
    use       since Pacific midnight, when Google's daily quotas begin anew
    hours     the last 24 hours; those without attempts are missing
    """

    id: int
    alias: str
    provider: str
    origin: str
    note: str
    tags: tuple[str, ...]
    project: str | None
    project_set: str | None
    weight: int
    enabled: bool
    created_at_ms: int
    state: str
    kind: str | None
    message: str
    sentence: str
    since_s: float
    until_s: float | None
    resting: tuple[BucketExplanation, ...]
    in_flight: int
    use: KeyUse
    hours: tuple[KeyHour, ...]

    @property
    def models_resting(self) -> int:
        return len(self.resting)

    @property
    def success_rate(self) -> float | None:
        """The share of today's attempts that the key and the provider served; None without any."""
        use = self.use
        return None if not use.attempts else (use.attempts - use.failures) / use.attempts


@dataclass(frozen=True, slots=True)
class KeyPage:
    """A page of keys.

    counts   keys by standing under the filter's other conditions
    total    keys that match
    page     from 1
    beside   keys that match and are no rows of the table: PAID_KEY's, on the first page; not counted
    """

    keys: tuple[KeyView, ...]
    counts: Mapping[KeyStanding, int]
    total: int
    page: int
    page_size: int
    beside: tuple[KeyView, ...] = ()

    @property
    def pages(self) -> int:
        return max(-(-self.total // self.page_size), 1)


@dataclass(frozen=True, slots=True)
class KeyDetail:
    """Everything about one key.

    explanation   as the pool has it, with buckets and limits; None when the pool does not know it
    kinds         attempts of the last 24 hours by failure kind, "" for success
    events        its history, the newest first
    probe         the last probe's verdict
    """

    key: KeyView
    explanation: KeyExplanation | None
    kinds: Mapping[str, int]
    events: tuple[KeyEvent, ...]
    probe: ProbeResult | None


def view_of(
    row: KeyRow, explanation: KeyExplanation | None, use: KeyUse | None, hours: list[KeyHour]
) -> KeyView:
    """A key from its parts; one that the pool does not know yet is shown as its row has it."""
    state = row_state(row) if explanation is None else explanation.state.value
    kind = None if explanation is None or explanation.kind is None else explanation.kind.value
    return KeyView(
        id=row.id,
        alias=row.alias,
        provider=row.provider,
        origin=row.origin,
        note=row.note,
        tags=row.tags,
        project=row.project if explanation is None else explanation.project,
        project_set=row.project,
        weight=row.weight,
        enabled=row.enabled,
        created_at_ms=row.created_at_ms,
        state=state,
        kind=row.dead_reason if explanation is None else kind,
        message="" if explanation is None else explanation.message,
        sentence="" if explanation is None else explanation.sentence,
        since_s=0.0 if explanation is None else explanation.since_s,
        until_s=None if explanation is None else explanation.until_s,
        resting=() if explanation is None else _resting(explanation.buckets),
        in_flight=0 if explanation is None else explanation.in_flight,
        use=use or KeyUse(),
        hours=tuple(hours),
    )


def _resting(buckets: Sequence[BucketExplanation]) -> tuple[BucketExplanation, ...]:
    resting = [each for each in buckets if each.state is not BucketState.OPEN]
    return tuple(sorted(resting, key=lambda each: each.until_s))


def row_state(row: KeyRow) -> str:
    """A key's state by its row alone."""
    if not row.enabled:
        return "disabled"
    return "active" if row.dead_reason is None else "dead"
