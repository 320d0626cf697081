"""Which calls: what lists of calls ask the database for, and by what they are found. Values without SQL."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

_SUCCESS = "success"
LOOSE: Mapping[str, str] = MappingProxyType(
    {
        "min_duration_ms": "duration_ms",
        "min_first_token_ms": "first_token_ms",
        "min_total_tokens": "total_tokens",
        "min_attempts": "attempts",
    }
)
"""Conditions of a query that no index knows, and their columns."""


@dataclass(frozen=True, slots=True)
class CallQuery:
    """Which calls.

    since_ms, until_ms   when they ended; the second is not included
    token_id             0 for the administrator's token
    failure_kind         how the call failed; with `key_id`: how an attempt with that key did
    key_id               tried with this key, whether it answered or not
    key_failed           that attempt failed, or it did not
    outcomes             any of these; none for all
    request_id           a request id, or its beginning when that is long enough
    min_...              at least so much of it
    """

    since_ms: int | None = None
    until_ms: int | None = None
    token_id: int | None = None
    model: str | None = None
    dialect: str | None = None
    status: int | None = None
    failure_kind: str | None = None
    key_id: int | None = None
    key_failed: bool | None = None
    outcomes: tuple[str, ...] = ()
    request_id: str | None = None
    min_duration_ms: int | None = None
    min_first_token_ms: int | None = None
    min_total_tokens: int | None = None
    min_attempts: int | None = None

    @property
    def is_loose(self) -> bool:
        """Whether something is asked that no index knows."""
        return any(getattr(self, name) is not None for name in LOOSE)

    @property
    def conditions(self) -> int:
        """How many different things are asked, time apart: of one, an index knows everything."""
        asked = (self.token_id, self.model, self.dialect, self.status, self.failure_kind, self.key_id)
        return sum(each is not None for each in (*asked, self.request_id, self.outcomes or None))

    @property
    def outcome(self) -> str | None:
        """The one outcome that is asked for."""
        return self.outcomes[0] if len(self.outcomes) == 1 else None

    @property
    def summed(self) -> dict[str, object]:
        """What of it the sums of calls tell apart, by their columns; None where it does not matter."""
        return {
            "token_id": self.token_id,
            "model": self.model,
            "dialect": self.dialect,
            "outcome": self.outcome,
        }

    @property
    def is_crossing(self) -> bool:
        """Whether several conditions are met by so many calls that none of them should lead alone."""
        named = sum(value is not None for value in self.summed.values())
        others = (self.failure_kind, self.key_id, self.request_id)
        return named > 1 and all(value is None for value in others)

    @property
    def is_all_indexed(self) -> bool:
        """Whether several things are asked, and each is one value of a column with an index."""
        is_single = self.token_id != 0 and len(self.outcomes) <= 1
        others = (self.key_id, self.request_id)
        return is_single and self.conditions > 1 and not self.is_loose and others == (None, None)

    def lead(self, *, failures_apart: bool) -> str:
        """The column whose index is walked along: what most calls have in common leads last, or not at all.

        failures_apart   successes are in no index of status and outcome
        """
        if self.failure_kind is not None:
            return "failure_kind"
        if self.status is not None and self.status != 200:
            return "status"
        if self.outcome not in (None, _SUCCESS):
            return "outcome"
        if self.token_id is not None:
            return "token_id"
        if self.model is not None:
            return "model"
        if self.dialect is not None:
            return "dialect"
        if failures_apart:
            return ""
        return "outcome" if self.outcome is not None else "status" if self.status is not None else ""

    def led(self, *, failures_apart: bool) -> "CallQuery":
        """The one condition whose index is walked along, and the time."""
        alone = CallQuery(since_ms=self.since_ms, until_ms=self.until_ms)
        if self.request_id is not None:
            return replace(alone, request_id=self.request_id)
        if self.key_id is not None:
            return replace(alone, key_id=self.key_id)
        column = self.lead(failures_apart=failures_apart)
        lead = "outcomes" if column == "outcome" else column
        return replace(alone, **{lead: getattr(self, lead)}) if lead else alone
